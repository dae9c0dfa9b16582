#pragma once

// What an event found out and what is done only at its end. A room notes it here, and the router
// works it off when the rest of the event is over. So nothing is pulled away under a loop, and no
// room calls a room above its own.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) It is empty between two events.
// (2) An object that was noted may be gone when its turn comes. So everything is named by its
//     number.

#include "broker/color.hpp"
#include "broker/link.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gateway {

// A session whose links to that color were refused.
struct noted_refusal {
    broker::session_id session;
    broker::color of;
    std::string why;
    std::shared_ptr<const broker::broker_error> error; // null: the gateway's own reason
};

// A session whose standby can not be had, with the sentence for the report.
struct noted_standby {
    broker::session_id session;
    std::string why;
};

// A pair of wire subscriptions whose old side was marked to its end (P7), and the endpoints that
// the last mark rode from; 0: there are no marks.
struct noted_mark {
    broker::wire_id old_wire, new_wire;
    std::uint64_t read;
};

// A pair whose buffer is full (M10).
struct noted_full {
    broker::wire_id old_wire, new_wire;
};

struct noted {
    std::vector<noted_full> full;
    std::vector<noted_mark> marked;
    std::vector<noted_standby> standbys;
    std::vector<noted_refusal> refusals;
    std::vector<broker::session_id> bound; // on the live color; it may be pinned or new in a switch
    std::vector<broker::session_id> pumps; // what waits of its frames may go on

    bool empty() const noexcept
    {
        return full.empty() && marked.empty() && standbys.empty() && refusals.empty() &&
               bound.empty() && pumps.empty();
    }
};

} // namespace gateway
