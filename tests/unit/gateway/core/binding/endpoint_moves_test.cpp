// Proves M13: the sessions of an endpoint that is drained leave it whole (what they sent is proven,
// what was routed to them is read) and are bound to another one of the color; nobody is closed,
// nothing is given twice, what may be missing is counted; and a switch goes before.

#include "tests/unit/gateway/core/endpoints_scene.hpp"

namespace {

using namespace testing_support;

// Client 1 is at b1 (links 1 and 3, wire subscription s1), client 2 at b2 (links 2 and 4, s2).
class RouterMove : public RouterOfSeveral {
protected:
    RouterMove() : RouterOfSeveral({2, 1}) { subscribers({"/topic/a", "/topic/b"}); }
    std::uint64_t bound(std::size_t index) const
    {
        return router.snapshot().endpoints.blue[index].sessions;
    }
    static std::size_t count(const lines& all, const std::string& what)
    {
        return static_cast<std::size_t>(std::ranges::count(all, what));
    }
    static std::size_t place(const lines& all, std::string_view begin)
    {
        const auto at = std::ranges::find_if(
            all, [&](const std::string& line) { return line.starts_with(begin); });
        EXPECT_NE(at, all.end()) << begin;
        return static_cast<std::size_t>(at - all.begin());
    }
};

TEST_F(RouterMove, M13_LeavesTheEndpointThenIsBoundToAnother)
{
    drains(b1);
    effects_are(
        {"link 1 <- SEND destination:/amq/queue/" + own_address + "1 teal-marker:s1=1",
         "link 3 <- UNSUBSCRIBE id:s1 receipt:r2", "link 1 <- DISCONNECT receipt:r3",
         "link 3 <- DISCONNECT receipt:r3",
         "link 4 <- SUBSCRIBE id:s3 ack:auto receipt:r2 x-queue-name:" +
             own_address + "3 exclusive:true destination:/topic/a",
         "resume client 1"});
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(bound(0), 0u);
    EXPECT_EQ(bound(1), 2u);
    EXPECT_TRUE(router.snapshot().endpoints.blue[0].draining);
    brings(4, message("s3", "x"));
    EXPECT_EQ(told(a, log.take()), lines{seen("x")});
}

TEST_F(RouterMove, M13_WhatIsSentMeanwhileIsCarriedAndGoesToTheNewEndpointInOrder)
{
    brokers.blue.markers = false;
    drains(b1);
    EXPECT_EQ(state(a), session_state::rebinding);
    says(a, "SEND destination:/topic/a | 1");
    says(a, "SEND destination:/topic/a | 2");
    EXPECT_EQ(carried(a), 2u);
    skip_effects();
    run(1s); // seam_timeout: no marker comes
    const auto effects = log.take();
    EXPECT_EQ(count(effects, "link 2 <- SEND destination:/topic/a | 1"), 1u);
    EXPECT_LT(
        place(effects, "link 2 <- SEND destination:/topic/a | 1"),
        place(effects, "link 2 <- SEND destination:/topic/a | 2"));
    EXPECT_LT(
        place(effects, "link 4 <- SUBSCRIBE"),
        place(effects, "link 2 <- SEND destination:/topic/a | 1"));
}

TEST_F(RouterMove, M13_WhatWasSentIsProvenBeforeAMarkerIsSent)
{
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return is_barrier(f) || is_client_send(f);
    };
    says(a, "SEND destination:/topic/a receipt:s | 1");
    skip_effects();
    drains(b1);
    const auto before = log.take();
    EXPECT_EQ(before, lines{"link 1 <- SEND destination:/amq/queue/teal-none receipt:r4"});
    brokers.blue.keeps_back = keep_none;
    answer();
    const auto effects = log.take();
    EXPECT_LT(
        place(effects, "client 1 <- RECEIPT receipt-id:s"),
        place(effects, "link 1 <- SEND destination:/amq/queue/" + own_address));
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterMove, M13_ABrokerThatProvesNothingIsLeftAfterReceiptTimeout)
{
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return is_barrier(f) || is_client_send(f);
    };
    says(a, "SEND destination:/topic/a receipt:s | 1");
    drains(b1);
    run(1999ms);
    EXPECT_EQ(bound(0), 1u);
    run(1ms);
    EXPECT_EQ(bound(0), 0u);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterMove, M13_WhatWasRoutedInFrontOfTheMarkerIsDeliveredAndNothingBehindIt)
{
    brokers.blue.markers = false;
    drains(b1);
    brings(3, message("s1", "in front"));
    EXPECT_EQ(told(a, log.take()), lines{seen("in front")});
    brings(3, "MESSAGE subscription:s1 message-id:m teal-marker:s1=1");
    run(0ms);
    EXPECT_EQ(state(a), session_state::active);
    skip_effects();
    brings(3, message("s1", "behind"));
    EXPECT_EQ(told(a, log.take()), lines{});
}

TEST_F(RouterMove, M13_TheMarkerIsWaitedForWhileSomethingArrives)
{
    brokers.blue.markers = false;
    drains(b1);
    for (int i = 0; i < 5; ++i) {
        run(900ms);
        brings(3, message("s1", "x"));
        EXPECT_EQ(state(a), session_state::rebinding);
    }
    skip_effects();
    run(900ms);
    brings(3, message("s1", "in front"));
    EXPECT_EQ(told(a, log.take()), lines{seen("in front")});
    run(1100ms); // seam_timeout, and the sweep behind it
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(bound(0), 0u);
}

TEST_F(RouterMove, M13_AndNoLongerThanDrainTimeout)
{
    brokers.blue.markers = false;
    drains(b1);
    for (auto waited = 0ms; waited < 32s; waited += 900ms) {
        EXPECT_EQ(bound(0), waited < 30s ? 1u : 0u) << waited.count();
        brings(3, message("s1", "x"));
        run(900ms);
    }
    EXPECT_EQ(bound(0), 0u);
}

TEST_F(RouterMove, M13_TheMarkerOfAMoveThatWasGivenUpSaysNothingOfTheNext)
{
    brokers.blue.markers = false;
    drains(b1);
    drains(b1, false);
    drains(b1);
    brings(3, "MESSAGE subscription:s1 message-id:m teal-marker:s1=1");
    EXPECT_EQ(state(a), session_state::rebinding);
    brings(3, "MESSAGE subscription:s1 message-id:m teal-marker:s1=2");
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(bound(0), 0u);
}

TEST_F(RouterMove, M13_TheGapIsCounted)
{
    drains(b1);
    EXPECT_EQ(counters.subscriptions_restored[gateway::restored::ok], 1u);
    EXPECT_TRUE(std::ranges::any_of(log.logged, [](const std::string& line) {
        return line.find("blue/b1 is drained: 1 sessions move, 1 gaps, 0 deliveries handed back") !=
               std::string::npos;
    }));
}

TEST_F(RouterMove, M13_AStoredSubscriptionIsLeftByDisconnectAndItsDeliveriesHandedBack)
{
    says(a, "SUBSCRIBE id:2 destination:/queue/q ack:client");
    brings(5, "MESSAGE subscription:s3 message-id:m ack:7 destination:/queue/q | x");
    skip_effects();
    drains(b1);
    const auto effects = log.take();
    EXPECT_EQ(state(a), session_state::active);
    for (const auto& line : effects) {
        EXPECT_FALSE(line.starts_with("link 5 <- UNSUBSCRIBE")) << line;
        EXPECT_EQ(line.find("NACK"), std::string::npos) << line;
    }
    place(effects, "link 5 <- DISCONNECT");
    place(effects, "link 6 <- SUBSCRIBE id:s5 ack:client-individual");
    says(a, "ACK id:ab-1 receipt:k"); // of what was handed back: swallowed, answered
    EXPECT_EQ(count(log.take(), "client 1 <- RECEIPT receipt-id:k"), 1u);
}

TEST_F(RouterMove, M13_TheEndOfTheLinkThatWasLeftDisturbsNobody)
{
    says(a, "SUBSCRIBE id:2 destination:/queue/q");
    drains(b1);
    ASSERT_EQ(state(a), session_state::active); // its own link was read to EOF within the move
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
}

TEST_F(RouterMove, M13_WhoConnectsIsNeverBoundToADrainingEndpoint)
{
    drains(b1);
    for (int i = 0; i < 3; ++i) {
        client();
    }
    EXPECT_EQ(bound(0), 0u);
    EXPECT_EQ(bound(1), 5u);
    drains(b1, false);
    client();
    EXPECT_EQ(bound(0), 1u); // and nobody moves back
    EXPECT_EQ(bound(1), 5u);
}

TEST_F(RouterMove, M13_WhoWasConnectingThereConnectsElsewhere)
{
    brokers.blue.answers_connect = false;
    const auto c = client("CONNECT accept-version:1.2 host:/ login:berta");
    ASSERT_EQ(bound(0), 2u);
    drains(b1);
    brokers.blue.answers_connect = true;
    EXPECT_EQ(bound(0), 0u);
    brings(static_cast<std::uint64_t>(6), "CONNECTED version:1.2 heart-beat:0,0");
    EXPECT_EQ(state(c), session_state::active);
}

TEST_F(RouterMove, M13_WithNowhereToGoTheyStayAndMoveWhenAnotherIsThere)
{
    for (int i = 0; i < 3; ++i) { // b2 is down
        router.on_probe(b2, false, "connection refused", now);
    }
    drains(b1);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(bound(0), 1u);
    run(5s);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(bound(0), 0u);
}

TEST_F(RouterMove, M13_UndrainLeavesWhoHasNotLeftWhereItIs)
{
    brokers.blue.markers = false;
    drains(b1);
    skip_effects();
    drains(b1, false);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(bound(0), 1u);
    effects_are({"resume client 1"});
    run(5s);
    EXPECT_EQ(bound(0), 1u);
}

TEST_F(RouterMove, M13_AnOrderGivenTwiceIsOne)
{
    drains(b1);
    skip_effects();
    drains(b1);
    effects_are({});
    drains({color::blue, 7}); // no such endpoint
    effects_are({});
}

TEST_F(RouterMove, M13_AClientThatGoesMeanwhileLeavesNothingBehind)
{
    brokers.blue.markers = false;
    drains(b1);
    goes(a);
    goes(b);
    run(5s);
    EXPECT_EQ(router.session_count() + router.link_count() + router.wire_count(), 0u);
    EXPECT_EQ(router.group_count() + router.identity_count(), 0u);
}

TEST_F(RouterMove, M13_ALinkLostMeanwhileIsNotWaitedFor)
{
    brokers.blue.markers = false;
    drains(b1);
    loses(3);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(bound(0), 0u);
}

TEST_F(RouterMove, C1_APrepareTakesThemAlongFromWhereTheyAreAndAnAbortLetsThemGoOn)
{
    brokers.blue.markers = false;
    drains(b1);
    prepares();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(bound(0), 1u);
    EXPECT_EQ(router.numbers().sessions_total, 2u);
    brokers.blue.markers = true;
    aborts();
    run(20ms);
    EXPECT_EQ(bound(0), 0u);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterMove, C1_ACommitTakesThemAlong)
{
    brokers.blue.markers = false;
    drains(b1);
    prepares();
    run(2s);
    holds();
    ASSERT_EQ(router.phase(), gateway::member_phase::held);
    brokers.blue.markers = true;
    commits();
    run(2s);
    EXPECT_EQ(router.numbers().sessions_moved, 2u);
    EXPECT_EQ(router.numbers().seams_joined, 2u);
    EXPECT_EQ(router.numbers().gaps, 0u);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterMove, C1_AnOrderWithinASwitchWaitsForItsEnd)
{
    prepares();
    skip_effects();
    drains(b1);
    EXPECT_EQ(bound(0), 1u);
    EXPECT_TRUE(router.snapshot().endpoints.blue[0].draining);
    aborts();
    run(20ms);
    EXPECT_EQ(bound(0), 0u);
}

TEST_F(RouterMove, M8_ASessionWhoseSeamsAreOpenMovesBehindThem)
{
    prepares();
    holds();
    brokers.blue.markers = false;
    commits();
    drains(g1); // nowhere to go
    EXPECT_EQ(state(a), session_state::active);
    prepares(color::blue); // waits for the seams
    aborts();
    router.drain_endpoint(g1, false, now);
    EXPECT_EQ(router.seam_count(), 2u);
}

class RouterMoveOfGreen : public RouterOfSeveral {
protected:
    RouterMoveOfGreen() : RouterOfSeveral({1, 2}) { subscriber(); }
};

TEST_F(RouterMoveOfGreen, M13_AStandbyIsNeverBoundToADrainingEndpoint)
{
    router.drain_endpoint(g1, true, now);
    prepared();
    EXPECT_EQ(router.snapshot().endpoints.green[0].links, 0u);
    EXPECT_GT(router.snapshot().endpoints.green[1].links, 0u);
}

TEST_F(RouterMoveOfGreen, M13_ASeamIsJoinedBeforeItsSessionMoves)
{
    held();
    brokers.blue.markers = false;
    commits();
    router.drain_endpoint(g1, true, now);
    work();
    EXPECT_EQ(state(a), session_state::active); // it sends and receives until then
    EXPECT_EQ(router.snapshot().endpoints.green[0].sessions, 1u);
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1+" + std::to_string(committed));
    ASSERT_EQ(router.numbers().seams_joined, 1u);
    run(20ms);
    EXPECT_EQ(router.snapshot().endpoints.green[0].sessions, 0u);
    EXPECT_EQ(state(a), session_state::active);
}

class RouterMoveDedicated : public RouterOfSeveral {
protected:
    RouterMoveDedicated() : RouterOfSeveral(several_endpoints({2, 1}, false))
    {
        subscribers({"/topic/a"});
    }
};

TEST_F(RouterMoveDedicated, M13_TheMarkerRidesOnTheSessionsOwnLink)
{
    says(a, "SEND destination:/topic/a | 1");
    skip_effects();
    drains(b1);
    const auto effects = log.take();
    EXPECT_EQ(
        std::ranges::count(
            effects, "link 1 <- SEND destination:/amq/queue/" + own_address + "1 teal-marker:s1=1"),
        1);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].sessions, 0u);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
    EXPECT_EQ(router.snapshot().endpoints.blue[1].sessions, 1u);
}

// What is in front of the answer of the marker's trial may be anything that was routed.
TEST_F(RouterMoveDedicated, M13_WhereTheMarkersTrialIsNotAnsweredYetTheMarkerIsWaitedFor)
{
    brokers.blue.markers = false;
    const session_id late = client(); // of the same login, at b2, where no marker was read yet
    says(late, "SUBSCRIBE id:1 destination:/topic/a");
    const control::endpoint_ref where = router.session(late)->now().group->at;
    ASSERT_EQ(where, (control::endpoint_ref{color::blue, 1}));
    skip_effects();
    router.drain_endpoint(where, true, now);
    work();
    EXPECT_EQ(router.snapshot().endpoints.blue[1].sessions, 1u);
    brings(2, "MESSAGE subscription:s2 message-id:m teal-marker:s2");
    brings(2, "MESSAGE subscription:s2 message-id:n teal-marker:s2=1");
    EXPECT_EQ(router.snapshot().endpoints.blue[1].sessions, 0u);
}

// Another shard's clients may have published through it before.
TEST_F(RouterMove, M1_AnEndpointThatIsDrainedIsStillAskedForItsMarkers)
{
    drains(b1);
    run(2s);
    ASSERT_EQ(bound(0), 0u);
    skip_effects();
    prepares();
    const auto all = log.take();
    EXPECT_TRUE(std::ranges::any_of(all, [](const std::string& line) {
        return line.starts_with("dial ") && line.ends_with(" blue/0");
    })) << testing::PrintToString(all);
    holds();
    commits({b1, b2});
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
}

} // namespace
