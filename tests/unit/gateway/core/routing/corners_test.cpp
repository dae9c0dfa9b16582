// Proves cells of switch.md's session table, and hazards, that no story of the other files passes
// by: orders out of turn, links that are gone at an abort, a broker that speaks another version.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;
using gateway::member_phase;

class RouterCorners : public RouterSwitch {};

TEST_F(RouterCorners, C2_OrdersOutOfTurnDoNothing)
{
    subscriber();
    commits();
    aborts();
    EXPECT_EQ(router.live(), color::blue);
    prepared();
    commits(); // no `held` was said
    EXPECT_EQ(router.live(), color::blue);
    EXPECT_EQ(state(a), session_state::active);
    holds();
    skip_effects();
    holds();
    effects_are({});
    EXPECT_EQ(state(a), session_state::held);
    commits();
    commits();
    EXPECT_EQ(router.live(), color::green);
    EXPECT_EQ(router.epoch(), 2u);
}

TEST_F(RouterCorners, S5_InTheHoldARebindingSessionWaitsForItsStandbyOnly)
{
    subscriber();
    prepared();
    brokers.green.answers_connect = false;
    client("CONNECT accept-version:1.2 host:/ login:bert"); // links 5 (blue), 6 (green)
    brokers.blue.dials = false;
    loses(5);
    ASSERT_EQ(state(b), session_state::rebinding);
    holds();
    EXPECT_EQ(state(b), session_state::quiescing);
    EXPECT_EQ(router.phase(), member_phase::holding);
    brings(6, "CONNECTED version:1.2 heart-beat:0,0");
    EXPECT_EQ(state(b), session_state::held);
    EXPECT_EQ(router.phase(), member_phase::held);
    commits();
    EXPECT_EQ(state(b), session_state::active);
}

TEST_F(RouterCorners, S6_AbortDoesNotResumeOnLinksThatAreGone)
{
    subscriber();
    held();
    brokers.blue.dials = false;
    loses(1); // the journal's link is there, the one for SENDs is not
    says(a, "SEND destination:/topic/a | carried");
    aborts();
    EXPECT_EQ(state(a), session_state::rebinding);
    brokers.blue.dials = true;
    skip_effects();
    run(10s);
    EXPECT_EQ(state(a), session_state::active);
    const auto effects = log.take();
    EXPECT_EQ(
        std::ranges::count_if(
            effects,
            [](const auto& line) { return line.ends_with("SEND destination:/topic/a | carried"); }),
        1);
}

TEST_F(RouterCorners, S6_AbortOfAQuiescingSessionDoesNotResumeOnLinksThatAreGone)
{
    subscriber();
    prepared();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | unproven");
    holds();
    ASSERT_EQ(state(a), session_state::quiescing);
    brokers.blue.dials = false;
    loses(2); // the link of its journal
    ASSERT_EQ(state(a), session_state::quiescing);
    aborts();
    EXPECT_EQ(state(a), session_state::rebinding);
    brokers.blue.dials = true;
    run(10s);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterCorners, S6_ARebindingSessionStaysSoBehindAnAbortInPreparing)
{
    subscriber();
    prepared();
    brokers.blue.dials = false;
    loses(2);
    aborts();
    EXPECT_EQ(state(a), session_state::rebinding);
    EXPECT_EQ(router.session(a)->part, nullptr);
    brokers.blue.dials = true;
    run(10s);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterCorners, S7_AConnectingSessionStaysSoBehindAnAbortInPreparing)
{
    brokers.blue.answers_connect = false;
    client();
    prepared();
    aborts();
    EXPECT_EQ(state(a), session_state::connecting);
    brings(1, "CONNECTED version:1.2 heart-beat:0,0");
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterCorners, S13_AClosingSessionClosesWhenAllIsAnsweredBehindEitherDecision)
{
    for (const bool commit : {true, false}) {
        const auto one = client();
        const auto old = router.live();
        brokers[old].keeps_back = is_client_send;
        prepares(broker::other(old));
        says(one, "SEND destination:/topic/a receipt:s | x");
        says(one, "DISCONNECT receipt:d");
        ASSERT_EQ(state(one), session_state::closing);
        holds();
        ASSERT_EQ(router.phase(), member_phase::held);
        commit ? commits() : aborts();
        ASSERT_EQ(state(one), session_state::closing);
        skip_effects();
        answer();
        const auto name = name_of(one);
        EXPECT_EQ(
            told(one, log.take()),
            (lines{name + " <- RECEIPT receipt-id:s", name + " <- RECEIPT receipt-id:d"}));
        EXPECT_FALSE(exists(one));
        run(40s);
    }
}

TEST_F(RouterCorners, S13_AClosingSessionIsOverWithItsLinkAndNothingIsAnsweredForTheDoubt)
{
    client();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | x");
    says(a, "DISCONNECT receipt:d");
    ASSERT_EQ(state(a), session_state::closing);
    skip_effects();
    loses(1);
    EXPECT_EQ(told(a, log.take()), lines{});
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterCorners, B3_WhereTheBarrierProvesReceivedOnlyTheSeamIsBestEffort)
{
    brokers.blue.keeps_back = is_send;
    client();
    run(2s); // only BEGIN + ABORT was answered, nothing to the absent queue or to the link's own
    brokers.blue.keeps_back = keep_none;
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    held();
    commits();
    EXPECT_EQ(router.numbers().seams_best_effort, 1u);
    run(1s);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
}

TEST_F(RouterCorners, B1_BarriersGoToTheLinksOwnQueueWhereAnAbsentOneIsNotConfirmed)
{
    brokers.blue.keeps_back = is_barrier; // to the absent queue only
    client();
    run(1s);
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(a, "SEND destination:/topic/a");
    skip_effects();
    prepares();
    holds();
    const auto barriers = log.take();
    EXPECT_TRUE(std::ranges::any_of(barriers, [](const std::string& line) {
        return line.starts_with("link 1 <- SEND destination:/amq/queue/stomp-subscription-teal-") &&
               line.find("-l1 receipt:") != line.npos;
    })) << testing::PrintToString(barriers);
    commits();
    run(1s);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
    EXPECT_FALSE(router.numbers().fence_best_effort);
}

TEST_F(RouterCorners, H16_AStandbyWhoseBrokerSpeaksAnotherVersionIsFailed)
{
    brokers.green.version = "1.1";
    subscriber();
    prepares();
    EXPECT_EQ(
        those("report failed"),
        lines{"report failed 0-1 at green/g: green/g refused: it speaks STOMP 1.1, the clients "
              "STOMP 1.2"});
    EXPECT_EQ(state(a), session_state::active);
    aborts();
    EXPECT_EQ(told(a, log.take()), lines{});
}

TEST_F(RouterCorners, H18_WhatABrokerDeliversAgainIsCountedAndPassedOn)
{
    subscriber();
    prepared();
    brings(2, "MESSAGE subscription:s1 message-id:m redelivered:true destination:/topic/a | x");
    EXPECT_EQ(told(a, log.take()).size(), 1u);
    EXPECT_EQ(router.numbers().redelivered, 1u);
}

TEST_F(RouterCorners, H18_WhileTheOldColorDrainsToo)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    switched();
    brings(
        4, "MESSAGE subscription:s2 message-id:m ack:A redelivered:true destination:/queue/q | x");
    EXPECT_EQ(router.numbers().redelivered, 1u);
}

TEST_F(RouterCorners, H13_WhatIsNotFoundOnANewLinkEitherIsItsClientsError)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:2 destination:/amq/queue/none receipt:x");
    brokers.blue.keeps_back = [](const stomp::frame& frame) {
        return is_barrier(frame) ||
               (is_subscribe(frame) &&
                frame.find("destination") == std::string_view{"/amq/queue/none"});
    };
    brings(2, "ERROR message:not_found");
    EXPECT_EQ(state(a), session_state::rebinding);
    skip_effects();
    brings(3, "ERROR message:not_found");
    EXPECT_EQ(told(a, log.take()), lines{"client 1 <- ERROR message:not_found receipt-id:x"});
    loses(3); // RabbitMQ ends the link behind it
    EXPECT_EQ(router.session(a), nullptr);
}

// Its queue was new: a new link would find no more, and what is read on this one would have a gap.
TEST_F(RouterCorners, H13_AnExchangeThatIsNotFoundIsAskedForOnNoNewLink)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:2 destination:/exchange/none/k ack:client receipt:x");
    skip_effects();
    brings(2, "ERROR message:not_found");
    const auto effects = log.take();
    EXPECT_EQ(told(a, effects), lines{"client 1 <- ERROR message:not_found receipt-id:x"});
    EXPECT_EQ(std::ranges::count(effects, "close link 2"), 0);
    EXPECT_EQ(state(a), session_state::active);
}

// RabbitMQ names the queue of a durable subscription by its id: said as the client says it.
TEST_F(RouterCorners, H11_ADurableSubscriptionKeepsItsIdOnTheWire)
{
    client();
    says(a, "SUBSCRIBE id:mine destination:/topic/a durable:true auto-delete:false ack:client");
    EXPECT_EQ(
        those("link 2 <- SUBSCRIBE").back().substr(0, 46),
        "link 2 <- SUBSCRIBE id:mine ack:client-individ");
    brings(2, "MESSAGE subscription:mine message-id:m ack:T1 destination:/topic/a | x");
    effects_are({"client 1 <- MESSAGE subscription:mine ack:ab-1 message-id:ab-1 "
                 "destination:/topic/a | x"});
    brings(2, "ERROR subscription:mine message:Server cancelled subscription");
    EXPECT_EQ(those("link 2 <- SUBSCRIBE id:mine").size(), 1u);
    says(a, "UNSUBSCRIBE id:mine durable:true");
    EXPECT_EQ(those("link 2 <- UNSUBSCRIBE id:mine durable:true").size(), 1u);
    brings(2, "ERROR message:Subscription not found | There is no subscription T_mine");
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterCorners, H11_AnIdThatIsAnotherWiresIsNotSaidTwice)
{
    client();
    says(a, "SUBSCRIBE id:s2 destination:/topic/a durable:true");
    says(a, "SUBSCRIBE id:s1 destination:/topic/b durable:true");
    says(a, "SUBSCRIBE id:x destination:/queue/c");
    std::vector<std::string> ids;
    for (const auto& one : those("link 2 <- SUBSCRIBE")) {
        ids.push_back(one.substr(20, 5));
    }
    EXPECT_EQ(ids, (std::vector<std::string>{"id:s2", "id:s3", "id:s4"}));
}

} // namespace
