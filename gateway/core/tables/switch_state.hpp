#pragma once

// A switch as this shard, one of its members, sees it: the running one, or the last one while its
// drain goes on (C9). switch_member changes it. All other parts read the phase and count in the
// tally.
//
// Invariants:
// (1) Outside of `steady` exactly one switch runs, and only its commands are heard (C2).
// (2) Each number counts in the report of the switch that caused it: tally_of().

#include "control/protocol/switch_messages.hpp"
#include "gateway/core/tables/share_group.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace gateway {

using broker::color;
using net::time_point;

enum class member_phase : std::uint8_t {
    steady,    // no switch, or its drain goes on
    preparing, // standbys are made
    prepared,  // said so
    holding,   // clients are not interpreted
    held,      // said so; MESSAGEs of the new color are kept
};

// One that committed before the running one and whose seams are not all over (C9).
struct past_switch {
    control::switch_number id;
    control::tally numbers;
};

struct switch_state {
    member_phase phase = member_phase::steady;
    control::switch_number id = 0;
    color from = color::blue, to = color::green;
    control::prepare_settings timing;
    control::tally tally;
    std::vector<past_switch> past;

    // ---- preparing
    bool pauses = false;          // C14: behind `prepared` it may wait for long
    bool backplane_open = false;  // P9: it is being found out, and no standby subscribes
    std::size_t unprepared = 0;   // ordered sessions neither ready nor failed
    time_point proofs_asked{};    // S2: the barriers at its end, the newest round
    time_point proofs_answered{}; // its newest answer
    time_point proofs_give_up{};  // no further round begins after this

    // ---- the hold
    time_point hold_began{};
    std::size_t unheld = 0; // sessions that hold asked and that are not held
    std::size_t lost_links = 0;
    std::size_t links_answered = 0; // of the new color (B6)
    std::set<link_id> awaited; // links whose barrier is open (S1); preparing: the same (S2)
    std::set<link_id> unread;  // their seam buffers were full before the decision
    bool cut = false;          // C5: `cut` was ordered
    std::size_t closings = 0;  // S18: sessions that are closed one after the other

    // ---- after the decision
    bool committed = false; // how the last switch ended
    time_point drain_until = net::never;
    time_point leave_from{};       // own links of the old color are not left before
    std::set<session_id> draining; // sessions whose old binding lingers
    bool doubted = false;          // receipt_timeout passed
    bool numbers_due = false;

    bool running() const noexcept { return phase != member_phase::steady; }
    bool paused() const noexcept { return pauses && phase == member_phase::prepared; } // C14
    // The report that counts what that switch caused.
    control::tally& tally_of(control::switch_number made_by) noexcept;
    // A sentence of the report, once, and whose sessions that was.
    void note_counted(std::string_view sentence, control::session_names whose = {});
};

} // namespace gateway
