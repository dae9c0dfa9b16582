// Proves the seam as clients see it: blue's MESSAGEs, then green's, none lost, doubled or in
// another order, and blue left only behind the marker (switch.md "Seam", M1 to M12, B4). Tests hold
// the marker back to look at the time before.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterSeam : public RouterSwitch {
protected:
    explicit RouterSeam(gateway::shard_settings settings = usual_settings())
        : RouterSwitch(std::move(settings))
    {
    }
};

TEST_F(RouterSeam, M6_H17_BluesMessagesThenTheKeptOnesInOrderThenLive)
{
    subscriber();
    joining();
    brings(2, message("s1", "b1"));
    brings(4, message("s2", "g1"));
    brings(2, message("s1", "b2"));
    brings(4, message("s2", "g2"));
    effects_are({seen("b1"), seen("b2")});
    marker();
    effects_are(
        {seen("g1"), seen("g2"), "link 2 <- UNSUBSCRIBE id:s1 receipt:r2",
         "link 1 <- DISCONNECT receipt:r3", "link 2 <- DISCONNECT receipt:r3"});
    brings(4, message("s2", "g3"));
    effects_are({seen("g3")});
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().seams_total, 1u);
}

TEST_F(RouterSeam, M3_MarkersGoOutAtTheCommitAndAreRepeatedUntilRead)
{
    subscriber();
    held();
    brokers.blue.markers = false;
    commits();
    const std::string line =
        "link 1 <- SEND destination:/amq/queue/" + own_address + "1 teal-marker:s1+1";
    EXPECT_EQ(those("link 1 <-"), lines{line});
    run(99ms);
    EXPECT_EQ(those("link 1 <-"), lines{});
    run(1ms);
    EXPECT_EQ(those("link 1 <-"), lines{line});
    run(199ms); // each time after twice as long: a slow broker is not made slower
    EXPECT_EQ(those("link 1 <-"), lines{});
    run(1ms);
    EXPECT_EQ(those("link 1 <-"), lines{line});
    marker();
    skip_effects();
    run(2s);
    EXPECT_EQ(those("link 1 <-"), lines{});
}

TEST_F(RouterSeam, M3_AMarkerIsNeverForwarded)
{
    subscriber();
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1");
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s77");
    effects_are({});
}

TEST_F(RouterSeam, M3_AnotherSubscriptionsMarkerJoinsNothing)
{
    subscriber();
    joining();
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s2");
    effects_are({});
    EXPECT_EQ(router.numbers().seams_joined, 0u);
}

TEST_F(RouterSeam, M5_TheOldColorIsLeftOnlyAfterTheMarkerWasRead)
{
    subscriber();
    joining();
    run(900ms);
    EXPECT_EQ(those("link 2 <-"), lines{});
    marker();
    EXPECT_EQ(those("link 2 <- UNSUBSCRIBE"), lines{"link 2 <- UNSUBSCRIBE id:s1 receipt:r2"});
}

TEST_F(RouterSeam, M6_SeamTimeoutForcesItAndTheOldColorStaysSubscribed)
{
    subscriber();
    joining();
    brings(4, message("s2", "g1"));
    run(999ms);
    EXPECT_EQ(told(a, log.take()), lines{});
    run(1ms);
    EXPECT_EQ(told(a, log.take()), lines{seen("g1")});
    EXPECT_EQ(router.numbers().seams_forced, 1u);
    brings(2, message("s1", "late"));
    EXPECT_EQ(told(a, log.take()), lines{seen("late")});
    EXPECT_EQ(router.numbers().late, 1u);
    marker();
    EXPECT_EQ(those("link 2 <- UNSUBSCRIBE"), lines{"link 2 <- UNSUBSCRIBE id:s1 receipt:r2"});
}

// A broker with a thousand markers to bring brings them one behind the other.
TEST_F(RouterSeam, M6_WhereAnothersMarkerCameThereIsProgress)
{
    subscriber();
    client();
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    joining();
    run(900ms);
    brings(2, "MESSAGE subscription:s3 message-id:m teal-marker:s3+1");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    run(999ms);
    EXPECT_EQ(router.numbers().seams_forced, 0u);
    run(1ms);
    EXPECT_EQ(router.numbers().seams_forced, 1u);
}

TEST_F(RouterSeam, M6_H21_AForcedSeamIsLeftAtDrainTimeout)
{
    subscriber();
    joining();
    run(29s);
    skip_effects();
    run(2s);
    const auto left = those("link 2 <- ");
    ASSERT_EQ(left.size(), 2u); // both are due at once: the seam, then the link that nobody needs
    EXPECT_TRUE(left[0].starts_with("link 2 <- UNSUBSCRIBE id:s1")) << left[0];
    EXPECT_TRUE(left[1].starts_with("link 2 <- DISCONNECT")) << left[1];
    EXPECT_EQ(router.numbers().seams_forced, 1u);
}

TEST_F(RouterSeam, ASessionsUnsubscribeLeavesItsPairOnBothColors)
{
    subscriber();
    joining();
    says(a, "UNSUBSCRIBE id:1 receipt:u");
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:u"), 1);
    EXPECT_EQ(
        std::ranges::count_if(
            effects,
            [](const auto& line) { return line.starts_with("link 2 <- UNSUBSCRIBE id:s1"); }),
        1);
    EXPECT_EQ(
        std::ranges::count_if(
            effects,
            [](const auto& line) { return line.starts_with("link 4 <- UNSUBSCRIBE id:s2"); }),
        1);
    run(1s);
    EXPECT_EQ(router.session(a)->seams, 0u);
}

TEST_F(RouterSeam, ASessionsUnsubscribeLeavesTheOthersInTheirPair)
{
    subscriber();
    client();
    says(b, "SUBSCRIBE id:9 destination:/topic/a");
    joining();
    says(a, "UNSUBSCRIBE id:1");
    skip_effects();
    brings(2, message("s1", "b1"));
    brings(4, message("s2", "g1"));
    effects_are({seen("b1", "9", "client 2")});
    marker();
    EXPECT_EQ(told(b, log.take()), lines{seen("g1", "9", "client 2")});
    EXPECT_EQ(router.numbers().seams_total, 1u);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
}

TEST_F(RouterSeam, TheOldLinkLostWhileJoiningJoinsWithAGap)
{
    subscriber();
    joining();
    brings(4, message("s2", "g1"));
    loses(2);
    EXPECT_EQ(told(a, log.take()), lines{seen("g1")});
    EXPECT_EQ(router.numbers().gaps, 1u);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterSeam, TheNewLinkLostWhileJoiningKeepsWhatIsKeptAndBindsAgain)
{
    subscriber();
    joining();
    brings(4, message("s2", "g1"));
    loses(4);
    EXPECT_EQ(told(a, log.take()), lines{}); // nothing overtakes what blue still gives
    EXPECT_EQ(state(a), session_state::rebinding);
    brings(2, message("s1", "b1"));
    EXPECT_EQ(told(a, log.take()), lines{seen("b1")});
    marker();
    const auto effects = log.take();
    EXPECT_EQ(told(a, effects), lines{seen("g1")});
    EXPECT_EQ(std::ranges::count(effects, "dial 5 green/0"), 1);
    EXPECT_EQ(state(a), session_state::active);
    brings(5, message("s3", "g2"));
    EXPECT_EQ(told(a, log.take()), lines{seen("g2")});
    EXPECT_GE(router.numbers().gaps, 1u);
}

TEST_F(RouterSeam, TheOldLinkLostWhileHeldIsAGapAtTheCommit)
{
    subscriber();
    held();
    brings(4, message("s2", "g1"));
    loses(2);
    skip_effects();
    commits();
    EXPECT_EQ(told(a, log.take()), lines{seen("g1")});
    EXPECT_GE(router.numbers().gaps, 1u);
}

TEST_F(RouterSeam, EachPairJoinsByItsOwnMarker)
{
    subscriber();
    says(a, "SUBSCRIBE id:2 destination:/topic/b");
    joining(); // s1, s2 on blue; s3, s4 on green
    brings(4, message("s3", "ga"));
    brings(4, message("s4", "gb"));
    marker();
    EXPECT_EQ(told(a, log.take()), lines{seen("ga")});
    brings(2, "MESSAGE subscription:s2 message-id:m teal-marker:s2+1");
    EXPECT_EQ(told(a, log.take()), lines{seen("gb", "2")});
    EXPECT_EQ(router.numbers().seams_joined, 2u);
}

TEST_F(RouterSeam, M8_AQuickSwitchBackWaitsInPreparingForTheSeam)
{
    subscriber();
    joining();
    prepares(color::blue);
    EXPECT_EQ(router.phase(), gateway::member_phase::preparing);
    marker();
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
}

TEST_F(RouterSeam, M8_AForcedSeamsOldSubscriptionIsNeverAdopted)
{
    subscriber();
    joining();
    run(1s); // forced: s1 is still subscribed on link 2
    prepares(color::blue);
    holds();
    commits();
    EXPECT_EQ(router.live(), color::blue);
    EXPECT_NE(static_cast<std::uint64_t>((*router.session(a)->journal.begin())->wires.blue), 1u);
}

// Its marker never comes: by both it would come twice.
TEST_F(RouterSeam, M8_AForcedSeamsOldSubscriptionGivesNothingOnceItsColorIsLiveAgain)
{
    subscriber();
    joining();
    run(1s);
    prepares(color::blue);
    brings(2, message("s1", "late"));
    EXPECT_EQ(told(a, log.take()), lines{seen("late")});
    holds();
    commits();
    skip_effects();
    brings(2, message("s1", "the newer one gives that"));
    EXPECT_EQ(told(a, log.take()), lines{});
}

// A message that was SENT just before the next hold comes by both, behind the commit.
TEST_F(RouterSeam, M8_ItStaysSilentWhenItsColorIsLeftAgain)
{
    subscriber();
    joining();
    run(1s);
    prepares(color::blue);
    holds();
    commits();
    const auto newer = broker::to_wire((*router.session(a)->journal.begin())->wires.blue);
    brokers.blue.markers = false;
    prepares(color::green);
    holds();
    commits();
    ASSERT_EQ(router.live(), color::green);
    skip_effects();
    brings(2, message(newer, "once"));
    brings(2, message("s1", "once"));
    EXPECT_EQ(told(a, log.take()), lines{seen("once")});
}

// Its UNSUBSCRIBE is stuck on the way: what came there meanwhile was given by a newer one, which
// was left as well by now.
TEST_F(RouterSeam, M8_WhatComesBehindTheMarkersIsDroppedForEverOnceANewerOneWasMade)
{
    subscriber();
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.command == stomp::command::unsubscribe || f.command == stomp::command::disconnect;
    };
    switched();
    brings(2, message("s1", "nobody had that yet"));
    EXPECT_EQ(told(a, log.take()), lines{seen("nobody had that yet")});
    prepares(color::blue);
    holds();
    commits();
    prepares(color::green);
    holds();
    commits();
    EXPECT_EQ(router.live(), color::green);
    skip_effects();
    brings(2, message("s1", "the newer one gave that"));
    EXPECT_EQ(told(a, log.take()), lines{});
}

TEST_F(RouterSeam, M9_AStandbysMessagesAreDiscardedBySubscriptionNotByLink)
{
    subscriber();
    joining();
    run(1s);               // forced
    prepares(color::blue); // the lingering link is adopted
    skip_effects();
    const auto fresh = broker::to_wire((*router.session(a)->journal.begin())->wires.blue);
    brings(2, message("s1", "old seam's"));
    brings(2, message(fresh, "standby's"));
    EXPECT_EQ(told(a, log.take()), lines{seen("old seam's")});
}

class RouterSmallSeamBuffer : public RouterSeam {
protected:
    static gateway::shard_settings small()
    {
        auto s = usual_settings();
        s.seam_buffer = 1000;
        return s;
    }
    RouterSmallSeamBuffer() : RouterSeam(small()) {}
};

TEST_F(RouterSmallSeamBuffer, M10_AtItsMarkThePairIsForcedAndNothingIsDropped)
{
    subscriber();
    joining();
    const std::string body(400, 'x');
    brings(4, message("s2", "1" + body));
    brings(4, message("s2", "2" + body));
    EXPECT_EQ(told(a, log.take()), lines{});
    brings(4, message("s2", "3" + body));
    EXPECT_EQ(told(a, log.take()), (lines{seen("1" + body), seen("2" + body), seen("3" + body)}));
    EXPECT_EQ(router.numbers().seams_forced, 1u);
    brings(4, message("s2", "4" + body));
    EXPECT_EQ(told(a, log.take()), lines{seen("4" + body)});
}

// It is one MESSAGE, not a client that does not keep up.
TEST_F(RouterSmallSeamBuffer, M10_OneMessageLargerThanTheMarkForcesNothing)
{
    subscriber();
    held();
    const std::string large(5000, 'x'), small(400, 'x');
    brings(4, message("s2", "1" + large));
    EXPECT_EQ(log.take(), lines{}); // the link is read on
    brokers.blue.markers = false;
    commits();
    brings(4, message("s2", "2" + small));
    brings(4, message("s2", "3" + small));
    EXPECT_EQ(router.numbers().seams_forced, 0u);
    brings(4, message("s2", "4" + large)); // the second one is more than the mark
    EXPECT_EQ(router.numbers().seams_forced, 1u);
    EXPECT_EQ(
        told(a, log.take()),
        (lines{seen("1" + large), seen("2" + small), seen("3" + small), seen("4" + large)}));
}

TEST_F(RouterSmallSeamBuffer, M10_BeforeTheCommitNothingIsDroppedEither)
{
    subscriber();
    held();
    brokers.blue.markers = false;
    const std::string body(400, 'x');
    lines all;
    for (int i = 1; i <= 5; ++i) {
        brings(4, message("s2", std::to_string(i) + body));
        all.push_back(seen(std::to_string(i) + body));
    }
    skip_effects();
    commits();
    run(1s);
    EXPECT_EQ(told(a, log.take()), all);
}

TEST_F(RouterSeam, M12_WhoJoinsASharedSubscriptionWhileItJoinsGetsTheNewColorAtOnce)
{
    subscriber();
    client();
    joining();
    brings(4, message("s2", "before"));
    says(b, "SUBSCRIBE id:9 destination:/topic/a receipt:x");
    EXPECT_EQ(told(b, log.take()), lines{"client 2 <- RECEIPT receipt-id:x"});
    brings(4, message("s2", "behind"));
    EXPECT_EQ(log.take(), lines{seen("behind", "9", "client 2")});
    brings(2, message("s1", "blue's"));
    EXPECT_EQ(log.take(), lines{seen("blue's")});
    marker();
    auto effects = log.take();
    EXPECT_EQ(told(a, effects), (lines{seen("before"), seen("behind")}));
    EXPECT_EQ(told(b, effects), lines{});
}

// A trial's, SENT before the commit, may be read long behind it (behind a full prefetch, or on a
// slow way through a cluster): what was SENT since is not proven by it.
TEST_F(RouterSeam, M6_AMarkerThatWasSentBeforeTheCommitJoinsNothing)
{
    subscriber();
    held();
    brokers.blue.markers = false;
    commits();
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1");
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1+99");
    EXPECT_EQ(router.numbers().seams_joined, 0u);
    marker();
    EXPECT_EQ(router.numbers().seams_joined, 1u);
}

TEST_F(RouterSeam, B1_WhereTheSubscriptionOfTheMarkersTrialGoesAnothersIsTried)
{
    brokers.blue.markers = false;
    subscriber();
    client();
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    EXPECT_EQ(those("link 1 <- SEND destination:/amq/queue/").size(), 0u);
    brokers.blue.markers = true;
    says(a, "UNSUBSCRIBE id:1");
    const auto tried = those("link 1 <- SEND destination:/amq/queue/");
    ASSERT_EQ(tried.size(), 1u);
    EXPECT_TRUE(tried[0].ends_with("teal-marker:s3")) << tried[0];
    run(1s);
    held();
    commits();
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
}

TEST_F(RouterSeam, B1_AMarkersTrialThatIsNotAnsweredYetIsNoReasonForBestEffort)
{
    brokers.blue.markers = false;
    subscriber();
    held();
    commits();
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
    marker();
    EXPECT_EQ(router.numbers().seams_joined, 1u);
}

TEST_F(RouterSeam, B3_WithoutAMarkerItIsBestEffortAndJoinsWhenTheOldColorWasQuiet)
{
    brokers.blue.markers = false;
    subscriber();
    run(1s); // the trial of the marker found none
    held();
    commits();
    brings(4, message("s2", "g1"));
    run(30ms);
    brings(2, message("s1", "b1"));
    EXPECT_EQ(told(a, log.take()), lines{seen("b1")});
    run(49ms);
    EXPECT_EQ(told(a, log.take()), lines{});
    run(2ms);
    EXPECT_EQ(told(a, log.take()), lines{seen("g1")});
    EXPECT_EQ(router.numbers().seams_best_effort, 1u);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
}

TEST_F(RouterSeam, AClientThatGoesWhileJoiningTakesItsSeamWithIt)
{
    subscriber();
    joining();
    goes(a);
    run(1s);
    EXPECT_EQ(router.link_count(), 0u);
    EXPECT_EQ(router.numbers().seams_total, 0u);
}

} // namespace
