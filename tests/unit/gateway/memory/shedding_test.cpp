// In which order peers go when limits.buffered_total is reached, and that nobody goes for nothing.

#include "gateway/memory/shedding.hpp"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using indices = std::vector<std::size_t>;

TEST(Shedding, L5_StrangersThenWhoIsStalledThenTheLargest)
{
    const std::vector<shed_candidate> all{
        {0, shed_class::connected, 5000}, {1, shed_class::stalled, 3000},
        {2, shed_class::stranger, 4200},  {3, shed_class::connected, 9000},
        {4, shed_class::over, 1500},      {5, shed_class::stalled, 4000},
    };
    EXPECT_EQ(choose_shed(all, 1), (indices{4}));
    EXPECT_EQ(choose_shed(all, 3500), (indices{4, 2}));
    EXPECT_EQ(choose_shed(all, 5701), (indices{4, 2, 5}));
    EXPECT_EQ(choose_shed(all, 12'701), (indices{4, 2, 5, 1, 3}));
    EXPECT_EQ(choose_shed(all, 26'000), (indices{4, 2, 5, 1, 3, 0}));
}

TEST(Shedding, L5_WhatIsNotTheirsIsNotTakenOutOnTheConnected)
{
    const std::vector<shed_candidate> all{
        {0, shed_class::connected, 5000}, {1, shed_class::stranger, 5000},
        {2, shed_class::connected, shed_bytes_much}};
    EXPECT_EQ(choose_shed(all, 1'000'000), (indices{1, 2}));
}

TEST(Shedding, L5_NobodyGoesWhoHoldsNextToNothing)
{
    const std::vector<shed_candidate> all{
        {0, shed_class::stranger, shed_bytes_min - 1}, {1, shed_class::connected, 5000}};
    EXPECT_EQ(choose_shed(all, 100), (indices{1}));
}

TEST(Shedding, L5_WhoIsJustConnectingGoesOnlyWhereThatIsEnough)
{
    const std::vector<shed_candidate> all{
        {0, shed_class::stranger, 1200}, {1, shed_class::connected, 90'000},
        {2, shed_class::stranger, 1300}};
    EXPECT_EQ(choose_shed(all, 2500), (indices{2, 0}));
    EXPECT_EQ(choose_shed(all, 2501), (indices{1}));
}

TEST(Shedding, L5_NobodyGoesWithoutNeed)
{
    EXPECT_EQ(choose_shed({{0, shed_class::stranger, 2000}}, 0), indices{});
    EXPECT_EQ(choose_shed({}, 100), indices{});
}

} // namespace
} // namespace gateway
