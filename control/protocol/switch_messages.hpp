#pragma once

// The commands and reports between the coordinator and its members (shards). Only these cross
// threads. switch.md "Coordinator", design.md section 7. Each carries the switch id, and its
// receiver drops it if the id is another switch's (C2).
//
// Threading:  plain values, moved into a post() to the receiver's thread.

#include "broker/color.hpp"
#include "broker/net/time.hpp"
#include "control/protocol/counted_sessions.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace control {

using epoch_number = std::uint64_t;  // grows by one when a switch commits; 1 at first start
using switch_number = std::uint64_t; // one per attempt
using member_number = std::uint32_t; // index of a shard

// Which endpoint, by its place in its color's configured list.
struct endpoint_ref {
    broker::color color = broker::color::blue;
    std::uint16_t index = 0;
    bool operator==(const endpoint_ref&) const = default;
    auto operator<=>(const endpoint_ref&) const = default;
};

// The name of each state of a session in /v1/status, sessions.*.
struct session_counts {
    std::uint64_t connecting = 0, active = 0, waiting = 0, quiescing = 0, held = 0, rebinding = 0,
                  pinned = 0, parked = 0, closing = 0;
    bool operator==(const session_counts&) const = default;
};

struct session_failure {
    std::string session;  // its id as /v1/sessions shows it
    std::string endpoint; // "green/g1"
    std::string error;    // one sentence
    bool operator==(const session_failure&) const = default;
};

// ---- to members

// What becomes of a session whose login the new color refuses, an expired token say (S18).
enum class refused_policy : std::uint8_t {
    fail,  // it counts as failed
    pin,   // it stays on its old color, until pin_timeout
    close, // it is closed after the switch, paced, and comes back with a new login
};

struct prepare_settings { // a switch keeps the settings it began with (S16)
    net::duration linger{}, seam_timeout{}, seam_quiet{}, receipt_timeout{}, marker_interval{},
        drain_timeout{}, pin_timeout{}, overlap{};
    // The coordinator's own, by which a member judges how slow a broker may be (S2); 0: any.
    net::duration prepare_timeout{}, hold_timeout{};
    bool strict_queue_order = false;
    refused_policy on_refused = refused_policy::fail;
    bool operator==(const prepare_settings&) const = default;
};
struct prepare {
    broker::color to = broker::color::green;
    double connect_rate = 500; // this member's part, links per second
    prepare_settings settings;
    bool dry_run = false;
    bool pauses = false; // C14: a long time may lie between `prepared` and the hold
    bool operator==(const prepare&) const = default;
};
struct hold {
    bool operator==(const hold&) const = default;
};
struct pin {
    bool operator==(const pin&) const = default;
};
struct cut {
    bool operator==(const cut&) const = default;
};
struct commit {
    epoch_number epoch = 0;
    // Clients' SENDs went through these since the last switch, over all members.
    std::vector<endpoint_ref> endpoints;
    bool operator==(const commit&) const = default;
};
struct abort_switch {
    std::string reason;
    bool names_unready = true; // C12: to wait for them longer was the reason
    bool operator==(const abort_switch&) const = default;
};
struct command {
    switch_number id = 0;
    std::variant<prepare, hold, pin, cut, commit, abort_switch> what;
    bool operator==(const command&) const = default;
};

// ---- to the coordinator

// Numbers of one member for one switch, cumulative; the coordinator adds up the newest of each
// member.
struct tally {
    // Of the sessions of the order. Each is in at most one of moved, pinned, failed and gone; total
    // is all of them, so nothing is left to wait for once the four add up to it (C9). A pinned
    // session that binds at last turns moved.
    std::uint64_t sessions_total = 0, sessions_ready = 0, sessions_moved = 0, sessions_pinned = 0,
                  sessions_failed = 0, sessions_gone = 0;
    // clients' SENDs unanswered or unproven at the prepare order and those carried from hold on:
    // accepted = confirmed + unconfirmed + open + held + refused + in_doubt
    std::uint64_t accepted = 0, confirmed = 0, unconfirmed = 0, open = 0, held = 0, refused = 0,
                  in_doubt = 0;
    std::uint64_t seams_total = 0, seams_joined = 0, seams_forced = 0, seams_best_effort = 0,
                  late = 0, foreign_late = 0, gaps = 0;
    // Applications (O1 to O5): seams that overlap, and what the old color still brought meanwhile. A
    // twin is a message that both colors brought and that was delivered twice. still_coming arrived
    // so late that the overlap may have been too short. overlap_ms: how long it is.
    std::uint64_t seams_overlap = 0, overlap_delivered = 0, overlap_twins = 0,
                  overlap_still_coming = 0, overlap_ms = 0;
    std::uint64_t duplicates_dropped = 0, redelivered = 0, handed_back = 0, stored_left_behind = 0;
    // Started where the client had asked, not after its last message (T2).
    std::uint64_t streams_anew = 0;
    std::uint64_t replies_to_old = 0, replies_refused = 0; // SENDs to reply addresses (S12)
    std::uint64_t transactions_split = 0; // their ACKs belonged to another link and went ahead
    // Backplane `shared`, paired between marks (P7): dropped as twins and maybe others; brought by one
    // color alone, and delivered; pairs whose last mark is not read yet.
    std::uint64_t pairs_doubtful = 0, pairs_alone = 0, windows_open = 0;
    std::uint64_t receipts_open = 0;      // owed by the old color and not yet answered or in doubt
    std::uint64_t frames_carried = 0;     // bytes, now
    std::uint64_t standbys_discarded = 0;
    // One per session that was held, from hold to resume; filled with `adopted`.
    std::vector<std::uint32_t> held_us;
    bool fence_best_effort = false;
    bool fence_written = false; // B3: to applications, which answer no receipts
    bool shared_backplane = false; // configured, or found (P9)
    bool drained = false;
    // Sentences: what makes the exit status 6 beside what these numbers say ("dedup: content").
    std::vector<counted_sentence> counted;
    counted_sessions named; // whose sessions that was, of each cause
    std::vector<session_failure> failures; // at most 100
    bool operator==(const tally&) const = default;
};

struct progress { // cumulative: `failed` sinks when a failed session goes (C3)
    std::uint64_t ready = 0, failed = 0, of = 0;
    std::uint64_t links = 0; // of the new color that have answered (B6)
    // C14, in a pause: neither ready nor failed nor left out, by this moment.
    std::uint64_t unready = 0;
};
struct prepared {
    tally numbers;
};
struct failed { // those that failed since the last `failed`
    std::vector<session_failure> sessions;
    std::vector<session_failure> excused; // whose login was refused, and that do not count (S18)
};
struct held {
    std::vector<session_failure> given_up; // failed or pinned sessions
    std::uint64_t lost_links = 0;
    std::vector<endpoint_ref> endpoints;
};
struct unheld {
    session_failure session;
};
struct adopted {
    tally numbers;
};
struct released {
    tally numbers;
};
struct numbers { // joining and draining: something changed (at most every 20 ms)
    tally now;
};
struct report {
    switch_number id = 0;
    member_number from = 0;
    std::variant<progress, prepared, failed, held, unheld, adopted, released, numbers> what;
};

// ---- questions of the API to a member, outside of any switch; answered by value

struct endpoint_snapshot {
    std::string name, url;
    bool healthy = false, draining = false;
    std::uint64_t links = 0, sessions = 0;
    std::string last_error; // empty while healthy
    bool removed = false;   // a reload has left it out; shown as long as something is there
    bool shown() const noexcept { return !removed || links > 0 || sessions > 0; }
};
// Clients' SENDs of one switch: accepted is the sum of the others.
struct send_counts {
    std::uint64_t accepted = 0, confirmed = 0, unconfirmed = 0, open = 0, held = 0, refused = 0,
                  in_doubt = 0;
    bool operator==(const send_counts&) const = default;
};
struct session_snapshot {
    std::string id, peer, login, state, color, endpoint, version;
    std::uint64_t subscriptions = 0, frames_in = 0, frames_out = 0, outbox_bytes = 0,
                  carried_bytes = 0;
    double age_s = 0, held_ms = 0, rate = 0;
    bool shared = false;
    send_counts sends; // its part of the newest switch's report
};
struct member_snapshot {
    session_counts sessions;
    broker::per_color<session_counts> by_color; // the same, by the color that they are bound to
    // When the first of its parked sessions is closed (park_timeout); net::never: none is parked.
    broker::per_color<net::time_point> parked_until{net::never, net::never};
    std::uint64_t clients = 0;
    broker::per_color<std::vector<endpoint_snapshot>> endpoints;
    broker::per_color<std::uint64_t> bound; // sessions bound to that color
};

} // namespace control
