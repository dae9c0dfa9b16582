// The pace at which clients are sent away: as many a second as drain.pace says, never a crowd, at irregular
// moments; shared out over the shards (outside.md A12).

#include "gateway/process/departure_pace.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace gateway {
namespace {

using namespace std::chrono_literals;
constexpr net::time_point t0 = net::time_point{} + 1h;

TEST(DeparturePace, A12_AsManyASecondAsThePaceSays)
{
    departure_pace pace(500, 7);
    pace.begin(t0);
    std::size_t gone = 0;
    auto now = t0;
    while (now < t0 + 10s) {
        now += pace.next_step();
        gone += pace.due(now);
    }
    const double expected = 500 * std::chrono::duration<double>(now - t0).count();
    EXPECT_NEAR(static_cast<double>(gone), expected, 1.01);
}

TEST(DeparturePace, A12_WhatWasDueInAPauseGoesAsNoCrowd)
{
    departure_pace pace(500, 7);
    pace.begin(t0);
    EXPECT_EQ(pace.due(t0 + 1h), 125u);
    departure_pace slow(1, 7);
    slow.begin(t0);
    EXPECT_EQ(slow.due(t0 + 999ms), 0u);
    EXPECT_EQ(slow.due(t0 + 1000ms), 1u);
    EXPECT_EQ(slow.due(t0 + 1h), 1u);
}

TEST(DeparturePace, A12_TheMomentsAreIrregularByAFifth)
{
    departure_pace pace(500, 7);
    std::set<net::duration> steps;
    for (int i = 0; i < 100; ++i) {
        const auto step = pace.next_step();
        EXPECT_GE(step, 40ms);
        EXPECT_LE(step, 60ms);
        steps.insert(step);
    }
    EXPECT_GT(steps.size(), 90u);
}

TEST(DeparturePace, A12_EachShardGetsItsPart)
{
    using counts = std::vector<std::size_t>;
    EXPECT_EQ(shares_of(10, {300, 100}), (counts{7, 3}));
    EXPECT_EQ(shares_of(10, {0, 4}), (counts{0, 4})) << "no more than wait there";
    EXPECT_EQ(shares_of(10, {0, 0}), (counts{0, 0}));
    for (std::size_t most = 0; most < 40; ++most) {
        const auto shares = shares_of(most, {7, 1, 19, 3});
        EXPECT_EQ(std::reduce(shares.begin(), shares.end()), std::min<std::size_t>(most, 30));
    }
}

} // namespace
} // namespace gateway
