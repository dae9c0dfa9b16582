// Proves M13 for whatever a session can be in the middle of when its endpoint is drained: an answer
// that it waits for, a transaction, deliveries that it did not acknowledge, a frame that is
// carried, a wire that others share, a lost link, a switch at each of its steps, brokers that
// answer little.

#include "tests/unit/gateway/core/endpoints_scene.hpp"

namespace {

using namespace testing_support;

// Client 1 is at b1 (publish link 1), client 2 at b2 (publish link 2), both subscribe to /topic/a
// (links 3 and 4, s1 and s2).
class RouterMoveStates : public RouterOfSeveral {
protected:
    explicit RouterMoveStates(gateway::shard_settings settings = several_endpoints({2, 1}))
        : RouterOfSeveral(std::move(settings))
    {
        subscribers({"/topic/a", "/topic/a"});
    }
    const control::endpoint_snapshot& at(control::endpoint_ref where)
    {
        shot_ = router.snapshot();
        return shot_.endpoints[where.color][where.index];
    }
    std::size_t count(std::string_view begin) { return those(begin).size(); }
    void is_whole(session_id id)
    {
        EXPECT_EQ(state(id), session_state::active);
        EXPECT_EQ(carried(id), 0u);
        EXPECT_EQ(at(b1).sessions, 0u);
        run(31s);
        EXPECT_EQ(at(b1).links, 0u);
        EXPECT_EQ(state(id), session_state::active);
    }
    // The `ack` of the newest MESSAGE that client got.
    std::string newest_ack(session_id id)
    {
        const auto seen_by = told(id, log.take());
        EXPECT_FALSE(seen_by.empty());
        const auto& line = seen_by.back();
        const auto from = line.find(" ack:") + 5;
        return line.substr(from, line.find(' ', from) - from);
    }

private:
    control::member_snapshot shot_;
};

// ---- what a session is in the middle of

TEST_F(RouterMoveStates, H14_AnAnswerThatIsOwedStillComesOnTheLinkThatWasLeft)
{
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?"); // link 5 is its own
    drains(b1);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(at(b1).sessions, 0u);
    EXPECT_EQ(at(b1).links, 1u);
    skip_effects();
    brings(5, "MESSAGE subscription:/temp-queue/mine message-id:m destination:/reply-queue/x | so");
    EXPECT_EQ(count("client 1 <- MESSAGE"), 1u);
    EXPECT_EQ(at(b1).links, 0u);
    is_whole(a);
}

TEST_F(RouterMoveStates, H14_ANewRequestIsAnsweredOnTheNewLink)
{
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    drains(b1);
    skip_effects();
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | and now?");
    EXPECT_EQ(count("link 6 <- SEND destination:/queue/q"), 1u);
    brings(5, "MESSAGE subscription:/temp-queue/mine message-id:m destination:/reply-queue/x | 1");
    brings(6, "MESSAGE subscription:/temp-queue/mine message-id:m destination:/reply-queue/x | 2");
    EXPECT_EQ(count("client 1 <- MESSAGE"), 2u);
    is_whole(a);
}

TEST_F(RouterMoveStates, H14_AnAnswerThatNeverComesKeepsTheLinkForDrainTimeout)
{
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    drains(b1);
    run(29s);
    EXPECT_EQ(at(b1).links, 1u);
    run(1s);
    EXPECT_EQ(at(b1).links, 0u);
}

TEST_F(RouterMoveStates, H14_WhatIsStoredIsNotKeptBackByAnAnswerForLong)
{
    says(a, "SUBSCRIBE id:2 destination:/queue/q");
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    skip_effects();
    drains(b1);
    EXPECT_EQ(count("link 5 <- UNSUBSCRIBE id:s3"), 1u);
    run(1999ms);
    EXPECT_EQ(at(b1).links, 1u);
    run(1ms);
    EXPECT_EQ(at(b1).links, 0u);
}

TEST_F(RouterMoveStates, H11_ADurableSubscriptionIsLeftWithItsLinkWhateverIsOwedThere)
{
    says(a, "SUBSCRIBE id:2 destination:/topic/d durable:true auto-delete:false");
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    skip_effects();
    drains(b1);
    EXPECT_EQ(count("link 5 <- UNSUBSCRIBE"), 0u);
    EXPECT_EQ(at(b1).links, 0u);
}

TEST_F(RouterMoveStates, H14_TheLinkThatLingersDisturbsNobodyWhenItIsLost)
{
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    drains(b1);
    skip_effects();
    loses(5);
    effects_are({});
    is_whole(a);
}

TEST_F(RouterMoveStates, H14_ItGoesWithItsSession)
{
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    drains(b1);
    goes(a);
    goes(b);
    run(1s);
    EXPECT_EQ(router.link_count() + router.wire_count() + router.group_count(), 0u);
    EXPECT_EQ(router.identity_count(), 0u);
}

TEST_F(RouterMoveStates, H14_ItLingersOverASwitch)
{
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    drains(b1);
    prepares();
    holds();
    ASSERT_EQ(router.phase(), gateway::member_phase::held);
    commits();
    skip_effects();
    brings(5, "MESSAGE subscription:/temp-queue/mine message-id:m destination:/reply-queue/x | so");
    EXPECT_EQ(count("client 1 <- MESSAGE"), 1u);
    EXPECT_EQ(router.numbers().gaps, 0u);
    is_whole(a);
}

TEST_F(RouterMoveStates, M13_AReplyAddressThatWasLearnedIsAnsweredFromTheNewEndpoint)
{
    brings(3, "MESSAGE subscription:s1 message-id:m destination:/topic/a reply-to:/reply-queue/q7");
    drains(b1);
    skip_effects();
    says(a, "SEND destination:/reply-queue/q7 | so");
    EXPECT_EQ(count("link 2 <- SEND destination:/reply-queue/q7"), 1u);
    is_whole(a);
}

TEST_F(RouterMoveStates, M13_AnOpenTransactionGoesWithItsSession)
{
    says(a, "BEGIN transaction:t");
    says(a, "SEND destination:/topic/x transaction:t | one");
    drains(b1);
    skip_effects();
    says(a, "SEND destination:/topic/x transaction:t | two");
    says(a, "COMMIT transaction:t receipt:c");
    const auto effects = log.take();
    const auto in = [&](std::string_view begin) {
        return std::ranges::count_if(effects, [&](const auto& l) { return l.starts_with(begin); });
    };
    EXPECT_EQ(in("link 1 <-"), 0);
    EXPECT_EQ(in("link 2 <- SEND destination:/topic/x"), 2);
    EXPECT_EQ(in("client 1 <- RECEIPT receipt-id:c"), 1);
}

TEST_F(RouterMoveStates, M13_AnAckOfWhatWasHandedBackIsSwallowedAndAnswered)
{
    says(a, "SUBSCRIBE id:2 destination:/queue/q ack:client-individual");
    skip_effects();
    brings(5, "MESSAGE subscription:s3 message-id:m ack:7 destination:/queue/q | x");
    const auto ack = newest_ack(a);
    drains(b1);
    skip_effects();
    says(a, "ACK id:" + ack + " receipt:k");
    EXPECT_EQ(log.take(), lines{"client 1 <- RECEIPT receipt-id:k"});
    is_whole(a);
}

TEST_F(RouterMoveStates, S11_AnAckInFrontOfTheOrderReachesItsLink)
{
    says(a, "SUBSCRIBE id:2 destination:/queue/q ack:client-individual");
    skip_effects();
    brings(5, "MESSAGE subscription:s3 message-id:m ack:7 destination:/queue/q | x");
    says(a, "ACK id:" + newest_ack(a));
    drains(b1);
    EXPECT_TRUE(std::ranges::any_of(log.logged, [](const std::string& line) {
        return line.find("0 deliveries handed back") != std::string::npos;
    }));
    is_whole(a);
}

TEST_F(RouterMoveStates, M13_ASubscribeThatIsOpenIsAnsweredFirst)
{
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:2 destination:/topic/c receipt:s");
    drains(b1);
    EXPECT_EQ(at(b1).sessions, 1u);
    skip_effects();
    brokers.blue.keeps_back = keep_none;
    answer();
    run(20ms);
    EXPECT_EQ(count("client 1 <- RECEIPT receipt-id:s"), 1u);
    is_whole(a);
}

TEST_F(RouterMoveStates, M13_OneThatIsNeverAnsweredThereIsAskedForAtTheNewEndpoint)
{
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:2 destination:/topic/c receipt:s");
    forget_kept_back();
    drains(b1);
    brokers.blue.keeps_back = keep_none;
    skip_effects();
    run(5s);
    EXPECT_EQ(count("client 1 <- RECEIPT receipt-id:s"), 1u);
    is_whole(a);
}

TEST_F(RouterMoveStates, S4_DisconnectThatIsCarriedIsAnsweredBehindTheMove)
{
    brokers.blue.markers = false;
    drains(b1);
    says(a, "SEND destination:/topic/a receipt:1 | x");
    says(a, "DISCONNECT receipt:bye");
    EXPECT_EQ(carried(a), 2u);
    skip_effects();
    run(2s);
    const auto answers = [&] {
        auto all = log.take();
        std::erase_if(all, [](const auto& l) { return !l.starts_with("client 1 <- RECEIPT"); });
        return all;
    }();
    EXPECT_EQ(
        answers, (lines{"client 1 <- RECEIPT receipt-id:1", "client 1 <- RECEIPT receipt-id:bye"}));
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterMoveStates, M13_WhoShareAWireAllGetWhatComesInFrontOfTheMarkerAndOneGapEach)
{
    const auto c = client(); // at b1 again
    says(c, "SUBSCRIBE id:1 destination:/topic/a");
    ASSERT_EQ(at(b1).sessions, 2u);
    brokers.blue.markers = false;
    drains(b1);
    skip_effects();
    brings(3, message("s1", "in front"));
    EXPECT_EQ(count("client"), 2u);
    brokers.blue.markers = true;
    brings(3, "MESSAGE subscription:s1 message-id:m teal-marker:s1=1");
    EXPECT_EQ(counters.subscriptions_restored[gateway::restored::ok], 2u);
    skip_effects();
    brings(4, message("s3", "there")); // one wire subscription of both
    EXPECT_EQ(count("client"), 2u);
    is_whole(a);
}

// M1: no marker tells when a third node's copy of what was had already is no more on its way.
TEST_F(RouterMoveStates, M13_WhoMovesJoinsNoWireThatOthersReadAndGetsNothingTwice)
{
    brings(3, message("s1", "x")); // client 1 has it by b1
    brokers.blue.markers = false;
    drains(b1);
    brings(3, "MESSAGE subscription:s1 message-id:m teal-marker:s1=1");
    EXPECT_EQ(state(a), session_state::active);
    skip_effects();
    brings(4, message("s2", "x")); // on its way to b2 for longer
    EXPECT_EQ(count("client 1"), 0u);
    brings(4, message("s3", "y"));
    EXPECT_EQ(count("client 1 <- MESSAGE"), 1u);
}

// ---- what happens meanwhile

TEST_F(RouterMoveStates, M13_AllLinksLostMeanwhile)
{
    brokers.blue.markers = false;
    says(a, "SUBSCRIBE id:2 destination:/queue/q");
    drains(b1);
    for (const std::uint64_t link : {1, 3, 5}) {
        loses(link);
    }
    run(20ms);
    is_whole(a);
}

TEST_F(RouterMoveStates, M13_WhoIsRebindingThereIsBoundElsewhereAtOnce)
{
    brokers.blue.dials = false;
    loses(1); // its publish link: dialled again in vain
    EXPECT_EQ(state(a), session_state::rebinding);
    brokers.blue.dials = true;
    drains(b1);
    run(20ms);
    is_whole(a);
}

TEST_F(RouterMoveStates, M13_TheOtherEndpointIsLostMeanwhile)
{
    brokers.blue.markers = false;
    drains(b1);
    brokers.blue.dials = false;
    for (int i = 0; i < 3; ++i) {
        router.on_probe(b2, false, "connection refused", now);
    }
    run(1s);                                    // seam_timeout: it would leave now
    EXPECT_EQ(state(a), session_state::active); // and stays where it is
    EXPECT_EQ(at(b1).sessions, 1u);
    brokers.blue.dials = true;
    run(5s); // b2 answers again
    is_whole(a);
}

TEST_F(RouterMoveStates, M13_WhoIsParkedComesBackWithUndrain)
{
    drains(b1);
    brokers.blue.dials = false;
    for (const auto& l : {2, 4}) {
        loses(static_cast<std::uint64_t>(l));
    }
    for (int i = 0; i < 3; ++i) {
        router.on_probe(b2, false, "connection refused", now);
    }
    run(100ms);
    ASSERT_EQ(router.snapshot().sessions.parked, 2u);
    router.on_probe(b1, true, "", now);
    router.on_probe(b1, true, "", now);
    run(20ms);
    EXPECT_EQ(router.snapshot().sessions.parked, 2u); // healthy, and drained
    brokers.blue.dials = true;
    drains(b1, false);
    run(100ms);
    EXPECT_EQ(router.snapshot().sessions.parked, 0u);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(state(b), session_state::active);
}

TEST_F(RouterMoveStates, M13_DrainingAllOfThemMovesNobody)
{
    drains(b1);
    drains(b2);
    run(5s);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(at(b2).sessions, 2u);
    drains(b1, false); // now there is one
    run(20ms);
    EXPECT_EQ(at(b1).sessions, 2u);
    EXPECT_EQ(at(b2).sessions, 0u);
    EXPECT_EQ(state(b), session_state::active);
}

TEST_F(RouterMoveStates, C1_AHoldInTheMiddleTakesWhatWasCarriedToTheNewColor)
{
    brokers.blue.markers = false;
    drains(b1);
    says(a, "SEND destination:/topic/a | carried");
    prepares(); // in front of it: the frame is interpreted on blue
    EXPECT_EQ(count("link 1 <- SEND destination:/topic/a | carried"), 1u);
    run(2s); // M2 is asked
    holds();
    says(a, "SEND destination:/topic/a | later");
    commits();
    EXPECT_EQ(count("link 1 <- SEND destination:/topic/a"), 0u);
    EXPECT_EQ(state(a), session_state::active);
    run(31s); // drain_timeout: the seam's marker does not come
    EXPECT_EQ(at(b1).sessions, 0u);
}

TEST_F(RouterMoveStates, C1_AMarkerOfTheMoveThatASwitchEndedJoinsNoSeam)
{
    brokers.blue.markers = false;
    drains(b1);
    prepares();
    run(2s);
    holds();
    commits();
    ASSERT_EQ(router.numbers().seams_joined, 0u);
    brings(3, "MESSAGE subscription:s1 message-id:m teal-marker:s1=1");
    EXPECT_EQ(router.numbers().seams_joined, 0u);
}

// ---- brokers that answer little

class RouterMoveNoReceipts : public RouterMoveStates {
protected:
    static gateway::shard_settings plain()
    {
        auto s = several_endpoints({2, 1});
        s.dialects.blue = broker::dialect::plain;
        return s;
    }
    RouterMoveNoReceipts() : RouterMoveStates(plain()) {}
};

TEST_F(RouterMoveNoReceipts, B4_ABrokerWithoutReceiptsIsLeftAllTheSame)
{
    run(100ms); // seam_quiet
    says(a, "SEND destination:/topic/a | x");
    drains(b1);
    run(4s);
    is_whole(a);
}

class RouterMoveDedicatedLinks : public RouterMoveStates {
protected:
    RouterMoveDedicatedLinks() : RouterMoveStates(several_endpoints({2, 1}, false)) {}
};

TEST_F(RouterMoveDedicatedLinks, H14_TheBroadcastOnesLeaveALinkThatLingers)
{
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    skip_effects();
    drains(b1);
    EXPECT_EQ(count("link 1 <- UNSUBSCRIBE id:s1"), 1u);
    EXPECT_EQ(at(b1).links, 1u);
    brings(1, "MESSAGE subscription:/temp-queue/mine message-id:m destination:/reply-queue/x | so");
    EXPECT_EQ(count("client 1 <- MESSAGE"), 1u);
    is_whole(a);
}

// Clients 1 and 3 are at b1; 1 reads nothing, and so its link is not read.
class RouterMoveSlow : public RouterMoveDedicatedLinks {
protected:
    RouterMoveSlow()
    {
        client();
        says(c, "SUBSCRIBE id:1 destination:/topic/a"); // link 3, s3
        backlog(a, gateway::backlog::over_mark);
        brokers.blue.markers = false;
        drains(b1);
        skip_effects();
    }
    const session_id c{3};
};

TEST_F(RouterMoveSlow, M13_AClientThatReadsNothingDoesNotKeepItsNeighbours)
{
    brings(3, "MESSAGE subscription:s3 message-id:m teal-marker:s3=1");
    EXPECT_EQ(state(c), session_state::active);
    EXPECT_EQ(at(b1).sessions, 1u);
    run(29s); // the clock of its marker stands
    EXPECT_EQ(at(b1).sessions, 1u);
    run(1s); // drain_timeout
    is_whole(a);
}

TEST_F(RouterMoveSlow, M13_WhatWasInFrontOfItsMarkerIsDeliveredWhenItReadsAgain)
{
    run(10s);
    EXPECT_EQ(at(b1).sessions, 1u); // seam_timeout for the one whose link is read
    backlog(a, gateway::backlog::below);
    brings(1, message("s1", "in front"));
    EXPECT_EQ(count("client 1 <- MESSAGE"), 1u);
    run(100ms);
    EXPECT_EQ(at(b1).sessions, 1u);
    brings(1, "MESSAGE subscription:s1 message-id:m teal-marker:s1=1");
    is_whole(a);
}

// ---- after a switch

class RouterMoveAfterASwitch : public RouterMoveStates {
protected:
    RouterMoveAfterASwitch() : RouterMoveStates(several_endpoints({2, 2})) {}
};

TEST_F(RouterMoveAfterASwitch, S8_APinnedSessionIsBoundToAnotherEndpoint)
{
    prepared();
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | one");
    holds();
    orders(control::pin{});
    brokers.green.dials = false;
    const auto mine = router.session(a)->bindings.green;
    const auto at_green = mine.group->at;
    loses(static_cast<std::uint64_t>(mine.publish));
    brokers.blue.markers = false;
    commits();
    ASSERT_EQ(router.snapshot().sessions.pinned, 1u);
    brokers.green.dials = true;
    drains(at_green);
    run(5s);
    EXPECT_EQ(router.snapshot().sessions.pinned, 0u);
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_NE(router.session(a)->now().group->at, at_green);
}

class RouterMovePairs : public RouterMoveStates {
protected:
    static gateway::shard_settings paired()
    {
        auto s = several_endpoints({2, 2});
        s.shared_backplane = true;
        s.pairing = {.by = gateway::dedup_by::header, .header = "k"};
        return s;
    }
    RouterMovePairs() : RouterMoveStates(paired()) {}
};

TEST_F(RouterMovePairs, P2_WhileATwinIsOwedNobodyLeavesTheWireThatItComesTo)
{
    prepared();
    const std::string text = " message-id:m destination:/topic/a k:1 | x";
    brings(3, "MESSAGE subscription:s1" + text); // blue gave it, green still owes its twin
    holds();
    commits();
    const auto where = router.session(a)->now().group->at;
    drains(where);
    run(1s);
    EXPECT_EQ(router.session(a)->now().group->at, where);
    skip_effects();
    for (const auto& sub : router.session(a)->journal) {
        const auto wire = static_cast<std::uint64_t>(sub->wires.green);
        for (std::uint64_t link = 5; link < 14; ++link) {
            brings(link, "MESSAGE subscription:s" + std::to_string(wire) + text);
        }
    }
    EXPECT_EQ(count("client 1 <- MESSAGE"), 0u);
    run(31s);
    EXPECT_NE(router.session(a)->now().group->at, where);
    EXPECT_EQ(state(a), session_state::active);
}

} // namespace
