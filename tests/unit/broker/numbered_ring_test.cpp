// Proves the container of what is taken in any order (switch.md K5): numbers grow and are never given
// twice, and one that is never taken costs its own place, not those of all later ones.

#include "broker/numbered_ring.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using broker::numbered_ring;

TEST(NumberedRing, EachValueIsTakenOnceByItsNumberInAnyOrder)
{
    numbered_ring<std::string> ring;
    EXPECT_EQ(ring.last(), 0u);
    EXPECT_EQ(ring.push("a"), 1u);
    EXPECT_EQ(ring.push("b"), 2u);
    EXPECT_EQ(ring.push("c"), 3u);
    EXPECT_EQ(ring.take(2), "b");
    EXPECT_EQ(ring.take(2), std::nullopt);
    EXPECT_EQ(ring.take(4), std::nullopt);
    EXPECT_EQ(ring.take(0), std::nullopt);
    EXPECT_EQ(ring.take(3), "c");
    EXPECT_EQ(ring.take(1), "a");
    EXPECT_TRUE(ring.empty());
}

TEST(NumberedRing, NumbersGoOnWhenAllWereTaken)
{
    numbered_ring<int> ring;
    ring.push(1);
    ring.take(1);
    EXPECT_EQ(ring.last(), 1u);
    EXPECT_EQ(ring.push(2), 2u);
    EXPECT_EQ(ring.take_all(), (std::vector{2}));
    EXPECT_EQ(ring.push(3), 3u);
    EXPECT_EQ(ring.find(2), nullptr);
}

TEST(NumberedRing, K5_OneThatIsNeverTakenCostsItsOwnPlace)
{
    numbered_ring<int> ring;
    ring.push(7);
    for (int n = 0; n < 100'000; ++n) {
        ring.take(ring.push(n));
    }
    EXPECT_EQ(ring.size(), 1u);
    EXPECT_LT(ring.places(), 200u);
    ASSERT_NE(ring.find(1), nullptr);
    EXPECT_EQ(*ring.find(1), 7);
}

TEST(NumberedRing, K5_WhatIsLeftBehindIsStillVisitedFirstAndInOrder)
{
    numbered_ring<std::uint64_t> ring;
    for (std::uint64_t n = 1; n <= 200; ++n) {
        ring.push(n);
    }
    for (std::uint64_t n = 1; n <= 200; ++n) {
        if (n % 40 != 0) {
            ring.take(n);
        }
    }
    ring.push(201);
    std::vector<std::uint64_t> seen;
    ring.for_each([&](std::uint64_t number, std::uint64_t value) {
        EXPECT_EQ(number, value);
        seen.push_back(number);
    });
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{40, 80, 120, 160, 200, 201}));
    EXPECT_EQ(ring.take(80), 80u);
    EXPECT_EQ(ring.take(80), std::nullopt);
    EXPECT_EQ(ring.take_all(), (std::vector<std::uint64_t>{40, 120, 160, 200, 201}));
}

TEST(NumberedRing, AnIdleOneKeepsNoMemory)
{
    numbered_ring<int> ring;
    for (int n = 0; n < 10'000; ++n) {
        ring.push(n);
    }
    ring.take_all();
    EXPECT_EQ(ring.places(), 0u);
}

} // namespace
