// Proves the rules of switch.md that govern preparing, as one shard's member shows them: who is
// asked for a standby, what a standby is, when the member says `prepared`, and that no client
// notices any of it.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;
using gateway::member_phase;

TEST_F(RouterSwitch, S9_AStandbyHasTheBroadcastJournalAndTheLinksForAFirstSend)
{
    subscriber();
    prepares();
    effects_are(
        {"report progress ready:0 failed:0 of:1", "dial 3 green/0",
         "link 3 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 3 <- SEND destination:/amq/queue/teal-none receipt:r1",
         "link 3 <- BEGIN transaction:teal-trial",
         "link 3 <- ABORT transaction:teal-trial receipt:r2", "dial 4 green/0",
         "link 4 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 4 <- SUBSCRIBE id:s2 ack:auto receipt:r1 x-queue-name:" +
             own_address + "2 exclusive:true destination:/topic/a",
         "link 3 <- SEND destination:/amq/queue/" + own_address + "2 teal-marker:s2",
         "report prepared"});
}

TEST_F(RouterSwitch, C2_CommandsOfAnotherSwitchAreDropped)
{
    client();
    prepares();
    skip_effects();
    router.on_command({.id = switch_id + 1, .what = control::hold{}}, now);
    router.on_command({.id = switch_id + 1, .what = control::abort_switch{"no"}}, now);
    router.on_command({.id = switch_id + 1, .what = control::prepare{}}, now); // one at a time
    work();
    effects_are({});
    EXPECT_EQ(router.phase(), member_phase::prepared);
}

TEST_F(RouterSwitch, C12_AnAbortThatCameOfWaitingNamesWhatWasWaitedFor)
{
    client();
    brokers.green.answers_connect = false;
    prepares();
    orders(control::abort_switch{"prepare_timeout"});
    ASSERT_EQ(router.numbers().failures.size(), 1u);
    EXPECT_EQ(router.numbers().failures[0].error, "green/g did not answer CONNECT");
}

TEST_F(RouterSwitch, C12_AnAbortForWhatFailedBlamesNobodyElse)
{
    client();
    brokers.green.answers_connect = false;
    prepares();
    orders(control::abort_switch{"max_failed", false});
    EXPECT_TRUE(router.numbers().failures.empty());
}

TEST_F(RouterSwitch, C2_AHoldThatComesBeforePreparedIsNoHold)
{
    client();
    brokers.green.answers_connect = false;
    prepares();
    holds();
    EXPECT_EQ(router.phase(), member_phase::preparing);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterSwitch, C3_AMemberWithoutSessionsIsPreparedAtOnce)
{
    prepares();
    effects_are({"report progress ready:0 failed:0 of:0", "report prepared"});
}

TEST_F(RouterSwitch, C3_PreparedAsksNothingOfConnectingSessions)
{
    brokers.blue.keeps_back = keep_all;
    client();
    skip_effects();
    prepares();
    effects_are({"report progress ready:0 failed:0 of:0", "report prepared"});
}

TEST_F(RouterSwitch, C3_PreparedCoversRebindingSessionsOfADeadColor)
{
    subscriber();
    brokers.blue.dials = false;
    loses(1);
    loses(2);
    run(5s);
    EXPECT_EQ(state(a), session_state::rebinding);
    skip_effects();
    prepares();
    EXPECT_EQ(router.numbers().sessions_total, 1u);
    EXPECT_EQ(router.numbers().sessions_ready, 1u);
    EXPECT_EQ(log.take().back(), "report prepared");
}

TEST_F(RouterSwitch, C3_LaterOnesGetAStandbyTooAndAreNotWaitedFor)
{
    brokers.green.answers_connect = false;
    client();
    prepares();
    EXPECT_EQ(router.phase(), member_phase::preparing);
    client();
    EXPECT_EQ(state(b), session_state::active);
    EXPECT_NE(router.session(b)->part, nullptr);
    EXPECT_FALSE(router.session(b)->part->ordered);
    EXPECT_EQ(router.numbers().sessions_total, 2u);
    goes(b);
    EXPECT_EQ(router.numbers().sessions_total, 1u);
}

TEST_F(RouterSwitch, C3_TheFailureOfASessionThatIsGoneDoesNotCount)
{
    brokers.green.refuses_login = "anna";
    client();
    prepares();
    EXPECT_EQ(router.numbers().sessions_failed, 1u);
    goes(a);
    EXPECT_EQ(router.numbers().sessions_failed, 0u);
    holds();
    EXPECT_EQ(those("report held"), lines{"report held"}); // and is not named
}

TEST_F(RouterSwitch, C3_AGoneSessionIsNotWaitedFor)
{
    brokers.green.answers_connect = false;
    client();
    prepares();
    skip_effects();
    goes(a);
    EXPECT_EQ(those("report prepared").size(), 1u);
}

// It is still what it was in the switch before, which is not subtracted from this one's numbers.
TEST_F(RouterSwitch, C3_WhoIsClosingAtTheOrderIsNotCountedWhenItIsGone)
{
    subscriber();
    brokers.blue.keeps_back = is_client_send; // blue owes a RECEIPT still
    says(a, "SEND destination:/topic/a receipt:0 | w");
    held();
    says(a, "SEND destination:/topic/a receipt:1 | x");
    says(a, "DISCONNECT receipt:bye");
    brokers.green.keeps_back = keep_all;
    commits();
    ASSERT_EQ(state(a), session_state::closing);
    ASSERT_NE(router.session(a)->part, nullptr);
    prepares(color::blue);
    brokers.green.keeps_back = keep_none;
    answer();
    run(5s);
    ASSERT_FALSE(exists(a));
    const auto& n = router.numbers();
    EXPECT_EQ(n.sessions_total, 0u);
    EXPECT_EQ(n.sessions_ready, 0u);
}

TEST_F(RouterSwitch, C8_AFailureIsReportedWithItsReasonAndDoesNotStopTheMember)
{
    brokers.green.refuses_login = "anna";
    client();
    client("CONNECT accept-version:1.2 host:/ login:bert");
    skip_effects();
    prepares();
    const auto effects = those("report");
    EXPECT_EQ(
        effects, (lines{
                     "report progress ready:0 failed:0 of:2",
                     "report failed 0-1 at green/g: green/g refused: Bad CONNECT: Access refused",
                     "report prepared"}));
    EXPECT_EQ(state(a), session_state::active); // the client notices nothing
    holds();
    EXPECT_EQ(router.phase(), member_phase::held);
    EXPECT_EQ(
        those("report"),
        (lines{
            "report held without 0-1 at green/g: green/g refused: Bad CONNECT: Access refused"}));
}

TEST_F(RouterSwitch, AStandbyOfADeadPoolFailsAtOnce)
{
    client();
    brokers.green.dials = false;
    run(5s); // the probes have found it
    skip_effects();
    prepares();
    EXPECT_EQ(
        those("report failed"), lines{"report failed 0-1 at green/g: no endpoint of green answers: "
                                      "green/g: connection refused"});
}

TEST_F(RouterSwitch, S9_AStandbyThatGreenRefusesASubscribeIsFailed)
{
    subscriber();
    brokers.green.keeps_back = is_subscribe;
    prepares();
    skip_effects();
    brings(4, "ERROR message:access_refused");
    EXPECT_EQ(
        those("report failed"),
        lines{"report failed 0-1 at green/g: SUBSCRIBE was refused: access_refused"});
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterSwitch, S9_H25_AStoredSubscriptionIsNotMadeButItsLinkIsDialled)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    skip_effects();
    prepares();
    EXPECT_NE(router.session(a)->bindings.green.own, link_id::none);
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "report prepared"), 1);
    EXPECT_TRUE(std::ranges::none_of(
        effects, [](const auto& line) { return line.find("SUBSCRIBE") != line.npos; }));
}

TEST_F(RouterSwitch, S9_ASubscribeGoesToTheStandbyBehindItsFirstReceipt)
{
    client();
    prepares();
    brokers.blue.keeps_back = is_subscribe;
    skip_effects();
    says(a, "SUBSCRIBE id:1 destination:/topic/a receipt:x");
    effects_are(
        {"dial 3 blue/0",
         "link 3 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 3 <- SUBSCRIBE id:s1 ack:auto receipt:r1 x-queue-name:" +
             own_address + "1 exclusive:true destination:/topic/a"});
    answer();
    effects_are(
        {"link 1 <- SEND destination:/amq/queue/" + own_address + "1 teal-marker:s1",
         "client 1 <- RECEIPT receipt-id:x", "resume client 1", "dial 4 green/0",
         "link 4 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 4 <- SUBSCRIBE id:s2 ack:auto receipt:r1 x-queue-name:" +
             own_address + "2 exclusive:true destination:/topic/a",
         "link 2 <- SEND destination:/amq/queue/" + own_address + "2 teal-marker:s2"});
}

TEST_F(RouterSwitch, S9_AnUnsubscribeLeavesBothColors)
{
    subscriber();
    prepares();
    skip_effects();
    says(a, "UNSUBSCRIBE id:1 receipt:u");
    effects_are(
        {"link 4 <- UNSUBSCRIBE id:s2 receipt:r2", "link 2 <- UNSUBSCRIBE id:s1 receipt:r2",
         "resume client 1", "client 1 <- RECEIPT receipt-id:u"});
}

TEST_F(RouterSwitch, S9_AStandbyLostInPreparingIsDialledOnceMoreThenFailed)
{
    subscriber();
    prepares();
    skip_effects();
    loses(4);
    EXPECT_EQ(those("dial"), lines{"dial 5 green/0"});
    EXPECT_EQ(router.numbers().sessions_ready, 1u); // ready again
    loses(5);
    EXPECT_EQ(
        those("report failed"), lines{"report failed 0-1 at green/g: the standby was lost twice"});
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterSwitch, C14_AStandbyLostInAPauseIsDialledAgainAsOftenAsItIsLost)
{
    subscriber();
    ++switch_id;
    orders(control::prepare{
        .to = color::green, .connect_rate = 50'000, .settings = usual_timing(), .pauses = true});
    EXPECT_EQ(router.phase(), member_phase::prepared);
    skip_effects();
    for (std::uint64_t link = 4; link < 8; ++link) {
        loses(link);
        run(1s); // back-off
        EXPECT_EQ(those("report failed"), lines{}) << link;
        EXPECT_EQ(router.numbers().sessions_ready, 1u) << link;
    }
    brokers.green.dials = false; // nobody fails while nobody answers
    loses(8);
    run(10s);
    auto told = log.take();
    const auto says = [&](const char* what) {
        return std::ranges::any_of(told, [&](const auto& line) { return line.starts_with(what); });
    };
    EXPECT_FALSE(says("report failed"));
    EXPECT_TRUE(says("report progress ready:0 failed:0 of:1")) << "go waits for it";
    EXPECT_EQ(router.numbers().sessions_ready, 0u);
    brokers.green.dials = true;
    run(5s);
    EXPECT_EQ(router.numbers().sessions_ready, 1u);
    const auto late = client(); // who comes meanwhile gets one
    run(100ms);
    EXPECT_EQ(router.numbers().sessions_ready, 2u);
    EXPECT_EQ(router.numbers().sessions_total, 2u);
    holds();
    run(1s);
    commits();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(state(late), session_state::active);
}

TEST_F(RouterSwitch, ClientsFramesFlowToTheOldColorWhilePreparing)
{
    subscriber();
    prepares();
    skip_effects();
    says(a, "SEND destination:/topic/a receipt:s | x");
    effects_are(
        {"link 1 <- SEND destination:/topic/a receipt:r3 | x", "client 1 <- RECEIPT receipt-id:s"});
}

TEST_F(RouterSwitch, M7_AStandbysMessagesAreDiscardedWhilePreparing)
{
    subscriber();
    prepares();
    skip_effects();
    brings(4, message("s2", "not yet"));
    effects_are({});
    EXPECT_EQ(router.numbers().standbys_discarded, 1u);
}

TEST_F(RouterSwitch, M7_AStandbysMessagesAreAcknowledgedWhereTheyMustBe)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a ack:client");
    prepares();
    const auto standby = router.session(a)->bindings.green.own;
    skip_effects();
    brings(
        static_cast<std::uint64_t>(standby),
        "MESSAGE subscription:s2 message-id:m ack:A1 destination:/topic/a | x");
    effects_are({name_of(standby) + " <- ACK id:A1"});
}

TEST_F(RouterSwitch, S2_ABarrierGoesOutBeforePrepared)
{
    client();
    says(a, "SEND destination:/topic/a | x");
    skip_effects();
    brokers.blue.keeps_back = is_barrier;
    prepares();
    const auto effects = log.take();
    ASSERT_GE(effects.size(), 2u);
    EXPECT_EQ(effects.back(), "link 1 <- SEND destination:/amq/queue/teal-none receipt:r3");
    answer();
    effects_are({"report prepared"});
}

TEST_F(RouterSwitch, S2_TheAnswerOfThatBarrierIsNotWaitedForForLong)
{
    client();
    says(a, "SEND destination:/topic/a | x");
    brokers.blue.keeps_back = is_barrier;
    prepares();
    skip_effects();
    run(999ms); // trial_timeout is a second
    EXPECT_EQ(those("report prepared"), lines{});
    run(1ms);
    EXPECT_EQ(those("report prepared"), lines{"report prepared"});
}

TEST_F(RouterSwitch, S2_ALinkThatIsLostIsNotWaitedForInPreparing)
{
    client();
    says(a, "SEND destination:/topic/a | x");
    brokers.blue.keeps_back = is_barrier;
    prepares();
    EXPECT_EQ(router.phase(), member_phase::preparing);
    loses(1);
    EXPECT_EQ(router.phase(), member_phase::prepared);
}

TEST_F(RouterSwitch, S14_AuthRecheckRestsWhileASwitchRuns)
{
    client();
    prepares();
    skip_effects();
    run(200s);
    EXPECT_EQ(those("dial"), lines{});
    aborts();
    skip_effects();
    run(61s);
    EXPECT_GE(those("dial").size(), 1u);
}

TEST_F(RouterSwitch, S6_AbortInPreparingReleasesTheStandbyAndNoClientNotices)
{
    subscriber();
    prepares();
    skip_effects();
    aborts();
    effects_are(
        {"link 4 <- UNSUBSCRIBE id:s2 receipt:r2", "link 3 <- DISCONNECT receipt:r3",
         "link 4 <- DISCONNECT receipt:r3", "report released"});
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.link_count(), 2u);
    EXPECT_EQ(router.session(a)->part, nullptr);
}

TEST_F(RouterSwitch, ProgressIsReportedAtMostEvery20Milliseconds)
{
    brokers.green.keeps_back = keep_all;
    client();
    client("CONNECT accept-version:1.2 host:/ login:bert");
    prepares();
    skip_effects();
    answer(1);
    run(30ms);
    EXPECT_EQ(those("report"), lines{"report progress ready:1 failed:0 of:2"});
    run(100ms);
    EXPECT_EQ(those("report"), lines{}); // nothing changed
}

class RouterSlowBroker : public RouterSwitch {
protected:
    void answers_after(net::duration late)
    {
        run(late);
        answer(1);
    }
    void prepares_slowly()
    {
        client();
        brokers.blue.keeps_back = is_barrier;
        says(a, "SEND destination:/topic/a | 1");
        auto timing = usual_timing();
        timing.prepare_timeout = 60s;
        timing.hold_timeout = 1s;
        prepares(color::green, timing);
    }
};

TEST_F(RouterSlowBroker, S2_OneWithABacklogIsWaitedForInFrontOfTheHold)
{
    prepares_slowly();
    says(a, "SEND destination:/topic/a | 2"); // nobody is held
    answers_after(600ms);
    EXPECT_EQ(router.phase(), member_phase::preparing);
    says(a, "SEND destination:/topic/a | 3");
    answers_after(600ms);
    EXPECT_EQ(router.phase(), member_phase::preparing);
    answers_after(400ms);
    EXPECT_EQ(router.phase(), member_phase::prepared);
}

TEST_F(RouterSlowBroker, S2_OneWhoseBacklogStaysIsWaitedForHalfOfPrepareTimeout)
{
    prepares_slowly();
    int rounds = 0;
    for (; rounds < 100 && router.phase() == member_phase::preparing; ++rounds) {
        says(a, "SEND destination:/topic/a | more");
        answers_after(600ms);
    }
    EXPECT_EQ(rounds, 50); // of 600 ms
    EXPECT_EQ(router.phase(), member_phase::prepared);
}

TEST_F(RouterSlowBroker, S2_OneThatAnswersNothingIsNotWaitedForForLong)
{
    prepares_slowly();
    run(1999ms); // twice hold_timeout
    EXPECT_EQ(router.phase(), member_phase::preparing);
    run(1ms);
    EXPECT_EQ(router.phase(), member_phase::prepared);
}

} // namespace
