// Proves that dials keep the configured rate, that an idle time is not saved up, and that neither
// clients nor standbys starve (design.md section 6.1).

#include "broker/dial_pacer.hpp"

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
        pacer.want(n, dial_class::known);
    }
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    EXPECT_EQ(pacer.waiting(), 20u);
}

TEST(DialPacer, KeepsTheRateAfterwards)
{
    dial_pacer pacer{500};
    for (std::uint64_t n = 1; n <= 1000; ++n) {
        pacer.want(n, dial_class::known);
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
    pacer.want(1, dial_class::known);
    EXPECT_EQ(take_all(pacer, t0).size(), 1u);
    for (std::uint64_t n = 2; n <= 100; ++n) {
        pacer.want(n, dial_class::known);
    }
    EXPECT_EQ(take_all(pacer, t0 + 1h).size(), 10u);
}

TEST(DialPacer, ASlowRateStillGivesOneAtATime)
{
    dial_pacer pacer{2};
    pacer.want(1, dial_class::known);
    pacer.want(2, dial_class::known);
    EXPECT_EQ(take_all(pacer, t0), numbers{1});
    EXPECT_EQ(take_all(pacer, t0 + 499ms), numbers{});
    EXPECT_EQ(take_all(pacer, t0 + 501ms), numbers{2});
}

TEST(DialPacer, KeepsEveryThirdPlaceForStandbys)
{
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 6; ++n) {
        pacer.want(n, dial_class::known);
        pacer.want(100 + n, dial_class::standby);
    }
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 2, 101, 3, 4, 102, 5, 6, 103, 104, 105, 106}));
}

TEST(DialPacer, GivesAStandbysPlaceToAClientWhereNoStandbyWaits)
{
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 4; ++n) {
        pacer.want(n, dial_class::known);
    }
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 2, 3, 4}));
    pacer.want(9, dial_class::standby);
    EXPECT_EQ(take_all(pacer, t0), numbers{9});
}

TEST(DialPacer, ANewRateCountsFromNowOn)
{
    dial_pacer pacer{50};
    for (std::uint64_t n = 1; n <= 100; ++n) {
        pacer.want(n, dial_class::known);
    }
    EXPECT_EQ(take_all(pacer, t0).size(), 1u);
    pacer.set_rate(1000);
    EXPECT_EQ(take_all(pacer, t0 + 10ms).size(), 10u);
}

// D1: a known one waits for one place at most in four, however many strangers knock.
TEST(DialPacer, D1_StrangersDelayNobodyWhoIsKnown)
{
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 900; ++n) {
        pacer.want(1000 + n, dial_class::unknown, n);
        pacer.want(2000 + n, dial_class::refused, n);
    }
    for (std::uint64_t n = 1; n <= 12; ++n) {
        pacer.want(n, dial_class::known);
    }
    numbers strangers, known;
    while (known.size() < 12) {
        const auto next = pacer.take(t0);
        ASSERT_TRUE(next);
        (*next < 1000 ? known : strangers).push_back(*next);
    }
    EXPECT_EQ(known, (numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
    EXPECT_EQ(strangers, (numbers{1001, 1002, 1003})); // and neither starves
}

TEST(DialPacer, D1_WhoWasRefusedComesBehindWhoIsUnknown)
{
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 900; ++n) {
        pacer.want(1000 + n, dial_class::refused, n);
    }
    for (std::uint64_t n = 1; n <= 30; ++n) {
        pacer.want(n, dial_class::unknown, n);
    }
    std::size_t unknown = 0, refused = 0;
    while (unknown < 30) {
        ++(*pacer.take(t0) < 1000 ? unknown : refused);
    }
    EXPECT_EQ(refused, 1u);
}

// D2: an address that knocks a thousand times is one of two.
TEST(DialPacer, D2_UnknownOnesTakeTurnsByWhereTheyComeFrom)
{
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 1000; ++n) {
        pacer.want(n, dial_class::unknown, 77);
    }
    pacer.want(5000, dial_class::unknown, 78);
    EXPECT_EQ(pacer.take(t0), 1u);
    EXPECT_EQ(pacer.take(t0), 5000u);
    EXPECT_EQ(pacer.take(t0), 2u);
}

TEST(DialPacer, D1_WhatIsGoneTakesNoPlace)
{
    dial_pacer pacer{50};
    for (std::uint64_t n = 1; n <= 1000; ++n) {
        pacer.want(n, dial_class::unknown, n % 7);
    }
    EXPECT_EQ(pacer.take(t0, [](std::uint64_t n) { return n == 1000; }), 1000u);
    EXPECT_EQ(pacer.waiting(), 0u);
}

// B6: whose endpoint has no room keeps its place, and delays nobody.
TEST(DialPacer, B6_AnEndpointWithoutRoomDelaysNoOther)
{
    constexpr dial_lane slow{1}, quick{2};
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 3; ++n) {
        pacer.want(n, dial_class::standby, 0, slow);
        pacer.want(10 + n, dial_class::standby, 0, quick);
    }
    pacer.set_room(slow, dial_room::none);
    EXPECT_EQ(take_all(pacer, t0), (numbers{11, 12, 13}));
    EXPECT_EQ(pacer.next(), net::never);
    EXPECT_EQ(pacer.waiting(), 3u);
    pacer.set_room(slow, dial_room::all);
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 2, 3}));
}

TEST(DialPacer, B6_EndpointsTakeTurns)
{
    dial_pacer pacer{50'000};
    for (std::uint64_t n = 1; n <= 3; ++n) {
        pacer.want(n, dial_class::known, 0, dial_lane{1});
        pacer.want(10 + n, dial_class::known, 0, dial_lane{2});
    }
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 11, 2, 12, 3, 13}));
}

TEST(DialPacer, B6_StrangersWaitWhereThereIsRoomForTheKnownOnly)
{
    dial_pacer pacer{50'000};
    pacer.want(1, dial_class::unknown);
    pacer.want(2, dial_class::refused);
    pacer.want(3, dial_class::standby);
    pacer.want(4, dial_class::known);
    pacer.set_room(dial_lane{}, dial_room::known_only);
    EXPECT_EQ(take_all(pacer, t0), (numbers{4, 3}));
    pacer.set_room(dial_lane{}, dial_room::all);
    EXPECT_EQ(take_all(pacer, t0), (numbers{1, 2}));
}

} // namespace
