// Proves whose fault an ERROR or a lost link is, that what rode on it is bound again at once, that
// neighbours notice nothing, and how a client that does not read is dealt with (design.md sections
// 4 and 5).

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

class RouterLoss : public RouterTest {
protected:
    RouterLoss()
    {
        client();
        client();
        skip_effects();
    }
    const session_id a{1}, b{2};
};

TEST_F(RouterLoss, M13_ALostSubscribeLinkIsReplacedAndItsSubscriptionsMadeAgain)
{
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    loses(2);
    effects_are(
        {"dial 3 blue/0",
         "link 3 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 3 <- SUBSCRIBE id:s2 ack:auto receipt:r1 "
         "x-queue-name:stomp-subscription-teal-000000ab-0-2 exclusive:true destination:/topic/a",
         "resume client 1"});
    brings(3, "MESSAGE subscription:s2 message-id:m destination:/topic/a | x");
    effects_are({"client 1 <- MESSAGE subscription:1 message-id:m destination:/topic/a | x"});
    EXPECT_EQ(counters.subscriptions_restored[gateway::restored::ok], 1u); // the gap
}

TEST_F(RouterLoss, WhatAClientSendsMeanwhileIsCarriedInOrder)
{
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    brokers.blue.answers_connect = false;
    loses(2);
    EXPECT_EQ(state(a), session_state::rebinding);
    skip_effects();
    says(a, "SEND destination:/topic/a | 1");
    says(a, "SEND destination:/topic/a | 2");
    effects_are({});
    EXPECT_EQ(carried(a), 2u);
    brings(3, "CONNECTED version:1.2 heart-beat:0,0");
    effects_are(
        {"link 3 <- SUBSCRIBE id:s2 ack:client-individual receipt:r1 destination:/queue/q "
         "prefetch-count:100",
         "resume client 1", "link 3 <- SEND destination:/topic/a | 1",
         "link 3 <- SEND destination:/topic/a | 2"});
}

TEST_F(RouterLoss, ADialThatFailsIsTriedAgainWithBackOff)
{
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    brokers.blue.dials = false;
    loses(2);
    EXPECT_EQ(state(a), session_state::rebinding);
    run(1s);
    brokers.blue.dials = true;
    run(3s);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterLoss, H19_TheUnansweredSendOfALostLinkIsInDoubtAndNeverAnswered)
{
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/a receipt:s");
    skip_effects();
    loses(1);
    brokers.blue.keeps_back = [](const stomp::frame&) { return false; };
    says(a, "SEND destination:/topic/a receipt:t");
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:s"), 0);
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:t"), 1);
}

TEST_F(RouterLoss, ASuspectInTwoDeathsPublishesOnALinkOfItsOwn)
{
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/bad | 1");
    loses(1);
    EXPECT_FALSE(router.session(a)->on_own);
    says(a, "SEND destination:/topic/bad | 2");
    const auto second = router.session(a)->now().publish;
    EXPECT_EQ(second, router.session(b)->now().publish);
    loses(static_cast<std::uint64_t>(second));
    EXPECT_TRUE(router.session(a)->on_own);
    EXPECT_FALSE(router.session(b)->on_own); // it had nothing open there
    run(20ms);                               // two links that died as soon as they were up (F4)
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.session(a)->now().publish, router.session(a)->now().own);
    EXPECT_NE(router.session(b)->now().publish, router.session(a)->now().own);
}

TEST_F(RouterLoss, AProvenSendMakesNoSuspect)
{
    says(a, "SEND destination:/topic/a | 1");
    run(1s); // the barrier of each second proves it
    loses(1);
    EXPECT_EQ(router.session(a)->suspected, 0u);
}

TEST_F(RouterLoss, ASubscribeThatWasOpenWhenItsLinkDiedIsTriedOnALinkOfItsOwn)
{
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/exchange/none receipt:x"); // alone on that link
    brokers.blue.keeps_back = [](const stomp::frame&) { return false; };
    loses(2);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_NE(router.session(a)->now().own, link_id::none);
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:x"), 1);
}

TEST_F(RouterLoss, H20_ACancelledSubscriptionIsMadeAgainOnTheSameLink)
{
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    skip_effects();
    brings(2, "ERROR subscription:s1 message:Server cancelled subscription");
    effects_are(
        {"link 2 <- SUBSCRIBE id:s2 ack:client-individual receipt:r2 destination:/queue/q "
         "prefetch-count:100",
         "resume client 1"});
    EXPECT_EQ(state(a), session_state::active);
}

// RabbitMQ makes a queue once on a link: one that went away since is not found there.
TEST_F(RouterLoss, H13_AQueueThatItsLinkKnewIsMadeAgainOnANewLinkOnce)
{
    says(a, "SUBSCRIBE id:1 destination:/queue/q auto-delete:true");
    says(a, "UNSUBSCRIBE id:1");
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/queue/q auto-delete:true receipt:x");
    brokers.blue.keeps_back = [](const stomp::frame&) { return false; };
    skip_effects();
    brings(2, "ERROR message:not_found | NOT_FOUND - no queue 'q' in vhost '/'");
    effects_are(
        {"link 2 <- SEND destination:/amq/queue/teal-none receipt:r4", "close link 2",
         "dial 3 blue/0",
         "link 3 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 3 <- SUBSCRIBE id:s3 ack:client-individual receipt:r1 destination:/queue/q "
         "auto-delete:true prefetch-count:100",
         "client 1 <- RECEIPT receipt-id:x", "resume client 1"});
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterLoss, AMessageInFlightBehindAnUnsubscribeDisturbsNobody)
{
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(a, "UNSUBSCRIBE id:1");
    skip_effects();
    brings(2, "ERROR message:Subscription not found | There is no subscription T_s1");
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a | late");
    effects_are({});
    says(a, "SUBSCRIBE id:2 destination:/topic/b receipt:x");
    EXPECT_EQ(
        std::ranges::count(log.take(), "client 1 <- RECEIPT receipt-id:x"), 1); // the link lives
}

class RouterBackpressure : public RouterLoss {};

TEST_F(RouterBackpressure, AboveTheMarkAnOwnLinkIsNotRead)
{
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    skip_effects();
    backlog(a, gateway::backlog::over_mark);
    effects_are({"read link 2 off"});
    backlog(a, gateway::backlog::below);
    effects_are({"read link 2 on"});
}

// What comes before its first SUBSCRIBE is nothing that the client has to take, and its heart-beats
// begin with CONNECTED.
TEST_F(RouterBackpressure, H15_ALinkThatIsNotUpYetIsRead)
{
    brokers.blue.answers_connect = false;
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    skip_effects();
    backlog(a, gateway::backlog::over_mark);
    effects_are({"read link 2 on"});
}

TEST_F(RouterBackpressure, WhileAnAnswerIsOwedItIsReadUpToTheWall)
{
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:2 destination:/queue/r");
    skip_effects();
    backlog(a, gateway::backlog::over_mark);
    effects_are({"read link 2 on"});
}

TEST_F(RouterBackpressure, WhoTakesNothingFromSharedLinksIsClosedAfterTheStall)
{
    log.unwritten[a] = 2 * 1024 * 1024;
    backlog(a, gateway::backlog::over_mark);
    run(9s);
    EXPECT_TRUE(exists(a));
    skip_effects();
    run(1s);
    effects_are({"close client 1 slow_consumer: the client does not read"});
    EXPECT_TRUE(exists(b));
}

TEST_F(RouterBackpressure, WhoTakesSomethingStays)
{
    log.unwritten[a] = 2 * 1024 * 1024;
    backlog(a, gateway::backlog::over_mark);
    for (int i = 0; i < 5; ++i) {
        run(9s);
        --log.unwritten[a];
        run(1s);
    }
    EXPECT_TRUE(exists(a));
    backlog(a, gateway::backlog::below);
    run(30s);
    EXPECT_TRUE(exists(a));
}

TEST_F(RouterBackpressure, OnSharedLinksTheWallCloses)
{
    skip_effects();
    backlog(a, gateway::backlog::over_wall);
    effects_are({"close client 1 slow_consumer: the client does not read"});
}

class RouterDedicatedBackpressure : public RouterTest {
protected:
    static gateway::shard_settings dedicated()
    {
        auto s = usual_settings();
        s.shared = false;
        return s;
    }
    RouterDedicatedBackpressure() : RouterTest(dedicated())
    {
        client();
        skip_effects();
    }
};

TEST_F(RouterDedicatedBackpressure, NobodyIsClosedForIt)
{
    backlog(session_id{1}, gateway::backlog::over_mark);
    backlog(session_id{1}, gateway::backlog::over_wall);
    run(60s);
    EXPECT_TRUE(exists(session_id{1}));
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "read link 1 off"), 2);
}

// ---- links that leave

class RouterLeaving : public RouterTest {
protected:
    RouterLeaving() : RouterTest(one_link())
    {
        brokers.blue.keeps_back = is_client_send;
        const auto first = client();
        says(first, "SEND destination:/topic/a receipt:s | refused, say: it is never confirmed");
        goes(first);
        skip_effects();
    }
    static gateway::shard_settings one_link()
    {
        auto s = usual_settings();
        s.links_per_key = 1;
        return s;
    }
};

TEST_F(RouterLeaving, H8_OneThatWaitsForConfirmsTakesNoPlace)
{
    EXPECT_EQ(state(client()), session_state::active);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 2u);
}

TEST_F(RouterLeaving, H8_ItEndsAtConnectTimeoutHoweverManyComeAndGo)
{
    for (int i = 0; i < 9; ++i) {
        run(1s);
        goes(client());
    }
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 1u);
    run(1s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
}

TEST_F(RouterLeaving, H8_ThereAreNoMoreOfThemThanOfThoseThatServe)
{
    const auto second = client();
    says(second, "SEND destination:/topic/a receipt:s | this one neither");
    goes(second);
    const auto third = client();
    EXPECT_EQ(state(third), session_state::connecting);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 2u);
    run(10s); // connect_timeout
    EXPECT_EQ(state(third), session_state::active);
}

} // namespace
