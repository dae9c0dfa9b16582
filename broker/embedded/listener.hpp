#pragma once

// A listening socket of the broker, and the protocol that is spoken on it.
//
// Threading:  one loop's thread.
// Lifetime:   owned by its stomp_server. Closing it stops accepting.

#include "broker/net/acceptor.hpp"

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

class listener final : private net::accept_handler {
public:
    static constexpr int burst = 256; // connections a turn

    // Takes ownership of a listening, non-blocking descriptor.
    listener(
        net::readiness_loop& loop, int descriptor, transport over,
        embedded::accept_handler& handler)
        : handler_(handler), over_(over), acceptor_(loop, descriptor, burst, *this)
    {
    }
    boost::system::error_code failed() const noexcept { return acceptor_.failed(); }

private:
    void on_accepted(int descriptor) override { handler_.on_accepted(descriptor, over_); }
    void on_accept_failed(boost::system::error_code) override {} // they wait, that is all

    embedded::accept_handler& handler_;
    transport over_;
    net::acceptor acceptor_;
};

} // namespace embedded
