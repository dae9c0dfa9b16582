// A switch that is prepared and waits for go. docs/switch.md C14.

#include "tests/unit/control/coordinator/coordinator_bench.hpp"

namespace control {
namespace {

using namespace std::chrono_literals;

struct SwitchCoordinatorPause : coordinator_test {
    SwitchCoordinatorPause()
    {
        request.pause = true;
        request.deadline = 2min;
        settings.pause_timeout = 15min;
        settings.hold_timeout = 2s;
        settings.prepare_timeout = 60s;
    }
    void to_paused()
    {
        begin();
        say(0, prepared{sized(10)});
        EXPECT_EQ(say(1, prepared{sized(10)}), (effects{changed{}, changed{}})) << "no hold";
        ASSERT_EQ(coordinator.state(), coordinator_state::paused);
        ASSERT_EQ(coordinator.current().phase, switch_phase::paused);
    }
    go_answer go(net::time_point now) { return coordinator.on_go(now, out); }
};

TEST_F(SwitchCoordinatorPause, C14_MembersAreToldThatItPauses)
{
    begin();
    EXPECT_EQ(took(), (effects{order(prepare{green, 500, {}, false, true}), changed{}}));
    EXPECT_EQ(go(t0), go_answer::not_paused) << "it prepares still";
    EXPECT_EQ(took(), effects{});
}

TEST_F(SwitchCoordinatorPause, C14_GoBeginsTheHoldAndTheDeadlineHasStoodStill)
{
    note = "left out";
    to_paused();
    EXPECT_EQ(coordinator.next_deadline(), t0 + 15min);
    EXPECT_EQ(go(t0 + 10min), go_answer::accepted);
    EXPECT_EQ(took(), (effects{order(hold{}), changed{}}));
    EXPECT_EQ(coordinator.state(), coordinator_state::holding);
    EXPECT_EQ(coordinator.current().detail, "left out");
    EXPECT_EQ(coordinator.next_deadline(), t0 + 10min + 2s)
        << "hold_timeout; the deadline is later";
    coordinator.on_deadline(t0 + 10min + 2s, out);
    EXPECT_EQ(
        coordinator.current().detail, "hold_timeout: 2 of 2 members did not say held within 2s");
    EXPECT_EQ(go(t0 + 11min), go_answer::not_paused);
}

TEST_F(SwitchCoordinatorPause, C14_PauseTimeoutAbortsAndBlamesNobody)
{
    to_paused();
    coordinator.on_deadline(t0 + 15min - 1ms, out);
    EXPECT_EQ(took(), effects{});
    coordinator.on_deadline(t0 + 15min, out);
    EXPECT_EQ(
        took(),
        (effects{order(abort_switch{"pause_timeout: nobody said go for 15m", false}), changed{}}));
}

TEST_F(SwitchCoordinatorPause, C14_ProgressMakesThePauseNoLonger)
{
    to_paused();
    coordinator.on_report({7, 0, progress{9, 0, 10}}, t0 + 1min, out);
    coordinator.on_report({7, 0, progress{11, 0, 11}}, t0 + 2min, out); // who came meanwhile
    took();
    EXPECT_EQ(coordinator.next_deadline(), t0 + 15min);
    EXPECT_EQ(coordinator.current().total().sessions_total, 21u);
}

TEST_F(SwitchCoordinatorPause, C14_WhileAStandbyIsMissingItStaysPaused)
{
    to_paused();
    say(0, progress{9, 0, 10, 0, 1});
    EXPECT_EQ(go(t0), go_answer::unready);
    EXPECT_EQ(coordinator.unready(), 1u);
    EXPECT_EQ(took(), effects{});
    EXPECT_EQ(coordinator.state(), coordinator_state::paused);
    say(0, progress{9, 0, 10}); // it was left out (S18), or has gone
    EXPECT_EQ(go(t0), go_answer::accepted);
}

TEST_F(SwitchCoordinatorPause, C14_WhoFailsMeanwhileCounts)
{
    to_paused();
    EXPECT_EQ(
        say(0, failed{{{"0-1", "green/g1", "refused"}}}),
        (effects{
            changed{}, order(abort_switch{"max_failed: 1 sessions cannot move, 0 may", false}),
            changed{}}));
}

TEST_F(SwitchCoordinatorPause, C14_AbortAndShutdownEndIt)
{
    to_paused();
    EXPECT_EQ(coordinator.on_abort_request("asked", t0, out), abort_answer::accepted);
    EXPECT_EQ(took(), (effects{order(abort_switch{"asked", false}), changed{}}));
    say(0, released{});
    say(1, released{});
    EXPECT_EQ(coordinator.state(), coordinator_state::steady);
    EXPECT_EQ(go(t0), go_answer::not_paused);
}

} // namespace
} // namespace control
