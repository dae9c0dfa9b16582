#pragma once

// What a connection's first request wants at a listener with SockJS: a WebSocket, with or without
// SockJS's frames, or one of its HTTP resources. Pure.

#include "broker/websocket/http_head.hpp"
#include "gateway/transports/sockjs/route.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::sockjs {

// What is served at one listener.
struct premises {
    std::vector<service> services;
    std::vector<std::string> websocket_paths; // of plain WebSocket, those of the services included
};

enum class wish : std::uint8_t {
    unfinished,       // the head is not whole
    plain_websocket,  // also whatever only its handshake can judge
    framed_websocket, // SockJS's frames in its messages
    http,
};
wish wish_of(const websocket::http_head& head, std::string_view path, const premises& at);
wish wish_of(
    std::string_view so_far, std::size_t looked_at, std::size_t head_bytes_max, const premises& at);

} // namespace gateway::sockjs
