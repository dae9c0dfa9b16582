// Proves when a shard says `prepared`, `held` and `unheld`, without a router (switch.md S1, S9, S18,
// C3, C6): each session counts once, whatever becomes of its standby, and one that goes counts no
// more.

#include "tests/support/upper_rooms.hpp"

namespace {

using namespace testing_support;
using gateway::member_phase;
using gateway::session_state;

// Two sessions at blue, in the order of switch 7.
class Readiness : public UpperRoomTest {
protected:
    Readiness()
    {
        begins(7, member_phase::preparing);
        survey.ask(now); // nothing is read: no question
        for (auto* s : {&a, &b}) {
            s->part = std::make_unique<gateway::switch_part>(shard.budget);
            s->part->ordered = s->part->counted = true;
        }
        shard.switching.unprepared = shard.switching.tally.sessions_total = 2;
        log.take();
    }
    void holds()
    {
        shard.switching.phase = member_phase::holding;
        shard.switching.unheld = 2;
        for (auto* s : {&a, &b}) {
            s->state = session_state::quiescing;
        }
    }
    // As far as `held`.
    void held()
    {
        readiness.standby_ready(a, now);
        readiness.standby_ready(b, now);
        holds();
        readiness.try_hold(a, now);
        readiness.try_hold(b, now);
        ASSERT_EQ(reported(), (lines{"report prepared", "report held"}));
    }
    const control::tally& numbers() const { return shard.switching.tally; }

    gateway::share_group& at_blue = group(identity(), b1);
    gateway::share_group& at_green = group(identity(), g1);
    gateway::client_session& a = session(at_blue);
    gateway::client_session& b = session(at_blue);
};

TEST_F(Readiness, S1_PreparedIsSaidOnceEverySessionIsReady)
{
    readiness.standby_ready(a, now);
    EXPECT_EQ(reported(), lines{});
    readiness.standby_ready(a, now); // again: it counts once
    EXPECT_EQ(reported(), lines{});
    readiness.standby_ready(b, now);
    EXPECT_EQ(reported(), lines{"report prepared"});
    EXPECT_EQ(numbers().sessions_ready, 2u);
    readiness.check_prepared(now);
    EXPECT_EQ(reported(), lines{});
}

TEST_F(Readiness, C8_AFailedOneKeepsNobodyWaiting)
{
    readiness.standby_failed(a, "no room", now);
    EXPECT_EQ(reported(), lines{"report failed 0-1 at green/g1: no room"});
    readiness.standby_failed(a, "again", now);
    EXPECT_EQ(reported(), lines{});
    readiness.standby_ready(b, now);
    EXPECT_EQ(reported(), lines{"report prepared"});
    EXPECT_EQ(numbers().sessions_failed, 1u);
    holds();
    readiness.try_hold(a, now);
    readiness.try_hold(b, now);
    EXPECT_EQ(a.state, session_state::held);
    EXPECT_EQ(reported(), lines{"report held without 0-1 at green/g1: no room"});
}

TEST_F(Readiness, S18_ARefusedLoginNeedNotStopTheSwitch)
{
    shard.switching.timing.on_refused = control::refused_policy::close;
    readiness.standby_refused(a, "Access refused", now);
    EXPECT_EQ(reported(), lines{"report failed but not counted 0-1 at green/g1: Access refused"});
    EXPECT_EQ(numbers().sessions_failed, 0u);
    EXPECT_TRUE(a.part->excused);
    ASSERT_EQ(numbers().counted.size(), 1u);
    EXPECT_EQ(numbers().counted[0].text, "logins refused: Access refused");
    readiness.standby_ready(b, now);
    EXPECT_EQ(reported(), lines{"report prepared"});
}

TEST_F(Readiness, S18_WhereItIsToStopItIsAFailure)
{
    shard.switching.timing.on_refused = control::refused_policy::fail;
    readiness.standby_refused(a, "Access refused", now);
    EXPECT_EQ(reported(), lines{"report failed 0-1 at green/g1: Access refused"});
    EXPECT_FALSE(a.part->excused);
}

TEST_F(Readiness, S9_AStandbyThatIsLostIsMadeOnceMoreAndThenFailed)
{
    readiness.standby_ready(a, now);
    readiness.standby_lost(a, now);
    EXPECT_EQ(numbers().sessions_ready, 0u);
    readiness.standby_ready(b, now);
    EXPECT_EQ(reported(), lines{}); // it waits for the first again
    readiness.standby_ready(a, now);
    EXPECT_EQ(reported(), lines{"report prepared"});
    readiness.standby_lost(a, now);
    EXPECT_EQ(reported(), lines{"report failed 0-1 at green/g1: the standby was lost twice"});
}

TEST_F(Readiness, S1_HeldIsSaidOnceEverySessionIsSettled)
{
    readiness.standby_ready(a, now);
    readiness.standby_ready(b, now);
    reported();
    holds();
    auto& l = link_at(at_blue, link_role::own, a.id);
    a.now().own = l.core.id();
    const auto send = frame_of("SEND destination:/topic/a | x");
    l.core.send(send.view(), {.session = a.id}, log);
    log.take();
    readiness.try_hold(b, now);
    readiness.try_hold(a, now);
    EXPECT_EQ(a.state, session_state::quiescing);
    EXPECT_EQ(reported(), lines{});
    links.ask_barrier(l, now);
    says(l, "RECEIPT receipt-id:r1");
    readiness.try_hold(a, now);
    EXPECT_EQ(reported(), lines{"report held"});
    EXPECT_EQ(shard.switching.phase, member_phase::held);
}

TEST_F(Readiness, S2_HeldWaitsForTheBarriersThatAreOpen)
{
    readiness.standby_ready(a, now);
    readiness.standby_ready(b, now);
    holds();
    shard.switching.awaited.insert(link_id{5});
    readiness.try_hold(a, now);
    readiness.try_hold(b, now);
    EXPECT_EQ(reported(), lines{"report prepared"});
    shard.switching.awaited.clear();
    readiness.check_held(now);
    EXPECT_EQ(reported(), lines{"report held"});
}

// M7: from `held` on what green brings is kept.
TEST_F(Readiness, M7_TheStandbysSubscriptionsKeepFromHeldOn)
{
    auto& fresh = read_at(link_at(at_green, link_role::subscribe));
    auto& old = read_at(link_at(at_blue, link_role::subscribe));
    log.take();
    held();
    EXPECT_TRUE(fresh.keeping);
    EXPECT_FALSE(old.keeping);
}

// C6: the decision may be under way.
TEST_F(Readiness, C6_AStandbyThatIsLostBehindHeldIsSaidAndNothingElseChanges)
{
    held();
    readiness.standby_lost(a, now);
    EXPECT_EQ(reported(), lines{"report unheld 0-1 at green/g1: the standby was lost"});
    EXPECT_EQ(a.state, session_state::held);
}

TEST_F(Readiness, S1_BeforeHeldALostStandbyTakesItsSessionBack)
{
    readiness.standby_ready(a, now);
    readiness.standby_ready(b, now);
    holds();
    readiness.try_hold(a, now);
    ASSERT_EQ(a.state, session_state::held);
    readiness.standby_lost(a, now);
    EXPECT_EQ(a.state, session_state::quiescing);
    EXPECT_EQ(shard.switching.unheld, 2u);
}

TEST_F(Readiness, C3_ASessionThatGoesCountsNoMore)
{
    readiness.standby_failed(a, "no room", now);
    readiness.session_left_switch(a, now);
    EXPECT_EQ(numbers().sessions_total, 1u);
    EXPECT_EQ(numbers().sessions_failed, 0u);
    EXPECT_TRUE(numbers().failures.empty());
    readiness.session_left_switch(b, now);
    EXPECT_EQ(shard.switching.unprepared, 0u);
    EXPECT_EQ(numbers().sessions_total, 0u);
}

TEST_F(Readiness, C3_NorDoesThatOneKeepTheHold)
{
    readiness.standby_ready(a, now);
    readiness.standby_ready(b, now);
    reported();
    holds();
    readiness.try_hold(b, now);
    readiness.session_left_switch(a, now);
    readiness.check_held(now);
    EXPECT_EQ(reported(), lines{"report held"});
    EXPECT_EQ(numbers().sessions_ready, 1u);
}

TEST_F(Readiness, M7_TheStandbyMustHaveEachConfirmedBroadcastSubscription)
{
    auto& old = read_at(link_at(at_blue, link_role::subscribe));
    auto& fresh = read_at(link_at(at_green, link_role::subscribe));
    auto& sub = subscribes(a, old);
    log.take();
    readiness.standby_ready(a, now);
    readiness.standby_ready(b, now);
    reported();
    holds();
    readiness.try_hold(b, now);
    readiness.try_hold(a, now);
    EXPECT_EQ(a.state, session_state::quiescing);
    reads(a, sub, fresh, gateway::member_state::standby);
    fresh.state = gateway::wire_state::open;
    readiness.try_hold(a, now);
    EXPECT_EQ(a.state, session_state::quiescing);
    fresh.state = gateway::wire_state::confirmed;
    readiness.try_hold(a, now);
    EXPECT_EQ(reported(), lines{"report held"});
}

TEST_F(Readiness, C9_ReportsOfEarlierSwitchesAreToldUntilTheirSeamsAreOver)
{
    shard.switching.committed = true;
    shard.switching.tally.gaps = 3;
    readiness.keep_past(6);
    ASSERT_EQ(log.reports.size(), 1u);
    EXPECT_EQ(log.reports[0].id, 6u);
    EXPECT_EQ(std::get<control::numbers>(log.reports[0].what).now.gaps, 3u);
    EXPECT_TRUE(shard.switching.past.empty()); // no seam of it is open
    readiness.keep_past(6);                    // it was told
    EXPECT_EQ(log.reports.size(), 1u);
}

} // namespace
