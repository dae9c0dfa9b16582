// Proves the trials of SUBSCRIBEs by themselves (switch.md E10 to E12): several at a time on a
// scratch link, the oldest is meant by an ERROR that names nothing and is then tried alone, each
// ends, and what was found out is kept for ten minutes.

#include "gateway/core/subscriptions/subscribe_trials.hpp"
#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;
using gateway::due;
using verdict = gateway::subscribe_trials::verdict;

// Link 1 is the scratch link; trials are s1, s2 ...
class SubscribeTrials : public RoomTest {
protected:
    void asks(const std::string& topic) { trials.ask(g, head_of(topic), s.id, now); }
    static net::payload_ref head_of(const std::string& topic)
    {
        return net::payload::make({"destination:/topic/", topic, "\n"});
    }
    verdict known(const std::string& topic) const
    {
        return trials.known(g, head_of(topic)->bytes(), now);
    }
    // The newest scratch link comes up.
    void comes_up_there()
    {
        links.run_dials(now);
        link = static_cast<link_id>(shard.tables.last_link);
        comes_up(scratch());
        trials.on_up(scratch(), now);
    }
    gateway::link_record& scratch() { return *shard.tables.link(link); }
    // Whether it is to be closed.
    bool gets(const std::string& frame)
    {
        return trials.on_event(scratch(), says(scratch(), frame), now);
    }
    // As the broker or its driver ends it.
    void ends()
    {
        auto& l = scratch();
        links.erase_link(l.core.id(), now);
        trials.on_lost(g, link, now);
    }
    // What was tried since the last call: wire subscriptions and topics.
    std::string tried()
    {
        std::string all;
        for (const auto& line : written()) {
            if (const auto at = line.find("SUBSCRIBE id:");
                at != line.npos && line.find("UNSUBSCRIBE") == line.npos) {
                const auto topic = line.rfind("/topic/");
                all += line.substr(at + 13, line.find(' ', at + 13) - at - 13) +
                       line.substr(topic + 6) + " ";
            }
        }
        return all;
    }
    bool told() { return !due_now(due::session_retry).empty(); }

    gateway::couriers couriers{shard, links, groups};
    gateway::cluster_survey survey{shard, couriers};
    gateway::subscribe_trials trials{shard, links, couriers, survey};
    gateway::share_group& g = group(identity(), b1);
    gateway::client_session& s = session(g);
    link_id link = link_id::none;
};

TEST_F(SubscribeTrials, E10_TheyRideTogetherOnAScratchLinkAndEachIsLeftOnceItWasAnswered)
{
    asks("a");
    asks("a");
    asks("b");
    EXPECT_EQ(trials.open(), 2u);
    comes_up_there();
    EXPECT_EQ(tried(), "s1/a s2/b ");
    EXPECT_EQ(known("a"), verdict::unknown);
    due_now(due::session_retry);
    EXPECT_FALSE(gets("RECEIPT receipt-id:r1"));
    EXPECT_EQ(written(), lines{"link 1 <- UNSUBSCRIBE id:s1 receipt:r3"});
    EXPECT_TRUE(told());
    EXPECT_EQ(known("a"), verdict::tried);
    EXPECT_EQ(known("b"), verdict::unknown);
    EXPECT_EQ(trials.open(), 1u);
}

TEST_F(SubscribeTrials, E10_NoMoreThanAWindowIsOpenAtATime)
{
    for (int n = 0; n < 40; ++n) {
        asks("t" + std::to_string(n));
    }
    comes_up_there();
    EXPECT_EQ(written().size(), 32u);
    gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(tried(), "s33/t32 ");
}

TEST_F(SubscribeTrials, E11_AnErrorThatNamesNothingMeansTheOldestWhichIsThenTriedAlone)
{
    asks("a");
    asks("b");
    comes_up_there();
    log.take();
    EXPECT_TRUE(gets("ERROR message:not_found"));
    ends();
    now += 1s;
    trials.run(now);
    comes_up_there();
    EXPECT_EQ(tried(), "s3/a ");
    EXPECT_EQ(trials.open(), 2u);
    EXPECT_TRUE(gets("ERROR message:not_found"));
    EXPECT_EQ(known("a"), verdict::refused);
    EXPECT_EQ(known("b"), verdict::unknown);
    EXPECT_TRUE(s.tries_apart); // E13: its client hears it on a link of its own
    EXPECT_EQ(counters.subscribes_refused, 1u);
}

// It is a failure of the prepare, not an ERROR for its client.
TEST_F(SubscribeTrials, E11_AStandbysRefusedSubscribeFailsItsSession)
{
    s.live = color::green;
    asks("a");
    comes_up_there();
    EXPECT_TRUE(gets("ERROR message:not_found"));
    EXPECT_FALSE(s.tries_apart);
    ASSERT_EQ(shard.later.standbys.size(), 1u);
    EXPECT_EQ(shard.later.standbys[0].session, s.id);
    EXPECT_NE(shard.later.standbys[0].why.find("was refused"), std::string::npos);
}

TEST_F(SubscribeTrials, E11_OneWhoseLinkWasLostFourTimesIsRefused)
{
    asks("a");
    for (int losses = 1; losses <= 4; ++losses) {
        EXPECT_EQ(known("a"), verdict::unknown) << losses;
        comes_up_there();
        ends();
        now += 5s;
        trials.run(now);
    }
    EXPECT_EQ(known("a"), verdict::refused);
    EXPECT_EQ(trials.open(), 0u);
}

TEST_F(SubscribeTrials, E11_ALinkThatDoesNotAnswerIsGivenUpAfterConnectTimeout)
{
    asks("a");
    comes_up_there();
    now += shard.settings.connect_timeout - 1ms;
    EXPECT_TRUE(trials.run(now).empty());
    now += 1ms;
    EXPECT_EQ(trials.run(now), std::vector{link});
}

TEST_F(SubscribeTrials, E10_WithoutAScratchLinkNothingIsTriedForAMinute)
{
    asks("a");
    due_now(due::session_retry);
    trials.on_refused(g, now);
    EXPECT_TRUE(told());
    EXPECT_EQ(trials.open(), 0u);
    EXPECT_EQ(known("a"), verdict::no_link);
    now += 60s;
    EXPECT_EQ(known("a"), verdict::unknown);
}

TEST_F(SubscribeTrials, E10_WhoHasGoneTriesNothing)
{
    asks("a");
    s.now().group = nullptr;
    comes_up_there();
    EXPECT_EQ(tried(), "");
    EXPECT_EQ(trials.open(), 0u);
}

TEST_F(SubscribeTrials, E10_AnIdleScratchLinkIsLeft)
{
    asks("a");
    comes_up_there();
    gets("RECEIPT receipt-id:r1");
    now += 2s - 1ms;
    trials.run(now);
    EXPECT_FALSE(scratch().core.leaving());
    now += 1ms;
    trials.run(now);
    EXPECT_TRUE(scratch().core.leaving());
}

TEST_F(SubscribeTrials, E10_WhatWasFoundOutIsKeptForTenMinutesAndForThatLoginAlone)
{
    trials.note_tried(g, head_of("a")->bytes(), now);
    EXPECT_EQ(known("a"), verdict::tried);
    EXPECT_EQ(
        trials.known(group(identity("bert"), b1), head_of("a")->bytes(), now), verdict::unknown);
    now += 10min;
    EXPECT_EQ(known("a"), verdict::unknown);
}

TEST_F(SubscribeTrials, E12_OneThatIsOpenWhenItsLinkDiesIsTriedOnceMore)
{
    trials.note_tried(g, head_of("a")->bytes(), now);
    EXPECT_TRUE(trials.doubt(g, head_of("a")->bytes(), now));
    EXPECT_EQ(known("a"), verdict::unknown);
    trials.note_tried(g, head_of("a")->bytes(), now);
    EXPECT_EQ(known("a"), verdict::tried);
    EXPECT_FALSE(trials.doubt(g, head_of("a")->bytes(), now));
    EXPECT_FALSE(trials.doubt(g, head_of("b")->bytes(), now)); // never answered
}

TEST_F(SubscribeTrials, WhatItHoldsIsChargedAndGivenBack)
{
    const auto before = shard.budget.of(gateway::held_kind::sessions);
    asks("a");
    EXPECT_EQ(shard.budget.of(gateway::held_kind::sessions) - before, trials.recount());
    EXPECT_GT(trials.recount(), 0u);
    trials.release(g, now);
    EXPECT_EQ(trials.open(), 0u);
    EXPECT_EQ(trials.recount(), 0u);
}

} // namespace
