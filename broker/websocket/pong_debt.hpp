#pragma once

// The pongs that are owed to a peer for its pings (RFC 6455, 5.5.2). While the peer takes what is
// written to it, each ping gets its pong at once. While written bytes wait for the peer, no pong is
// queued after them. Then only the pong of the newest ping is owed (5.5.3), until everything that
// was queued before the oldest unanswered ping has been written. So a peer that sends pings and
// reads nothing costs one pong.
//
// Threading:  one loop's thread.
// Lifetime:   a member of a connection. It holds no memory but a pointer while nothing is owed.

#include "broker/net/connection.hpp"
#include "broker/websocket/codec.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace websocket {

class pong_debt {
public:
    // Pongs of one turn that are answered one by one: more are a flood, whose newest counts.
    static constexpr std::size_t at_once_max = 4096;

    // Appends to the connection's outbox, or remembers.
    void on_ping(std::span<const char> payload, role from, net::connection& to);
    // To be called when something was written.
    void on_written(role from, net::connection& to);
    // Bytes that are kept for it, beside the outbox.
    std::size_t bytes() const noexcept { return owed_ ? sizeof(owed) : 0; }

private:
    struct owed {
        std::array<char, 125> payload;
        std::uint8_t size = 0;
        std::uint64_t behind = 0; // net::outbox::written() from which on it may be queued
    };

    std::unique_ptr<owed> owed_;
};

} // namespace websocket
