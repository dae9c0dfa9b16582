// Proves C1 to C9 on the real coordinator: every order of commands and reports under way, requests,
// timeouts and the store's answers, to the end, for two and three members. A state that was met
// before is not gone through again. In each state the questions of coordinator_world::ask() are
// asked, and both with willing and with silent members everything ends.

#include "tests/sim/coordinator_world.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

namespace {

using sim::coordinator_plan;
using sim::coordinator_world;
using sim::planted;

struct search {
    std::unordered_set<std::string> seen;
    std::vector<coordinator_world::move> path;
    std::uint64_t steps = 0;
    std::string found;

    bool bad(const coordinator_world& w, const char* where)
    {
        if (w.violations().empty()) {
            return false;
        }
        found = w.violations().front() + where;
        for (const auto m : path) {
            found += "\n    " + coordinator_world::name(m);
        }
        return true;
    }

    // False: a violation, and the path to it.
    bool run(const coordinator_world& at)
    {
        if (!seen.insert(at.digest()).second) {
            return true;
        }
        at.ask();
        if (bad(at, " (asked in this state)")) {
            return false;
        }
        for (const bool silent : {false, true}) {
            coordinator_world to_the_end = at;
            to_the_end.finish(silent);
            if (bad(to_the_end, silent ? " (silent members, to the end)" : " (to the end)")) {
                return false;
            }
        }
        for (const auto m : at.moves()) {
            coordinator_world next = at;
            path.push_back(m);
            next.make(m);
            ++steps;
            if (bad(next, "") || !run(next)) {
                return false;
            }
            path.pop_back();
        }
        return true;
    }
};

void explore(const coordinator_plan& plan)
{
    search s;
    EXPECT_TRUE(s.run(coordinator_world{plan})) << s.found;
    std::printf(
        "[  states  ] %zu states, %llu steps\n", s.seen.size(),
        static_cast<unsigned long long>(s.steps));
    EXPECT_GT(s.seen.size(), 20U);
}

void expect_found(const coordinator_plan& plan, std::string_view rule)
{
    search s;
    EXPECT_FALSE(s.run(coordinator_world{plan})) << "nobody noticed";
    EXPECT_EQ(s.found.substr(0, rule.size()), rule) << s.found;
}

TEST(CoordinatorExhaustive, C4TheDecisionOfTwoMembers)
{
    explore({.members = 2, .switches = 2, .standbys_lost = true});
}

TEST(CoordinatorExhaustive, C4TheDecisionOfThreeMembers)
{
    explore({.members = 3, .switches = 1, .standbys_lost = true});
}

TEST(CoordinatorExhaustive, C1TwoSwitchesWithTheirLateReports)
{
    explore({.members = 2, .switches = 3, .operator_aborts = true});
}

TEST(CoordinatorExhaustive, C5PinIsAskedOnceAndSilenceAborts)
{
    explore(
        {.members = 2,
         .switches = 1,
         .policy = control::hold_policy::pin,
         .sessions_fail = true,
         .standbys_lost = true});
    explore({.members = 3, .switches = 1, .policy = control::hold_policy::pin});
}

TEST(CoordinatorExhaustive, C5CutIsAskedOnceAndSilenceAborts)
{
    explore({.members = 2, .switches = 2, .policy = control::hold_policy::cut});
}

TEST(CoordinatorExhaustive, C7OnlyAReadOfTheOldEpochAborts)
{
    explore({.members = 2, .switches = 2, .standbys_lost = true, .store_fails = true});
    explore({.members = 3, .switches = 1, .store_fails = true});
}

TEST(CoordinatorExhaustive, C8MaxFailedCountsOverAllMembers)
{
    for (const unsigned limit : {0U, 1U, 2U}) {
        explore(
            {.members = 2,
             .switches = 1,
             .max_failed = limit,
             .sessions_fail = true,
             .standbys_lost = true,
             .store_fails = true});
    }
    explore({.members = 3, .switches = 1, .max_failed = 1, .sessions_fail = true});
}

TEST(CoordinatorExhaustive, C3TheOperatorsDeadlineMayPassAnywhere)
{
    explore(
        {.members = 2,
         .switches = 1,
         .policy = control::hold_policy::pin,
         .standbys_lost = true,
         .deadline_first = true});
}

TEST(CoordinatorExhaustive, C3ADryRunIsReleasedAndChangesNothing)
{
    explore({.members = 2, .switches = 2, .sessions_fail = true, .dry_run = true});
}

// The search is worth what it finds: the model's errors, planted between coordinator and world.
TEST(CoordinatorExhaustive, C4FirstHeldIsFound)
{
    expect_found({.members = 2, .error = planted::first_held}, "C4");
}

TEST(CoordinatorExhaustive, C8UnheldIgnoredIsFound)
{
    expect_found({.members = 2, .standbys_lost = true, .error = planted::unheld_ignored}, "C8");
}

TEST(CoordinatorExhaustive, C5PinSilentIsFound)
{
    expect_found(
        {.members = 2, .policy = control::hold_policy::pin, .error = planted::pin_silent}, "C4");
}

TEST(CoordinatorExhaustive, C7StoreFailIsFound)
{
    expect_found({.members = 2, .store_fails = true, .error = planted::store_fail}, "C7");
}

TEST(CoordinatorExhaustive, C6AbortWriteIsFound)
{
    expect_found({.members = 3, .error = planted::abort_write}, "C7");
}

TEST(CoordinatorExhaustive, C4FirstHeldIsFoundAmongThree)
{
    expect_found({.members = 3, .error = planted::first_held}, "C4");
}

// What three members may do in two switches, late reports of the first one included.
TEST(CoordinatorExhaustive, C1TwoSwitchesOfThreeMembers)
{
    explore({.members = 3, .switches = 2, .operator_aborts = false});
}

} // namespace
