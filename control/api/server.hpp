#pragma once

// The HTTP driver of the admin API: TCP or unix socket, keep-alive, limits, and event streams. The
// rules of the API are in api.hpp, not here.
//
// Threading:  control thread. Built and destroyed on the thread of its io_context.
// Lifetime:   after stop() and one more turn of the io_context no handler refers to it. The api and
//             the control_service outlive it.
// Limits:     api_server_options. Above connections_max the server closes the connection that can
//             best be spared: the longest idle one, then the oldest unfinished request, then the
//             one that takes its answer slowest. So a new connection is always served, and health
//             checks above all.

#include "control/api/api.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace control {

struct api_server_options {
    std::string bind; // HOST:PORT or unix:PATH
    std::optional<unsigned> socket_mode, socket_group; // of unix:PATH [0660, the process's]
    bool tls = false; // not built yet: a start-up error
    std::size_t connections_max = 64;
    std::uint32_t head_bytes_max = 8 * 1024;
    std::uint64_t body_bytes_max = 64 * 1024;
    std::chrono::seconds request_timeout{
        10}; // from a request's first byte to its last, and for each write
    std::chrono::seconds idle_timeout{60};  // between two requests
    std::chrono::seconds comment_every{15}; // in a silent event stream
};

// True where only this machine can reach it, so that tokens may be absent.
bool reachable_from_here_only(const std::string& bind);

class api_server {
    struct state;

public:
    // The string is the start-up error (exit 2) and names the address.
    static std::variant<std::unique_ptr<api_server>, std::string> listen(
        boost::asio::io_context& context, api& router, control_service& control,
        api_server_options options, log_sink log);
    explicit api_server(std::shared_ptr<state> what); // listen() makes what it takes
    api_server(const api_server&) = delete;
    api_server& operator=(const api_server&) = delete;
    ~api_server();

    std::uint16_t port() const; // 0 on a unix socket
    std::size_t connections() const;
    // No accepts any more, and every connection is closed.
    void stop();

private:
    std::shared_ptr<state> state_; // shared with the coroutines, which end after stop()
};

} // namespace control
