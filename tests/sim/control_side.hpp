#pragma once

// The real coordinator, its store, and the threads between: commands and reports arrive late, in
// order for each member; a write of the store may fail, or land without an answer.

#include "control/coordinator/switch_coordinator.hpp"
#include "tests/sim/shard_driver.hpp"

#include <functional>
#include <map>

namespace sim {

class control_side {
public:
    struct options {
        control::control_settings settings;
        bool store_fails = false;
    };

    control_side(
        std::vector<shard_driver*> members, color live, options how, process_clock& when,
        checker& check, std::uint64_t seed);

    struct wish {
        std::optional<net::duration> deadline;
        control::hold_policy on_hold_timeout = control::hold_policy::abort;
        unsigned max_failed = 0;
    };
    // To the other color; false: a switch is running.
    bool request(const wish& what);
    void abort();
    // One endpoint is drained or taken back; false: a switch is running (C1).
    bool drain(control::endpoint_ref where, bool on);
    void post(control::report what); // from a member's thread
    time_point next_deadline() const noexcept { return coordinator_.next_deadline(); }
    void run_deadline();

    bool steady() const noexcept
    {
        return coordinator_.state() == control::coordinator_state::steady;
    }
    color live() const noexcept { return coordinator_.stored().live; }
    // With everything at rest: every report is final, and its numbers add up.
    void check_reports();
    const control::switch_coordinator& coordinator() const noexcept { return coordinator_; }
    const std::map<control::switch_number, control::switch_record>& history() const noexcept
    {
        return history_;
    }

private:
    void receive(const control::report& what);
    void run(const control::effects& out);
    void check_tally(const control::report& what);
    void check_identity(const control::tally& t, control::switch_number id, bool at_rest);
    void write(const control::stored_state& what);
    void post_to(std::size_t member, std::function<void(shard_driver&)> what); // in order
    void judge(const control::tally& numbers, control::switch_number id);

    std::vector<shard_driver*> members_;
    options options_;
    process_clock& when_;
    checker& checker_;
    random_source random_;
    control::switch_coordinator coordinator_;
    control::stored_state in_store_;
    std::map<control::switch_number, control::switch_record> history_;
    std::vector<time_point> last_to_, last_from_; // posts keep their order
};

} // namespace sim
