#pragma once

// Names of the headers that are the gateway's own. A client's frame that has one is refused; what
// brokers bring has them in no MESSAGE that a client is given.

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
