// Proves the rules of switch.md between `hold` and the decision: who is settled, when the shard
// says `held`, what is carried, and what a loss means there.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;
using gateway::member_phase;

TEST_F(RouterSwitch, S1_WithNothingUnprovenTheHoldIsAnsweredAtOnce)
{
    subscriber();
    prepared();
    holds();
    effects_are({"report held"});
    EXPECT_EQ(state(a), session_state::held);
}

TEST_F(RouterSwitch, S1_HeldWaitsForTheBarrierBehindTheLastSend)
{
    subscriber();
    prepared();
    says(a, "SEND destination:/topic/a receipt:s | x");
    brokers.blue.keeps_back = is_barrier;
    skip_effects();
    holds();
    effects_are({"link 1 <- SEND destination:/amq/queue/teal-none receipt:r4"});
    EXPECT_EQ(state(a), session_state::quiescing);
    answer();
    effects_are({"report held blue/0"}); // and names the endpoint that SENDs went through (M1)
}

TEST_F(RouterSwitch, S1_SendReceiptsInFlightDoNotHoldTheSwitch)
{
    client();
    prepared();
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/a receipt:s | x");
    skip_effects();
    holds();
    effects_are(
        {"link 1 <- SEND destination:/amq/queue/teal-none receipt:r4", "report held blue/0"});
}

TEST_F(RouterSwitch, S1_ANeighbourWithoutSendsIsHeldBeforeTheLinksBarrier)
{
    client();
    client();
    prepared();
    says(a, "SEND destination:/topic/a | x");
    brokers.blue.keeps_back = is_barrier;
    holds();
    EXPECT_EQ(state(a), session_state::quiescing);
    EXPECT_EQ(state(b), session_state::held);
}

TEST_F(RouterSwitch, S1_TheLinkOfAClosedSessionIsWaitedFor)
{
    client();
    prepared();
    says(a, "SEND destination:/topic/a | x");
    brokers.blue.keeps_back = is_barrier;
    goes(a); // its link leaves behind its barrier
    skip_effects();
    holds();
    effects_are({});
    EXPECT_EQ(router.phase(), member_phase::holding);
    answer();
    EXPECT_EQ(those("report").front(), "report held blue/0");
}

TEST_F(RouterSwitch, S1_TheLinkOfAClosingSessionIsWaitedFor)
{
    client();
    prepared();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | x");
    says(a, "DISCONNECT receipt:d");
    EXPECT_EQ(state(a), session_state::closing);
    holds();
    EXPECT_EQ(router.phase(), member_phase::holding);
    skip_effects();
    answer();
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:d"), 1);
    EXPECT_EQ(std::ranges::count(effects, "report held blue/0"), 1);
}

TEST_F(RouterSwitch, S2_ABarrierThatIsOpenIsFollowedByOneBehindTheLastSend)
{
    client();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | 1");
    prepared(); // its barrier is open
    says(a, "SEND destination:/topic/a | 2");
    holds();
    EXPECT_EQ(router.phase(), member_phase::holding);
    skip_effects();
    answer(1);
    effects_are({"link 1 <- SEND destination:/amq/queue/teal-none receipt:r4"});
    EXPECT_EQ(router.phase(), member_phase::holding);
    answer(1);
    effects_are({"report held blue/0"});
}

TEST_F(RouterSwitch, B3_WithoutReceiptsTheBarrierIsAnEmptySendQueue)
{
    brokers.blue.keeps_back = keep_all;
    client();
    run(1s); // the trial found no receipts
    prepared();
    says(a, "SEND destination:/topic/a | 1");
    log.unflushed.insert(router.session(a)->now().own);
    skip_effects();
    holds();
    effects_are({"read link 2 on"});
    log.unflushed.clear();
    run(2ms);
    effects_are({"report held blue/0"});
    commits();
    EXPECT_TRUE(std::get<control::adopted>(log.reports.back().what).numbers.fence_best_effort);
    run(40s); // nobody is bound to the old color any more, and the report still says so
    EXPECT_TRUE(router.numbers().fence_best_effort);
}

TEST_F(RouterSwitch, S2_S15_WhatWaitsBehindAnOpenSubscribeIsCarriedAndTheBarrierGoesOut)
{
    client();
    prepared();
    says(a, "SEND destination:/topic/a | 1");
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/topic/a receipt:x");
    says(a, "SEND destination:/topic/a | 2");
    skip_effects();
    holds();
    effects_are({"link 1 <- SEND destination:/amq/queue/teal-none receipt:r3"});
    EXPECT_EQ(state(a), session_state::quiescing); // settled only when its SUBSCRIBE is answered
    answer();
    EXPECT_EQ(router.phase(), member_phase::held);
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:x"), 1);
    EXPECT_EQ(std::ranges::count(effects, "link 1 <- SEND destination:/topic/a | 2"), 0);
    commits();
    EXPECT_EQ(
        those("link 2 <- SEND destination:/topic/a"),
        lines{"link 2 <- SEND destination:/topic/a | 2"});
}

TEST_F(RouterSwitch, S15_ASubscribeThatIsNotWrittenAtHoldGoesToTheNewColor)
{
    client();
    prepared();
    brokers.blue.answers_connect = false; // its subscribe link is not there yet
    says(a, "SUBSCRIBE id:1 destination:/topic/a receipt:x");
    holds();
    EXPECT_EQ(router.phase(), member_phase::held);
    skip_effects();
    brings(3, "CONNECTED version:1.2 heart-beat:0,0"); // now it is
    EXPECT_EQ(those("link 3 <- SUBSCRIBE"), lines{});
    commits();
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:x"), 1);
    EXPECT_EQ(
        std::ranges::count_if(
            effects, [](const auto& line) { return line.find("<- SUBSCRIBE") != line.npos; }),
        1);
}

TEST_F(RouterSwitch, S1_FramesAreCarriedWhileQuiescingAndHeld)
{
    subscriber();
    held();
    says(a, "SEND destination:/topic/a | 1");
    says(a, "UNSUBSCRIBE id:1");
    effects_are({});
    EXPECT_EQ(carried(a), 2u);
    EXPECT_FALSE(router.wants_client(a));
}

TEST_F(RouterSwitch, MessagesOfTheOldColorGoOnWhileHeld)
{
    subscriber();
    held();
    brings(2, message("s1", "still"));
    effects_are({seen("still")});
}

TEST_F(RouterSwitch, S3_SendsUnprovenOnALostLinkAreInDoubtAndTheFenceIsBestEffort)
{
    client();
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/topic/a receipt:s | x");
    says(a, "SEND destination:/topic/a | y");
    prepared();
    holds();
    EXPECT_EQ(router.phase(), member_phase::holding);
    skip_effects();
    loses(1);
    EXPECT_EQ(those("report"), lines{"report held lost_links:1 blue/0"});
    EXPECT_EQ(router.numbers().in_doubt, 2u);
    EXPECT_TRUE(router.numbers().fence_best_effort);
}

TEST_F(RouterSwitch, S4_ACloseOfTheGatewaysWaitsForTheDecision)
{
    subscriber();
    held();
    EXPECT_TRUE(router.disconnect("0-1", now));
    effects_are({});
    EXPECT_EQ(state(a), session_state::held);
    commits();
    const auto effects = log.take();
    EXPECT_EQ(
        std::ranges::count(effects, "close client 1 admin: closed while a switch held it"), 1);
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterSwitch, S4_AClientThatGoesWhileHeldWithNothingCarriedGoesAtOnce)
{
    subscriber();
    held();
    goes(a);
    EXPECT_FALSE(exists(a));
    commits();
    EXPECT_EQ(router.live(), color::green);
    EXPECT_EQ(router.link_count(), 0u);
}

TEST_F(RouterSwitch, S5_ARebindingSessionIsHeldWithoutItsBind)
{
    subscriber();
    brokers.blue.dials = false;
    loses(2);
    EXPECT_EQ(state(a), session_state::rebinding);
    prepared();
    holds();
    EXPECT_EQ(state(a), session_state::held);
    EXPECT_EQ(router.phase(), member_phase::held);
}

TEST_F(RouterSwitch, S5_ARebindingSessionIsHeldOnlyOnceItsStandbyIsReady)
{
    subscriber();
    brokers.green.answers_connect = false;
    brokers.blue.dials = false;
    prepares();
    loses(2);
    EXPECT_EQ(router.phase(), member_phase::preparing); // not even prepared
}

TEST_F(RouterSwitch, S7_WhoArrivesFromHoldOnWaits)
{
    client();
    held();
    const auto late = client();
    effects_are({});
    EXPECT_EQ(state(late), session_state::waiting);
    commits();
    const auto effects = log.take();
    EXPECT_EQ(
        told(late, effects),
        lines{"client 2 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-2"});
    EXPECT_EQ(router.session(late)->live, color::green);
}

TEST_F(RouterSwitch, S7_WhoArrivedWaitsAndConnectsToTheOldColorBehindAnAbort)
{
    client();
    held();
    const auto late = client();
    const auto silent = arrives();
    aborts();
    EXPECT_EQ(state(late), session_state::active);
    EXPECT_EQ(router.session(late)->live, color::blue);
    EXPECT_EQ(state(silent), session_state::connecting);
    EXPECT_TRUE(router.wants_client(silent));
}

TEST_F(RouterSwitch, S7_NobodyResumesBeforeTheDecisionIsKnown)
{
    client();
    prepared();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | proven in the hold");
    holds();
    skip_effects();
    answer();
    says(a, "SEND destination:/topic/a | carried");
    run(1h); // the coordinator owns the timeouts, no shard does
    EXPECT_EQ(those("link "), lines{});
    EXPECT_EQ(router.live(), color::blue);
    ASSERT_EQ(state(a), session_state::held);
    commits();
    EXPECT_EQ(router.live(), color::green);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterSwitch, S7_AConnectingSessionsAttemptIsDroppedAtHold)
{
    brokers.blue.answers_connect = false;
    client();
    prepared();
    holds();
    EXPECT_EQ(state(a), session_state::waiting);
    effects_are({"close link 1", "report held"});
    commits();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.session(a)->live, color::green);
}

TEST_F(RouterSwitch, S6_AStandbyLostBeforeTheShardSaidHeldIsMadeAgain)
{
    subscriber();
    client();
    prepared();
    brokers.blue.keeps_back = is_barrier;
    says(b, "SEND destination:/topic/b | x");
    holds();
    EXPECT_EQ(state(a), session_state::held);
    EXPECT_EQ(state(b), session_state::quiescing);
    brokers.green.keeps_back = is_subscribe;
    loses(4);
    EXPECT_EQ(state(a), session_state::quiescing);
    brokers.blue.keeps_back = keep_none;
    skip_effects();
    brings(1, "RECEIPT receipt-id:r3");
    EXPECT_EQ(router.phase(), member_phase::holding);
    answer();
    EXPECT_EQ(router.phase(), member_phase::held);
}

TEST_F(RouterSwitch, S6_AStandbyLostOnceTheShardSaidHeldIsUnheld)
{
    subscriber();
    held();
    loses(4);
    EXPECT_EQ(those("report"), lines{"report unheld 0-1 at green/g: the standby was lost"});
    EXPECT_EQ(state(a), session_state::held); // the coordinator judges (C6)
}

TEST_F(RouterSwitch, S6_TheOldLinkLostWhileHeldIsRemembered)
{
    subscriber();
    held();
    loses(2);
    EXPECT_EQ(state(a), session_state::held);
    aborts();                                   // S6: its links are not alive
    EXPECT_EQ(state(a), session_state::active); // bound again at once
    EXPECT_EQ(router.session(a)->live, color::blue);
    const auto effects = log.take();
    EXPECT_EQ(
        std::ranges::count_if(
            effects,
            [](const auto& line) { return line.starts_with("dial") && line.ends_with("blue/0"); }),
        1);
}

TEST_F(RouterSwitch, S6_AbortResumesOnLinksThatAreAlive)
{
    subscriber();
    held();
    says(a, "SEND destination:/topic/a | carried");
    skip_effects();
    aborts();
    effects_are(
        {"link 4 <- UNSUBSCRIBE id:s2 receipt:r2", "link 3 <- DISCONNECT receipt:r3",
         "link 4 <- DISCONNECT receipt:r3", "report released", "resume client 1",
         "link 1 <- SEND destination:/topic/a | carried"});
}

TEST_F(RouterSwitch, M7_HeldWaitsForTheSubscribesThatTheStandbyHasNotConfirmed)
{
    client();
    prepared();
    brokers.green.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    holds();
    EXPECT_EQ(state(a), session_state::quiescing);
    answer();
    EXPECT_EQ(router.phase(), member_phase::held);
}

TEST_F(RouterSwitch, M7_TheStandbysMessagesAreKeptFromHeldOn)
{
    subscriber();
    prepared();
    brings(4, message("s2", "discarded"));
    holds();
    brings(4, message("s2", "kept"));
    skip_effects();
    commits();
    EXPECT_EQ(told(a, log.take()), lines{seen("kept")});
}

// A client that reads nothing, with a link of its own beside the shared ones.
TEST_F(RouterSwitch, S17_AClientThatReadsNothingNeverStopsASwitch)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    prepared();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | x");
    backlog(a, gateway::backlog::over_mark);
    skip_effects();
    holds();
    const auto effects = log.take();
    EXPECT_EQ(
        std::ranges::count(effects, "read link 2 on"),
        1); // read up to the wall: its answer lies behind
    EXPECT_EQ(router.phase(), member_phase::holding);
    backlog(a, gateway::backlog::over_wall);
    EXPECT_EQ(router.phase(), member_phase::held);
    EXPECT_TRUE(router.numbers().fence_best_effort);
    EXPECT_TRUE(exists(a)); // S14: not closed for what is buffered
}

TEST_F(RouterSwitch, S14_FromHoldOnNobodyIsClosedForWhatIsBuffered)
{
    subscriber();
    held();
    log.unwritten[a] = 9 * 1024 * 1024;
    backlog(a, gateway::backlog::over_mark);
    backlog(a, gateway::backlog::over_wall);
    run(60s);
    EXPECT_TRUE(exists(a));
}

TEST_F(RouterSwitch, S16_TheNextSwitchMayHaveOtherSettings)
{
    client();
    held();
    aborts();
    prepares(color::green, {.linger = 5s, .drain_timeout = 60s});
    holds();
    EXPECT_EQ(router.phase(), member_phase::held);
}

} // namespace
