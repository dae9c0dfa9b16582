#pragma once

// The marks of one pair of wire subscriptions: which one is on its way, and which one was read
// last. switch.md P7: Oa, Na, Ob at the end of preparing; Nc, Oc, Nd after the commit. O is SENT to
// the old wire subscription, N to the new one, each from every endpoint of both colors. Each mark
// is read back from all of them before the next one is SENT.

#include "broker/color.hpp"
#include "broker/net/time.hpp"

#include <cstdint>

namespace gateway {

enum class window_mark : std::uint8_t { none, oa, na, ob, nc, oc, nd };

constexpr bool goes_to_old(window_mark m) noexcept
{
    return m == window_mark::oa || m == window_mark::ob || m == window_mark::oc;
}

struct pair_marks {
    window_mark read = window_mark::none;    // from every endpoint
    window_mark on_way = window_mark::none;  // not read from all of them
    bool given_up = false; // no marks: there are none here, or one did not arrive in time
    bool decided = false;  // the seam is made: Nc follows Ob
    std::uint64_t number = 0;                  // of the mark that is on its way; never used twice
    broker::per_color<std::uint64_t> awaited{}; // one bit for each endpoint, by its index
    broker::per_color<std::uint64_t> rode{}; // where it was SENT from
    net::time_point began{}; // when Oa or Nc was SENT; it bounds the wait
    net::time_point sent{}, again{};
    unsigned times = 0;
};

} // namespace gateway
