// Proves that of the MESSAGEs which two colors bring to one subscription each reaches the clients
// once and in order (P1), that equal ones of one color stay two (P2), and that what has no twin yet
// is remembered within bounds. The last test plays every order in which two colors can bring up to
// four MESSAGEs, with every moment of the join.

#include "gateway/core/pairing/pairing.hpp"
#include "gateway/core/pairing/pairing_rule.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using gateway::pairing;
using gateway::pairing_key;
using gateway::twin_key;
using gateway::pairing_rule;
using verdict = gateway::pairing::verdict;

twin_key key(std::uint64_t content)
{
    return {.content = pairing_key{content}};
}

// A pair with its clients: what reached them, in order.
class pair_of_colors {
public:
    void old_brings(int number)
    {
        if (core.on_old(key(std::uint64_t(number))).what == verdict::deliver) {
            got += std::to_string(number);
        }
    }
    void new_brings(int number)
    {
        const twin_key k = key(std::uint64_t(number));
        switch (core.on_new(k)) {
        case verdict::deliver: got += std::to_string(number); return;
        case verdict::keep: core.keep(k, message(number)); return;
        case verdict::twin: return;
        }
    }
    void opens() // the seam joined or was forced
    {
        core.for_each_kept([&](const auto& m) { got += m.rest->bytes(); });
        core.open();
    }
    void joins()
    {
        opens();
        core.leave_old();
    }

    pairing core;
    std::string got;

private:
    static gateway::kept_message message(int number)
    {
        return {.rest = net::payload::make({std::to_string(number)}), .broker_ack = {}};
    }
};

TEST(Pairing, P1_OldCopyIsDeliveredAndCancelsItsTwin)
{
    pair_of_colors pair;
    pair.new_brings(1);
    EXPECT_EQ(pair.got, "") << "the session is not there yet";
    EXPECT_EQ(pair.core.kept_count(), 1U);
    pair.old_brings(1);
    EXPECT_EQ(pair.got, "1");
    EXPECT_EQ(pair.core.kept_count(), 0U);
    EXPECT_EQ(pair.core.kept_bytes(), 0U);
}

TEST(Pairing, P1_CancelledTwinIsHandedBackForItsAcknowledgement)
{
    pairing core;
    ASSERT_EQ(core.on_new(key(1)), verdict::keep);
    core.keep(key(1), {.rest = net::payload::make({"x"}), .broker_ack = "ack-7"});
    const auto out = core.on_old(key(1));
    EXPECT_EQ(out.what, verdict::deliver);
    ASSERT_TRUE(out.cancelled);
    EXPECT_EQ(out.cancelled->broker_ack, "ack-7");
}

TEST(Pairing, P1_KeptOnesWithoutTwinFollowInOrder)
{
    pair_of_colors pair;
    for (const int m : {1, 2, 3, 4, 5}) {
        pair.new_brings(m);
    }
    pair.old_brings(1);
    pair.old_brings(2);
    pair.joins();
    EXPECT_EQ(pair.got, "12345");
    pair.new_brings(6);
    EXPECT_EQ(pair.got, "123456");
}

TEST(Pairing, P1_TwinThatTheNewColorStillOwesIsDropped)
{
    pair_of_colors pair;
    pair.old_brings(1);
    pair.old_brings(2);
    pair.joins();
    pair.new_brings(1);
    pair.new_brings(2);
    pair.new_brings(3);
    EXPECT_EQ(pair.got, "123");
}

TEST(Pairing, P1_TwinThatAForcedSeamsOldColorStillOwesIsDropped)
{
    pair_of_colors pair;
    pair.new_brings(1);
    pair.new_brings(2);
    pair.opens(); // by seam_timeout: the old color stays subscribed
    pair.new_brings(3);
    EXPECT_EQ(pair.got, "123");
    pair.old_brings(1);
    pair.old_brings(3);
    EXPECT_EQ(pair.got, "123");
    pair.old_brings(4); // late, and first: the new color's copy is the second then
    pair.new_brings(4);
    EXPECT_EQ(pair.got, "1234");
}

TEST(Pairing, P1_WhatComesBehindTheMarkersIsTheNewColorsToGive)
{
    pair_of_colors pair;
    pair.joins();
    pair.old_brings(7);
    EXPECT_EQ(pair.got, "");
    pair.new_brings(7);
    EXPECT_EQ(pair.got, "7");
}

TEST(Pairing, P2_EqualMessagesOfOneColorAreNeverPaired)
{
    pair_of_colors pair;
    pair.old_brings(1);
    pair.old_brings(1);
    EXPECT_EQ(pair.got, "11");
    pair.new_brings(1);
    pair.new_brings(1);
    pair.new_brings(1); // the third has no twin yet
    EXPECT_EQ(pair.core.kept_count(), 1U);
    pair.old_brings(1);
    EXPECT_EQ(pair.got, "111");
    EXPECT_EQ(pair.core.kept_count(), 0U);
    pair.joins();
    pair.new_brings(1);
    EXPECT_EQ(pair.got, "1111");
}

TEST(Pairing, P2_OldestOfEqualKeptOnesIsTheTwin)
{
    pair_of_colors pair;
    for (const int m : {1, 2, 1}) {
        pair.new_brings(m);
    }
    pair.old_brings(1);
    pair.joins();
    EXPECT_EQ(pair.got, "121");
}

TEST(Pairing, P2_UnmatchedOutlivesTheJoinAndTheNextPrepare)
{
    // blue gave 1, green's copy is late: the seam joins, the next switch makes a pair of its own
    pair_of_colors first;
    first.old_brings(1);
    first.joins();
    EXPECT_FALSE(first.core.done());
    pairing second; // green is its old color now
    EXPECT_EQ(first.core.on_new(key(1)), verdict::twin);
    EXPECT_EQ(second.on_old(key(1)).what, verdict::deliver);
    EXPECT_TRUE(first.core.done());
    EXPECT_EQ(second.on_new(key(1)), verdict::twin);
}

TEST(Pairing, P2_WhatTheOldColorGaveBeforeThePairWasMadeCounts)
{
    pair_of_colors pair;
    pair.core.given_before(key(1));
    pair.new_brings(1);
    pair.joins();
    EXPECT_EQ(pair.got, "");
}

TEST(Pairing, P2_SubscriptionThatIsMadeAgainOwesNothing)
{
    pair_of_colors pair;
    pair.old_brings(1);
    pair.core.renew();
    pair.new_brings(1); // SENT again with the same key, behind the new SUBSCRIBE
    pair.joins();
    EXPECT_EQ(pair.got, "11");
}

TEST(Pairing, P2_NotesAreBounded)
{
    pairing core;
    for (std::uint64_t i = 0; i < pairing::notes_max / 2; ++i) {
        core.on_old(key(i));
    }
    EXPECT_FALSE(core.overflowed());
    for (std::uint64_t i = 0; i < pairing::notes_max * 2; ++i) {
        core.on_old(key(1'000'000 + i));
    }
    EXPECT_TRUE(core.overflowed());
    EXPECT_EQ(core.on_new(key(0)), verdict::keep) << "forgotten";
    const std::uint64_t newest = 1'000'000 + pairing::notes_max * 2 - 1;
    EXPECT_EQ(core.on_new(key(newest)), verdict::twin);
    EXPECT_EQ(core.on_new(key(newest - pairing::notes_max / 2 + 1)), verdict::twin)
        << "at least half of the limit is remembered";
}

TEST(Pairing, P2_OldestKeptOneIsForgottenAlone)
{
    pair_of_colors pair;
    for (const int m : {1, 2, 2, 3}) {
        pair.new_brings(m);
    }
    pair.old_brings(2);
    EXPECT_EQ(pair.core.forget_oldest().rest->bytes(), "1");
    EXPECT_EQ(pair.core.forget_oldest().rest->bytes(), "2");
    EXPECT_EQ(pair.core.kept_count(), 1U);
    pair.old_brings(3);
    EXPECT_EQ(pair.core.kept_bytes(), 0U);
    pair.joins();
    EXPECT_EQ(pair.got, "23");
}

// Both colors bring 1..n, each in order; the seam joins at any moment once the old color has given
// what was SENT before its marker (m of them), and the old color may bring the rest behind it. What
// the clients get is 1..n, each once, in order.
void play(pair_of_colors pair, int n, int m, int old_at, int new_at, bool joined, int& ends)
{
    if (old_at == n && new_at == n && joined) {
        std::string all;
        for (int i = 1; i <= n; ++i) {
            all += std::to_string(i);
        }
        EXPECT_EQ(pair.got, all);
        ++ends;
        return;
    }
    if (old_at < n) {
        auto next = pair;
        next.old_brings(old_at + 1);
        play(std::move(next), n, m, old_at + 1, new_at, joined, ends);
    }
    if (new_at < n) {
        auto next = pair;
        next.new_brings(new_at + 1);
        play(std::move(next), n, m, old_at, new_at + 1, joined, ends);
    }
    if (!joined && old_at >= m) {
        auto next = pair;
        next.joins();
        play(std::move(next), n, m, old_at, new_at, true, ends);
    }
}

TEST(Pairing, P1_EveryOrderOfTwoColorsAndAJoinGivesEachOnceAndInOrder)
{
    int ends = 0;
    for (int n = 0; n <= 4; ++n) {
        for (int m = 0; m <= n; ++m) {
            play({}, n, m, 0, 0, false, ends);
        }
    }
    EXPECT_GT(ends, 1000);
}

// ---- keys

stomp::frame_view message(std::vector<stomp::header> headers, std::string_view body = "x")
{
    stomp::frame_view view;
    view.command = stomp::command::message;
    view.headers = std::move(headers);
    view.body = body;
    return view;
}

TEST(PairingRule, P4_HeaderIsTheKeyWithItsDestination)
{
    const pairing_rule rule{.by = gateway::dedup_by::header, .header = "x-id", .secret = {1, 2}};
    const auto a = rule.key_of(message({{"destination", "/topic/a"}, {"x-id", "7"}}, "one"));
    EXPECT_EQ(
        a, rule.key_of(message(
               {{"message-id", "other"}, {"x-id", "7"}, {"destination", "/topic/a"}}, "two")));
    EXPECT_NE(a, rule.key_of(message({{"destination", "/topic/b"}, {"x-id", "7"}})));
    EXPECT_NE(a, rule.key_of(message({{"destination", "/topic/a"}, {"x-id", "8"}})));
    EXPECT_EQ(rule.key_of(message({{"destination", "/topic/a"}})), std::nullopt);
    const pairing_rule other{.by = gateway::dedup_by::header, .header = "x-id", .secret = {1, 3}};
    EXPECT_NE(a, other.key_of(message({{"destination", "/topic/a"}, {"x-id", "7"}})));
}

TEST(PairingRule, P4_ContentIsDestinationBodyAndContentHeaders)
{
    const pairing_rule rule{.by = gateway::dedup_by::content, .header = {}, .secret = {1, 2}};
    const auto a = rule.key_of(message({{"destination", "/topic/a"}, {"content-type", "t"}}));
    EXPECT_EQ(
        a, rule.key_of(message(
               {{"destination", "/topic/a"},
                {"content-type", "t"},
                {"content-length", "1"},
                {"message-id", "9"}})));
    EXPECT_NE(a, rule.key_of(message({{"destination", "/topic/a"}, {"content-type", "u"}})));
    EXPECT_NE(a, rule.key_of(message({{"destination", "/topic/a"}, {"content-type", "t"}}, "y")));
    EXPECT_NE(
        rule.key_of(message({{"destination", "ab"}}, "c")),
        rule.key_of(message({{"destination", "a"}}, "bc")));
}

// The reference key 00 01 .. 0f and no input; the value is the published one of SipHash-1-3.
TEST(PairingRule, DigestIsSipHash)
{
    const std::array<std::uint64_t, 2> key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
    EXPECT_EQ(gateway::keyed_digest(key, ""), 0xabac0158050fc4dcULL);
}

} // namespace
