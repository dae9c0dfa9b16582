// Proves the shared backplane without a key (switch.md P5 to P8) on a whole shard: the id of each SEND,
// the marks in their order and from every endpoint, what waits for them and how long, and what is
// counted.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterMarks : public RouterSwitch {
protected:
    explicit RouterMarks(gateway::dedup_by by = gateway::dedup_by::automatic)
        : RouterSwitch(settings_of(by))
    {
    }
    static gateway::shard_settings settings_of(gateway::dedup_by by)
    {
        auto s = usual_settings();
        s.shared_backplane = true;
        s.pairing = {.by = by, .header = "x-id", .secret = {1, 2}};
        s.gateway_id = "gw";
        return s;
    }
    // Blue's endpoint gives no marker by itself from here on; green's does.
    void by_hand() { brokers.blue.markers = false; }
    // One that was SENT at blue's endpoint is read. Wire subscriptions: s1 on link 2, s2 on link 4.
    void mark(const std::string& text, const std::string& wire)
    {
        const std::uint64_t by = wire == "s1" || wire == "s3" ? 2 : 4;
        brings(
            by, "MESSAGE subscription:" + wire + " message-id:m teal-marker:" + wire + "*" + text +
                    "/b0");
    }
    void blue(const std::string& text) { brings(2, message("s1", text)); }
    void green(const std::string& text) { brings(4, message("s2", text)); }
    // What the pairs were marked with since the last call.
    std::string marks()
    {
        std::string all;
        for (const auto& line : log.take()) {
            const auto at = line.find("teal-marker:");
            if (at != line.npos && line.find('*', at) != line.npos) {
                const auto text = line.substr(at + 12);
                all += text.substr(0, text.find(' ')) + " ";
            }
        }
        return all;
    }
    // Up to blue's part of Oa.
    void preparing()
    {
        subscriber();
        by_hand();
        prepares();
        ASSERT_EQ(router.phase(), gateway::member_phase::preparing);
        skip_effects();
    }
    void prepared_by_hand()
    {
        preparing();
        mark("1", "s1");
        mark("2", "s2");
        mark("3", "s1");
        ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
    }
    void committed_by_hand()
    {
        holds();
        ASSERT_EQ(router.phase(), gateway::member_phase::held);
        commits();
        skip_effects();
    }
};

TEST_F(RouterMarks, P7_EachRidesFromEveryEndpointOfBothColorsAndInOrder)
{
    subscriber();
    prepares();
    EXPECT_EQ(marks(), "s1*1/b0 s1*1/g0 s2*2/b0 s2*2/g0 s1*3/b0 s1*3/g0 ");
    holds();
    skip_effects();
    commits();
    EXPECT_EQ(marks(), "s2*4/b0 s2*4/g0 s1*5/b0 s1*5/g0 s2*6/b0 s2*6/g0 ");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(router.open_windows(), 0u);
    EXPECT_TRUE(router.numbers().counted.empty());
}

TEST_F(RouterMarks, P7_EachIsReadFromAllBeforeTheNextIsSent)
{
    preparing();
    run(50ms);
    EXPECT_EQ(marks(), "");
    mark("1", "s1");
    EXPECT_EQ(marks(), "s2*2/b0 s2*2/g0 ");
    mark("2", "s2");
    EXPECT_EQ(marks(), "s1*3/b0 s1*3/g0 ");
    EXPECT_EQ(router.phase(), gateway::member_phase::preparing);
    mark("3", "s1");
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
}

TEST_F(RouterMarks, P7_InFrontOfNcTheSeamsOwnMarkerDoesNotJoinIt)
{
    prepared_by_hand();
    committed_by_hand();
    green("kept");
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1+" + std::to_string(committed));
    EXPECT_EQ(router.numbers().seams_joined, 0u);
    EXPECT_EQ(got(a), "");
    mark("4", "s2");
    mark("5", "s1");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(got(a), "kept ");
}

TEST_F(RouterMarks, P7_TheSeamWaitsForNcAndOcAndTheReportForNd)
{
    prepared_by_hand();
    committed_by_hand();
    green("kept");
    blue("given");
    EXPECT_EQ(got(a), "given ");
    mark("5", "s1"); // not SENT yet: whoever says so
    EXPECT_EQ(router.numbers().seams_joined, 0u);
    mark("4", "s2");
    EXPECT_EQ(router.numbers().seams_joined, 0u);
    skip_effects();
    mark("5", "s1");
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(got(a), "kept ");
    EXPECT_EQ(router.open_windows(), 1u) << "C9";
    mark("6", "s2");
    EXPECT_EQ(router.open_windows(), 0u);
    green("live");
    EXPECT_EQ(got(a), "live ");
}

TEST_F(RouterMarks, P7_EachMessageComesOnceWithoutAnyKey)
{
    preparing();
    blue("early");
    green("early");
    mark("1", "s1");
    green("dropped"); // in front of Na: the old color gives it
    mark("2", "s2");
    mark("3", "s1");
    blue("dropped");
    blue("1");
    blue("1"); // equal ones in a row
    green("1");
    green("2");
    committed_by_hand();
    green("1");
    blue("2");
    mark("4", "s2");
    green("3");
    blue("4");
    skip_effects();
    mark("5", "s1");
    EXPECT_EQ(got(a), "3 ");
    green("4"); // the new color owed it
    mark("6", "s2");
    green("4"); // said again
    EXPECT_EQ(got(a), "4 ");
    EXPECT_EQ(router.numbers().pairs_doubtful, 0u);
}

// M1: on its way from one node of a cluster to a third.
TEST_F(RouterMarks, P7_WhatWasSentBehindTheCommitOvertakesNothingOnTheOldColor)
{
    prepared_by_hand();
    committed_by_hand();
    brings(4, "MESSAGE subscription:s2 message-id:m destination:/topic/a teal-id:gw-2-0-7 | first");
    mark("4", "s2");
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-2-0-9 | new");
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-1-0-8 | old");
    brings(4, "MESSAGE subscription:s2 message-id:m destination:/topic/a teal-id:gw-2-0-9 | new");
    EXPECT_EQ(got(a), "old ");
    mark("5", "s1");
    EXPECT_EQ(got(a), "first new ");
    mark("6", "s2");
    EXPECT_EQ(router.numbers().pairs_alone, 1u) << "old, which green never brought";
}

// Of another shard, which had its commit first.
TEST_F(RouterMarks, P7_WhatWasSentBehindAnotherShardsCommitOvertakesNothingEither)
{
    prepared_by_hand();
    holds();
    skip_effects();
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-2-1-9 | new");
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-1-1-8 | old");
    brings(4, "MESSAGE subscription:s2 message-id:m destination:/topic/a teal-id:gw-2-1-9 | new");
    EXPECT_EQ(got(a), "old ");
    commits();
    skip_effects();
    mark("4", "s2");
    mark("5", "s1");
    EXPECT_EQ(got(a), "new ");
}

// Nothing comes by the new link any more: the old color's copy takes its place, and no mark is
// waited for.
TEST_F(RouterMarks, P7_WhereTheNewLinkIsLostTheOldColorsCopyIsKeptForIt)
{
    prepared_by_hand();
    committed_by_hand();
    brings(4, "MESSAGE subscription:s2 message-id:m destination:/topic/a teal-id:gw-2-0-7 | first");
    loses(4);
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-2-0-7 | first");
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-2-0-9 | new");
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-1-0-8 | old");
    EXPECT_EQ(got(a), "old ");
    brokers.blue.markers = true; // the seam's own come
    run(200ms);
    EXPECT_EQ(router.numbers().seams_joined, 1u);
    EXPECT_EQ(got(a), "first new ");
}

TEST_F(RouterMarks, P7_WhatBothEdgesBroughtIsCountedWithItsNumber)
{
    preparing();
    mark("1", "s1");
    blue("same");
    green("same");
    mark("2", "s2");
    mark("3", "s1");
    committed_by_hand();
    mark("4", "s2");
    green("same");
    mark("5", "s1");
    mark("6", "s2");
    EXPECT_EQ(router.numbers().pairs_doubtful, 1u);
    EXPECT_EQ(router.numbers().pairs_alone, 0u);
}

TEST_F(RouterMarks, P7_WhatOneColorAloneBroughtIsGivenAndCounted)
{
    prepared_by_hand();
    blue("b");
    green("g");
    EXPECT_EQ(got(a), "b ");
    committed_by_hand();
    mark("4", "s2");
    mark("5", "s1");
    EXPECT_EQ(got(a), "g ");
    mark("6", "s2");
    EXPECT_EQ(router.numbers().pairs_alone, 2u);
}

TEST_F(RouterMarks, P7_WhoSubscribesLaterIsHeldBehindMarksOfItsOwn)
{
    prepared_by_hand();
    says(a, "SUBSCRIBE id:2 destination:/topic/b");
    holds();
    EXPECT_EQ(router.phase(), gateway::member_phase::holding);
    mark("4", "s3");
    mark("5", "s4");
    EXPECT_EQ(router.phase(), gateway::member_phase::holding);
    mark("6", "s3");
    EXPECT_EQ(router.phase(), gateway::member_phase::held);
}

TEST_F(RouterMarks, P7_AMarkThatDoesNotComeIsGivenUpAndCounted)
{
    preparing();
    run(1s);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_TRUE(is_counted("dedup: a mark did not come in time"));
    brokers.blue.markers = true;
    holds();
    commits();
    EXPECT_EQ(router.numbers().seams_joined, 1u) << "by its marker, as ever";
    EXPECT_EQ(router.open_windows(), 0u);
}

TEST_F(RouterMarks, P8_WhereNaDoesNotComeTheNewColorIsHeardAllTheSame)
{
    preparing();
    mark("1", "s1");
    run(1s);
    ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
    brokers.blue.markers = true;
    holds();
    skip_effects();
    green("x"); // in front of the join it is kept for it
    commits();
    green("y");
    EXPECT_EQ(got(a), "x y ");
}

TEST_F(RouterMarks, P7_NcThatDoesNotComeKeepsNoSeam)
{
    prepared_by_hand();
    committed_by_hand();
    brokers.blue.markers = true; // the seam's own would come
    brokers.green.markers = false;
    run(900ms);
    brokers.green.markers = true;
    run(200ms);
    EXPECT_EQ(router.numbers().seams_joined + router.numbers().seams_forced, 1u);
    EXPECT_TRUE(is_counted("dedup: a mark did not come in time"));
}

TEST_F(RouterMarks, P7_WhatWasSentBehindTheCommitOvertakesNothingWhereNcDoesNotCome)
{
    prepared_by_hand();
    committed_by_hand();
    run(600ms);
    ASSERT_TRUE(is_counted("dedup: a mark did not come in time"));
    skip_effects();
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-2-0-9 | new");
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-1-0-8 | old");
    brings(4, "MESSAGE subscription:s2 message-id:m destination:/topic/a teal-id:gw-2-0-9 | new");
    EXPECT_EQ(got(a), "old ");
    brokers.blue.markers = true; // the seam's own come
    run(1s);
    EXPECT_EQ(got(a), "new ");
}

TEST_F(RouterMarks, P7_OneIsRepeatedUntilItIsRead)
{
    preparing();
    run(110ms);
    EXPECT_EQ(marks(), "s1*1/b0 ") << "green's was read";
    run(100ms);
    EXPECT_EQ(marks(), "");
    run(100ms);
    EXPECT_EQ(marks(), "s1*1/b0 ");
}

TEST_F(RouterMarks, P7_OneIsRepeatedInTheNextSwitchAsSoon)
{
    subscriber();
    held();
    commits(); // its barriers were asked an hour after the clock began
    by_hand();
    prepares(color::blue);
    skip_effects();
    run(110ms);
    EXPECT_NE(marks().find("/b0 "), std::string::npos);
}

TEST_F(RouterMarks, P7_AnAbortForgetsThem)
{
    preparing();
    aborts();
    skip_effects();
    mark("1", "s1");
    run(5s);
    EXPECT_EQ(marks(), "");
    blue("x");
    EXPECT_EQ(got(a), "x ");
}

TEST_F(RouterMarks, P7_TheOldLinkIsLostAndItsPairIsMarkedAgain)
{
    prepared_by_hand();
    skip_effects();
    loses(2);
    run(50ms);
    const auto again = marks();
    EXPECT_NE(again.find("*4/b0 "), again.npos) << again;
}

TEST_F(RouterMarks, P7_WhatALostOldLinkGaveComesNotAgain)
{
    prepared_by_hand();
    blue("x");
    EXPECT_EQ(got(a), "x ");
    holds();
    loses(2);
    commits();
    skip_effects();
    green("x");
    EXPECT_EQ(got(a), "");
    EXPECT_TRUE(is_counted("dedup: messages without an id, and no marks"));
}

TEST_F(RouterMarks, P8_WithoutMarksContentsAreComparedAndThatIsCounted)
{
    brokers.blue.markers = brokers.green.markers = false;
    subscriber();
    prepares();
    run(5s);
    ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_FALSE(is_counted("dedup: messages without an id, and no marks"));
    blue("x");
    EXPECT_TRUE(is_counted("dedup: messages without an id, and no marks"));
    green("x");
    holds();
    commits();
    run(2s);
    EXPECT_EQ(got(a), "x ");
    EXPECT_EQ(router.numbers().seams_best_effort, 1u);
}

TEST_F(RouterMarks, P5_EverySendHasAnIdOfItsOwnAndNoClientSeesIt)
{
    subscriber();
    says(a, "SEND destination:/topic/a | one");
    says(a, "SEND destination:/topic/a | two");
    auto sent = those("link 1 <- SEND");
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_NE(sent[0].find(" teal-id:gw-1-0-1 "), std::string::npos) << sent[0];
    EXPECT_NE(sent[1].find(" teal-id:gw-1-0-2 "), std::string::npos) << sent[1];
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a teal-id:gw-1-0-1 | one");
    const auto seen_by = told(a, log.take());
    ASSERT_EQ(seen_by.size(), 1u);
    EXPECT_EQ(seen_by[0].find("teal-id"), std::string::npos);
}

TEST_F(RouterMarks, P5_ASendInATransactionHasOneToo)
{
    subscriber();
    says(a, "BEGIN transaction:t");
    says(a, "SEND transaction:t destination:/topic/a | one");
    says(a, "COMMIT transaction:t");
    const auto sent = those("link 1 <- SEND");
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_NE(sent[0].find(" teal-id:gw-1-0-1 "), std::string::npos) << sent[0];
}

class RouterMarksByHeader : public RouterMarks {
protected:
    RouterMarksByHeader() : RouterMarks(gateway::dedup_by::header) {}
};

TEST_F(RouterMarksByHeader, P5_NoIdAndNoMarkWhereAnotherKeyIsNamed)
{
    subscriber();
    says(a, "SEND destination:/topic/a | one");
    const auto sent = those("link 1 <- SEND");
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].find("teal-id"), std::string::npos);
    prepares();
    EXPECT_EQ(marks(), "");
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
}

} // namespace
