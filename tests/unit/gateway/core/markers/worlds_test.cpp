// Proves M1 and M2: in a color of several endpoints a seam waits for the marker of each one that
// clients published through and whose messages come to its own, and for no other.

#include "tests/unit/gateway/core/endpoints_scene.hpp"

namespace {

using namespace testing_support;

// Client 1 is at b1 (links 1 and 3, wire subscription s1), client 2 at b2 (links 2 and 4, s2).
class RouterWorlds : public RouterOfSeveral {
protected:
    RouterWorlds() : RouterOfSeveral({2, 1}) { subscribers({"/topic/a", "/topic/a"}); }
    void joining(std::vector<control::endpoint_ref> endpoints)
    {
        held();
        brokers.blue.markers = false;
        commits(std::move(endpoints));
    }
    void marker(std::uint64_t link, const std::string& wire, const std::string& mark)
    {
        brings(
            link, "MESSAGE subscription:" + wire + " message-id:m teal-marker:" + mark + "+" +
                      std::to_string(committed));
    }
    // Nobody of this shard is there; clients of others are.
    void held_while_b2_refuses()
    {
        goes(b);
        brokers.blue.dials = false;
        run(30s); // of probes
        ASSERT_FALSE(router.snapshot().endpoints.blue[1].healthy);
        prepares();
        holds();
    }
};

TEST_F(RouterWorlds, M2_PrepareTriesAMarkerFromEachEndpointToEachOther)
{
    prepares();
    const auto effects = log.take();
    const std::string to_s1 = "SEND destination:/amq/queue/" + own_address + "1 teal-marker:s1/1";
    const std::string to_s2 = "SEND destination:/amq/queue/" + own_address + "2 teal-marker:s2/0";
    EXPECT_EQ(std::ranges::count(effects, "link 2 <- " + to_s1), 1);
    EXPECT_EQ(std::ranges::count(effects, "link 1 <- " + to_s2), 1);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
}

TEST_F(RouterWorlds, M2_ATrialThatGetsNoAnswerEndsAfterItsTimeout)
{
    brokers.blue.one_world = false;
    prepares();
    EXPECT_EQ(router.phase(), gateway::member_phase::preparing);
    run(999ms);
    EXPECT_EQ(router.phase(), gateway::member_phase::preparing);
    run(1ms);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
}

// The other way was asked too; what kept that marker back says nothing about the brokers.
TEST_F(RouterWorlds, M2_AMarkerThatCameOneWaySaysItForBoth)
{
    brokers.blue.markers = false;
    prepares();
    marker(3, "s1", "s1/1");
    run(1s);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    holds();
    commits({b1, b2});
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
    marker(4, "s2", "s2");
    EXPECT_EQ(router.numbers().seams_joined, 0u);
    marker(4, "s2", "s2/0");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
}

TEST_F(RouterWorlds, M2_WhoIsFirstAtAnEndpointBehindPreparingAsksForItsMarkers)
{
    goes(b);
    run(2s);
    prepared();
    const session_id late = client(); // at b2
    says(late, "SUBSCRIBE id:1 destination:/topic/a");
    run(10ms);
    EXPECT_EQ(router.session(late)->bindings[color::blue].group->at, b2);
    holds();
    commits({b1, b2});
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
}

TEST_F(RouterWorlds, M2_WhereTheSubscriptionThatWasAskedIsGoneAnotherIs)
{
    const session_id third = client(); // at b1 like client 1
    says(third, "SUBSCRIBE id:1 destination:/topic/b");
    skip_effects();
    brokers.blue.markers = false;
    prepares();
    const auto asked = those("link 2 <- SEND destination:/amq/queue/");
    ASSERT_EQ(asked.size(), 1u);
    const bool first = asked[0].ends_with("teal-marker:s1/1");
    brokers.blue.markers = true;
    goes(first ? a : third);
    const auto again = those("link 2 <- SEND destination:/amq/queue/");
    ASSERT_EQ(again.size(), 1u);
    EXPECT_TRUE(again[0].ends_with(first ? "teal-marker:s4/1" : "teal-marker:s1/1")) << again[0];
    run(1s); // the answer to the other question was kept back
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    holds();
    commits({b1, b2});
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
}

TEST_F(RouterWorlds, M1_JoinsWithTheMarkerOfEveryEndpointThatClientsPublishedThrough)
{
    joining({b1, b2});
    brings(3, message("s1", "b1"));
    skip_effects();
    marker(3, "s1", "s1");
    EXPECT_EQ(router.numbers().seams_joined, 0u);
    brings(3, message("s1", "behind the nearer marker"));
    EXPECT_EQ(told(a, log.take()), lines{seen("behind the nearer marker")});
    marker(3, "s1", "s1/1");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
}

TEST_F(RouterWorlds, M1_AnEndpointThatNobodyPublishedThroughIsNotWaitedFor)
{
    joining({b1});
    marker(3, "s1", "s1");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
}

TEST_F(RouterWorlds, M2_BrokersSideBySideAreNotWaitedFor)
{
    brokers.blue.one_world = false;
    prepares();
    run(1s);
    holds();
    brokers.blue.markers = false;
    commits({b1, b2});
    marker(3, "s1", "s1");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
}

TEST_F(RouterWorlds, M1_AnEndpointWhoseLinksAreLostIsNotWaitedFor)
{
    joining({b1, b2});
    marker(3, "s1", "s1");
    loses(2);
    run(100ms);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().gaps, 1u); // what it had on its way
}

// Its session went, and DISCONNECT follows the marker that is on its way.
TEST_F(RouterWorlds, M1_AnEndpointWhoseLinksAreLeftIsWaitedFor)
{
    joining({b1, b2});
    marker(3, "s1", "s1");
    goes(b);
    run(150ms);
    EXPECT_EQ(router.numbers().seams_joined, 0u);
    marker(3, "s1", "s1/1");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
}

TEST_F(RouterWorlds, M1_WhereNoLinkCarriesTheMarkerOneIsDialledAndLeftAgain)
{
    goes(b); // nobody of this shard is at b2
    skip_effects();
    prepares();
    EXPECT_EQ(router.snapshot().endpoints.blue[1].links, 1u);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    holds();
    commits({b1, b2});
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
    run(2s);
    EXPECT_EQ(router.snapshot().endpoints.blue[1].links, 0u);
}

// It was asked for through b2's link, whose session goes between `prepared` and commit.
TEST_F(RouterWorlds, M1_WhereTheLastLinkWasLeftSincePreparingOneIsDialledAtCommit)
{
    prepared();
    goes(b);
    run(2s);
    EXPECT_EQ(router.snapshot().endpoints.blue[1].links, 0u);
    holds();
    commits({b1, b2});
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
    run(150ms);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    run(2s);
    EXPECT_EQ(router.snapshot().endpoints.blue[1].links, 0u);
}

// Another shard's clients publish through b2, which refused this one while it prepared.
TEST_F(RouterWorlds, M1_AnEndpointThatRefusedThisShardIsDialledAtCommitAllTheSame)
{
    held_while_b2_refuses();
    brokers.blue.dials = true;
    brokers.blue.markers = false;
    commits({b1, b2});
    marker(3, "s1", "s1");
    EXPECT_EQ(router.numbers().seams_joined, 0u);
    marker(3, "s1", "s1/1");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
    EXPECT_EQ(router.numbers().gaps, 0u);
}

TEST_F(RouterWorlds, M1_AnEndpointThatStillRefusesIsNotWaitedFor)
{
    held_while_b2_refuses();
    commits({b1, b2});
    run(150ms);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().seams_best_effort, 0u);
}

TEST_F(RouterWorlds, M1_AnAbortLeavesTheLinksThatWereDialledForMarkers)
{
    goes(b);
    prepares();
    aborts();
    run(2s);
    EXPECT_EQ(router.snapshot().endpoints.blue[1].links, 0u);
}

TEST_F(RouterWorlds, C9_TheReportOfTheSwitchBeforeBecomesFinalAlthoughTheNextOneRuns)
{
    joining({b1});
    log.take();
    const auto first = switch_id;
    prepares(color::blue); // its standbys wait for the open seams (M8)
    log.take();
    marker(3, "s1", "s1");
    marker(4, "s2", "s2");
    marker(4, "s2", "s2/0");
    run(1ms);
    bool told_first = false;
    for (const auto& one : log.reports) {
        if (const auto* n = std::get_if<control::numbers>(&one.what); n && one.id == first) {
            told_first |= n->now.seams_joined == n->now.seams_total && n->now.seams_total == 2;
        }
    }
    EXPECT_TRUE(told_first);
}

// A link that lingered is taken up again by the switch back: what is SENT there counts as on a new
// one.
TEST_F(RouterSwitch, M1_AnEndpointIsNamedThatAnAdoptedLinkSentThrough)
{
    subscriber();
    brokers.blue.markers = false; // the seam keeps blue's links
    says(a, "SEND destination:/topic/a | 1");
    switched();
    prepares(color::blue);
    run(5s);
    holds();
    commits();
    says(a, "SEND destination:/topic/a | 2");
    EXPECT_EQ(those("link 1 <- SEND destination:/topic/a").size(), 1u); // adopted
    prepares(color::green);
    run(5s);
    skip_effects();
    holds();
    const auto reports = those("report held");
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_NE(reports[0].find("blue/0"), std::string::npos) << reports[0];
}

} // namespace
