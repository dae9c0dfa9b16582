#pragma once

// One session's SENDs in the newest switch, as control::send_counts adds them up. `accepted` are
// those that were unanswered or unproven at the prepare order, and those that were carried from the
// hold on.
//
// Threading:  belongs to one shard.
// Lifetime:   from the prepare order to the next one. Only sessions that had such SENDs have one,
//             so an idle session has none.

#include "broker/ids.hpp"

#include <cstdint>

namespace gateway {

// SENDs that asked for no receipt, on the link that the last SEND used: before the newest barrier
// there and behind it. Two counts are enough, because a link has one barrier open at a time.
struct silent_sends {
    std::uint32_t before = 0, behind = 0;
    std::uint32_t barrier = 0; // which one: how many SENDs it covers, the low bits
};

struct session_sends {
    std::uint32_t accepted = 0, confirmed = 0, unconfirmed = 0, refused = 0, in_doubt = 0;
    // Silent ones of the prepare order, proven by the barrier that was open then and by the next.
    std::uint32_t silent_first = 0, silent_rest = 0;
    broker::link_id silent_on = broker::link_id::none;
};

} // namespace gateway
