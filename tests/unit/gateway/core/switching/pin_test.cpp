// Proves C5 and S8: what cannot settle by hold_timeout is given up, pinned to what it has on the
// old color or cut off from it, and the seam of a pinned session is one as always once it is bound.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterPin : public RouterSwitch {
protected:
    // Client 1 subscribes and sends; blue does not answer its barrier, so that it cannot settle.
    void unsettled()
    {
        subscriber();
        prepared();
        brokers.blue.keeps_back = is_barrier;
        says(a, "SEND destination:/topic/a | one");
        holds();
        ASSERT_EQ(router.phase(), gateway::member_phase::holding);
        skip_effects();
    }
    // Client 1 is not on green any more when the commit comes: it is pinned to blue.
    void pinned_session()
    {
        unsettled();
        orders(control::pin{});
        brokers.green.dials = false;
        loses(3);
        loses(4);
        brokers.blue.markers = false;
        commits();
    }
};

TEST_F(RouterPin, C5_WhatIsNotSettledIsNamedAndTheShardSaysHeld)
{
    unsettled();
    orders(control::pin{});
    const auto reports = those("report held");
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_NE(
        reports[0].find("without 0-1 at green/g: what it sent was not proven"), std::string::npos)
        << reports[0];
    EXPECT_TRUE(router.numbers().fence_best_effort);
}

TEST_F(RouterPin, C5_TheOrderThatCrossedHeldDoesNothing)
{
    subscriber();
    held();
    orders(control::pin{});
    effects_are({});
    EXPECT_EQ(router.numbers().sessions_failed, 0u);
}

TEST_F(RouterPin, S8_APinnedSessionStillReceivesFromTheOldColorAndItsSendsAreCarried)
{
    pinned_session();
    EXPECT_EQ(state(a), session_state::rebinding);
    EXPECT_EQ(router.snapshot().sessions.pinned, 1u);
    EXPECT_EQ(router.numbers().sessions_pinned, 1u);
    skip_effects();
    brings(2, message("s1", "still blue"));
    EXPECT_EQ(told(a, log.take()), lines{seen("still blue")});
    says(a, "SEND destination:/topic/a | two");
    EXPECT_EQ(carried(a), 1u);
    EXPECT_EQ(those("link 1 <- SEND"), lines{});
}

TEST_F(RouterPin, S8_OnceItIsBoundTheSeamIsOneAsAlways)
{
    pinned_session();
    skip_effects();
    brokers.green.dials = true;
    for (int i = 0; i < 300 && state(a) != session_state::active; ++i) {
        run(10ms);
    }
    ASSERT_EQ(state(a), session_state::active);
    const auto now_bound = log.take();
    const auto subscribe = std::ranges::find_if(
        now_bound, [](const auto& line) { return line.find("<- SUBSCRIBE id:s") != line.npos; });
    ASSERT_NE(subscribe, now_bound.end());
    const auto link = std::stoul(subscribe->substr(5));
    const auto at = subscribe->find("id:s") + 3;
    const auto wire = subscribe->substr(at, subscribe->find(' ', at) - at);
    brings(link, message(wire, "g1"));
    brings(2, message("s1", "b1"));
    EXPECT_EQ(told(a, log.take()), lines{seen("b1")});
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1+" + std::to_string(committed));
    EXPECT_EQ(told(a, log.take()), lines{seen("g1")});
    EXPECT_EQ(router.numbers().sessions_pinned, 0u);
    EXPECT_EQ(router.numbers().sessions_moved, 1u);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_FALSE(router.numbers().counted.empty()); // exit status 6
}

// What it left unproven on the other color is as open as what lies on the live one.
TEST_F(RouterPin, S8_TheNextSwitchCountsWhatAPinnedSessionHasOpenOnItsOldLinks)
{
    pinned_session();
    brokers.green.dials = true;
    prepares(color::blue);
    EXPECT_EQ(router.numbers().accepted, 1u);
    answer();
    EXPECT_EQ(router.numbers().unconfirmed, 1u);
}

TEST_F(RouterPin, S8_PinTimeoutWaitsForASwitchBackThatFindsItReady)
{
    pinned_session();
    prepares(color::blue);
    run(5min + 10s);
    EXPECT_TRUE(exists(a));
    aborts();
    run(2s);
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterPin, S8_PinTimeoutClosesItWithAnError)
{
    pinned_session();
    run(5min - 1s);
    EXPECT_TRUE(exists(a));
    skip_effects();
    run(2s);
    EXPECT_FALSE(exists(a));
    EXPECT_EQ(those("client 1 <- ERROR").size(), 1u);
    EXPECT_EQ(router.numbers().sessions_failed, 1u);
    EXPECT_EQ(router.numbers().sessions_pinned, 0u);
}

TEST_F(RouterPin, S8_ASwitchBackFindsItsOldBindingReadyAsItsStandby)
{
    pinned_session();
    brokers.blue.keeps_back = keep_none;
    answer();
    brokers.blue.markers = true;
    skip_effects();
    prepares(color::blue);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_EQ(those("dial"), lines{}); // nothing is dialled on blue
    holds();
    ASSERT_EQ(router.phase(), gateway::member_phase::held);
    commits();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.snapshot().sessions.pinned, 0u);
    EXPECT_EQ(router.numbers().sessions_moved, 1u);
    skip_effects();
    brings(2, message("s1", "blue again"));
    EXPECT_EQ(told(a, log.take()), lines{seen("blue again")});
}

TEST_F(RouterPin, S8_ThatSwitchBackCountsWhatTheOtherColorStoredForIt)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    prepares();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | one");
    holds();
    orders(control::pin{});
    brokers.green.dials = false;
    loses(3);
    loses(4);
    commits();
    ASSERT_EQ(router.snapshot().sessions.pinned, 1u);
    brokers.blue.keeps_back = keep_none;
    answer();
    prepares(color::blue);
    holds();
    commits();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.numbers().stored_left_behind, 1u);
}

TEST_F(RouterPin, S8_ThatSwitchBackAbortedItIsPinnedAsBefore)
{
    pinned_session();
    prepares(color::blue);
    aborts();
    EXPECT_EQ(router.snapshot().sessions.pinned, 1u);
    skip_effects();
    brings(2, message("s1", "still blue"));
    EXPECT_EQ(told(a, log.take()), lines{seen("still blue")});
    brokers.green.dials = true;
    run(3s);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterPin, S8_WhoIsOnTheNewColorAlreadyMovesAtOnce)
{
    unsettled();
    orders(control::pin{});
    brokers.blue.markers = false;
    commits();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.numbers().sessions_moved, 1u);
    EXPECT_EQ(router.numbers().sessions_pinned, 0u);
    EXPECT_EQ(router.numbers().gaps, 0u);
    skip_effects();
    brings(4, message("s2", "g1"));
    brings(2, message("s1", "b1"));
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1+" + std::to_string(committed));
    EXPECT_EQ(told(a, log.take()), (lines{seen("b1"), seen("g1")}));
}

TEST_F(RouterPin, S8_CutGivesTheOldBindingUpAtOnce)
{
    unsettled();
    orders(control::cut{});
    commits();
    EXPECT_EQ(state(a), session_state::active); // bound on green within the same turns
    EXPECT_EQ(router.numbers().sessions_failed, 1u);
    EXPECT_EQ(router.numbers().gaps, 1u);
    skip_effects();
    brings(2, message("s1", "too late"));
    EXPECT_EQ(told(a, log.take()), lines{});
}

TEST_F(RouterPin, S8_CutCountsItsStoredMessagesAsPossiblyLeftBehind)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    prepares();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | one");
    holds();
    orders(control::cut{});
    commits();
    EXPECT_EQ(router.numbers().stored_left_behind, 1u);
}

TEST_F(RouterPin, S8_APinnedSessionThatGoesIsForgottenEverywhere)
{
    pinned_session();
    goes(a);
    brokers.blue.keeps_back = keep_none;
    answer();
    run(20s);
    EXPECT_EQ(router.session_count(), 0u);
    EXPECT_EQ(router.wire_count(), 0u);
    EXPECT_EQ(router.link_count(), 0u);
    EXPECT_EQ(router.group_count(), 0u);
}

// A token that has expired since its client connected.
class RouterRefusedLogin : public RouterSwitch {
protected:
    control::prepare_settings timing(control::refused_policy policy)
    {
        auto t = usual_timing();
        t.on_refused = policy;
        return t;
    }
    void prepares_without_anna(control::refused_policy policy)
    {
        subscriber();
        client("CONNECT accept-version:1.2 host:/ login:bert");
        brokers.green.refuses_login = "anna";
        skip_effects();
        prepares(color::green, timing(policy));
    }
    void commits_without_anna(control::refused_policy policy)
    {
        prepares_without_anna(policy);
        holds();
        ASSERT_EQ(router.phase(), gateway::member_phase::held);
        commits();
        skip_effects();
    }
};

TEST_F(RouterRefusedLogin, S18_CountsAsFailedUnlessSaidOtherwise)
{
    prepares_without_anna(control::refused_policy::fail);
    EXPECT_EQ(router.numbers().sessions_failed, 1u);
    EXPECT_EQ(those("report failed").size(), 1u);
}

TEST_F(RouterRefusedLogin, S18_WithPinTheSwitchGoesOnAndItStaysWhereItIs)
{
    prepares_without_anna(control::refused_policy::pin);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_EQ(router.numbers().sessions_failed, 0u);
    EXPECT_EQ(
        those("report failed"),
        lines{"report failed but not counted 0-1 at green/g: green/g refused: Bad CONNECT: Access "
              "refused"});
    holds();
    commits();
    EXPECT_EQ(router.numbers().sessions_moved, 1u);
    EXPECT_EQ(router.numbers().sessions_pinned, 1u);
    ASSERT_EQ(router.numbers().counted.size(), 1u);
    EXPECT_EQ(
        router.numbers().counted[0].text,
        "logins refused: green/g refused: Bad CONNECT: Access refused");
    skip_effects();
    run(10s);
    brings(2, message("s1", "still blue"));
    EXPECT_EQ(told(a, log.take()), lines{seen("still blue")});
}

TEST_F(RouterRefusedLogin, S18_WithCloseItIsToldToComeBack)
{
    commits_without_anna(control::refused_policy::close);
    run(100ms);
    const auto told_anna = told(a, log.take());
    ASSERT_FALSE(told_anna.empty());
    EXPECT_NE(
        told_anna[0].find("Access refused; connect again with a new login"), std::string::npos)
        << told_anna[0];
    EXPECT_TRUE(exists(b));
}

TEST_F(RouterRefusedLogin, S18_OneThatGoesMeanwhileIsNoLongerCounted)
{
    prepares_without_anna(control::refused_policy::pin);
    goes(a);
    EXPECT_EQ(router.numbers().sessions_total, 1u);
    EXPECT_EQ(router.numbers().sessions_failed, 0u);
    holds();
    ASSERT_EQ(router.phase(), gateway::member_phase::held);
    commits();
    EXPECT_EQ(router.numbers().sessions_moved, 1u);
    EXPECT_EQ(router.numbers().sessions_pinned, 0u);
}

TEST_F(RouterRefusedLogin, S18_AbortedItIsWhereItWas)
{
    prepares_without_anna(control::refused_policy::close);
    aborts();
    run(10s);
    EXPECT_EQ(state(a), session_state::active);
}

} // namespace
