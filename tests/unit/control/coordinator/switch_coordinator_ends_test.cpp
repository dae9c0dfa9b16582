// The coordinator's other rules, event by event: what is final (C9), shutdown and settings (S16),
// its timeouts, dry runs, and which reports are dropped and which stop the process.

#include "tests/unit/control/coordinator/coordinator_bench.hpp"

namespace control {
namespace {

using namespace std::chrono_literals;
using SwitchCoordinator = coordinator_test;

TEST_F(SwitchCoordinator, C9_SteadyIsNotFinal)
{
    to_committing();
    tally open = moved(10);
    open.seams_total = 2;
    open.seams_joined = 1;
    say(0, adopted{open});
    EXPECT_EQ(say(1, adopted{moved(10)}), (effects{changed{}, became_steady{}}));
    EXPECT_EQ(coordinator.state(), coordinator_state::steady);
    EXPECT_EQ(coordinator.current().phase, switch_phase::joining);
    EXPECT_FALSE(coordinator.current().final);
}

TEST_F(SwitchCoordinator, S16_ShutdownAbortsWhatIsNotBeingWrittenAndAcceptsNothingMore)
{
    to_holding();
    coordinator.on_shutdown(t0, out);
    EXPECT_EQ(took(), (effects{order(abort_switch{"the gateway is stopping"}), changed{}}));
    say(0, released{});
    say(1, released{});
    EXPECT_EQ(coordinator.current().result, switch_result::aborted);
    EXPECT_FALSE(coordinator.on_request({8, request, settings, {}, ""}, t0, out));
}

TEST_F(SwitchCoordinator, S16_ASwitchKeepsTheSettingsItBeganWith)
{
    settings.hold_timeout = 3s;
    begin();
    settings.hold_timeout = 9s;
    say(0, prepared{sized(1)});
    say(1, prepared{sized(1)});
    EXPECT_EQ(coordinator.next_deadline(), t0 + 3s);
}

TEST_F(SwitchCoordinator, C3_PrepareTimeoutCountsTimeWithoutProgress)
{
    begin();
    took();
    coordinator.on_report({7, 0, progress{1, 0, 10}}, t0 + 50s, out);
    coordinator.on_report({7, 0, progress{1, 0, 10}}, t0 + 59s, out); // says nothing new
    took();
    coordinator.on_deadline(t0 + 60s, out);
    EXPECT_EQ(took(), effects{});
    coordinator.on_deadline(t0 + 110s, out);
    EXPECT_EQ(
        took(), (effects{order(abort_switch{"prepare_timeout: no progress for 1m"}), changed{}}));
}

// Of a slow application: no session is ready yet, and link after link comes up.
TEST_F(SwitchCoordinator, B6_ALinkThatIsAnsweredIsProgress)
{
    begin();
    coordinator.on_report({7, 0, progress{.of = 10, .links = 4}}, t0 + 50s, out);
    coordinator.on_report({7, 0, progress{.of = 10, .links = 4}}, t0 + 59s, out); // nothing new
    EXPECT_EQ(coordinator.next_deadline(), t0 + 110s);
}

TEST_F(SwitchCoordinator, TheDeadlineAbortsInPreparingAndHolding)
{
    request.deadline = 1s;
    begin();
    took();
    EXPECT_EQ(coordinator.next_deadline(), t0 + 1s);
    coordinator.on_deadline(t0 + 1s, out);
    EXPECT_EQ(took(), (effects{abort_order(), changed{}}));
    coordinator = switch_coordinator(2, stored);
    to_holding();
    coordinator.on_deadline(t0 + 1s, out);
    EXPECT_EQ(took(), (effects{abort_order(), changed{}}));
    EXPECT_EQ(coordinator.current().detail, "deadline: 2 of 2 members did not say held in time");
}

TEST_F(SwitchCoordinator, ReportsThatCrossedTheAbortAreDropped)
{
    to_holding();
    coordinator.on_abort_request("asked", t0, out);
    took();
    EXPECT_EQ(say(0, held{}), effects{});
    EXPECT_EQ(say(1, unheld{{"a", "", ""}}), effects{});
    EXPECT_EQ(say(0, failed{{{"a", "", ""}}}), effects{});
    EXPECT_EQ(say(0, released{sized(10)}), (effects{changed{}}));
    EXPECT_EQ(say(1, released{sized(10)}), (effects{changed{}, became_steady{}}));
    EXPECT_EQ(coordinator.current().phase, switch_phase::aborted);
    EXPECT_TRUE(coordinator.current().final);
}

TEST_F(SwitchCoordinator, ADryRunIsReleasedWhereASwitchWouldHold)
{
    request.dry_run = true;
    begin();
    EXPECT_EQ(took(), (effects{order(prepare{green, 500, {}, true}), changed{}}));
    say(0, prepared{sized(10)});
    EXPECT_EQ(
        say(1, prepared{sized(10)}),
        (effects{changed{}, order(abort_switch{"dry run"}), changed{}}));
    say(0, released{sized(10)});
    say(1, released{sized(10)});
    EXPECT_EQ(coordinator.current().result, switch_result::would_switch);
    EXPECT_EQ(coordinator.current().phase, switch_phase::done);
    EXPECT_EQ(coordinator.stored(), (stored_state{4, blue, std::nullopt, 7}));
}

TEST_F(SwitchCoordinator, ADryRunNamesEverySessionThatWouldFail)
{
    request.dry_run = true;
    begin();
    say(0, failed{{{"a", "green/g1", "refused"}}});
    say(1, failed{{{"b", "green/g1", "refused"}}});
    EXPECT_EQ(coordinator.state(), coordinator_state::preparing); // max_failed is ignored
    tally one_failed = sized(10);
    one_failed.sessions_failed = 1;
    say(0, prepared{one_failed});
    say(1, prepared{one_failed});
    say(0, released{one_failed});
    say(1, released{one_failed});
    EXPECT_EQ(coordinator.current().result, switch_result::would_fail);
    EXPECT_EQ(coordinator.current().failures.size(), 2u);
    EXPECT_EQ(coordinator.current().detail, "2 of 20 sessions would fail");
}

TEST_F(SwitchCoordinator, S18_ADryRunNamesWhoseLoginIsRefusedWhateverBecomesOfThem)
{
    request.dry_run = true;
    settings.members.on_refused = refused_policy::close;
    begin();
    say(0, failed{{}, {{"a", "green/g1", "token expired"}}});
    say(0, prepared{sized(10)});
    say(1, prepared{sized(10)});
    say(0, released{sized(10)});
    say(1, released{sized(10)});
    EXPECT_EQ(coordinator.current().result, switch_result::would_switch);
    EXPECT_EQ(
        coordinator.current().detail,
        "0 of 20 sessions would fail, and 1 would be closed: their logins are refused");
    ASSERT_EQ(coordinator.current().causes.size(), 1u);
    EXPECT_EQ(coordinator.current().causes[0].error, "token expired");
}

// docs/OUTSIDE.md D3: how many wait for links of their login is in the report, not in the progress alone.
TEST_F(SwitchCoordinator, WhatPreflightNotedStaysInTheReport)
{
    note = "3 sessions are left out";
    to_committing();
    say(0, adopted{moved(10)});
    say(1, adopted{moved(10)});
    EXPECT_EQ(coordinator.current().result, switch_result::switched);
    EXPECT_EQ(coordinator.current().detail, note);
}

TEST_F(SwitchCoordinator, WhatNoRaceExplainsStopsTheProcess)
{
    begin();
    EXPECT_DEATH(say(0, held{}), "held while not holding");
    EXPECT_DEATH(say(0, unheld{}), "unheld before hold");
    EXPECT_DEATH(say(0, adopted{}), "adopted while not committing");
    EXPECT_DEATH(say(0, released{}), "released while not aborting");
    say(0, prepared{sized(1)});
    EXPECT_DEATH(say(0, prepared{sized(1)}), "prepared twice");
    say(1, prepared{sized(1)});
    say(0, held{});
    EXPECT_DEATH(say(0, held{}), "held twice");
}

TEST_F(SwitchCoordinator, HeldTimesOfAllMembersAreMerged)
{
    to_committing();
    tally first = moved(2);
    first.held_us = {1000, 9000};
    tally second = moved(1);
    second.held_us = {2000};
    say(0, adopted{first});
    say(1, adopted{second});
    EXPECT_EQ(coordinator.current().held, (held_summary{2, 9, 9}));
}

} // namespace
} // namespace control
