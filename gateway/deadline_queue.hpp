#pragma once

// What a router waits for, by time. Kinds of which one is enough are armed at most once, at the
// earliest time that was asked for: a chain for every time would never end.

#include "broker/net/time.hpp"

#include <array>
#include <cstdint>
#include <queue>
#include <vector>

namespace gateway {

enum class due : std::uint8_t {
    link,          // its own deadline (trial, barrier)
    link_connect,  // limits.connect_timeout
    wire_confirm,  // B4: no receipts
    session_retry, // back-off of a bind
    session_park,
    session_stall,
    session_pin,
    session_close,
    fence,        // M13: a marker for who is bound again
    marker_trial, // no marker came: that endpoint gives none (B3)
    receipts,
    // Of these at most one each is armed, the earliest: a chain for every time that one is
    // asked for would never end.
    group_proof, // brokers.auth_recheck
    dials,
    probes,
    barriers,
    seams,
    worlds, // M2: a marker from one endpoint to another
    drain,
    moves, // M13
    numbers,
};

struct deadline {
    net::time_point at;
    due what;
    std::uint64_t subject;
    bool operator>(const deadline& o) const noexcept { return at > o.at; }
};

class deadline_queue {
public:
    deadline_queue() { armed_.fill(net::never); }

    void add(net::time_point when, due what, std::uint64_t subject);
    net::time_point next() const noexcept { return queue_.empty() ? net::never : queue_.top().at; }
    // Takes out what is ripe, in order.
    std::vector<deadline> take(net::time_point now);
    std::size_t size() const noexcept { return queue_.size(); }

private:
    bool superseded(const deadline& d) noexcept;

    std::priority_queue<deadline, std::vector<deadline>, std::greater<>> queue_;
    std::array<net::time_point, static_cast<std::size_t>(due::numbers) + 1> armed_;
};

} // namespace gateway
