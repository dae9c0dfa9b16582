// Proves what marks make of contents (P7): between them equal messages are paired exactly, what may
// have been paired wrongly is counted with its number, and what one color alone brought is given and
// counted; and that ids tell apart what says the same (P6). The last test goes through every short
// history of two contents and six marks on two streams.

#include "gateway/core/pairing/pairing.hpp"
#include "gateway/core/pairing/pairing_rule.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace {

using gateway::pairing;
using gateway::pairing_key;
using gateway::pairing_rule;
using gateway::twin_key;
using verdict = gateway::pairing::verdict;

class marked_pair {
public:
    void old_brings(const twin_key& k, char name = 'x')
    {
        if (core.on_old(k).what == verdict::deliver) {
            got += name;
        }
    }
    void new_brings(const twin_key& k, char name = 'x')
    {
        switch (core.on_new(k)) {
        case verdict::deliver: got += name; return;
        case verdict::keep:
            core.keep(k, {.rest = net::payload::make({std::string{name}}), .broker_ack = {}});
            return;
        case verdict::twin: return;
        }
    }
    void oa()
    {
        while (core.kept_count() > 0) {
            core.forget_oldest();
        }
        core.on_oa();
    }
    void oc()
    {
        core.for_each_kept([&](const auto& m) { got += m.rest->bytes(); });
        core.open();
        core.leave_old(true);
    }
    void nd() { core.on_nd(); }
    // Oa, Na, Ob with nothing between them.
    void prepared()
    {
        oa();
        core.on_na();
        core.on_ob();
    }
    void committed() { core.on_nc(); }

    pairing core;
    std::string got;
};

twin_key content(std::uint64_t c, std::uint64_t id = 0, std::uint64_t broker_id = 0)
{
    return {.content = pairing_key{c}, .id = id, .broker_id = broker_id};
}

TEST(PairingWindow, P7_EqualOnesThatBothBroughtPairExactly)
{
    marked_pair pair;
    pair.prepared();
    for (int i = 0; i < 3; ++i) {
        pair.old_brings(content(1));
    }
    pair.new_brings(content(1));
    pair.committed();
    pair.new_brings(content(1));
    pair.new_brings(content(1));
    pair.oc();
    pair.new_brings(content(1)); // a fourth: nobody gave it yet
    pair.nd();
    EXPECT_EQ(pair.got, "xxxx");
    EXPECT_EQ(pair.core.take_doubtful(), 0U);
    EXPECT_EQ(pair.core.take_alone(), 0U);
}

TEST(PairingWindow, P7_WhatCameInFrontOfTheMarksIsPairedWithNothing)
{
    marked_pair pair;
    pair.old_brings(content(1));
    pair.new_brings(content(2)); // the old color gives it, in front of Oc
    pair.oa();
    pair.new_brings(content(3));
    EXPECT_EQ(pair.core.kept_count(), 0U);
    pair.old_brings(content(2));
    pair.old_brings(content(3));
    pair.core.on_na();
    pair.core.on_ob();
    pair.committed();
    pair.new_brings(content(1));
    pair.oc();
    EXPECT_EQ(pair.got, "xxxx") << "1 came again";
}

TEST(PairingWindow, P7_OnlyWhatBothEdgesHadIsCountedAndWithItsNumber)
{
    marked_pair pair;
    pair.oa();
    for (const std::uint64_t c : {1, 1, 2}) { // their twins came in front of Na
        pair.old_brings(content(c));
    }
    pair.core.on_na();
    pair.core.on_ob();
    pair.old_brings(content(3));
    pair.new_brings(content(3));
    pair.committed();
    for (const std::uint64_t c : {1, 1, 1, 3}) {
        pair.new_brings(content(c));
    }
    pair.oc();
    EXPECT_EQ(pair.got, "xxxx" "xx") << "two of three 1 were dropped for those of the edge";
    EXPECT_EQ(pair.core.take_doubtful(), 2U);
    EXPECT_EQ(pair.core.take_doubtful(), 0U) << "once";
    pair.nd();
    EXPECT_EQ(pair.core.take_alone(), 0U) << "2 came in front of Na on the new color";
    EXPECT_TRUE(pair.core.done());
}

TEST(PairingWindow, P7_BehindNdNothingIsOwed)
{
    marked_pair pair;
    pair.oa();
    pair.old_brings(content(1));
    pair.core.on_na();
    pair.core.on_ob();
    pair.committed();
    pair.oc();
    EXPECT_FALSE(pair.core.done());
    pair.nd();
    pair.new_brings(content(1));
    EXPECT_EQ(pair.got, "xx");
    EXPECT_EQ(pair.core.take_doubtful(), 0U);
}

TEST(PairingWindow, P7_WhatOneColorAloneBroughtIsGivenAndCounted)
{
    marked_pair pair;
    pair.prepared();
    pair.old_brings(content(1), 'o');
    pair.new_brings(content(2), 'n');
    pair.committed();
    pair.new_brings(content(3), 'l'); // its twin would come behind Oc
    pair.oc();
    EXPECT_EQ(pair.got, "onl");
    EXPECT_EQ(pair.core.take_alone(), 1U) << "2";
    pair.nd();
    EXPECT_EQ(pair.core.take_alone(), 1U) << "1";
}

TEST(PairingWindow, P6_AnIdTellsApartWhatSaysTheSame)
{
    marked_pair pair;
    pair.oa();
    pair.old_brings(content(1, 10)); // its twin came in front of Na
    pair.core.on_na();
    pair.core.on_ob();
    pair.committed();
    pair.new_brings(content(1, 11));
    pair.oc();
    pair.nd();
    EXPECT_EQ(pair.got, "xx");
    EXPECT_EQ(pair.core.take_doubtful(), 0U);
}

TEST(PairingWindow, P6_ARepeatedIdIsCountedLikeAContent)
{
    marked_pair pair;
    pair.oa();
    pair.old_brings(content(1, 10));
    pair.core.on_na();
    pair.core.on_ob();
    pair.committed();
    pair.new_brings(content(1, 10)); // its sender says it twice
    pair.oc();
    EXPECT_EQ(pair.got, "x");
    EXPECT_EQ(pair.core.take_doubtful(), 1U);
}

TEST(PairingWindow, P7_WhereAnIdTookThePlaceOfNoneItIsCountedToo)
{
    marked_pair pair;
    pair.oa();
    pair.old_brings(content(1)); // its twin came in front of Na
    pair.core.on_na();
    pair.core.on_ob();
    pair.new_brings(content(1, 10)); // paired with that one, by content
    pair.old_brings(content(1, 10));
    EXPECT_EQ(pair.core.take_doubtful(), 0U);
    pair.committed();
    pair.new_brings(content(1, 10), 'y'); // its sender says it twice
    pair.oc();
    EXPECT_EQ(pair.got, "xx");
    EXPECT_EQ(pair.core.take_doubtful(), 1U);
}

TEST(PairingWindow, P6_ByIdWhereBothHaveOneElseByContent)
{
    marked_pair pair;
    pair.prepared();
    pair.old_brings(content(1, 10), 'a');
    pair.old_brings(content(1), 'b');
    pair.new_brings(content(1), 'B');      // the one without
    pair.new_brings(content(1, 11), 'c');  // neither of them: its twin is still to come
    pair.new_brings(content(1, 10), 'A');
    EXPECT_EQ(pair.core.kept_count(), 1U);
    pair.old_brings(content(1, 11), 'c');
    EXPECT_EQ(pair.core.kept_count(), 0U);
    EXPECT_EQ(pair.got, "abc");
    pair.old_brings(content(2, 12), 'd'); // a broker that does not copy headers
    pair.new_brings(content(2), 'D');
    pair.new_brings(content(3), 'E');
    pair.old_brings(content(3, 13), 'e');
    pair.committed();
    pair.oc();
    EXPECT_EQ(pair.got, "abcde");
}

TEST(PairingWindow, P6_AMessageIdThatBothColorsSayTellsTheEdgesApart)
{
    marked_pair pair;
    pair.oa();
    pair.old_brings(content(9, 0, 90));
    pair.core.on_na();
    pair.core.on_ob();
    for (const std::uint64_t c : {1, 2}) {
        pair.old_brings(content(c, 0, c));
        pair.new_brings(content(c, 0, c));
    }
    pair.committed();
    pair.new_brings(content(9, 0, 91));
    pair.oc();
    pair.nd();
    EXPECT_EQ(pair.got, "xxxx");
    EXPECT_EQ(pair.core.take_doubtful(), 0U);
}

TEST(PairingWindow, P6_AMessageIdOfEachColorsOwnSaysNothing)
{
    marked_pair pair;
    pair.oa();
    pair.old_brings(content(9, 0, 90));
    pair.core.on_na();
    pair.core.on_ob();
    for (const std::uint64_t c : {1, 2}) {
        pair.old_brings(content(c, 0, c));
        pair.new_brings(content(c, 0, c + 100));
    }
    pair.committed();
    pair.new_brings(content(9, 0, 91));
    pair.oc();
    EXPECT_EQ(pair.got, "xxx");
    EXPECT_EQ(pair.core.take_doubtful(), 1U);
}

TEST(PairingWindow, P7_NotesOfAnEdgeAreBounded)
{
    marked_pair pair;
    pair.oa();
    for (std::uint64_t i = 0; i <= pairing::notes_max; ++i) {
        pair.core.on_old(content(i));
    }
    EXPECT_TRUE(pair.core.overflowed());
}

// ---- every history: contents and marks in the order in which the broker routed them; the new
// color's stream is read up to `ahead` places before the old one's.

struct ending {
    std::map<char, int> want, got;
    std::uint64_t doubtful = 0, alone = 0;
};

ending play(const std::string& routed, std::size_t ahead)
{
    // Marks: 1 Oa, 2 Na, 3 Ob, 4 Nc, 5 Oc, 6 Nd.
    marked_pair pair;
    ending end;
    std::string old_stream, new_stream;
    for (const char c : routed) {
        const bool mark = c >= '1' && c <= '6';
        old_stream += mark && (c == '2' || c == '4' || c == '6') ? ' ' : c;
        new_stream += mark && (c == '1' || c == '3' || c == '5') ? ' ' : c;
        end.want[c] += !mark;
    }
    const auto read = [&](char c, bool old) {
        switch (c) {
        case ' ': return;
        case '1': pair.oa(); return;
        case '2': pair.core.on_na(); return;
        case '3': pair.core.on_ob(); return;
        case '4': pair.core.on_nc(); return;
        case '5': pair.oc(); return;
        case '6': pair.nd(); return;
        default:
            old ? pair.old_brings(content(std::uint64_t(c)), c)
                : pair.new_brings(content(std::uint64_t(c)), c);
        }
    };
    // Never past a mark that is answered to the other stream first: each is read before the next.
    std::size_t o = 0, n = 0;
    const auto next_mark = [&](const std::string& stream, std::size_t from) {
        const auto at = stream.find_first_of("123456", from);
        return at == stream.npos ? '7' : stream[at];
    };
    while (o < routed.size() || n < routed.size()) {
        const bool new_may = n < routed.size() &&
                             (new_stream[n] < '1' || new_stream[n] > '6' ||
                              next_mark(old_stream, o) > new_stream[n]);
        const bool old_may = o < routed.size() &&
                             (old_stream[o] < '1' || old_stream[o] > '6' ||
                              next_mark(new_stream, n) > old_stream[o]);
        if (new_may && (n < o + ahead || !old_may)) {
            read(new_stream[n++], false);
        } else {
            read(old_stream[o++], true);
        }
    }
    for (const char c : pair.got) {
        ++end.got[c];
    }
    end.doubtful = pair.core.take_doubtful();
    end.alone = pair.core.take_alone();
    return end;
}

void histories(std::string so_far, int marks, int contents, int& seen, int& wrong)
{
    if (marks == 6 && contents == 0) {
        for (const std::size_t ahead : {0, 1, 3}) {
            const auto end = play(so_far, ahead);
            std::uint64_t lost = 0;
            for (const char c : {'A', 'B'}) {
                const int want = end.want.contains(c) ? end.want.at(c) : 0;
                const int got = end.got.contains(c) ? end.got.at(c) : 0;
                EXPECT_LE(got, want) << so_far << ", ahead " << ahead;
                lost += std::uint64_t(std::max(0, want - got));
            }
            EXPECT_LE(lost, end.doubtful) << so_far << ", ahead " << ahead;
            EXPECT_EQ(end.alone, 0U) << so_far << ", ahead " << ahead;
            ++seen;
            wrong += lost > 0;
        }
        return;
    }
    if (marks < 6) {
        histories(so_far + char('1' + marks), marks + 1, contents, seen, wrong);
    }
    if (contents > 0) {
        histories(so_far + "A", marks, contents - 1, seen, wrong);
        histories(so_far + "B", marks, contents - 1, seen, wrong);
    }
}

TEST(PairingWindow, P7_EveryShortHistoryIsExactOrCounted)
{
    int seen = 0, wrong = 0;
    for (int contents = 0; contents <= 4; ++contents) {
        histories("", 0, contents, seen, wrong);
    }
    EXPECT_GT(seen, 10'000);
    EXPECT_GT(wrong, 0) << "or nothing was tried";
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

TEST(PairingRule, P6_AnIdCountsWithDestinationAndBody)
{
    const pairing_rule rule{.by = gateway::dedup_by::automatic, .header = {}, .secret = {1, 2}};
    const auto of = [&](std::string_view id, std::string_view body, std::string_view to = "/topic/a") {
        return *rule.key_of(message({{"destination", to}, {"amqp-message-id", id}}, body));
    };
    EXPECT_EQ(of("7", "one"), of("7", "one"));
    EXPECT_NE(of("7", "one").id, of("8", "one").id);
    EXPECT_NE(of("7", "one").id, of("7", "two").id) << "copied into an answer";
    EXPECT_NE(of("7", "one").id, of("7", "one", "/topic/b").id);
    EXPECT_EQ(of("7", "one").content, of("8", "one").content);
    EXPECT_EQ(rule.key_of(message({{"destination", "/topic/a"}}))->id, 0U);
    EXPECT_EQ(rule.key_of(message({{"amqp-message-id", ""}}))->id, 0U);
}

TEST(PairingRule, P5_OurOwnIdIsOne)
{
    const pairing_rule rule{.by = gateway::dedup_by::automatic, .header = {}, .secret = {1, 2}};
    const auto a = *rule.key_of(message({{"destination", "/topic/a"}, {"teal-id", "g-1"}}));
    const auto b = *rule.key_of(message({{"destination", "/topic/a"}, {"teal-id", "g-2"}}));
    EXPECT_NE(a.id, 0U);
    EXPECT_NE(a.id, b.id);
    EXPECT_EQ(a.content, b.content);
    const auto both = *rule.key_of(
        message({{"destination", "/topic/a"}, {"teal-id", "g-1"}, {"amqp-message-id", "7"}}));
    EXPECT_NE(a.id, both.id) << "who copies ours into a message with an id of its own";
}

TEST(PairingRule, P6_ABrokersOwnIdIsKeptApart)
{
    const pairing_rule rule{.by = gateway::dedup_by::automatic, .header = {}, .secret = {1, 2}};
    const auto a = *rule.key_of(message({{"destination", "/topic/a"}, {"message-id", "m1"}}));
    EXPECT_EQ(a.id, 0U);
    EXPECT_NE(a.broker_id, 0U);
    EXPECT_NE(
        a.broker_id,
        rule.key_of(message({{"destination", "/topic/a"}, {"message-id", "m2"}}))->broker_id);
}

} // namespace
