// Proves that a SUBSCRIBE which a broker refuses costs nobody but its client: it is tried on a
// scratch link before it rides where others read (switch.md E10 to E14).

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

// Clients 1 and 2 share one login: links 1 (publish) and 2 (subscribe); client 1 reads /topic/a.
class RouterTrials : public RouterSwitch {
protected:
    explicit RouterTrials(gateway::shard_settings settings = usual_settings())
        : RouterSwitch(std::move(settings))
    {
    }
    void two()
    {
        subscriber();
        client();
        skip_effects();
    }
    std::size_t links() const { return router.link_count(); }
    static std::string tried(const std::string& wire, const std::string& destination, int receipt)
    {
        return "SUBSCRIBE id:" + wire + " ack:auto receipt:r" + std::to_string(receipt) +
               " x-queue-name:" + own_address + wire.substr(1) +
               " exclusive:true destination:" + destination;
    }
};

TEST_F(RouterTrials, E10_WhatWouldRideWithAnothersIsTriedOnAScratchLink)
{
    two();
    says(b, "SUBSCRIBE id:1 destination:/topic/b receipt:x");
    effects_are(
        {"dial 3 blue/0", "link 3 <- " + connect_line, "link 3 <- " + tried("s2", "/topic/b", 1),
         "link 3 <- UNSUBSCRIBE id:s2 receipt:r2", "link 2 <- " + tried("s3", "/topic/b", 2),
         "client 2 <- RECEIPT receipt-id:x", "resume client 2"});
}

TEST_F(RouterTrials, E10_WhatRidesAloneIsNotTried)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(a, "SUBSCRIBE id:2 destination:/topic/b");
    EXPECT_EQ(links(), 2u);
}

TEST_F(RouterTrials, E10_StoredOnesAreNeverTried)
{
    two();
    says(b, "SUBSCRIBE id:1 destination:/queue/q");
    const auto lines = log.take();
    EXPECT_EQ(
        std::ranges::count_if(
            lines, [](const auto& line) { return line.find(" <- SUBSCRIBE") != line.npos; }),
        1);
}

TEST_F(RouterTrials, E10_NobodyElseIsWrittenBesideOneThatIsAloneAndOpen)
{
    brokers.blue.keeps_back = is_subscribe;
    client();
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a"); // alone on link 2, not answered
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    EXPECT_EQ(those("link 2 <- SUBSCRIBE").size(), 1u);
    brings(2, "ERROR message:not_found");
    loses(2);
    EXPECT_TRUE(exists(b));
    brokers.blue.keeps_back = keep_none;
    forget_kept_back();
}

TEST_F(RouterTrials, E11_ARefusedOneCostsItsNeighboursNothing)
{
    two();
    brokers.blue.refuses_destination = "/exchange/none/k";
    says(b, "SUBSCRIBE id:1 destination:/exchange/none/k receipt:x");
    const auto effects = log.take();
    EXPECT_EQ(told(a, effects), lines{});
    EXPECT_EQ(std::ranges::count(effects, "close link 2"), 0);
    EXPECT_EQ(told(b, effects).size(), 1u); // the ERROR, from a link of its own
    EXPECT_TRUE(told(b, effects).at(0).starts_with("client 2 <- ERROR message:not_found"));
    brings(2, message("s1", "on"));
    EXPECT_EQ(told(a, log.take()), lines{seen("on")});
    EXPECT_EQ(counters.subscribes_refused, 1u);
}

// The next with the same destination costs not even the scratch link.
TEST_F(RouterTrials, E11_ARefusalIsRemembered)
{
    two();
    brokers.blue.refuses_destination = "/exchange/none/k";
    says(b, "SUBSCRIBE id:1 destination:/exchange/none/k");
    const auto third = client();
    skip_effects();
    says(third, "SUBSCRIBE id:1 destination:/exchange/none/k");
    EXPECT_EQ(counters.subscribes_refused, 1u);
    EXPECT_EQ(those("dial").size(), 1u); // its own
    EXPECT_FALSE(exists(third));
}

TEST_F(RouterTrials, E11_OfSeveralThatAreOpenTheFirstIsSuspectedAndTheOthersAreTriedAgain)
{
    two();
    std::vector<session_id> all;
    for (int n = 0; n < 3; ++n) {
        all.push_back(client());
    }
    brokers.blue.keeps_back = is_subscribe;
    for (const auto id : all) {
        says(id, "SUBSCRIBE id:1 destination:/topic/" + std::to_string(static_cast<int>(id)));
    }
    skip_effects();
    brokers.blue.refuses_destination = "/topic/3";
    brokers.blue.keeps_back = keep_none;
    forget_kept_back();
    brings(3, "ERROR message:not_found"); // link 3 is the scratch link
    run(100ms);
    EXPECT_FALSE(exists(all[0]));
    for (const auto id : {all[1], all[2]}) {
        EXPECT_TRUE(exists(id));
        EXPECT_EQ(router.session(id)->open_subscribes, 0u);
    }
    EXPECT_EQ(counters.subscribes_refused, 1u);
}

TEST_F(RouterTrials, E11_WhatWasTriedIsNotTriedAgainForTenMinutes)
{
    two();
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    says(b, "UNSUBSCRIBE id:1");
    run(9min);
    skip_effects();
    says(b, "SUBSCRIBE id:2 destination:/topic/b");
    EXPECT_EQ(those("dial"), lines{});
    says(b, "UNSUBSCRIBE id:2");
    run(11min);
    skip_effects();
    says(b, "SUBSCRIBE id:3 destination:/topic/b");
    EXPECT_EQ(those("dial").size(), 1u);
}

TEST_F(RouterTrials, E11_TriedIsDestinationAndHeadersOfOneIdentity)
{
    two();
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    run(3s); // the scratch link was left
    skip_effects();
    says(b, "SUBSCRIBE id:2 destination:/topic/b selector:x");
    EXPECT_EQ(those("dial").size(), 1u);
}

TEST_F(RouterTrials, E12_TriedOnesThatDieOpenWithTheirSharedLinkAreTriedOnceMore)
{
    two();
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    says(b, "UNSUBSCRIBE id:1");
    brokers.blue.keeps_back = is_subscribe;
    says(b, "SUBSCRIBE id:2 destination:/topic/b"); // tried: open on link 2
    brokers.blue.keeps_back = keep_none;
    forget_kept_back();
    skip_effects();
    loses(2);
    EXPECT_EQ(router.session(b)->open_subscribes, 0u);
    EXPECT_EQ(router.session(b)->now().own, link_id::none);
}

TEST_F(RouterTrials, E12_ASecondDeathMovesItToALinkOfItsOwn)
{
    two();
    says(b, "SUBSCRIBE id:0 destination:/topic/b");
    for (const std::string id : {"1", "2"}) {
        says(b, "UNSUBSCRIBE id:" + std::to_string(id[0] - '1'));
        EXPECT_EQ(router.session(b)->now().own, link_id::none);
        brokers.blue.keeps_back = is_subscribe;
        says(b, "SUBSCRIBE id:" + id + " destination:/topic/b");
        const auto wire = those("link").back();
        brokers.blue.keeps_back = keep_none;
        forget_kept_back();
        const auto shared = std::stoull(wire.substr(5));
        loses(shared);
        run(1s);
        EXPECT_EQ(router.session(b)->open_subscribes, 0u);
    }
    EXPECT_NE(router.session(b)->now().own, link_id::none);
}

TEST_F(RouterTrials, E13_WhoWasRefusedOnceHasLaterOnesOnLinksOfItsOwn)
{
    two();
    brokers.blue.keeps_back = is_subscribe;
    says(b, "SUBSCRIBE id:1 destination:/exchange/none/k receipt:x");
    brings(3, "ERROR message:not_found"); // and the broker keeps its own link open
    brokers.blue.keeps_back = keep_none;
    answer();
    ASSERT_TRUE(exists(b));
    const auto own = router.session(b)->now().own;
    ASSERT_NE(own, link_id::none);
    skip_effects();
    says(b, "SUBSCRIBE id:2 destination:/topic/c receipt:y");
    const auto line = "link " + std::to_string(static_cast<int>(own)) + " <- SUBSCRIBE";
    EXPECT_EQ(those(line).size(), 1u);
}

TEST_F(RouterTrials, S15_InAHoldOneThatIsTriedCountsAsNotWritten)
{
    two();
    prepared();
    brokers.blue.keeps_back = is_subscribe;
    says(b, "SUBSCRIBE id:1 destination:/topic/b receipt:x");
    holds();
    EXPECT_EQ(router.phase(), gateway::member_phase::held);
    skip_effects();
    commits();
    EXPECT_EQ(told(b, log.take()), lines{"client 2 <- RECEIPT receipt-id:x"});
}

// What the new color refuses is a failure of the prepare, and costs no other standby.
TEST_F(RouterTrials, E11_AStandbysRefusalFailsItsSessionAlone)
{
    two();
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    brokers.green.refuses_destination = "/topic/b";
    prepares();
    EXPECT_EQ(router.numbers().sessions_failed, 1u);
    EXPECT_EQ(router.numbers().sessions_ready, 1u);
    EXPECT_EQ(router.session(b)->now().own, link_id::none);
}

TEST_F(RouterTrials, E10_TheScratchLinkIsLeftWhenNothingIsTried)
{
    two();
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    EXPECT_EQ(links(), 3u);
    run(3s);
    EXPECT_EQ(links(), 2u);
    goes(a);
    goes(b);
    EXPECT_EQ(links(), 0u);
    EXPECT_EQ(router.group_count(), 0u);
}

// There is no room for one more link: then it is as it was before there were any.
TEST_F(RouterTrials, E10_WhereAScratchLinkIsRefusedOneAtATimeGoesUntried)
{
    two();
    brokers.blue.refuses_login = "anna";
    says(b, "SUBSCRIBE id:1 destination:/topic/b receipt:x");
    EXPECT_EQ(told(b, log.take()), lines{"client 2 <- RECEIPT receipt-id:x"});
    EXPECT_TRUE(exists(a));
}

TEST_F(RouterTrials, E11_AScratchLinkThatAnswersNothingIsGivenUp)
{
    two();
    brokers.blue.keeps_back = is_subscribe;
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    skip_effects();
    run(60s);
    const auto own = router.session(b)->now().own;
    EXPECT_NE(own, link_id::none); // given up: it waits where it hurts nobody
}

TEST_F(RouterTrials, E10_ManyAreTriedAtATime)
{
    two();
    brokers.blue.keeps_back = is_subscribe;
    for (int n = 0; n < 40; ++n) {
        const auto id = client();
        says(id, "SUBSCRIBE id:1 destination:/topic/t" + std::to_string(n));
    }
    const auto on_scratch = those("link 3 <- SUBSCRIBE");
    EXPECT_EQ(on_scratch.size(), 32u);
    // They say one queue, whose only use is to be said.
    for (const auto& line : on_scratch) {
        EXPECT_NE(line.find("x-queue-name:" + own_address + "2 "), line.npos) << line;
    }
    brokers.blue.keeps_back = keep_none;
    answer();
    EXPECT_EQ(router.wire_count(), 41u);
}

// Client 1 is alone on link 2 with an untried one; client 2 would join its confirmed subscription.
TEST_F(RouterTrials, E10_NobodyJoinsALinkOnWhichAnUntriedOneIsOpen)
{
    two();
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:2 destination:/topic/c");
    skip_effects();
    says(b, "SUBSCRIBE id:1 destination:/topic/a receipt:x");
    EXPECT_EQ(told(b, log.take()), lines{});
    brokers.blue.keeps_back = keep_none;
    answer();
    EXPECT_EQ(told(b, log.take()), lines{"client 2 <- RECEIPT receipt-id:x"});
    EXPECT_EQ(router.wire_count(), 2u);
}

// It is refused, and whether its ERROR ends the link as well is not known yet.
TEST_F(RouterTrials, E10_NorOneThatAnErrorMayStillEnd)
{
    two();
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    says(a, "SUBSCRIBE id:2 destination:/topic/c");
    forget_kept_back();
    brings(2, "ERROR message:access_refused");
    skip_effects();
    says(b, "SUBSCRIBE id:1 destination:/topic/a receipt:x");
    EXPECT_EQ(told(b, log.take()), lines{});
    brokers.blue.keeps_back = keep_none;
    answer(); // the barrier behind the ERROR: it lives on
    EXPECT_EQ(told(b, log.take()), lines{"client 2 <- RECEIPT receipt-id:x"});
}

TEST_F(RouterTrials, E14_WhereSendsAreNotProvenTheMarkersTrialRidesOnAScratchLink)
{
    brokers.blue.keeps_back = is_send;
    client();
    run(2s); // only BEGIN + ABORT was answered (B3)
    brokers.blue.keeps_back = keep_none;
    forget_kept_back();
    skip_effects();
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    const auto effects = log.take();
    const auto marker = std::ranges::find_if(
        effects, [](const auto& line) { return line.find("teal-marker:s1") != line.npos; });
    ASSERT_NE(marker, effects.end());
    EXPECT_TRUE(marker->starts_with("link 3 <- SEND")) << *marker; // 1 publishes, 2 subscribes
}

} // namespace
