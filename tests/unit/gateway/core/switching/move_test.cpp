// Proves the rules of switch.md from the decision on, but for the seams: who resumes where, the
// fence, in which order receipts are answered, where acknowledgements go, and when the old color is
// left.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;
using gateway::member_phase;

TEST_F(RouterSwitch, S6_CommitResumesOnTheStandbyAndCarriedFramesGoThere)
{
    client();
    held();
    says(a, "SEND destination:/topic/a receipt:s | carried");
    effects_are({});
    commits();
    effects_are(
        {"report adopted", "resume client 1",
         "link 2 <- SEND destination:/topic/a receipt:r3 | carried",
         "client 1 <- RECEIPT receipt-id:s"});
    run(20ms);
    effects_are(
        {"link 1 <- DISCONNECT receipt:r3", "report numbers"}); // nothing was unproven there
    EXPECT_EQ(router.live(), color::green);
    EXPECT_EQ(router.epoch(), 2u);
    EXPECT_EQ(state(a), session_state::active);
}

TEST_F(RouterSwitch, S1_S6_NoSendReachesTheOldColorAfterTheDecision)
{
    subscriber();
    held();
    for (int i = 0; i < 5; ++i) {
        says(a, "SEND destination:/topic/a | " + std::to_string(i));
    }
    commits();
    for (int i = 5; i < 10; ++i) {
        says(a, "SEND destination:/topic/a | " + std::to_string(i));
    }
    run(60s);
    lines sent;
    for (const auto& line : log.take()) {
        if (line.find("SEND destination:/topic/a |") != line.npos) {
            EXPECT_TRUE(line.starts_with("link 3 <- ")) << line;
            sent.push_back(line.substr(line.rfind(' ') + 1));
        }
    }
    EXPECT_EQ(sent, (lines{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
}

TEST_F(RouterSwitch, S6_CommitNeverResumesOnAStandbyThatWasLost)
{
    subscriber();
    held();
    brokers.green.answers_connect = false;
    loses(3);
    loses(4);
    says(a, "SEND destination:/topic/a | carried");
    skip_effects();
    commits(); // the decision was under way when `unheld` went out
    EXPECT_EQ(state(a), session_state::rebinding);
    EXPECT_EQ(router.session(a)->live, color::green);
    const auto effects = log.take();
    EXPECT_TRUE(std::ranges::none_of(
        effects, [](const auto& line) { return line.find("carried") != line.npos; }));
    EXPECT_GE(router.numbers().gaps, 1u);
}

TEST_F(RouterSwitch, S6_AFailedSessionIsBoundToTheNewColorBehindTheCommit)
{
    brokers.green.refuses_login = "anna";
    client();
    prepares();
    holds();
    EXPECT_EQ(router.phase(), member_phase::held);
    brokers.green.refuses_login = "";
    says(a, "SEND destination:/topic/a | carried");
    skip_effects();
    commits();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.session(a)->live, color::green);
    const auto effects = log.take();
    EXPECT_EQ(
        std::ranges::count_if(
            effects,
            [](const auto& line) { return line.ends_with("SEND destination:/topic/a | carried"); }),
        1);
}

TEST_F(RouterSwitch, S6_WhoWasParkedIsActiveOnItsStandbyAndMayBeParkedAgain)
{
    subscriber();
    brokers.blue.dials = false;
    loses(1);
    loses(2);
    run(1s);
    EXPECT_EQ(router.snapshot().sessions.parked, 1u);
    switched();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.snapshot().sessions.parked, 0u);
    EXPECT_EQ(router.snapshot().sessions.active, 1u);
    run(5min); // its first parking is over for good
    EXPECT_TRUE(exists(a));
    brokers.green.dials = false;
    for (std::uint64_t link = 3; link < 50; ++link) {
        loses(link); // one that is gone already is gone
    }
    run(1s);
    EXPECT_EQ(router.snapshot().sessions.parked, 1u);
    run(60s);
    EXPECT_FALSE(exists(a)); // park_timeout ends this one too
}

TEST_F(RouterSwitch, S13_H5_GreensReceiptsWaitBehindBlues)
{
    client();
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/a receipt:blue | 1");
    held();
    says(a, "SEND destination:/topic/a receipt:green | 2");
    commits();
    EXPECT_EQ(told(a, log.take()), lines{}); // green has answered, blue has not
    answer();
    EXPECT_EQ(
        told(a, log.take()),
        (lines{"client 1 <- RECEIPT receipt-id:blue", "client 1 <- RECEIPT receipt-id:green"}));
}

TEST_F(RouterSwitch, S13_H7_AtReceiptTimeoutBluesAreInDoubtAndGreensGoOn)
{
    client();
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/a receipt:blue | 1");
    held();
    says(a, "SEND destination:/topic/a receipt:green | 2");
    commits();
    skip_effects();
    run(1999ms);
    EXPECT_EQ(told(a, log.take()), lines{});
    run(1ms);
    EXPECT_EQ(told(a, log.take()), lines{"client 1 <- RECEIPT receipt-id:green"});
    EXPECT_EQ(router.numbers().in_doubt, 1u);
}

TEST_F(RouterSwitch, S13_OneThatComesLateIsPassedOnAndMovesToConfirmed)
{
    subscriber();
    brokers.blue.keeps_back = is_client_send;
    brokers.blue.markers = false; // the old links linger for the seam
    says(a, "SEND destination:/topic/a receipt:blue | 1");
    held();
    commits();
    run(2100ms);
    EXPECT_EQ(router.numbers().in_doubt, 1u);
    EXPECT_EQ(router.numbers().confirmed, 0u);
    skip_effects();
    answer();
    EXPECT_EQ(told(a, log.take()), lines{"client 1 <- RECEIPT receipt-id:blue"});
    EXPECT_EQ(router.numbers().in_doubt, 0u);
    EXPECT_EQ(router.numbers().confirmed, 1u);
}

TEST_F(RouterSwitch, S13_WhatOneReportSaidIsInDoubtTheNextOneDoesNotAccept)
{
    subscriber();
    brokers.blue.keeps_back = is_client_send;
    brokers.blue.markers = false; // the old links linger for the seam
    says(a, "SEND destination:/topic/a receipt:blue | 1");
    held();
    commits();
    run(2100ms);
    EXPECT_EQ(router.numbers().in_doubt, 1u);
    prepares(color::blue); // the link is taken up again (S10)
    EXPECT_EQ(router.numbers().accepted, 0u);
    answer(); // late
    EXPECT_EQ(router.numbers().confirmed, 0u);
    EXPECT_EQ(router.numbers().in_doubt, 0u);
}

TEST_F(RouterSwitch, S13_TheOldLinkLostItsReceiptsAreInDoubtAndGreensGoOn)
{
    client();
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/a receipt:blue | 1");
    held();
    says(a, "SEND destination:/topic/a receipt:green | 2");
    commits();
    skip_effects();
    loses(1);
    EXPECT_EQ(told(a, log.take()), lines{"client 1 <- RECEIPT receipt-id:green"});
    EXPECT_EQ(router.numbers().in_doubt, 1u);
}

TEST_F(RouterSwitch, S13_DisconnectsReceiptComesBehindBlues)
{
    client();
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/a receipt:blue | 1");
    held();
    says(a, "DISCONNECT receipt:bye");
    commits();
    EXPECT_EQ(told(a, log.take()), lines{});
    answer();
    EXPECT_EQ(
        told(a, log.take()),
        (lines{"client 1 <- RECEIPT receipt-id:blue", "client 1 <- RECEIPT receipt-id:bye"}));
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterSwitch, TheReportsNumbersAddUp)
{
    client();
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/a receipt:1 | 1"); // open at the order
    says(a, "SEND destination:/topic/a | 2");
    held();
    says(a, "SEND destination:/topic/a receipt:3 | 3"); // carried
    says(a, "SEND destination:/topic/a | 4");
    commits();
    run(1s);
    answer();
    says(a, "SEND destination:/topic/a | 5"); // neither
    run(40s);
    const auto& n = router.numbers();
    EXPECT_EQ(n.accepted, 4u);
    EXPECT_EQ(n.confirmed, 2u);
    EXPECT_EQ(n.unconfirmed, 2u);
    EXPECT_EQ(n.in_doubt + n.refused + n.held, 0u);
    EXPECT_EQ(n.sessions_moved, 1u);
}

TEST_F(RouterSwitch, TheReportEndsWithNothingCarried)
{
    brokers.green.dials = false;
    client();
    run(30s); // of probes
    prepares();
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(a, "SEND destination:/topic/a | waits for its SUBSCRIBE, then for green");
    holds();
    answer();
    ASSERT_EQ(router.phase(), member_phase::held);
    commits();
    const auto carried = [&] {
        std::uint64_t bytes = 0;
        for (const auto& one : log.reports) {
            if (const auto* n = std::get_if<control::numbers>(&one.what)) {
                bytes = n->now.frames_carried;
            }
        }
        return bytes;
    };
    run(2s);
    EXPECT_GT(carried(), 0u);
    brokers.green.dials = true;
    run(10s);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(carried(), 0u);
}

TEST_F(RouterSwitch, S11_H1_AnAckGoesToTheLinkOfItsDelivery)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | 1");
    switched();
    says(a, "ACK id:ab-1 receipt:x");
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "link 2 <- ACK id:A1 receipt:r2"), 1);
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:x"), 1);
}

TEST_F(RouterSwitch, S11_ItsLinkGoneItIsSwallowedAndAnswered)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | 1");
    switched();
    loses(2);
    skip_effects();
    says(a, "ACK id:ab-1 receipt:x");
    effects_are({"client 1 <- RECEIPT receipt-id:x"});
}

TEST_F(RouterSwitch, H11_H25_StoredSubscriptionsAreMadeAtCommitAndTheOldColorLingers)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    held();
    commits();
    EXPECT_EQ(
        those("link 4 <- SUBSCRIBE"), lines{"link 4 <- SUBSCRIBE id:s2 ack:client-individual "
                                            "receipt:r1 destination:/queue/q prefetch-count:100"});
    run(900ms);
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | left");
    EXPECT_EQ(
        told(a, log.take()), lines{"client 1 <- MESSAGE subscription:1 ack:ab-1 message-id:ab-1 "
                                   "destination:/queue/q | left"});
    run(5s);
    EXPECT_EQ(those("link 2 <-"), lines{}); // unacknowledged: it lingers
    says(a, "ACK id:ab-1");
    run(2s);
    EXPECT_EQ(
        those("link 2 <-"),
        (lines{
            "link 2 <- ACK id:A1",
            "link 2 <- SEND destination:/amq/queue/teal-none receipt:r3", // the ACK was taken (S10)
            "link 2 <- DISCONNECT receipt:r4"}));                         // never UNSUBSCRIBE (H11)
    EXPECT_EQ(router.numbers().stored_left_behind, 0u);
}

TEST_F(RouterSwitch, H4_H21_AtDrainTimeoutWhatIsUnacknowledgedIsHandedBack)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | 1");
    switched();
    run(29s);
    EXPECT_EQ(those("link 2 <-"), lines{});
    run(2s);
    EXPECT_EQ(those("link 2 <-"), lines{"link 2 <- DISCONNECT receipt:r2"});
    EXPECT_EQ(router.numbers().handed_back, 1u);
    EXPECT_EQ(router.numbers().stored_left_behind, 1u);
}

TEST_F(RouterSwitch, H17_StrictQueueOrderSubscribesGreenOnlyWhenBlueHasGivenAll)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    auto timing = usual_timing();
    timing.strict_queue_order = true;
    prepares(color::green, timing);
    holds();
    commits();
    skip_effects();
    run(900ms);
    EXPECT_EQ(those("link 4 <- SUBSCRIBE"), lines{});
    run(200ms);
    EXPECT_EQ(those("link 4 <- SUBSCRIBE").size(), 1u);
}

// A link that stalls has the last ACK on its way for longer than `linger`: the broker is asked.
TEST_F(RouterSwitch, S10_LingerCountsFromTheMomentAtWhichTheBrokerHasTakenTheLastAck)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | 1");
    auto timing = usual_timing();
    timing.strict_queue_order = true;
    timing.receipt_timeout = 10s;
    prepares(color::green, timing);
    holds();
    commits();
    skip_effects();
    brokers.blue.keeps_back = is_barrier;
    says(a, "ACK id:ab-1");
    run(3s);
    EXPECT_EQ(those("link 4 <- SUBSCRIBE"), lines{});
    brokers.blue.keeps_back = [](const stomp::frame&) { return false; };
    answer();
    run(900ms);
    EXPECT_EQ(those("link 4 <- SUBSCRIBE"), lines{});
    run(200ms);
    EXPECT_EQ(those("link 4 <- SUBSCRIBE").size(), 1u);
}

// A broker that never answers is not waited for longer than `receipt_timeout`.
TEST_F(RouterSwitch, S10_ALastAckThatIsNotAnsweredKeepsNobodyForEver)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | 1");
    auto timing = usual_timing();
    timing.strict_queue_order = true;
    prepares(color::green, timing);
    holds();
    commits();
    skip_effects();
    brokers.blue.keeps_back = is_barrier;
    says(a, "ACK id:ab-1");
    run(1900ms); // of 2 s
    EXPECT_EQ(those("link 4 <- SUBSCRIBE"), lines{});
    run(300ms);
    EXPECT_EQ(those("link 4 <- SUBSCRIBE").size(), 1u);
}

// A switch back before that: green's queue was never subscribed, and may hold something.
TEST_F(RouterSwitch, H17_WhatGreenStoredForAHeldBackSubscriptionIsCountedAsLeftBehind)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    auto timing = usual_timing();
    timing.strict_queue_order = true;
    prepares(color::green, timing);
    holds();
    commits();
    prepares(color::blue, timing);
    holds();
    EXPECT_EQ(router.numbers().stored_left_behind, 0u);
    commits();
    EXPECT_EQ(router.numbers().stored_left_behind, 1u);
}

TEST_F(RouterSwitch, AStoredSubscribeThatGreenRefusesIsItsClientsError)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    held();
    brokers.green.keeps_back = is_subscribe;
    commits();
    skip_effects();
    brings(4, "ERROR receipt-id:r1 message:not_found");
    const auto effects = log.take();
    EXPECT_EQ(told(a, effects), lines{"client 1 <- ERROR message:not_found"});
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterSwitch, OldLinksThatNobodyNeedsAreLeft)
{
    client();
    client();
    held();
    commits();
    run(1s);
    EXPECT_EQ(router.link_count(), 1u);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
    EXPECT_EQ(router.snapshot().bound.green, 2u);
}

TEST_F(RouterSwitch, S10_AQuickSwitchBackAdoptsTheLinksThatLinger)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brings(
        2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | 1"); // keeps link 2
    switched();
    prepares(color::blue);
    EXPECT_EQ(those("dial"), lines{}); // own and publish link are there
    EXPECT_EQ(router.phase(), member_phase::prepared);
    holds();
    commits();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.session(a)->now().own, link_id{2});
    skip_effects();
    says(a, "ACK id:ab-1");
    EXPECT_EQ(log.take(), lines{"link 2 <- ACK id:A1"});
}

// ActiveMQ: a client subscribes to its temporary queue by itself, and a link that answers are owed
// through stays.
TEST_F(RouterSwitch, S10_WhatIsReadOnALinkThatStaysIsReadOnceAfterASwitchBack)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/temp-queue/answers");
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/answers | ask");
    switched();
    run(3s); // quiet for longer than `linger`
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/temp-queue/answers | 1");
    EXPECT_EQ(told(a, log.take()).size(), 1u);
    prepares(color::blue);
    holds();
    commits();
    EXPECT_EQ(router.session(a)->now().own, link_id{2});
    EXPECT_EQ(those("link 2 <- SUBSCRIBE"), lines{});
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A2 destination:/temp-queue/answers | 2");
    EXPECT_EQ(told(a, log.take()).size(), 1u);
}

TEST_F(RouterSwitch, S10_AnAbortGivesAnAdoptedLinkBackToDraining)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | 1");
    switched();
    prepares(color::blue);
    holds();
    aborts();
    skip_effects();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(router.session(a)->live, color::green);
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A2 destination:/queue/q | 2");
    EXPECT_EQ(told(a, log.take()).size(), 1u); // it goes on giving
    says(a, "ACK id:ab-1");
    says(a, "ACK id:ab-2");
    run(2s);
    EXPECT_EQ(
        those("link 2 <-"), (lines{
                                "link 2 <- ACK id:A1", "link 2 <- ACK id:A2",
                                "link 2 <- SEND destination:/amq/queue/teal-none receipt:r2",
                                "link 2 <- DISCONNECT receipt:r3"}));
}

TEST_F(RouterSwitch, ASwitchThereAndBackLeavesNothingBehind)
{
    subscriber();
    client();
    for (const color to : {color::green, color::blue, color::green}) {
        run(1s);
        prepares(to);
        holds();
        commits();
        EXPECT_EQ(router.live(), to);
        EXPECT_EQ(router.numbers().sessions_moved, 2u);
    }
    run(40s);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().gaps, 0u);
    EXPECT_EQ(router.link_count(), 2u);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
    goes(a);
    goes(b);
    EXPECT_EQ(router.link_count(), 0u);
    EXPECT_EQ(router.session_count(), 0u);
}

TEST_F(RouterSwitch, HeldTimesAreReportedOncePerSession)
{
    client();
    client();
    prepares();
    holds();
    run(3ms);
    commits();
    const auto numbers =
        std::get<control::adopted>(
            std::ranges::find_if(
                log.reports,
                [](const auto& r) { return std::holds_alternative<control::adopted>(r.what); })
                ->what)
            .numbers;
    EXPECT_EQ(numbers.held_us, (std::vector<std::uint32_t>{3000, 3000}));
    EXPECT_EQ(numbers.sessions_total, 2u);
    EXPECT_EQ(numbers.sessions_moved, 2u);
}

TEST_F(RouterSwitch, C4_AMemberThatHasNotSaidHeldDoesNotCommit)
{
    client();
    prepares();
    commits();
    EXPECT_EQ(router.live(), color::blue);
    EXPECT_EQ(router.epoch(), 1u);
}

} // namespace
