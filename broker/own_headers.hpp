#pragma once

// Names of the gateway's own headers. A client's frame that has one of them is refused. They are
// removed from every MESSAGE before a client gets it.

#include <algorithm>
#include <array>
#include <string_view>

namespace broker {

inline constexpr std::string_view marker_header = "teal-marker"; // a private message to one queue
inline constexpr std::string_view id_header = "teal-id";         // unique for each SEND (P5)

// What an application is told of a session of its (O7): the same on both colors, and why the gateway
// connects, subscribes or leaves.
inline constexpr std::string_view session_header = "teal-session";
inline constexpr std::string_view reason_header = "teal-reason";

inline constexpr std::array own_headers{marker_header, id_header, session_header, reason_header};

constexpr bool is_own_header(std::string_view name) noexcept
{
    return name.starts_with("teal-") && std::ranges::find(own_headers, name) != own_headers.end();
}

} // namespace broker
