// Proves the survey of message worlds by itself (switch.md M1, M2): a marker is asked for from each
// other endpoint, every question ends, and the markers that a seam waits for follow from the answers.

#include "gateway/core/markers/cluster_survey.hpp"
#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;

// Anna reads s1 at b1 by link 1, and publishes at b2 by link 2.
class ClusterSurvey : public RoomTest {
protected:
    ClusterSurvey() : RoomTest(several_endpoints({3, 1}))
    {
        fails_its_probes(b3);
        log.take();
    }
    // Asked from b2 through link 2; `prepared` waits.
    void asks()
    {
        survey.ask(now);
        EXPECT_EQ(written(), asked_by("link 2"));
        EXPECT_TRUE(survey.open());
    }
    lines asked_by(const std::string& link) const
    {
        return {
            link + " <- SEND destination:/amq/queue/" + std::string{word_aliases::queue_prefix} +
            "1 teal-marker:s1/1"};
    }
    std::uint64_t awaited(bool& best_effort) { return survey.awaited_markers(w, best_effort, now); }

    gateway::couriers couriers{shard, links, groups};
    gateway::cluster_survey survey{shard, couriers};
    gateway::identity& anna = identity("anna");
    gateway::share_group& at_b1 = group(anna, b1);
    gateway::share_group& at_b2 = group(anna, b2);
    gateway::link_record& reads = link_at(at_b1, link_role::subscribe);
    gateway::wire_subscription& w = read_at(reads);
    gateway::client_session& bert = session(at_b2); // keeps its group when links are lost
    gateway::link_record& publishes = link_at(at_b2, link_role::publish);
};

TEST_F(ClusterSurvey, M2_AMarkerFromEachOtherEndpointThatIsThereIsAskedForOnce)
{
    survey.begin();
    EXPECT_FALSE(survey.asked());
    asks();
    EXPECT_TRUE(survey.asked());
    survey.ask_about(w, now);
    survey.go_on(now);
    EXPECT_EQ(written(), lines{});
}

TEST_F(ClusterSurvey, M2_AnAnswerEndsTheQuestionAndSaysThatBothAreOne)
{
    asks();
    survey.on_marker(b2, b1, now);
    survey.go_on(now);
    EXPECT_FALSE(survey.open());
    EXPECT_EQ(survey.one_world(b1, b2), true);
    survey.ask(now); // known: not again
    EXPECT_EQ(written(), lines{});
    EXPECT_FALSE(survey.open());
}

TEST_F(ClusterSurvey, M2_NoAnswerInTimeCountsAsSideBySideUntilOneCame)
{
    asks();
    now += shard.settings.trial_timeout - 1ms;
    survey.go_on(now);
    EXPECT_TRUE(survey.open());
    now += 1ms;
    survey.go_on(now);
    EXPECT_FALSE(survey.open());
    EXPECT_EQ(survey.one_world(b1, b2), false);
    EXPECT_FALSE(survey.may_be_one_world(b2, b1));
    survey.on_marker(b2, b1, now);
    EXPECT_EQ(survey.one_world(b1, b2), true);
}

// What did not come by a link that is gone says nothing about the brokers.
TEST_F(ClusterSurvey, M2_AMarkerThatIsLostWithItsLinkIsAskedForByAnother)
{
    asks();
    now += shard.settings.trial_timeout / 2;
    loses(publishes);
    link_at(at_b2, link_role::publish);
    log.take();
    survey.go_on(now);
    EXPECT_EQ(written(), asked_by("link 3"));
    now += shard.settings.trial_timeout - 1ms; // its time begins anew
    survey.go_on(now);
    EXPECT_TRUE(survey.open());
}

TEST_F(ClusterSurvey, M2_WhereNoLinkCanAskTheQuestionEndsAndNothingIsKnown)
{
    loses(publishes);
    survey.ask(now);
    ASSERT_TRUE(survey.open());
    now += 2 * shard.settings.trial_timeout;
    survey.go_on(now);
    EXPECT_FALSE(survey.open());
    EXPECT_EQ(survey.one_world(b1, b2), std::nullopt);
    EXPECT_TRUE(survey.may_be_one_world(b1, b2));
}

TEST_F(ClusterSurvey, M2_AQuestionEndsWithTheLastSubscriptionThere)
{
    asks();
    w.state = gateway::wire_state::leaving;
    survey.go_on(now);
    EXPECT_FALSE(survey.open());
}

TEST_F(ClusterSurvey, M2_AnEndpointThatWasDownMayHaveJoinedAnotherCluster)
{
    survey.on_marker(b2, b1, now);
    survey.forget(b2);
    EXPECT_EQ(survey.one_world(b1, b2), std::nullopt);
    asks();
}

TEST_F(ClusterSurvey, M1_ASeamWaitsForTheMarkersOfItsOwnEndpointAndOfThoseThatWereSentThrough)
{
    bool best_effort = false;
    EXPECT_EQ(awaited(best_effort), 0b001u);
    survey.on_marker(b2, b1, now);
    EXPECT_EQ(awaited(best_effort), 0b001u); // no client published there
    shard.sent_through.blue = {b1, b2};
    EXPECT_EQ(awaited(best_effort), 0b011u);
    EXPECT_FALSE(best_effort);
}

TEST_F(ClusterSurvey, M1_OneOfWhichNothingIsKnownMakesTheSeamABestEffort)
{
    shard.sent_through.blue = {b2};
    bool best_effort = false;
    EXPECT_EQ(awaited(best_effort), 0b001u);
    EXPECT_TRUE(best_effort);
}

TEST_F(ClusterSurvey, M2_OneThatIsSideBySideIsNotWaitedForAndCostsNothing)
{
    asks();
    now += shard.settings.trial_timeout;
    survey.go_on(now);
    shard.sent_through.blue = {b2};
    bool best_effort = false;
    EXPECT_EQ(awaited(best_effort), 0b001u);
    EXPECT_FALSE(best_effort);
}

TEST_F(ClusterSurvey, M1_WhereItsLinkHasGoneOneIsDialledAndItsMarkerAwaited)
{
    survey.on_marker(b2, b1, now);
    loses(publishes);
    shard.sent_through.blue = {b2};
    bool best_effort = false;
    EXPECT_EQ(awaited(best_effort), 0b011u);
    EXPECT_FALSE(best_effort);
    links.run_dials(now);
    EXPECT_EQ(dialled(), lines{"dial 3 blue/1"});
}

} // namespace
