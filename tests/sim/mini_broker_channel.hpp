#pragma once

// One link as its broker sees it; for mini_broker's own files.

#include "tests/sim/mini_broker.hpp"

#include <deque>
#include <set>

namespace sim {

struct mini_broker::channel final : embedded::session_sink {
    mini_broker* broker = nullptr;
    std::uint64_t number = 0;
    connection_ref wire;
    stomp::parser parser;
    stomp::frame_view frame;
    std::string buffer;
    embedded::session_id session{};
    std::size_t node = 0;
    unsigned shard = 0;
    bool ended = false, stalled = false, said_error = false, disconnected = false;
    std::map<std::string, std::string> subscriptions; // id, destination
    std::map<std::string, std::vector<message_key>> transactions;
    std::map<std::string, std::vector<std::string>> refused; // transaction: why its SENDs are
    std::set<std::string> settled;                           // ids that were not said (K6)
    std::deque<stomp::frame> deferred; // read, and without effect yet
    time_point last_effect{};
    std::string shadow; // the RECEIPT that follows an ERROR
    std::optional<net::duration> confirms_after; // of the SEND that takes effect

    void write(std::string_view head, const net::payload_ref& rest) override
    {
        std::string bytes{head};
        if (rest) {
            bytes.append(rest->bytes());
        }
        bytes = broker->without_id(*this, std::move(bytes));
        if (broker->late() && head.starts_with("MESSAGE\n")) {
            broker->bring(*this, std::move(bytes));
        } else if (confirms_after && head.starts_with("RECEIPT\n")) {
            broker->confirm(*this, std::move(bytes), *confirms_after);
        } else {
            wire->to_gateway->write(broker->as_said(std::move(bytes)));
        }
    }
    std::size_t unsent() const noexcept override { return wire->to_gateway->waiting(); }
    void close(parting how) override
    {
        ended = true;
        if (how == parting::at_once) {
            wire->to_gateway->drop_unsent();
        } else if (!shadow.empty()) {
            wire->to_gateway->write(shadow);
        }
        wire->to_gateway->finish();
    }
};

} // namespace sim
