#pragma once

// The table "Session" of docs/switch.md as one function: what an event does to a session in a state,
// under the facts that the cell asks for. Whoever decides such a cell asks here. The test reads the page
// and compares it cell by cell.
//
// Threading:  a function of its arguments alone.

#include "gateway/core/tables/client_session.hpp"

#include <cstdint>

namespace gateway {

// The columns.
enum class session_event : std::uint8_t {
    client_frame,
    hold,
    looked_at, // in the hold: something came that it may have waited for
    commit,
    abort,
    link_lost,
};

// What the cells ask. A caller gives those that its event can have; the others stay false.
struct session_facts {
    bool first_frame = false;   // of this client
    bool not_connect = false;   // the first frame, and neither CONNECT nor STOMP
    bool disconnect = false;    // the frame is DISCONNECT
    bool close_wanted = false;  // S4
    bool can_be_held = false;   // settled, and its standby is ready with the journal, or failed
    bool standby_ready = false; // S6
    bool live_complete = false; // S6: its live links are alive and have the journal
    bool refused = false;       // the broker refused the login
    bool of_standby = false;    // the lost link is the standby's
    bool of_live = false;       // the lost link is the live binding's
    bool said_held = false;     // the shard has said `held`
};

enum class session_result : std::uint8_t {
    stays,
    moves, // to `session_step::to`
    ends,
    illegal, // the event cannot come in this state
};

// What is done besides: the part of a case behind its result.
enum class session_doing : std::uint8_t {
    nothing,
    reads_frame,
    reads_frame_for_later, // answered after the decision
    carries_frame,
    interprets_frame,
    ignores_frame,
    says_error,
    says_brokers_error,
    counts_as_held,
    drops_attempt,
    stops_attempt,
    settles,
    to_new_color,
    to_new_color_late, // pinned or cut (S8)
    to_old_color,
    on_same_color,
    releases_standby,
    tries_on,
    tries_again, // after a back-off, or is parked
    ends_once_answered,
    mends_standby,  // S9
    doubts_unproven, // and is looked at
    remembers_loss,
    says_unheld,
    doubts_owed,
};

struct session_step {
    session_result result = session_result::illegal;
    session_state to{}; // where it moves
    session_doing doing = session_doing::nothing;

    bool moves() const noexcept { return result == session_result::moves; }
    friend bool operator==(const session_step&, const session_step&) = default;
};

session_step
next_step(session_state in, session_event what, const session_facts& facts) noexcept;

} // namespace gateway
