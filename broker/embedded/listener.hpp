#pragma once

// A listening socket on a readiness loop.
//
// Threading:  one loop's thread.
// Lifetime:   owned by its stomp_server; closing it stops accepting.

#include "broker/net/readiness_loop.hpp"
#include "broker/net/timer_wheel.hpp"

#include <cstdint>

namespace embedded {

enum class transport : std::uint8_t {
    stomp,     // plain STOMP over TCP
    websocket, // at /ws
    status,    // GET /status
};

class accept_handler {
public:
    // Takes ownership of the descriptor.
    virtual void on_accepted(int descriptor, transport over) = 0;

protected:
    ~accept_handler() = default;
};

class listener final : public net::ready_handler, private net::timer {
public:
    // Takes ownership of a listening, non-blocking descriptor.
    listener(net::readiness_loop& loop, int descriptor, transport over, accept_handler& handler);
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;
    ~listener() override;

private:
    void on_ready(std::uint32_t epoll_events) override;
    void on_timer(net::time_point now) override;

    net::readiness_loop& loop_;
    accept_handler& handler_;
    int descriptor_;
    transport over_;
};

} // namespace embedded
