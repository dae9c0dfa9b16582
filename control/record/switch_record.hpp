#pragma once

// Everything known about one attempt of a switch: the content of its report, and its events for
// those who watch it.
//
// Threading:  control thread.
// Lifetime:   owned by the coordinator while it is not steady, then by the history, because joining
//             and draining go on after the coordinator is steady again.
// Invariants:
// (1) `phase` only goes forward. `final` never goes back (C9).
// (2) Memory is bounded: 100 failures, one tally per member, events as in switch_events.

#include "control/protocol/switch_messages.hpp"
#include "control/record/switch_events.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace control {

inline constexpr std::size_t failures_max = 100, causes_max = 20;

enum class switch_phase : std::uint8_t { // the phases that users see (C9)
    preparing,                           // standbys are made
    paused,                              // all are made; it waits for go (C14)
    holding,                             // sessions stop and settle
    writing,                             // the decision is on its way to the store
    committing,                          // members adopt the new color
    joining,  // steady again; sessions, seams and receipts are not all there yet
    draining, // final; the old color's links are left
    done,
    aborting, // members go back to where they were
    aborted,
};
inline constexpr std::size_t switch_phases = static_cast<std::size_t>(switch_phase::aborted) + 1;
std::string_view to_string(switch_phase phase) noexcept;

enum class switch_result : std::uint8_t {
    open, // not known yet; null in JSON
    switched,
    aborted,
    refused,      // by preflight
    would_switch, // dry run
    would_fail,   // dry run
};
std::string_view to_string(switch_result result) noexcept;

struct held_summary {
    double p50_ms = 0, p99_ms = 0, max_ms = 0;
    bool operator==(const held_summary&) const = default;
};
held_summary summarize_held(std::vector<std::uint32_t> held_us);

// C13: sessions that failed for one reason. An operator with 400 expired tokens reads one line.
struct failure_cause {
    std::string error; // the first one's
    std::string endpoint;
    std::uint64_t sessions = 0;
    std::vector<std::string> first; // of them, at most 3
};

struct switch_record {
    switch_number id = 0;
    broker::color from = broker::color::blue, to = broker::color::green;
    switch_phase phase = switch_phase::preparing;
    switch_result result = switch_result::open;
    bool final = false;
    bool dry_run = false;
    epoch_number epoch = 0; // after a commit the new one
    std::string reason, who, detail;
    std::chrono::system_clock::time_point started_at; // shown; the rest counts by the steady clock
    net::time_point started{};
    std::optional<net::time_point> final_since, drained_since;
    // When each phase began; nullopt: it did not.
    std::array<std::optional<net::time_point>, switch_phases> phase_since;
    std::vector<tally> members; // newest of each
    std::vector<session_failure> failures; // at most 100
    std::vector<failure_cause> causes;     // at most 20, in the order in which they came
    std::set<std::string> failed_once;     // counted in a cause, until the switch is steady again
    bool causes_final = false;             // which it is
    held_summary held;
    switch_events events;
    std::optional<switch_phase> told_phase; // the newest that `events` has
    bool told_final = false;

    // It is in `phase` since `now`, unless it was already.
    void note_phase(net::time_point now);
    // How long it was, or has been, in that phase; nullopt: never.
    std::optional<net::duration> time_in(switch_phase which, net::time_point now) const;
    void note_cause(const session_failure& one);
    void note_failures(const std::vector<session_failure>& more);
    // A newer tally of one member; a tally without held times keeps those that came with `adopted`.
    void take(member_number from_member, tally now_known);
    // Times of all members are merged once, then the vectors go: the history keeps 100 records.
    void merge_held();
    tally total() const;
    // C9: every session moved, failed, pinned or gone; seams joined or forced; no receipt of the
    // old color open.
    bool all_joined() const;
    bool all_drained() const;
    // joining -> draining -> done, as far as the tallies allow. True when something changed.
    bool advance(net::time_point now);
    // The sentences that make the exit status 6.
    std::vector<std::string> counted() const;
};

} // namespace control
