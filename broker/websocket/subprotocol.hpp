#pragma once

// The names of STOMP's versions as WebSocket subprotocols (IANA's registry: v10.stomp, v11.stomp,
// v12.stomp).

#include "broker/stomp/frame.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace websocket {

inline constexpr std::array highest_first{
    stomp::version::v12, stomp::version::v11, stomp::version::v10};

constexpr std::string_view subprotocol_name(stomp::version v) noexcept
{
    switch (v) {
    case stomp::version::v10: return "v10.stomp";
    case stomp::version::v11: return "v11.stomp";
    case stomp::version::v12: return "v12.stomp";
    }
    return {};
}

// Names of subprotocols are compared with their case (RFC 6455, 4.1).
constexpr std::optional<stomp::version> subprotocol_version(std::string_view name) noexcept
{
    for (const stomp::version v : highest_first)
        if (subprotocol_name(v) == name)
            return v;
    return std::nullopt;
}

} // namespace websocket
