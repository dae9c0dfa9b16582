#pragma once

// What a request asks for, by its path. Source: sockjs-protocol 0.3.3, "Static URLs" and "Session
// URLs": `BASE/info`, `BASE/websocket`, `BASE/SERVER/SESSION/TRANSPORT`. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gateway::sockjs {

// What is served under one path.
struct service {
    std::string path;      // without a slash at its end; "" is the root
    bool websocket = true; // both forms of it
    bool cookie_needed = false;
    std::size_t response_bytes_max = std::size_t{128} * 1024; // of one streaming answer
};

enum class resource : std::uint8_t {
    greeting,
    info,
    raw_websocket,    // BASE/websocket: no frames of SockJS
    framed_websocket, // and all below of a session
    xhr,
    xhr_streaming,
    xhr_send,
    eventsource,
};
constexpr bool is_of_session(resource r) noexcept
{
    return r >= resource::framed_websocket;
}
// "OPTIONS, POST" and the like; what `Allow` says.
std::string_view methods_of(resource r) noexcept;
bool is_method_of(resource r, std::string_view method) noexcept;

struct route {
    std::size_t service = 0;
    resource what = resource::greeting;
    std::string_view session; // of a session's resources; as it stands in the path
};

// nullopt: nothing of SockJS is there.
std::optional<route> find_route(std::string_view path, std::span<const service> services) noexcept;
// Whether the path is a service's or beneath it, whatever is there.
bool is_beneath(std::string_view path, std::span<const service> services) noexcept;

} // namespace gateway::sockjs
