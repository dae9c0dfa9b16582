// Proves what becomes of a client whose frame a broker refused, and that nobody else notices: the
// ERROR is its own, its connection goes on where the link does, what it said counts as refused, no
// switch waits for it, and what ended a shared link once does not end another (switch.md E1 to E7).

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

const std::string not_a_topic =
    "ERROR message:Invalid destination content-type:text/plain content-length:39 | '/a/b' is not a "
    "valid topic destination";
const std::string asked = "link 1 <- SEND destination:/amq/queue/teal-none receipt:";

class RouterRefusals : public RouterSwitch {
protected:
    RouterRefusals()
    {
        client();
        client();
        skip_effects();
        brokers.blue.keeps_back = is_client_send;
    }
    void all_is_answered()
    {
        brokers.blue.keeps_back = keep_none;
        answer();
    }
    // Nothing at all is answered on that color any more.
    void mute() { brokers.blue.keeps_back = keep_all; }
};

TEST_F(RouterRefusals, E1_TheSenderGetsTheErrorAndGoesOn)
{
    says(a, "SEND destination:/topic/a/b receipt:bad");
    says(b, "SEND destination:/topic/c receipt:good");
    skip_effects();
    brings(1, not_a_topic);
    effects_are(
        {asked + "r5", "client 1 <- ERROR message:Invalid destination content-type:text/plain "
                       "content-length:39 receipt-id:bad | '/a/b' is not a valid topic destination"});
    EXPECT_EQ(state(a), session_state::active);
    brings(1, "RECEIPT receipt-id:r4");
    effects_are({"client 2 <- RECEIPT receipt-id:good"});
    says(a, "SEND destination:/topic/c receipt:next");
    skip_effects();
    brings(1, "RECEIPT receipt-id:r6");
    effects_are({"client 1 <- RECEIPT receipt-id:next"});
}

TEST_F(RouterRefusals, E1_TheNextSwitchIsNotKeptFromItsHold)
{
    says(a, "SEND destination:/topic/a/b");
    says(b, "SEND destination:/topic/c receipt:good");
    brings(1, not_a_topic);
    all_is_answered();
    prepares();
    holds();
    EXPECT_EQ(router.phase(), gateway::member_phase::held);
    commits();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(state(b), session_state::active);
}

TEST_F(RouterRefusals, E1_ItIsClosedWhereTheBrokerClosed)
{
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/exchange/nosuch/k receipt:bad");
    says(b, "SEND destination:/topic/c receipt:good");
    skip_effects();
    brings(1, "ERROR message:not_found | NOT_FOUND - no exchange 'nosuch' in vhost '/'");
    EXPECT_EQ(
        told(a, log.take()), lines{"client 1 <- ERROR message:not_found receipt-id:bad | NOT_FOUND "
                                   "- no exchange 'nosuch' in vhost '/'"});
    loses(1);
    EXPECT_EQ(
        those("close client"),
        lines{"close client 1 broker_error: not_found: NOT_FOUND - no exchange 'nosuch' in vhost "
              "'/'"});
    EXPECT_EQ(router.session(a), nullptr);
    EXPECT_EQ(state(b), session_state::active);
    EXPECT_EQ(router.session(b)->suspected, 0u); // it is known who it was
}

class RouterRefusalsSilent : public RouterSwitch {
protected:
    // On a broker that answers no receipts.
    RouterRefusalsSilent()
    {
        brokers.blue.keeps_back = keep_all;
        client();
        run(3s);
        EXPECT_EQ(state(a), session_state::active);
        says(a, "SUBSCRIBE id:1 destination:/topic/a");
        says(a, "SUBSCRIBE id:2 destination:/topic/no");
        skip_effects();
    }
    std::uint64_t own(color c) const
    {
        return static_cast<std::uint64_t>(router.session(a)->bindings[c].own);
    }
};

// Bound again it would say the same, and be lost for it, for ever.
TEST_F(RouterRefusalsSilent, E2_AnErrorThatEndsASessionsOwnLinkIsItsWhateverItSubscribed)
{
    brings(own(color::blue), "ERROR message:Bad frame");
    loses(own(color::blue));
    EXPECT_EQ(
        told(a, log.take()).front(),
        "client 1 <- ERROR message:Bad frame");
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterRefusalsSilent, E2_WhatIsRefusedToAStandbyIsNoErrorOfItsClients)
{
    brokers.green.keeps_back = keep_all;
    run(1s);
    prepares();
    run(1500ms);
    ASSERT_NE(own(color::green), 0u);
    skip_effects();
    brings(own(color::green), "ERROR message:Processing error");
    loses(own(color::green));
    EXPECT_EQ(told(a, log.take()), lines{});
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterRefusals, E1_InTheHoldACloseWaitsForTheDecision)
{
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/exchange/nosuch/k");
    prepares();
    run(1s);
    run(1s);
    holds();
    brings(1, "ERROR message:not_found | no exchange 'nosuch'");
    loses(1);
    ASSERT_TRUE(exists(a));
    EXPECT_EQ(router.phase(), gateway::member_phase::held);
    commits();
    run(3s);
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterRefusals, E1_ItsReceiptCountsAsRefused)
{
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/topic/a/b receipt:bad");
    prepares();
    brings(1, not_a_topic);
    EXPECT_EQ(router.numbers().accepted, 1u);
    EXPECT_EQ(router.numbers().refused, 1u);
    EXPECT_EQ(router.session(a)->owed, 0u);
}

TEST_F(RouterRefusals, E1_ASendWithoutAReceiptCountsAsRefusedToo)
{
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/topic/a/b");
    says(a, "SEND destination:/topic/c");
    prepares();
    brings(1, not_a_topic);
    EXPECT_EQ(router.numbers().accepted, 2u);
    EXPECT_EQ(router.numbers().refused, 1u);
    all_is_answered();
    EXPECT_EQ(router.numbers().unconfirmed, 1u);
    const auto numbers = router.numbers();
    EXPECT_EQ(numbers.accepted, numbers.refused + numbers.unconfirmed);
}

TEST_F(RouterRefusals, E1_OnTheOldColorItLetsTheNewOnesReceiptsGo)
{
    says(a, "SEND destination:/topic/a/b receipt:bad");
    held();
    commits();
    says(a, "SEND destination:/topic/c receipt:green");
    skip_effects();
    brings(1, "ERROR receipt-id:r3 message:not_found");
    const auto effects = told(a, log.take());
    ASSERT_EQ(effects.size(), 2u);
    EXPECT_TRUE(effects[0].starts_with("client 1 <- ERROR"));
    EXPECT_EQ(effects[1], "client 1 <- RECEIPT receipt-id:green");
}

TEST_F(RouterRefusals, E1_ARefusedSubscribeLeavesTheJournal)
{
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/nosuch/x receipt:x");
    skip_effects();
    brings(3, "ERROR message:Unknown destination | '/nosuch/x' is not a valid destination");
    EXPECT_EQ(
        told(a, log.take()), lines{"client 1 <- ERROR message:Unknown destination receipt-id:x | "
                                   "'/nosuch/x' is not a valid destination"});
    EXPECT_EQ(router.session(a)->journal.size(), 0u);
    EXPECT_EQ(router.session(a)->open_subscribes, 0u);
    brokers.blue.keeps_back = keep_none;
    says(a, "SEND destination:/topic/b receipt:s"); // nothing waits for that SUBSCRIBE
    EXPECT_EQ(those("client 1 <- RECEIPT"), lines{"client 1 <- RECEIPT receipt-id:s"});
    says(a, "SUBSCRIBE id:1 destination:/topic/b receipt:y"); // the id is free
    EXPECT_EQ(those("client 1 <- RECEIPT"), lines{"client 1 <- RECEIPT receipt-id:y"});
    held();
    commits();
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterRefusals, E1_ASubscribeRefusedOnASharedLinkFailsItsClientAndNoNeighbour)
{
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    says(a, "SUBSCRIBE id:0 destination:/exchange/none"); // tried: it was there
    says(a, "UNSUBSCRIBE id:0");
    run(3s);
    brokers.blue.keeps_back = keep_all;
    says(a, "SUBSCRIBE id:1 destination:/exchange/none receipt:x");
    skip_effects();
    brings(2, "ERROR message:not_found");
    effects_are(
        {"link 2 <- SEND destination:/amq/queue/teal-none receipt:r5",
         "client 1 <- ERROR message:not_found receipt-id:x", "resume client 1"});
    brings(2, "RECEIPT receipt-id:r4"); // RabbitMQ says this one, too
    effects_are({});
    brokers.blue.keeps_back = keep_none;
    forget_kept_back();
    loses(2);
    effects_are(
        {"close client 1 broker_error: not_found", "dial 4 blue/0",
         "link 4 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 4 <- SUBSCRIBE id:s5 ack:auto receipt:r1 "
         "x-queue-name:stomp-subscription-teal-000000ab-0-5 exclusive:true destination:/topic/b",
         "resume client 2"});
}

TEST_F(RouterRefusals, E2_OnlyASessionThatWasNamedTwicePublishesOnALinkOfItsOwn)
{
    says(a, "SEND destination:/topic/a/b");
    brings(1, not_a_topic);
    EXPECT_FALSE(router.session(a)->on_own);
    says(a, "SEND destination:/topic/a/b");
    brings(1, not_a_topic);
    EXPECT_TRUE(router.session(a)->on_own);
    all_is_answered();
    says(a, "SEND destination:/topic/c receipt:s");
    EXPECT_EQ(router.session(a)->now().publish, router.session(a)->now().own);
    EXPECT_FALSE(router.session(b)->on_own);
}

TEST_F(RouterRefusals, E2_WhoCannotBeNamedIsNotTold)
{
    says(a, "SEND destination:/topic/c priority:high receipt:a");
    says(b, "SEND destination:/topic/c receipt:b");
    skip_effects();
    brings(1, "ERROR message:Processing error | Processing error");
    EXPECT_EQ(those("client"), lines{});
    EXPECT_EQ(counters.errors_unnamed[color::blue], 1u);
    brings(1, "RECEIPT receipt-id:r4");
    EXPECT_EQ(those("client"), lines{"client 2 <- RECEIPT receipt-id:b"});
}

TEST_F(RouterRefusals, E4_ALinkThatIsMuteBehindAnErrorIsLeft)
{
    mute();
    says(a, "SEND destination:/topic/a/b receipt:a");
    says(b, "SEND destination:/topic/c receipt:b");
    brings(1, not_a_topic);
    skip_effects();
    brokers.blue.keeps_back = keep_none;
    run(1s);
    EXPECT_EQ(those("close"), lines{"close link 1"});
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(state(b), session_state::active);
    says(b, "SEND destination:/topic/c receipt:c");
    EXPECT_EQ(those("client 2 <- RECEIPT"), lines{"client 2 <- RECEIPT receipt-id:c"});
}

TEST_F(RouterRefusals, E4_NoHoldWaitsForSuchALink)
{
    auto timing = usual_timing();
    timing.hold_timeout = 600ms;
    mute();
    says(a, "SEND destination:/topic/c");
    prepares(color::green, timing);
    run(2s); // S2: its barrier is not answered
    brings(1, not_a_topic);
    holds();
    EXPECT_NE(router.phase(), gateway::member_phase::held);
    run(300ms);
    EXPECT_EQ(router.phase(), gateway::member_phase::held);
    EXPECT_TRUE(router.numbers().fence_best_effort); // S3
}

TEST_F(RouterRefusals, E6_WhatEndedASharedLinkOnceGoesOnALinkOfItsSendersOwn)
{
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/topic/c expiration:soon");
    brings(1, "ERROR message:precondition_failed | invalid expiration 'soon': no_integer");
    loses(1);
    EXPECT_FALSE(exists(a));
    all_is_answered();
    const auto c = client(); // the same login
    says(c, "SEND destination:/topic/c receipt:x");
    EXPECT_FALSE(router.session(c)->on_own);
    skip_effects();
    says(c, "SEND destination:/topic/d expiration:soon receipt:y");
    const auto own = router.session(c)->now().own;
    ASSERT_NE(own, broker::link_id::none);
    EXPECT_EQ(router.session(c)->now().publish, own);
    const auto link = "link " + std::to_string(static_cast<std::uint64_t>(own));
    EXPECT_EQ(those(link + " <- SEND destination:/topic/d").size(), 1u);
    run(11min);
    const auto d = client();
    says(d, "SEND destination:/topic/d expiration:soon receipt:y");
    EXPECT_FALSE(router.session(d)->on_own);
}

TEST_F(RouterRefusals, E6_InATransactionToo)
{
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/exchange/nosuch/1");
    brings(1, "ERROR message:not_found | NOT_FOUND - no exchange 'nosuch' in vhost '/'");
    loses(1);
    all_is_answered();
    const auto shared = router.session(b)->now().publish;
    skip_effects();
    says(b, "BEGIN transaction:t");
    says(b, "SEND destination:/exchange/nosuch/2 transaction:t");
    says(b, "COMMIT transaction:t receipt:c");
    EXPECT_NE(router.session(b)->now().publish, shared);
    EXPECT_EQ(those("client 2 <- RECEIPT"), lines{"client 2 <- RECEIPT receipt-id:c"});
}

TEST_F(RouterRefusals, E7_OurNamesAreTheClientsOwn)
{
    const broker::private_names names{known_secrets.names, 0};
    says(b, "SUBSCRIBE id:mine destination:/topic/b");
    brokers.blue.keeps_back = is_subscribe;
    says(b, "SUBSCRIBE id:other destination:/exchange/e/k receipt:x");
    skip_effects();
    brings(
        2, "ERROR message:locked content-length:9 | 's2' on '" + names.of_wire(broker::wire_id{2}) +
               "' not on '" + names.of_wire(broker::wire_id{77}) + "' at T_s1@@x");
    EXPECT_EQ(
        told(b, log.take()), lines{"client 2 <- ERROR message:locked content-length:42 "
                                   "receipt-id:x | 'other' on 'other' not on '-' at T_mine@@x"});
}

TEST(RouterRefusalsOwnLink, E1_TheSessionIsKnownWhateverTheErrorSays)
{
    auto settings = shard_scene::usual_settings();
    settings.shared = false;
    shard_scene scene{settings};
    const auto a = scene.client();
    scene.brokers.blue.keeps_back = is_client_send;
    scene.says(a, "SEND destination:/topic/c receipt:1");
    scene.says(a, "SEND destination:/topic/c priority:high receipt:2");
    scene.log.take();
    scene.brings(1, "ERROR message:Processing error");
    const auto effects = scene.log.take();
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- ERROR message:Processing error"), 1);
    EXPECT_EQ(scene.state(a), session_state::active);
    scene.brings(1, "RECEIPT receipt-id:r3");
    EXPECT_EQ(scene.log.take(), lines{"client 1 <- RECEIPT receipt-id:1"});
}

} // namespace
