// Proves that an answer leads back to exactly one frame, once, and that one that never comes costs
// its own place only.

#include "broker/owed_answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace broker;

owed_answer send_of(session_id session, std::string receipt)
{
    return {.kind = owed_kind::send, .session = session, .client_receipt = std::move(receipt)};
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
