// Proves that dials keep the configured rate, that an idle time is not saved up, and that neither
// clients nor standbys starve (DESIGN.md section 6.1).

#include "broker/pool.hpp"

#include <gtest/gtest.h>

namespace {

using namespace broker;
using namespace std::chrono_literals;

const net::time_point t0 = net::time_point{} + 1h;
using numbers = std::vector<std::uint64_t>;

numbers take_all(dial_pacer& pacer, net::time_point now)
{
    numbers taken;
    while (const auto one = pacer.take(now)) {
        taken.push_back(*one);
    }
    return taken;
}

TEST(DialPacer, GivesNothingWhereNothingWaits)
{
    dial_pacer pacer{500};
    EXPECT_EQ(pacer.take(t0), std::nullopt);
    EXPECT_EQ(pacer.next(), net::never);
}

TEST(DialPacer, BeginsWithABurstOf20Milliseconds)
{
    dial_pacer pacer{500};
    for (std::uint64_t n = 1; n <= 30; ++n) {
        pacer.want(n, dial_class::client);
    }
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    EXPECT_EQ(pacer.waiting(), 20u);
}

TEST(DialPacer, KeepsTheRateAfterwards)
{
    dial_pacer pacer{500};
    for (std::uint64_t n = 1; n <= 1000; ++n) {
        pacer.want(n, dial_class::client);
    }
    std::size_t taken = take_all(pacer, t0).size();
    auto now = t0;
    while (now < t0 + 1s) {
        const auto next = pacer.next();
        ASSERT_GT(next, now); // it never says "now" and then gives nothing: that would spin
        now = next;
        const auto got = take_all(pacer, now).size();
        ASSERT_GE(got, 1u);
        taken += got;
    }
    EXPECT_GE(taken, 505u);
    EXPECT_LE(taken, 511u);
}

TEST(DialPacer, AnIdleHourIsNoStorm)
{
    dial_pacer pacer{500};
    pacer.want(1, dial_class::client);
    EXPECT_EQ(take_all(pacer, t0).size(), 1u);
    for (std::uint64_t n = 2; n <= 100; ++n) {
        pacer.want(n, dial_class::client);
    }
    EXPECT_EQ(take_all(pacer, t0 + 1h).size(), 10u);
}

TEST(DialPacer, ASlowRateStillGivesOneAtATime)
{
    dial_pacer pacer{2};
    pacer.want(1, dial_class::client);
    pacer.want(2, dial_class::client);
    EXPECT_EQ(take_all(pacer, t0), numbers{1});
    EXPECT_EQ(take_all(pacer, t0 + 499ms), numbers{});
    EXPECT_EQ(take_all(pacer, t0 + 501ms), numbers{2});
}

TEST(DialPacer, KeepsEveryThirdPlaceForStandbys)
{
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 6; ++n) {
        pacer.want(n, dial_class::client);
        pacer.want(100 + n, dial_class::standby);
    }
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 2, 101, 3, 4, 102, 5, 6, 103, 104, 105, 106}));
}

TEST(DialPacer, GivesAStandbysPlaceToAClientWhereNoStandbyWaits)
{
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 4; ++n) {
        pacer.want(n, dial_class::client);
    }
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 2, 3, 4}));
    pacer.want(9, dial_class::standby);
    EXPECT_EQ(take_all(pacer, t0), numbers{9});
}

TEST(DialPacer, ANewRateCountsFromNowOn)
{
    dial_pacer pacer{50};
    for (std::uint64_t n = 1; n <= 100; ++n) {
        pacer.want(n, dial_class::client);
    }
    EXPECT_EQ(take_all(pacer, t0).size(), 1u);
    pacer.set_rate(1000);
    EXPECT_EQ(take_all(pacer, t0 + 10ms).size(), 10u);
}

} // namespace
