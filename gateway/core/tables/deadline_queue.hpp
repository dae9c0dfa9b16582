#pragma once

// The deadlines of a router, ordered by time. Some kinds of deadline are needed only once in all,
// or once per session. These are armed at most once, at the earliest time that was asked for, and
// the code that then runs arms the next. A new deadline for every request would never end: each run
// that asks twice would double their number.
// Deadlines of the same time run in the order of their kinds and then of their numbers, whichever
// was asked for first.

#include "broker/net/hash_map.hpp"
#include "broker/net/time.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <queue>
#include <vector>

namespace gateway {

enum class due : std::uint8_t {
    link,          // its own deadline (trial, barrier)
    link_connect,  // limits.connect_timeout
    wire_confirm,  // B4: no receipts
    session_retry, // back-off of a bind: one for each session
    session_park,
    session_stall,
    session_pin,
    session_close,
    fence,        // M13: a marker for a session that is bound again
    marker_trial, // no marker arrived: that endpoint delivers none (B3)
    receipts,
    // Of these one each is enough.
    group_proof, // brokers.auth_recheck
    dials,
    probes,
    barriers,
    seams,
    worlds,    // M2: a marker from one endpoint to another
    backplane, // P9: one from a color to the other
    trials,    // of SUBSCRIBEs, and their links
    drain,
    moves, // M13
    numbers,
};

struct deadline {
    net::time_point at;
    due what;
    std::uint64_t subject;
    auto operator<=>(const deadline&) const noexcept = default;
};

class deadline_queue {
public:
    deadline_queue() { armed_.fill(net::never); }

    void add(net::time_point when, due what, std::uint64_t subject);
    net::time_point next() const noexcept { return queue_.empty() ? net::never : queue_.top().at; }
    // Takes out the deadlines that are due, in order.
    std::vector<deadline> take(net::time_point now);
    std::size_t size() const noexcept { return queue_.size(); }

private:
    net::time_point* armed(due what, std::uint64_t subject);
    bool superseded(const deadline& d);

    std::priority_queue<deadline, std::vector<deadline>, std::greater<>> queue_;
    std::array<net::time_point, static_cast<std::size_t>(due::numbers) + 1> armed_;
    net::hash_map<std::uint64_t, net::time_point> retries_; // armed, by session
};

} // namespace gateway
