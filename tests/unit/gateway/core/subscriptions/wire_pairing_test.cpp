// Proves the shared backplane as clients see it: both colors bring the same MESSAGEs, and each
// client gets each once and in order (switch.md P1 to P4); without a key the old color is left
// before the new one is subscribed; a queue never has two consumers of one session.

#include "tests/support/several_endpoints.hpp"
#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterPairing : public RouterSwitch {
protected:
    explicit RouterPairing(gateway::dedup_by by = gateway::dedup_by::header)
        : RouterSwitch(settings_of(by))
    {
    }
    explicit RouterPairing(gateway::shard_settings settings) : RouterSwitch(std::move(settings)) {}
    static gateway::shard_settings settings_of(gateway::dedup_by by)
    {
        auto s = usual_settings();
        s.shared_backplane = true;
        s.pairing = {.by = by, .header = "x-id", .secret = {1, 2}};
        return s;
    }
    void blue(const std::string& id, const std::string& wire = "s1") { brings(2, of(wire, id)); }
    void green(const std::string& id, const std::string& wire = "s2") { brings(4, of(wire, id)); }
    static std::string of(const std::string& wire, const std::string& id)
    {
        return "MESSAGE subscription:" + wire + " message-id:m destination:/topic/a x-id:" + id +
               " | m" + id;
    }
};

TEST_F(RouterPairing, P1_EachMessageComesOnceThroughAWholeSwitch)
{
    subscriber();
    prepares();
    skip_effects();
    blue("1");
    green("1");
    green("2"); // ahead of the old color
    blue("2");
    EXPECT_EQ(got(a), "m1 m2 ");
    holds();
    brokers.blue.markers = false;
    commits();
    skip_effects();
    green("3");
    green("4");
    green("5");
    blue("3");
    EXPECT_EQ(got(a), "m3 ");
    blue("4");
    blue("6"); // the new color still owes it
    marker();
    EXPECT_EQ(got(a), "m4 m6 m5 ") << "5 was SENT by another than 6 was, on another link";
    green("6");
    green("7");
    EXPECT_EQ(got(a), "m7 ");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.numbers().gaps, 0u);
    EXPECT_EQ(router.numbers().late, 0u);
    EXPECT_EQ(router.numbers().duplicates_dropped, 3u) << "3 and 4 kept, 6 of green";
    EXPECT_TRUE(router.numbers().counted.empty());
}

TEST_F(RouterPairing, P1_WhatComesBehindTheMarkerIsDropped)
{
    subscriber();
    joining();
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.command == stomp::command::unsubscribe || f.command == stomp::command::disconnect;
    };
    marker();
    blue("1");
    EXPECT_EQ(got(a), "");
    green("1");
    EXPECT_EQ(got(a), "m1 ");
    EXPECT_EQ(router.numbers().late, 0u);
}

TEST_F(RouterPairing, P1_ForcedSeamsOldColorGivesNothingTwice)
{
    subscriber();
    joining();
    green("1");
    run(1s);
    EXPECT_EQ(got(a), "m1 ");
    EXPECT_EQ(router.numbers().seams_forced, 1u);
    green("2");
    blue("1");
    blue("2");
    EXPECT_EQ(got(a), "m2 ");
    blue("3"); // late, and the first of the two
    green("3");
    EXPECT_EQ(got(a), "m3 ");
    EXPECT_EQ(router.numbers().late, 1u);
}

TEST_F(RouterPairing, P1_EveryMemberOfASharedSubscriptionGetsEachOnce)
{
    subscriber();
    client();
    says(b, "SUBSCRIBE id:7 destination:/topic/a");
    joining();
    blue("1");
    green("1");
    green("2");
    marker();
    green("3");
    const auto effects = log.take();
    for (const auto& [who, id] : {std::pair{a, "1"}, {b, "7"}}) {
        EXPECT_EQ(told(who, effects).size(), 3u) << id;
    }
    EXPECT_EQ(router.wire_count(), 1u);
}

TEST_F(RouterPairing, M12_WhoSubscribesWhileItJoinsIsInNoPair)
{
    subscriber();
    joining();
    client();
    says(b, "SUBSCRIBE id:7 destination:/topic/a receipt:r");
    skip_effects();
    green("1");
    EXPECT_EQ(got(b), "m1 ");
    blue("1");
    EXPECT_EQ(got(a), "m1 ");
    blue("2");
    marker();
    green("2");
    const auto effects = log.take();
    EXPECT_EQ(told(a, effects).size(), 1u);
    EXPECT_EQ(told(b, effects).size(), 1u);
}

// Client 1's seam of the switch before is open, and what it reads there lags: client 2 had it by
// another way.
TEST_F(RouterPairing, M9_StandbyJoinsNothingThatIsRead)
{
    subscriber();
    joining();
    client();
    says(b, "SUBSCRIBE id:7 destination:/topic/a"); // on green, where client 1 waits
    skip_effects();
    green("1");
    EXPECT_EQ(got(b), "m1 ");
    prepares(color::blue);
    skip_effects();
    blue("1");
    EXPECT_EQ(got(a), "m1 ");
    marker();
    holds();
    ASSERT_EQ(router.phase(), gateway::member_phase::held);
    commits();
    EXPECT_EQ(told(b, log.take()), lines{});
}

TEST_F(RouterPairing, P2_UnmatchedOutlivesTheNextPrepare)
{
    subscriber();
    joining();
    blue("1");
    marker();
    brokers.blue.markers = true;
    EXPECT_EQ(got(a), "m1 ");
    prepares(color::blue);
    ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
    skip_effects();
    green("1");
    EXPECT_EQ(got(a), "");
    green("2");
    EXPECT_EQ(got(a), "m2 ");
}

TEST_F(RouterPairing, P2_AbortForgetsTheStandbysAndKeepsTheStream)
{
    subscriber();
    held();
    green("1");
    aborts();
    skip_effects();
    blue("1");
    blue("1"); // whatever it is: one color is never paired with itself
    EXPECT_EQ(got(a), "m1 m1 ");
}

TEST_F(RouterPairing, P2_WhoComesToAStandbyThatIsThereHasWhatTheOldColorGaveBefore)
{
    subscriber();
    prepares();
    client("CONNECT accept-version:1.2 host:/ login:anna");
    says(b, "SUBSCRIBE id:7 destination:/topic/a");
    ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
    skip_effects();
    blue("1");
    holds();
    commits(); // markers are answered at once
    skip_effects();
    green("1");
    EXPECT_EQ(log.take(), lines{});
}

TEST_F(RouterPairing, P3_StandbyIsAskedOnlyBehindTheOldColorsReceipt)
{
    subscriber();
    prepared();
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:2 destination:/topic/b");
    const auto asked = [&] { return those("link 4 <- SUBSCRIBE").size(); };
    EXPECT_EQ(asked(), 0u);
    answer();
    EXPECT_EQ(asked(), 1u);
}

TEST_F(RouterPairing, P3_WhatIsBoundAgainOnTheOldColorComesFirst)
{
    subscriber();
    brokers.blue.keeps_back = is_subscribe;
    loses(2);
    run(50ms);
    ASSERT_EQ(kept_back(), 1u);
    skip_effects();
    const auto asked = [&] {
        auto effects = log.take();
        return std::ranges::count_if(
            effects, [](const auto& line) { return line.find("<- SUBSCRIBE") != line.npos; });
    };
    prepares();
    run(50ms);
    EXPECT_EQ(asked(), 0);
    answer();
    run(50ms);
    EXPECT_EQ(asked(), 1);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
}

TEST_F(RouterPairing, P1_OldLinkLostMeansThatTheKeptOnesFollow)
{
    subscriber();
    joining();
    green("1");
    green("2");
    blue("1");
    loses(2);
    EXPECT_EQ(got(a), "m1 m2 ");
    green("3");
    EXPECT_EQ(got(a), "m3 ");
    EXPECT_EQ(router.numbers().gaps, 1u);
}

TEST_F(RouterPairing, P1_MessagesWithoutTheHeaderComeFromTheStreamAndAreCounted)
{
    subscriber();
    joining();
    brings(4, message("s2", "g"));
    brings(2, message("s1", "b"));
    EXPECT_EQ(got(a), "b ");
    marker();
    brings(4, message("s2", "g"));
    EXPECT_EQ(got(a), "g ");
    EXPECT_TRUE(is_counted("dedup: messages without the header were not paired"));
}

TEST_F(RouterPairing, M10_StandbyKeepsNoMoreThanItsBuffer)
{
    subscriber();
    prepared();
    const std::string big(200'000, 'x');
    for (int i = 0; i < 10; ++i) {
        brings(4, of("s2", std::to_string(i)) + big);
    }
    EXPECT_TRUE(is_counted("dedup: more unmatched messages than are remembered"));
    EXPECT_EQ(router.numbers().standbys_discarded, 5u);
    EXPECT_EQ(those("read link 4 off"), lines{}) << "one that lags never stalls a switch";
}

TEST_F(RouterPairing, M10_TheNextPrepareDropsNothingOfASeamThatIsJoining)
{
    subscriber();
    joining();
    prepares(color::blue);
    skip_effects();
    const std::string big(200'000, 'x');
    for (int i = 0; i < 10; ++i) {
        brings(4, of("s2", std::to_string(i)) + big);
    }
    EXPECT_EQ(std::ranges::count(got(a), 'm'), 10) << "forced";
    EXPECT_FALSE(is_counted("dedup: more unmatched messages than are remembered"));
}

TEST_F(RouterPairing, M10_OneMessageLargerThanTheBufferForcesNothing)
{
    subscriber();
    prepared();
    const std::string large(5 << 20, 'x');
    brings(4, of("s2", "1") + large);
    EXPECT_FALSE(is_counted("dedup: more unmatched messages than are remembered"));
    EXPECT_EQ(router.numbers().standbys_discarded, 0u);
    brings(4, of("s2", "2") + large); // a second one is more than is kept
    EXPECT_TRUE(is_counted("dedup: more unmatched messages than are remembered"));
    EXPECT_EQ(router.numbers().standbys_discarded, 1u);
}

TEST_F(RouterPairing, P1_CancelledTwinsOfAcknowledgedSubscriptionsAreAcknowledged)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a ack:client-individual");
    held();
    brokers.blue.markers = false;
    commits();
    auto effects = log.take();
    const auto line = std::ranges::find_if(effects, [](const auto& one) {
        return one.find("teal-marker:s1") != one.npos; // found: the old link's number varies not
    });
    ASSERT_NE(line, effects.end());
    const auto own = [&](color c) {
        return static_cast<std::uint64_t>(router.session(a)->bindings[c].own);
    };
    brings(own(color::green), of("s2", "1") + "\n");
    EXPECT_EQ(got(a), "");
    brings(
        own(color::blue),
        "MESSAGE subscription:s1 message-id:m ack:b1 destination:/topic/a x-id:2 | m2");
    EXPECT_EQ(got(a), "m2 ");
    brings(
        own(color::green),
        "MESSAGE subscription:s2 message-id:m ack:g2 destination:/topic/a x-id:2 | m2");
    const auto acks = those("link " + std::to_string(own(color::green)) + " <- ACK");
    ASSERT_EQ(acks.size(), 1u);
    EXPECT_NE(acks[0].find("id:g2"), std::string::npos);
}

// ---- a pair lives as long as it may be needed

TEST_F(RouterPairing, P2_PairEndsAtDrainTimeout)
{
    subscriber();
    joining();
    blue("1");
    marker();
    EXPECT_EQ(got(a), "m1 ");
    run(31s);
    green("1"); // its key came again, half a minute later
    EXPECT_EQ(got(a), "m1 ");
}

// ---- content

class RouterPairingByContent : public RouterPairing {
protected:
    RouterPairingByContent() : RouterPairing(gateway::dedup_by::content) {}
};

TEST_F(RouterPairingByContent, P4_PairsWhatIsEqualAndIsCounted)
{
    subscriber();
    joining();
    brings(2, message("s1", "one"));
    brings(4, message("s2", "one"));
    brings(4, message("s2", "one"));
    EXPECT_EQ(got(a), "one ");
    marker();
    EXPECT_EQ(got(a), "one ");
    EXPECT_TRUE(is_counted("dedup: content"));
}

// Client 1 is at b1 (links 1 and 3, wire subscription s1), client 2 at b2 (links 2 and 4, s2). Of
// green's only endpoint both have the links 5 and 6.
class RouterPairingFromTwo : public RouterPairing {
protected:
    RouterPairingFromTwo() : RouterPairing(two_endpoints()) {}
    static gateway::shard_settings two_endpoints()
    {
        return with_endpoints({2, 1}, settings_of(gateway::dedup_by::content));
    }
};

TEST_F(RouterPairingFromTwo, P4_AStandbyJoinsOnlyWhatItsOwnOldSubscriptionIsPairedWith)
{
    client();
    client();
    client(); // at b1
    const session_id c{3};
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    brokers.blue.keeps_back = is_subscribe;
    says(b, "SUBSCRIBE id:1 destination:/topic/a");
    brokers.blue.keeps_back = keep_none;
    prepares(); // client 1's standby is s3
    skip_effects();
    brings(4, message("s2", "x"));
    answer(); // P3: client 2's standby is asked for now
    EXPECT_EQ(
        those("link 6 <- SUBSCRIBE"),
        lines{
            "link 6 <- SUBSCRIBE id:s4 ack:auto receipt:r2 x-queue-name:" + own_address +
            "4 exclusive:true destination:/topic/a"});
    says(c, "SUBSCRIBE id:1 destination:/topic/a"); // s1
    EXPECT_EQ(those("link 6 <- SUBSCRIBE"), lines{}) << "s3, although s4 is newer";
    brings(6, message("s3", "x"));
    brings(3, message("s1", "x"));
    holds();
    commits();
    run(1s);
    EXPECT_EQ(told(b, log.take()), lines{}) << "it had x already";
}

// ---- no key

class RouterBreak : public RouterPairing {
protected:
    RouterBreak() : RouterPairing(gateway::dedup_by::nothing) {}
};

TEST_F(RouterBreak, P1_OldColorIsLeftBeforeTheNewOneIsSubscribed)
{
    subscriber();
    prepares();
    EXPECT_EQ(those("link 4 <- SUBSCRIBE"), lines{});
    holds();
    ASSERT_EQ(router.phase(), gateway::member_phase::held);
    brokers.blue.markers = false;
    commits();
    auto effects = log.take();
    EXPECT_TRUE(std::ranges::none_of(
        effects, [](const auto& line) { return line.find("<- SUBSCRIBE") != line.npos; }));
    blue("1");
    EXPECT_EQ(got(a), "m1 ");
    marker();
    effects = log.take();
    const auto place = [&](const std::string& what) {
        return std::ranges::find_if(
                   effects, [&](const auto& line) { return line.find(what) != line.npos; }) -
               effects.begin();
    };
    EXPECT_LT(place("<- UNSUBSCRIBE id:s1"), place("<- SUBSCRIBE id:s2"));
    EXPECT_LT(place("<- SUBSCRIBE id:s2"), static_cast<std::ptrdiff_t>(effects.size()));
    blue("2"); // behind the marker: the gap
    EXPECT_EQ(got(a), "");
    EXPECT_EQ(router.numbers().gaps, 1u);
    EXPECT_EQ(router.numbers().late, 0u);
}

TEST_F(RouterBreak, P1_ForcedSeamLeavesTheOldColorToo)
{
    subscriber();
    joining();
    run(1s);
    const auto effects = log.take();
    EXPECT_TRUE(std::ranges::any_of(
        effects, [](const auto& line) { return line.find("<- UNSUBSCRIBE id:s1") != line.npos; }));
    EXPECT_TRUE(std::ranges::any_of(
        effects, [](const auto& line) { return line.find("<- SUBSCRIBE id:s2") != line.npos; }));
    EXPECT_EQ(router.numbers().seams_forced, 1u);
    EXPECT_EQ(router.numbers().gaps, 1u);
}

TEST_F(RouterBreak, P1_WhatOthersReadOnTheNewColorAlreadyIsNotJoined)
{
    subscriber();
    joining();
    client();
    says(b, "SUBSCRIBE id:7 destination:/topic/a"); // s2
    skip_effects();
    blue("1");
    EXPECT_EQ(got(a), "m1 ");
    marker();
    green("1"); // was on its way
    green("2");
    green("2", "s3");
    const auto effects = log.take();
    EXPECT_EQ(told(a, effects).size(), 1u) << "1 it had by blue";
    EXPECT_EQ(told(b, effects).size(), 2u);
}

// ---- stored subscriptions

class RouterStored : public RouterPairing {
protected:
    std::uint64_t own(color c)
    {
        return static_cast<std::uint64_t>(router.session(a)->bindings[c].own);
    }
    std::size_t asked(color c)
    {
        return those("link " + std::to_string(own(c)) + " <- SUBSCRIBE").size();
    }
    void queue_subscriber()
    {
        client();
        says(a, "SUBSCRIBE id:q destination:/queue/q ack:client-individual");
        skip_effects();
    }
    void queue_brings(const std::string& ack)
    {
        brings(
            own(color::blue), "MESSAGE subscription:s1 message-id:" + ack + " ack:" + ack +
                                  " destination:/queue/q | " + ack);
    }
};

TEST_F(RouterStored, P3_QueueNeverHasTwoConsumersOfOneSession)
{
    queue_subscriber();
    queue_brings("b1"); // the client has it, and acknowledges it after the switch
    const auto first = log.take();
    held();
    commits();
    skip_effects();
    queue_brings("b2"); // not the client's any more: it goes back with the link
    EXPECT_EQ(got(a), "");
    run(500ms);
    EXPECT_EQ(asked(color::green), 0u);
    const auto at = first[0].find("ack:");
    const auto minted = first[0].substr(at + 4, first[0].find(' ', at) - at - 4);
    brokers.blue.markers = true;
    const auto old_link = std::to_string(own(color::blue));
    says(a, "ACK id:" + minted);
    run(100ms);
    const auto effects = log.take();
    const auto place = [&](const std::string& what) {
        return std::ranges::find_if(
                   effects, [&](const auto& line) { return line.find(what) != line.npos; }) -
               effects.begin();
    };
    EXPECT_LT(
        place("link " + old_link + " <- ACK id:b1"), place("link " + old_link + " <- DISCONNECT"));
    EXPECT_LT(place("link " + old_link + " <- DISCONNECT"), place("<- SUBSCRIBE id:s2"));
    EXPECT_LT(place("<- SUBSCRIBE id:s2"), static_cast<std::ptrdiff_t>(effects.size()));
    EXPECT_EQ(router.numbers().handed_back, 0u);
    EXPECT_EQ(router.numbers().stored_left_behind, 0u);
}

// It would not come again: its broker is done with it.
TEST_F(RouterStored, K6_WhatBringsNoIdIsGivenWhereOthersGoBack)
{
    const auto brings_without_id = [&](const std::string& body) {
        brings(
            own(color::blue),
            "MESSAGE subscription:s1 message-id:m destination:/queue/q | " + body);
    };
    queue_subscriber();
    queue_brings("b1");
    brings_without_id("before");
    EXPECT_EQ(got(a), "b1 before ");
    held();
    commits();
    skip_effects();
    queue_brings("b2");
    brings_without_id("behind");
    EXPECT_EQ(got(a), "behind ");
    run(31s);
    EXPECT_EQ(router.numbers().handed_back, 2u) << "b1, and b2, which it was fed";
}

TEST_F(RouterStored, P3_QueueIsSubscribedWhenTheOldLinkIsLost)
{
    queue_subscriber();
    queue_brings("b1");
    held();
    commits();
    run(50ms);
    skip_effects();
    loses(own(color::blue));
    run(50ms);
    EXPECT_EQ(asked(color::green), 1u);
}

TEST_F(RouterStored, P3_NextPrepareWaitsForWhatIsGivenBack)
{
    queue_subscriber();
    queue_brings("b1");
    held();
    commits();
    skip_effects();
    queue_brings("b2");
    prepares(color::blue);
    run(500ms);
    EXPECT_EQ(router.phase(), gateway::member_phase::preparing);
    loses(own(color::blue));
    run(100ms);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_EQ(asked(color::green), 1u);
}

TEST_F(RouterStored, P3_ClientThatNeverAcknowledgesHandsBackAtDrainTimeout)
{
    queue_subscriber();
    queue_brings("b1");
    held();
    commits();
    run(31s);
    EXPECT_EQ(asked(color::green), 1u);
    EXPECT_EQ(router.numbers().handed_back, 1u);
}

// It would wait for more until drain_timeout: nothing comes from the old color, and the new one is
// not subscribed.
TEST_F(RouterStored, P3_ClientThatAcknowledgesByTheDozenIsFedWhatWasToGoBack)
{
    client();
    says(a, "SUBSCRIBE id:q destination:/queue/q ack:client");
    skip_effects();
    queue_brings("b1");
    skip_effects();
    held();
    commits();
    queue_brings("b2");
    queue_brings("b3");
    queue_brings("b4");
    run(900ms);
    EXPECT_EQ(got(a), "");
    run(130ms); // a second after the commit, and two sweeps
    const auto fed = log.take();
    const auto seen = told(a, fed);
    ASSERT_EQ(seen.size(), 2u) << "no more than it takes to go on";
    EXPECT_TRUE(seen[0].ends_with("| b2"));
    EXPECT_TRUE(seen[1].ends_with("| b3"));
    const auto at = seen[1].find("ack:");
    says(a, "ACK id:" + seen[1].substr(at + 4, seen[1].find(' ', at) - at - 4));
    const auto effects = log.take();
    const auto count = [&](std::string_view what) {
        return std::ranges::count_if(
            effects, [&](const auto& line) { return line.find(what) != line.npos; });
    };
    EXPECT_EQ(count("<- ACK id:b"), 3);
    EXPECT_EQ(count("<- SUBSCRIBE id:s2"), 1);
    EXPECT_EQ(router.numbers().handed_back, 0u);
    EXPECT_EQ(router.session(a)->ledger.size(), 0u) << "the fourth went back unseen";
}

TEST_F(RouterStored, P3_WhatIsKeptToGoBackIsBoundedAndStaysInOrder)
{
    client();
    says(a, "SUBSCRIBE id:q destination:/queue/q ack:client-individual");
    queue_brings("b1");
    held();
    commits();
    skip_effects();
    const auto big = [&](const std::string& ack, std::size_t bytes) {
        brings(
            own(color::blue), "MESSAGE subscription:s1 message-id:" + ack + " ack:" + ack +
                                  " destination:/queue/q | " + std::string(bytes, 'x'));
    };
    big("b2", 700'000);
    big("b3", 700'000); // over the mark: the last one that is kept
    big("b4", 700'000);
    queue_brings("b5"); // small, and behind one that went back
    run(3s);
    EXPECT_EQ(told(a, log.take()).size(), 2u);
}

TEST_F(RouterStored, P3_QueueThatGoesWithItsLinkIsAGap)
{
    client();
    says(a, "SUBSCRIBE id:q destination:/queue/q auto-delete:true");
    says(a, "SUBSCRIBE id:k destination:/queue/kept");
    held();
    commits();
    EXPECT_EQ(router.numbers().gaps, 1u);
}

class RouterStoredStrict : public RouterStored, public testing::WithParamInterface<bool> {};

// queue_order says nothing where there is one queue for both colors: it keeps its order itself.
TEST_P(RouterStoredStrict, H17_BothOrdersLeaveTheOldColorFirst)
{
    client();
    says(a, "SUBSCRIBE id:q destination:/queue/q");
    auto timing = usual_timing();
    timing.strict_queue_order = GetParam();
    prepares(color::green, timing);
    EXPECT_EQ(asked(color::green), 0u);
    holds();
    commits();
    run(100ms);
    const auto effects = log.take();
    const auto place = [&](const std::string& what) {
        return std::ranges::find_if(
                   effects, [&](const auto& line) { return line.find(what) != line.npos; }) -
               effects.begin();
    };
    const auto left = place("<- DISCONNECT"), asked_at = place("<- SUBSCRIBE id:s2");
    EXPECT_LT(left, asked_at);
    EXPECT_LT(asked_at, static_cast<std::ptrdiff_t>(effects.size()));
    EXPECT_EQ(
        std::ranges::count_if(
            effects, [](const auto& line) { return line.find("<- SUBSCRIBE") != line.npos; }),
        1);
}
INSTANTIATE_TEST_SUITE_P(Orders, RouterStoredStrict, testing::Bool());

// The strict order of a separate backplane has the same way out.
TEST_F(RouterSwitch, LostOldLinkEndsTheWaitOfAStrictQueue)
{
    client();
    says(a, "SUBSCRIBE id:q destination:/queue/q ack:client-individual");
    auto timing = usual_timing();
    timing.strict_queue_order = true;
    prepares(color::green, timing);
    holds();
    commits();
    skip_effects();
    const auto own = [&](color c) {
        return static_cast<std::uint64_t>(router.session(a)->bindings[c].own);
    };
    loses(own(color::blue));
    run(50ms);
    EXPECT_EQ(those("link " + std::to_string(own(color::green)) + " <- SUBSCRIBE").size(), 1u);
}

} // namespace
