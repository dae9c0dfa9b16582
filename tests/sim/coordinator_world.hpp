#pragma once

// The real control::switch_coordinator between scripted members, a store and an operator, small
// enough that every order of everything that may happen is tried. A world is a value: a search
// copies it. What switch.md says of the coordinator (C1 to C9) is written down here a second time,
// from what was sent and heard alone, and never asks the coordinator what it thinks.
//
// Invariants:
// (1) Worlds of equal digest() behave alike: it holds all that the coordinator was told.

#include "control/coordinator/switch_coordinator.hpp"

#include <map>
#include <string>
#include <vector>

namespace sim {

enum class planted : std::uint8_t { // errors of the model; each must be found
    none,
    first_held,     // C4: one member's `held` counts for all
    unheld_ignored, // C4, C8
    pin_silent,     // C5: members that stay silent after `pin` count as held
    store_fail,     // C7: a write that failed is taken as not written
    abort_write,    // C6: an abort request while the store is written aborts
};

struct coordinator_plan {
    unsigned members = 2;
    unsigned switches = 1;
    control::hold_policy policy = control::hold_policy::abort;
    unsigned max_failed = 0;
    bool sessions_fail = false; // one session of each member may fail, and may go afterwards
    bool standbys_lost = false; // held members may say `unheld`
    bool store_fails = false;   // writes fail or land unanswered, reads may find nothing
    bool operator_aborts = true;
    bool deadline_first = false; // the operator's deadline passes before any timeout
    bool dry_run = false;
    planted error = planted::none;
};

class coordinator_world {
public:
    enum class act : std::uint8_t {
        request,
        abort,
        deadline,
        write_answered,      // landed
        write_failed,        // did not
        write_landed_silent, // landed, and nobody says so
        write_failed_landed, // landed, and an error was returned
        read,
        read_nothing,
        command,  // the member takes its next one
        report,   // the coordinator takes the member's next one
        fail,     // the member's one weak session fails
        go,       // and goes
        prepared, // the member says so
        held,
        unheld,
        numbers, // the last session moves, the old color is drained
    };
    struct move {
        act what = act::request;
        unsigned member = 0;
    };

    explicit coordinator_world(const coordinator_plan& plan);

    std::vector<move> moves() const;
    void make(move m);
    std::string digest() const;
    // Questions that each state must answer rightly: C1, C2, C6.
    void ask() const;
    // Everything ends: all that is on its way arrives, every timeout passes; `silent` members
    // answer commit and abort only.
    void finish(bool silent);

    const std::vector<std::string>& violations() const noexcept { return violations_; }
    static std::string name(move m);

private:
    enum class stage : std::uint8_t { idle, preparing, prepared, holding, held, unheld };
    struct member {
        stage at = stage::idle;
        control::switch_number id = 0;
        control::epoch_number epoch = 1;
        broker::color live = broker::color::blue, to = broker::color::blue;
        bool failed = false, gone = false, told_to_give_up = false, owes_numbers = false;
        std::vector<control::command> commands; // on their way to it
        std::vector<control::report> reports;   // on their way from it
    };
    struct heard { // by the coordinator, of one member, for the running switch
        bool prepared = false, held = false, answered = false;
        unsigned failed = 0, gone = 0;
    };
    struct sent { // for the running switch
        bool hold = false, gave_up = false, write = false, commit = false, abort = false;
    };

    void violation(const char* rule, const std::string& what) const;
    void run(const control::effects& out, move cause);
    void on_sent(const control::command& what, move cause);
    void on_abort_sent(move cause);
    void on_steady();
    void take_command(unsigned which);
    void take_report(unsigned which, move cause);
    void hear(const control::report& what);
    void say(unsigned which, decltype(control::report::what) what);
    control::tally numbers_of(const member& m) const;
    void member_moves(unsigned which, std::vector<move>& all) const;
    void check_after();
    control::switch_order order() const;
    bool too_many_failed() const;
    bool all_held() const;

    coordinator_plan plan_;
    control::switch_coordinator coordinator_;
    net::time_point now_{std::chrono::hours{1}};
    std::vector<member> members_;
    std::vector<heard> heard_;
    sent sent_;
    control::stored_state store_, writing_;
    control::epoch_number epoch_before_ = 1;
    bool write_open_ = false, read_open_ = false, outcome_known_ = false, abort_asked_ = false,
         aborted_once_ = false, unheld_heard_ = false;
    unsigned switches_left_, reads_failed_ = 0, deadlines_ = 0;
    std::map<control::switch_number, control::switch_record> history_;
    mutable std::vector<std::string> violations_;
};

} // namespace sim
