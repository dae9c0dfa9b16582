// Proves that what an application still has in hand at a switch reaches its client: both colors'
// MESSAGEs are delivered for switch.overlap, then the old color is left. docs/switch.md O1 to O6.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace testing_support {

// Links: 1 blue's, 2 green's; wire subscriptions s1 blue's, s2 green's.
class RouterOverlap : public RouterSwitch {
protected:
    static gateway::shard_settings applications()
    {
        auto s = usual_settings();
        s.dialects.blue = s.dialects.green = broker::dialect::spring;
        return s;
    }
    explicit RouterOverlap(gateway::shard_settings settings = applications())
        : RouterSwitch(std::move(settings))
    {
    }

    void subscriber(const std::string& destination = "/user/queue/answers")
    {
        client();
        says(a, "SUBSCRIBE id:1 destination:" + destination);
        run(50ms); // B4: taken for confirmed
        skip_effects();
    }
    void prepared(color to = color::green)
    {
        prepares(to);
        run(50ms);
        ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
        skip_effects();
    }
    void switched(color to = color::green)
    {
        prepared(to);
        holds();
        run(10ms); // B3: the send queue is looked at
        ASSERT_EQ(router.phase(), gateway::member_phase::held);
        commits();
        skip_effects();
    }
    void brings_to(std::uint64_t link, const std::string& wire, const std::string& text)
    {
        brings(link, "MESSAGE subscription:" + wire + " message-id:m destination:/d | " + text);
    }
    static std::string given(const std::string& text)
    {
        return "client 1 <- MESSAGE subscription:1 message-id:m destination:/d | " + text;
    }
    lines said() { return told(a, log.take()); }
};

TEST_F(RouterOverlap, O1_UserDestinationsHaveAStandby)
{
    subscriber();
    prepares();
    EXPECT_EQ(
        those("link 2 <- SUBSCRIBE"),
        lines{"link 2 <- SUBSCRIBE id:s2 ack:auto destination:/user/queue/answers"});
}

TEST_F(RouterOverlap, O2_BothColorsAreDeliveredForOverlapThenTheOldOneIsLeft)
{
    subscriber();
    switched();
    brings_to(1, "s1", "late");
    brings_to(2, "s2", "new");
    brings_to(1, "s1", "later");
    EXPECT_EQ(said(), (lines{given("late"), given("new"), given("later")}));
    EXPECT_EQ(router.numbers().late, 0u);
    EXPECT_EQ(router.numbers().seams_joined, 1u); // the report is final at the commit
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
    EXPECT_EQ(router.numbers().overlap_delivered, 2u);
    EXPECT_FALSE(router.numbers().fence_best_effort);
    EXPECT_TRUE(router.numbers().fence_written);
    run(4900ms);
    EXPECT_EQ(those("link 1 <-"), lines{});
    run(200ms);
    EXPECT_EQ(those("link 1 <- DISCONNECT").size(), 1u);
}

TEST_F(RouterOverlap, O2_InFrontOfTheCommitTheNewColorIsNotHeard)
{
    subscriber();
    prepared();
    brings_to(2, "s2", "not yet");
    EXPECT_EQ(said(), lines{});
    holds();
    run(10ms);
    brings_to(2, "s2", "kept"); // from `held` on it is kept (M7)
    EXPECT_EQ(said(), lines{});
    commits();
    EXPECT_EQ(said(), lines{given("kept")});
}

TEST_F(RouterOverlap, O3_ASwitchBackTakesUpWhatIsOpenAndLosesNothing)
{
    subscriber();
    switched();
    run(1s);
    skip_effects();
    prepares(color::blue); // waits for nothing
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_EQ(those("link 1 <- SUBSCRIBE"), lines{});
    brings_to(1, "s1", "still blue");
    brings_to(2, "s2", "green");
    EXPECT_EQ(said(), (lines{given("still blue"), given("green")}));
    run(10s); // no clock leaves what the switch is about to use
    holds();
    run(10ms);
    commits();
    skip_effects();
    brings_to(1, "s1", "blue");
    brings_to(2, "s2", "late green");
    EXPECT_EQ(said(), (lines{given("blue"), given("late green")}));
    run(5100ms);
    EXPECT_EQ(those("link 2 <- DISCONNECT").size(), 1u);
    brings_to(1, "s1", "alone");
    EXPECT_EQ(said(), lines{given("alone")});
}

TEST_F(RouterOverlap, O3_AnAbortedSwitchBackPutsItBack)
{
    subscriber();
    switched();
    run(1s);
    prepares(color::blue);
    aborts();
    skip_effects();
    brings_to(1, "s1", "blue");
    EXPECT_EQ(said(), lines{given("blue")});
    run(3900ms);
    EXPECT_EQ(those("link 1 <- DISCONNECT"), lines{});
    run(200ms);
    EXPECT_EQ(those("link 1 <- DISCONNECT").size(), 1u);
}

TEST_F(RouterOverlap, O3_TakenUpAndLostItIsSubscribedAgain)
{
    subscriber();
    switched();
    run(1s);
    prepares(color::blue);
    skip_effects();
    loses(1);
    run(1100ms);
    EXPECT_EQ(those("link 3 <- SUBSCRIBE").size(), 1u);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    holds();
    run(10ms);
    commits();
    skip_effects();
    brings_to(3, "s3", "blue");
    EXPECT_EQ(said(), lines{given("blue")});
}

TEST_F(RouterOverlap, O4_EqualBodiesOfBothColorsAreCounted)
{
    subscriber();
    switched();
    for (const auto* text : {"tick", "tick"}) { // two of one color are two messages
        brings_to(1, "s1", text);
    }
    EXPECT_EQ(router.numbers().overlap_twins, 0u);
    brings_to(2, "s2", "tick");
    EXPECT_EQ(said().size(), 3u);
    EXPECT_EQ(router.numbers().overlap_twins, 1u);
}

class RouterOverlapDedup : public RouterOverlap {
protected:
    static gateway::shard_settings content()
    {
        auto s = applications();
        s.pairing.by = gateway::dedup_by::content;
        return s;
    }
    RouterOverlapDedup() : RouterOverlap(content()) {}
};

TEST_F(RouterOverlapDedup, O4_WithDedupOneIsDropped)
{
    subscriber();
    switched();
    brings_to(2, "s2", "tick");
    brings_to(1, "s1", "tick");
    EXPECT_EQ(said(), lines{given("tick")});
    EXPECT_EQ(router.numbers().overlap_twins, 0u);
    EXPECT_EQ(router.numbers().duplicates_dropped, 1u);
}

TEST_F(RouterOverlap, O5_WhatComesInTheLastQuarterSaysThatTheTimeWasShort)
{
    subscriber();
    switched();
    run(3700ms);
    brings_to(1, "s1", "in time");
    EXPECT_EQ(router.numbers().overlap_still_coming, 0u);
    run(100ms);
    brings_to(1, "s1", "late");
    EXPECT_EQ(router.numbers().overlap_still_coming, 1u);
}

TEST_F(RouterOverlap, O6_ASnapshotIsNotGivenTwiceHoweverLateTheStandbysComes)
{
    subscriber("/app/snapshot");
    brings_to(1, "s1", "snapshot");
    EXPECT_EQ(said(), lines{given("snapshot")});
    switched();
    brings_to(2, "s2", "snapshot again");
    EXPECT_EQ(said(), lines{});
}

TEST_F(RouterOverlap, O2_AnUnsubscribeLeavesBothColors)
{
    subscriber();
    switched();
    says(a, "UNSUBSCRIBE id:1");
    brings_to(1, "s1", "late");
    brings_to(2, "s2", "new");
    EXPECT_EQ(said(), lines{});
    run(100ms);
    EXPECT_EQ(those("link 1 <- DISCONNECT").size(), 1u); // nothing else keeps it
}

// Both versions relay onto one broker: there /topic is paired (P1), and /queue is never read twice.
class RouterOverlapRelay : public RouterOverlap {
protected:
    static gateway::shard_settings relays()
    {
        auto s = applications();
        s.shared_backplane = true;
        s.pairing.by = gateway::dedup_by::content;
        return s;
    }
    RouterOverlapRelay() : RouterOverlap(relays())
    {
        brokers.blue.more = brokers.green.more = "server:RabbitMQ/3.10.8";
    }
};

TEST_F(RouterOverlapRelay, O1_UserDestinationsOverlapTopicsArePaired)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/user/queue/answers");
    says(a, "SUBSCRIBE id:2 destination:/topic/t");
    says(a, "SUBSCRIBE id:3 destination:/queue/jobs");
    run(50ms);
    switched();
    EXPECT_EQ(router.numbers().seams_overlap, 1u);
    EXPECT_EQ(router.numbers().seams_total, 2u);
}

} // namespace testing_support
