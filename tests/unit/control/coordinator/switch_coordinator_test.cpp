// Drives the coordinator event by event and compares the whole list of effects; one test for each
// rule of switch.md "Coordinator" that aborts or decides, C1 to C8 (C10 is the service's).

#include "tests/unit/control/coordinator/coordinator_bench.hpp"

namespace control {
namespace {

using namespace std::chrono_literals;
using SwitchCoordinator = coordinator_test;

TEST_F(SwitchCoordinator, GoesThroughAllPhasesAndEveryEffect)
{
    EXPECT_TRUE(begin());
    EXPECT_EQ(took(), (effects{order(prepare{green, 500, {}, false}), changed{}}));
    EXPECT_EQ(say(0, prepared{sized(10)}), (effects{changed{}}));
    EXPECT_EQ(say(1, prepared{sized(10)}), (effects{changed{}, order(hold{}), changed{}}));
    EXPECT_EQ(say(0, held{{}, 0, {{blue, 1}}}), (effects{changed{}}));
    EXPECT_EQ(
        say(1, held{{}, 0, {{blue, 0}, {blue, 1}}}),
        (effects{changed{}, changed{}, write_state{wanted}}));
    coordinator.on_store_result(write_result::written, t0, out);
    // Commit carries the union of the endpoints that all members named.
    EXPECT_EQ(took(), (effects{order(commit{5, {{blue, 0}, {blue, 1}}}), changed{}}));
    EXPECT_EQ(coordinator.stored(), wanted);
    EXPECT_EQ(say(0, adopted{moved(10)}), (effects{changed{}}));
    EXPECT_EQ(say(1, adopted{moved(10)}), (effects{changed{}, became_steady{}}));
    EXPECT_EQ(coordinator.state(), coordinator_state::steady);
    EXPECT_EQ(coordinator.current().result, switch_result::switched);
    EXPECT_EQ(coordinator.current().epoch, 5u);
    EXPECT_EQ(coordinator.next_deadline(), net::never);
}

TEST_F(SwitchCoordinator, C1_AcceptsARequestInSteadyOnly)
{
    const auto refused = [&] {
        const auto before = coordinator.state();
        EXPECT_FALSE(begin());
        EXPECT_EQ(coordinator.state(), before);
        EXPECT_EQ(took(), effects{});
    };
    ASSERT_TRUE(begin());
    took();
    refused();
    say(0, prepared{sized(1)});
    say(1, prepared{sized(1)});
    refused(); // holding
    say(0, held{});
    say(1, held{});
    refused(); // writing
    coordinator.on_store_result(write_result::failed, t0, out);
    coordinator.on_store_read(stored, t0, out);
    took();
    ASSERT_EQ(coordinator.state(), coordinator_state::aborting);
    refused(); // aborting too
    say(0, released{});
    say(1, released{});
    ASSERT_EQ(coordinator.state(), coordinator_state::steady);
    request.to = green;
    EXPECT_TRUE(coordinator.on_request({8, request, settings, {}, ""}, t0, out));
}

TEST_F(SwitchCoordinator, C2_DropsReportsOfAnotherSwitch)
{
    begin();
    took();
    EXPECT_EQ(say(0, prepared{sized(1)}, 6), effects{});
    EXPECT_EQ(say(0, held{}, 8), effects{});
    EXPECT_EQ(say(0, unheld{}, 6), effects{});
    EXPECT_EQ(coordinator.state(), coordinator_state::preparing);
    EXPECT_EQ(coordinator.current().total(), tally{});
}

TEST_F(SwitchCoordinator, C3_AFailureWhoseSessionIsGoneDoesNotCount)
{
    begin();
    request.max_failed = failure_limit{1, false};
    say(0, released{}, 1); // another id, dropped
    coordinator = switch_coordinator(2, stored);
    begin();
    took();
    EXPECT_EQ(say(0, failed{{{"a", "green/g1", "refused"}}}), (effects{changed{}}));
    EXPECT_EQ(say(0, progress{9, 0, 10}), (effects{changed{}})); // "a" went
    EXPECT_EQ(say(0, failed{{{"b", "green/g1", "refused"}}}), (effects{changed{}}));
    EXPECT_EQ(coordinator.state(), coordinator_state::preparing);
    EXPECT_EQ(say(0, failed{{{"c", "green/g1", "refused"}}}).size(), 3u); // b and c: one too many
    EXPECT_EQ(coordinator.state(), coordinator_state::aborting);
}

TEST_F(SwitchCoordinator, C4_NothingIsWrittenBeforeEveryHeld)
{
    to_holding();
    EXPECT_EQ(say(1, held{}), (effects{changed{}}));
    EXPECT_EQ(coordinator.state(), coordinator_state::holding);
    EXPECT_EQ(say(0, held{}), (effects{changed{}, changed{}, write_state{wanted}}));
}

TEST_F(SwitchCoordinator, C5_HoldTimeoutAbortsByDefault)
{
    to_holding();
    say(0, held{});
    EXPECT_EQ(coordinator.next_deadline(), t0 + settings.hold_timeout);
    coordinator.on_deadline(t0 + settings.hold_timeout, out);
    EXPECT_EQ(took(), (effects{abort_order(), changed{}}));
    EXPECT_EQ(
        coordinator.current().detail, "hold_timeout: 1 of 2 members did not say held within 2s");
}

TEST_F(SwitchCoordinator, C5_PinTellsTheMembersAndCountsNobodyAgainstTheLimit)
{
    request.on_hold_timeout = hold_policy::pin;
    to_holding();
    say(0, held{});
    coordinator.on_deadline(t0 + 2s, out);
    EXPECT_EQ(took(), (effects{order(pin{}), changed{}}));
    EXPECT_EQ(coordinator.state(), coordinator_state::holding);
    EXPECT_EQ(
        say(1, held{{{"slow", "blue/b1", "no receipt"}}, 0, {}}),
        (effects{changed{}, changed{}, write_state{wanted}}));
    EXPECT_EQ(
        coordinator.current().failures,
        (std::vector<session_failure>{{"slow", "blue/b1", "no receipt"}}));
}

TEST_F(SwitchCoordinator, C5_ASilentMemberMeansAbortAfterCut)
{
    request.on_hold_timeout = hold_policy::cut;
    to_holding();
    coordinator.on_deadline(t0 + 2s, out);
    EXPECT_EQ(took(), (effects{order(cut{}), changed{}}));
    coordinator.on_deadline(t0 + 3s, out);
    EXPECT_EQ(took(), effects{}); // not yet
    coordinator.on_deadline(t0 + 4s, out);
    EXPECT_EQ(took(), (effects{abort_order(), changed{}}));
}

TEST_F(SwitchCoordinator, C6_WhileWritingNothingAborts)
{
    to_writing();
    EXPECT_EQ(coordinator.next_deadline(), net::never);
    EXPECT_EQ(coordinator.on_abort_request("asked", t0, out), abort_answer::accepted);
    coordinator.on_deadline(t0 + 1h, out);
    coordinator.on_shutdown(t0, out);
    EXPECT_EQ(took(), effects{});
    EXPECT_EQ(say(0, unheld{{"a", "green/g1", "lost"}}), effects{});
    EXPECT_EQ(say(0, failed{{{"a", "green/g1", "lost"}}}), effects{});
    EXPECT_EQ(coordinator.state(), coordinator_state::writing);
    coordinator.on_store_result(write_result::written, t0, out);
    EXPECT_EQ(took(), (effects{order(commit{5, {}}), changed{}}));
    EXPECT_EQ(coordinator.on_abort_request("asked", t0, out), abort_answer::decided);
    EXPECT_EQ(took(), effects{});
}

TEST_F(SwitchCoordinator, C7_AFailedWriteIsReadBackAndOnlyTheOldEpochAborts)
{
    for (const auto result : {write_result::failed, write_result::unknown}) {
        coordinator = switch_coordinator(2, stored);
        to_writing();
        coordinator.on_store_result(result, t0, out);
        EXPECT_EQ(took(), (effects{read_state{}}));
        coordinator.on_store_read(std::nullopt, t0, out); // unknown still: all stay held
        EXPECT_EQ(took(), (effects{changed{}}));
        EXPECT_EQ(coordinator.state(), coordinator_state::writing);
        EXPECT_EQ(coordinator.next_deadline(), t0 + settings.store_retry);
        coordinator.on_deadline(t0 + settings.store_retry, out);
        EXPECT_EQ(took(), (effects{read_state{}}));
        coordinator.on_store_read(
            stored_state{9, blue, green, 30}, t0, out); // neither epoch tells nothing
        EXPECT_EQ(took(), (effects{changed{}}));
        coordinator.on_deadline(coordinator.next_deadline(), out);
        took();
        coordinator.on_store_read(stored, t0, out);
        EXPECT_EQ(took(), (effects{abort_order(), changed{}}));
        EXPECT_EQ(coordinator.stored().epoch, 4u);
    }
}

TEST_F(SwitchCoordinator, C7_AWriteThatLandedAfterAllCommits)
{
    to_writing();
    coordinator.on_store_result(write_result::unknown, t0, out);
    took();
    coordinator.on_store_read(wanted, t0, out);
    EXPECT_EQ(took(), (effects{order(commit{5, {}}), changed{}}));
}

TEST_F(SwitchCoordinator, C7_TheAbortAskedForWhileWritingComesWithTheOldEpoch)
{
    to_writing();
    coordinator.on_abort_request("asked by ops", t0, out);
    coordinator.on_store_result(write_result::failed, t0, out);
    coordinator.on_store_read(stored, t0, out);
    EXPECT_EQ(took(), (effects{read_state{}, order(abort_switch{"asked by ops"}), changed{}}));
}

TEST_F(SwitchCoordinator, C8_ASessionInTheLimitDoesNotKeepItsMemberFromHeld)
{
    request.max_failed = failure_limit{1, false};
    to_holding();
    say(0, held{{{"a", "green/g1", "refused"}}, 0, {}});
    EXPECT_EQ(say(1, held{}), (effects{changed{}, changed{}, write_state{wanted}}));
}

TEST_F(SwitchCoordinator, C8_OneFailureMoreThanTheLimitAborts)
{
    begin();
    took();
    const effects got = say(0, failed{{{"a", "green/g1", "refused"}}});
    EXPECT_EQ(
        got, (effects{
                 changed{}, order(abort_switch{"max_failed: 1 sessions cannot move, 0 may", false}),
                 changed{}}));
}

TEST_F(SwitchCoordinator, C8_AFailureToldTwiceCountsOnce)
{
    request.max_failed = failure_limit{1, false};
    to_holding();
    say(0, failed{{{"a", "green/g1", "refused"}}});
    say(0, held{{{"a", "green/g1", "refused"}}, 0, {}});
    EXPECT_EQ(coordinator.state(), coordinator_state::holding);
    EXPECT_EQ(coordinator.current().failures.size(), 1u);
}

TEST_F(SwitchCoordinator, C8_APercentageIsOfAllMembersSessionsRoundedDown)
{
    request.max_failed = failure_limit{10, true};
    begin();
    took();
    say(0, progress{0, 0, 10});
    // 10 sessions known, the other member's are not: not judged yet.
    say(0, failed{{{"a", "", ""}, {"b", "", ""}}});
    EXPECT_EQ(coordinator.state(), coordinator_state::preparing);
    say(1, progress{0, 0, 19}); // 29 sessions, 10 % are 2
    EXPECT_EQ(coordinator.state(), coordinator_state::preparing);
    say(1, failed{{{"c", "", ""}}});
    EXPECT_EQ(coordinator.state(), coordinator_state::aborting);
}

TEST_F(SwitchCoordinator, C8_UnheldAbortsWhateverTheLimit)
{
    request.max_failed = failure_limit{100, true};
    to_holding();
    say(0, held{});
    const effects got = say(0, unheld{{"a", "green/g1", "lost"}});
    EXPECT_EQ(got, (effects{order(abort_switch{"session a lost its standby: lost", false}), changed{}}));
}

} // namespace
} // namespace control
