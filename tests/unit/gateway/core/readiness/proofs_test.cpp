// Proves the barriers at the end of preparing, without a router (switch.md S2): every link of the
// live color is asked, their answers are awaited within a bound, and a broker whose answers are slow
// is asked again before anybody is held.

#include "tests/support/upper_rooms.hpp"

namespace {

using namespace testing_support;
using gateway::member_phase;

class Proofs : public UpperRoomTest {
protected:
    Proofs()
    {
        begins(7, member_phase::preparing);
        shard.switching.timing.hold_timeout = 1s;
        shard.switching.timing.prepare_timeout = 60s;
        survey.ask(now);
        const auto send = frame_of("SEND destination:/topic/a | x");
        for (auto* l : {&live, &standby}) {
            l->core.send(send.view(), {.session = session_id{1}}, log);
        }
        log.take();
    }
    bool prepared()
    {
        readiness.check_prepared(now);
        return shard.switching.phase == member_phase::prepared;
    }
    // The newest barrier of the live link is answered, as broker_answers notes it.
    void answers()
    {
        says(live, "RECEIPT receipt-id:r" + std::to_string(++answered_));
        shard.switching.awaited.erase(live.core.id());
        shard.switching.proofs_answered = now;
    }
    void sends_again()
    {
        const auto send = frame_of("SEND destination:/topic/a | x");
        live.core.send(send.view(), {.session = session_id{1}}, log);
    }

    gateway::link_record& live = link_at(group(identity(), b1), link_role::publish);
    gateway::link_record& standby = link_at(group(identity(), g1), link_role::publish);

private:
    int answered_ = 0;
};

TEST_F(Proofs, S2_EveryLinkOfTheLiveColorIsAskedAndAwaited)
{
    EXPECT_FALSE(prepared());
    EXPECT_EQ(written(), lines{"link 1 <- SEND destination:/amq/queue/teal-none receipt:r1"});
    EXPECT_EQ(shard.switching.awaited, std::set{live.core.id()});
    now += 100ms;
    answers();
    EXPECT_TRUE(prepared());
}

TEST_F(Proofs, S2_SlowAnswersMeanThatTheHoldWouldEndByItsTimeoutSoTheyAreAskedAgain)
{
    EXPECT_FALSE(prepared());
    now += 501ms; // more than half of hold_timeout
    sends_again();
    answers();
    log.take();
    EXPECT_FALSE(prepared());
    EXPECT_EQ(written(), lines{"link 1 <- SEND destination:/amq/queue/teal-none receipt:r2"});
    EXPECT_EQ(log.logged.size(), 1u);
    now += 500ms;
    answers();
    EXPECT_TRUE(prepared());
}

TEST_F(Proofs, S2_NoAnswerIsAwaitedForTwiceTheHoldsTimeAndNoLonger)
{
    EXPECT_FALSE(prepared());
    now += 2s - 1ms;
    EXPECT_FALSE(prepared());
    now += 1ms;
    EXPECT_TRUE(prepared());
}

// Each answer shows that the broker gets on.
TEST_F(Proofs, S2_EachAnswerMovesTheEndOfTheWait)
{
    EXPECT_FALSE(prepared());
    now += 1s;
    shard.switching.proofs_answered = now; // of another link
    now += 2s - 1ms;
    EXPECT_FALSE(prepared());
    now += 1ms;
    EXPECT_TRUE(prepared());
}

// S17: its client keeps the link from being read.
TEST_F(Proofs, S17_ALinkWhoseClientTakesNothingIsAskedAndNotAwaited)
{
    auto& s = session(group(identity(), b1));
    auto& own = link_at(group(identity(), b1), link_role::own, s.id);
    s.over_outbox = gateway::backlog::over_mark;
    const auto send = frame_of("SEND destination:/topic/a | x");
    own.core.send(send.view(), {.session = s.id}, log);
    EXPECT_FALSE(prepared());
    EXPECT_EQ(shard.switching.awaited, std::set{live.core.id()});
    EXPECT_TRUE(own.core.barrier_open());
}

} // namespace
