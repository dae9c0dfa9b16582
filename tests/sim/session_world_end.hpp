#pragma once

// One connection to a broker, of the gateway or of the publisher outside; for session_world's own
// files.

#include "tests/sim/session_world.hpp"

namespace sim {

struct session_world::end final : embedded::session_sink {
    session_world* world = nullptr;
    std::uint64_t number = 0;
    color at = color::blue;
    embedded::session_id session{};
    bool open = false;        // dialled
    bool reading = true;      // by the gateway
    bool router_gone = false; // the gateway lost or closed it
    bool broker_gone = false; // on_gone was said, or the broker ended it
    std::uint64_t dialled = 0;
    std::deque<pipe_frame> to_broker, to_router;
    stomp::parser broker_parser, router_parser;

    void write(std::string_view head, const net::payload_ref& rest) override
    {
        std::string bytes{head};
        if (rest) {
            bytes.append(rest->bytes());
        }
        world->broker_writes(*this, std::move(bytes));
    }
    std::size_t unsent() const noexcept override { return 0; }
    void close(parting) override { world->broker_writes(*this, {}); }
};

} // namespace sim
