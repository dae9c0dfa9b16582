// Proves that the ids said in place of the other side's lead back to exactly one owner, once, and
// that nobody else's id is honoured (brokers.md H1).

#include "broker/id_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace broker;

owed_answer send_of(session_id session, std::string receipt)
{
    return {.kind = owed_kind::send, .session = session, .client_receipt = std::move(receipt)};
}

TEST(WireId, IsReadBackAsItWasWritten)
{
    EXPECT_EQ(to_wire(wire_id{12}), "s12");
    EXPECT_EQ(parse_wire_id("s12"), wire_id{12});
    EXPECT_EQ(parse_wire_id("s18446744073709551615"), wire_id{18446744073709551615u});
}

TEST(WireId, OfSomebodyElseIsNone)
{
    for (const auto* text :
         {"", "s", "12", "t12", "s12 ", "s 12", "s-1", "s1x", "/temp-queue/a",
          "s18446744073709551616"}) {
        EXPECT_EQ(parse_wire_id(text), std::nullopt) << text;
    }
}

TEST(AckIds, H1_K4_AreReadBackByTheirOwnSessionOnly)
{
    const ack_ids ids{{1, 2}, 0};
    const given_ack what{0x17, 3};
    const auto minted = ids.mint(session_id{9}, what);
    EXPECT_TRUE(minted.ends_with("-17-3")) << minted;
    EXPECT_EQ(ids.parse(session_id{9}, minted), what);
    EXPECT_EQ(ids.parse(session_id{8}, minted), std::nullopt);            // another session's
    EXPECT_EQ((ack_ids{{1, 2}, 1}.parse(session_id{9}, minted)), std::nullopt); // another shard's
    EXPECT_EQ((ack_ids{{1, 3}, 0}.parse(session_id{9}, minted)), std::nullopt); // another gateway's
    const auto digest = minted.substr(0, minted.find('-'));
    for (const auto& text :
         {std::string{}, std::string{"-"}, std::string{"--"}, digest, digest + "-17", digest + "-18-3",
          digest + "-17-4", digest + "-17-", digest + "-x-3", "-17-3" + std::string{}, minted + "-1",
          minted + " ", "0" + minted + "0", digest + "-17-100000003",
          std::string{"T_s1@@session-x@@1"}}) {
        EXPECT_EQ(ids.parse(session_id{9}, text), std::nullopt) << text;
    }
}

TEST(OwedAnswers, AreTakenOnceInAnyOrder)
{
    owed_answers owed;
    EXPECT_EQ(owed.add(send_of(session_id{1}, "a")), 1u);
    EXPECT_EQ(owed.add(send_of(session_id{2}, "b")), 2u);
    EXPECT_EQ(owed.add(send_of(session_id{3}, "c")), 3u);
    EXPECT_EQ(owed.open(), 3u);
    EXPECT_EQ(owed.take("r2")->client_receipt, "b");
    EXPECT_EQ(owed.take("r2"), std::nullopt);
    EXPECT_EQ(owed.take("r3")->session, session_id{3});
    EXPECT_EQ(owed.open(), 1u);
    EXPECT_EQ(owed.take("r1")->client_receipt, "a");
    EXPECT_EQ(owed.open(), 0u);
}

TEST(OwedAnswers, NumbersGoOnWhenAllWereTaken)
{
    owed_answers owed;
    EXPECT_EQ(owed.add({}), 1u);
    EXPECT_TRUE(owed.take(1));
    EXPECT_EQ(owed.add(send_of(session_id{7}, "x")), 2u);
    EXPECT_EQ(owed.take("r1"), std::nullopt); // the old answer again
    EXPECT_EQ(owed.take("r2")->session, session_id{7});
}

TEST(OwedAnswers, WhatNobodyAskedForIsNotTaken)
{
    owed_answers owed;
    owed.add(send_of(session_id{1}, "a"));
    for (const auto* text : {"", "r", "1", "r0", "r2", "r1x", "s1", "r99999999999999999999"}) {
        EXPECT_EQ(owed.take(std::string_view{text}), std::nullopt) << text;
    }
    EXPECT_EQ(owed.open(), 1u);
}

TEST(OwedAnswers, AHoleAtTheFrontDoesNotStopThoseBehind)
{
    // More than one batch of answered entries is dropped at the front while the first one stays
    // open.
    owed_answers owed;
    for (std::uint64_t n = 1; n <= 2000; ++n) {
        ASSERT_EQ(owed.add(send_of(session_id{n}, "r")), n);
    }
    for (std::uint64_t n = 2; n <= 1500; ++n) {
        ASSERT_EQ(owed.take(n)->session, session_id{n});
    }
    EXPECT_EQ(owed.take(1)->session, session_id{1});
    for (std::uint64_t n = 1501; n <= 2000; ++n) {
        ASSERT_EQ(owed.take(n)->session, session_id{n}) << "after the front was cut";
    }
    EXPECT_EQ(owed.open(), 0u);
    EXPECT_EQ(owed.add({}), 2001u);
}

TEST(OwedAnswers, OneThatNeverComesCostsItsOwnPlaceOnly)
{
    owed_answers owed;
    const auto never = owed.add(send_of(session_id{7}, "never"));
    std::size_t most = 0;
    for (int n = 0; n < 100'000; ++n) {
        ASSERT_TRUE(owed.take(owed.add(send_of(session_id{1}, "r"))));
        most = std::max(most, owed.places());
    }
    EXPECT_LE(most, 256u);
    EXPECT_EQ(owed.open(), 1u);
    std::string seen;
    owed.for_each([&](const owed_answer& one) { seen += one.client_receipt; });
    EXPECT_EQ(seen, "never");
    EXPECT_EQ(owed.take(never)->session, session_id{7});
    EXPECT_EQ(owed.take(never), std::nullopt);
}

TEST(OwedAnswers, EveryThousandthThatNeverComesKeepsItsOrder)
{
    owed_answers owed;
    std::vector<std::uint64_t> stuck;
    for (int n = 0; n < 50'000; ++n) {
        const auto number = owed.add(send_of(session_id{std::uint64_t(n)}, std::to_string(n)));
        if (n % 1000 == 0) {
            stuck.push_back(number);
        } else {
            ASSERT_TRUE(owed.take(number));
        }
    }
    EXPECT_EQ(owed.open(), 50u);
    EXPECT_LE(owed.places(), 50u + 256u);
    std::uint64_t at = 0;
    owed.for_each([&](const owed_answer& one) {
        EXPECT_EQ(one.session, session_id{at});
        at += 1000;
    });
    EXPECT_EQ(at, 50'000u);
    EXPECT_EQ(owed.take(stuck[3])->session, session_id{3000});
    const auto all = owed.take_all();
    ASSERT_EQ(all.size(), 49u);
    EXPECT_EQ(all.front().session, session_id{0});
    EXPECT_EQ(all.back().session, session_id{49'000});
}

TEST(OwedAnswers, OfALostLinkAreGivenInOrderAndForgotten)
{
    owed_answers owed;
    for (const auto* receipt : {"a", "b", "c"}) {
        owed.add(send_of(session_id{1}, receipt));
    }
    owed.take(2);
    const auto all = owed.take_all();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].client_receipt, "a");
    EXPECT_EQ(all[1].client_receipt, "c");
    EXPECT_EQ(owed.open(), 0u);
    EXPECT_EQ(owed.take(1), std::nullopt);
    EXPECT_EQ(owed.add({}), 4u);
}

TEST(OwedAnswers, ForEachSeesTheOpenOnesOnly)
{
    owed_answers owed;
    for (const auto* receipt : {"a", "b", "c"}) {
        owed.add(send_of(session_id{1}, receipt));
    }
    owed.take(2);
    std::string seen;
    owed.for_each([&](owed_answer& one) { seen += one.client_receipt; });
    EXPECT_EQ(seen, "ac");
}

} // namespace
