#pragma once

// The two-phase switch, without I/O and clock: events come in, effects go out. docs/switch.md
// "Coordinator" has the rules.
//
// Threading:  control thread.
// Lifetime:   one per process. Each attempt gets a fresh switch_record.
// Invariants:
// (1) Effects run in order. Their answers arrive as events of their own, never from inside an
//     event.
// (2) The store is written only after every member has said `held`, and nothing aborts until the
//     outcome of the write is known (C4, C6).

#include "control/store/file_store.hpp"
#include "control/protocol/switch_messages.hpp"
#include "control/record/switch_record.hpp"
#include "control/protocol/switch_request.hpp"

#include <set>
#include <string>
#include <variant>
#include <vector>

namespace control {

enum class coordinator_state : std::uint8_t {
    steady,     // no switch, or one that only joins and drains
    preparing,  // members make standbys
    paused,     // all are prepared, and the operator says when it goes on (C14)
    holding,    // members hold their sessions
    writing,    // the store has the last word
    committing, // decided; waiting for every `adopted`
    aborting,   // waiting for every `released`
};

struct to_members { // every member gets it
    command what;
    bool operator==(const to_members&) const = default;
};
struct write_state {
    stored_state what;
    bool operator==(const write_state&) const = default;
};
struct read_state {
    bool operator==(const read_state&) const = default;
};
struct changed { // current() has news for its watchers
    bool operator==(const changed&) const = default;
};
struct became_steady { // current() belongs to the history now
    bool operator==(const became_steady&) const = default;
};
using effect = std::variant<to_members, write_state, read_state, changed, became_steady>;
using effects = std::vector<effect>;

// A request that passed its preflight.
struct switch_order {
    switch_number id = 0;
    switch_request request;
    control_settings settings;
    std::chrono::system_clock::time_point started_at; // shown only
    std::string note; // the record's detail where nothing else becomes it
};

enum class abort_answer : std::uint8_t {
    accepted, // aborting now, already aborting, or as soon as the store's answer allows it (C6)
    decided,  // too late: committed
    none,     // no switch runs
};

enum class go_answer : std::uint8_t {
    accepted,   // the hold begins
    not_paused, // it prepares still, goes on already, or ends
    unready,    // some sessions have no standby at the moment; it stays paused
};

class switch_coordinator {
public:
    switch_coordinator(member_number members, stored_state state);

    coordinator_state state() const noexcept { return state_; }
    const stored_state& stored() const noexcept { return stored_; }
    const switch_record& current() const noexcept { return record_; }
    switch_record& current() noexcept { return record_; }
    net::time_point next_deadline() const noexcept;

    // The id of an attempt that is refused before it begins counts too.
    void on_id_used(switch_number id) noexcept { stored_.last_switch = id; }
    // C1: false, and nothing done, anywhere but in steady. REQUIRES: order.id is new, the target is
    // not live.
    bool on_request(switch_order order, net::time_point now, effects& out);
    void on_report(const report& what, net::time_point now, effects& out);
    void on_store_result(write_result result, net::time_point now, effects& out);
    void on_store_read(const std::optional<stored_state>& found, net::time_point now, effects& out);
    abort_answer on_abort_request(const std::string& why, net::time_point now, effects& out);
    // C14.
    go_answer on_go(net::time_point now, effects& out);
    std::uint64_t unready() const noexcept; // sessions without a standby, in a pause
    void on_deadline(net::time_point now, effects& out);
    // S16: aborts a switch that is not being written. No further switch is accepted.
    void on_shutdown(net::time_point now, effects& out);

private:
    struct member_state {
        // Has given the report that the state waits for: prepared, held, adopted or released.
        bool answered = false;
        bool sized = false;    // it said how many sessions it has (C8)
        bool said_held = false;
        std::set<std::string> failed, excused;
        std::uint64_t links = 0;       // that have answered it (B6)
        std::uint64_t unready = 0;     // in a pause (C14)
        std::uint64_t failed_gone = 0; // of `failed`, those whose session went (C3)
    };

    void on_progress(member_number from, const progress& what, net::time_point now, effects& out);
    void on_prepared(member_number from, const prepared& what, net::time_point now, effects& out);
    void on_failed(member_number from, const failed& what, net::time_point now, effects& out);
    void on_held(member_number from, const held& what, net::time_point now, effects& out);
    void on_unheld(member_number from, const unheld& what, effects& out);
    void on_adopted(member_number from, const adopted& what, net::time_point now, effects& out);
    void on_released(member_number from, const released& what, net::time_point now, effects& out);
    void answered_last(member_number from, const tally& numbers, net::time_point now, effects& out);

    void begin_pause(net::time_point now, effects& out);
    void begin_hold(net::time_point now, effects& out);
    void begin_write(effects& out);
    void begin_commit(effects& out);
    void begin_abort(abort_switch order, effects& out);
    void finish_dry_run(effects& out);
    void become_steady(net::time_point now, effects& out);
    void enter(coordinator_state next, switch_phase shown);
    void hold_timed_out(net::time_point now, effects& out);
    void send(decltype(command::what) what, effects& out) const;
    void forget_answers();
    bool everyone_answered() const noexcept;
    std::string silent_members() const;
    void sized(member_number from, std::uint64_t failed_now);
    std::uint64_t failed_sessions() const noexcept;
    bool too_many_failed() const;
    std::string failed_too_many() const;
    hold_policy policy() const;

    coordinator_state state_ = coordinator_state::steady;
    stored_state stored_;
    stored_state writing_; // the state that the store is writing
    switch_order order_;
    switch_record record_;
    std::vector<member_state> members_;
    std::set<endpoint_ref> endpoints_;       // of every `held`; the commit carries their union
    net::time_point decide_by_ = net::never; // the operator's deadline
    net::time_point state_until_ =
        net::never; // prepare_timeout, pause_timeout, hold_timeout or the store's next read
    net::time_point paused_since_{};
    bool gave_up_ = false; // pin or cut was sent (C5)
    bool reading_ = false; // a read of the store is under way (C7)
    bool stopping_ = false;
    std::string abort_wanted_; // asked while writing: waits for the outcome (C6)
};

} // namespace control
