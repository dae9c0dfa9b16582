#pragma once

// Names of the gateway's own headers. A client's frame that has one of them is refused. They are
// removed from every MESSAGE before a client gets it.

#include <algorithm>
#include <array>
#include <string_view>

namespace broker {

inline constexpr std::string_view marker_header = "teal-marker"; // a private message to one queue
inline constexpr std::string_view id_header = "teal-id";         // unique for each SEND (P5)

inline constexpr std::array own_headers{marker_header, id_header};

constexpr bool is_own_header(std::string_view name) noexcept
{
    return name.starts_with("teal-") && std::ranges::find(own_headers, name) != own_headers.end();
}

} // namespace broker
