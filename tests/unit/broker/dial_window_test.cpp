// Proves that an endpoint gets as many dials at a time as it answers (docs/switch.md B6), against
// endpoints that take their time in different ways.

#include "broker/dial_window.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace {

using namespace broker;
using namespace std::chrono_literals;

const net::time_point t0 = net::time_point{} + 1h;
constexpr auto patience = 10s;

// Works on so many dials at a time, each for so long.
struct endpoint {
    std::size_t hands;
    net::duration each;
};

struct outcome {
    net::duration took{}, longest{}; // all of them; one answer
    std::size_t most = 0;            // in flight
};

// `count` dials, as soon as there is room for each.
outcome dial_all(dial_window& window, endpoint at, int count, net::time_point& now)
{
    outcome result;
    const auto began = now;
    std::deque<std::pair<net::time_point, net::time_point>> open; // dialled, answered
    std::vector<net::time_point> busy(at.hands, now);
    while (count > 0 || !open.empty()) {
        for (; count > 0 && window.room() != dial_room::none; --count) {
            window.on_dialled(dial_class::standby, now);
            auto& hand = *std::ranges::min_element(busy);
            hand = std::max(hand, now) + at.each;
            open.emplace_back(now, hand);
        }
        result.most = std::max(result.most, window.in_flight());
        const auto next =
            std::ranges::min_element(open, {}, [](const auto& d) { return d.second; });
        now = next->second;
        result.longest = std::max<net::duration>(result.longest, now - next->first);
        window.on_end(dial_end::let_in, dial_class::standby, next->first, now);
        open.erase(next);
    }
    result.took = now - began;
    return result;
}

class DialWindow : public testing::Test {
protected:
    dial_window window{patience};
    net::time_point now = t0;
};

TEST_F(DialWindow, B6_StartsSmall)
{
    for (std::size_t n = 0; n < dial_window::first; ++n) {
        EXPECT_NE(window.room(), dial_room::none);
        window.on_dialled(dial_class::standby, now);
    }
    EXPECT_EQ(window.room(), dial_room::none);
}

TEST_F(DialWindow, B6_GrowsFastWhereAnswersAreQuick)
{
    const auto result = dial_all(window, {.hands = 1000, .each = 1ms}, 1000, now);
    EXPECT_LT(result.took, 20ms);
    EXPECT_GT(result.most, 200u);
}

// Two cores that check a password for 200 ms each: no dial waits long, and no core is idle.
TEST_F(DialWindow, B6_StopsWhereAnswersBecomeLate)
{
    const auto result = dial_all(window, {.hands = 2, .each = 200ms}, 300, now);
    EXPECT_LT(result.longest, patience / 3);
    EXPECT_LT(result.took, 31s);
}

// Slow by itself, and not for what is in flight.
TEST_F(DialWindow, B6_GrowsWhereEachAnswerTakesTheSameTime)
{
    const auto result = dial_all(window, {.hands = 1000, .each = 2s}, 300, now);
    EXPECT_LT(result.took, 20s);
    EXPECT_EQ(result.longest, 2s);
}

TEST_F(DialWindow, B6_NeverWaitsForTimeoutsOfAnEndpointThatTakesSeconds)
{
    const auto result = dial_all(window, {.hands = 1, .each = 700ms}, 100, now);
    EXPECT_LT(result.longest, patience / 2);
    EXPECT_LT(result.took, 71s);
}

// It has slowed down since: half of the window each time, but once for all that were under way.
TEST_F(DialWindow, B6_ShrinksOncePerRound)
{
    dial_all(window, {.hands = 1000, .each = 1ms}, 200, now);
    const std::size_t before = window.size();
    for (int n = 0; n < 20; ++n) {
        window.on_dialled(dial_class::standby, now);
    }
    for (int n = 0; n < 20; ++n) {
        window.on_end(dial_end::failed, dial_class::standby, now, now + patience);
    }
    EXPECT_EQ(window.size(), before / 2);
    const auto later = now + patience;
    window.on_dialled(dial_class::standby, later);
    window.on_end(dial_end::failed, dial_class::standby, later, later + 1s);
    EXPECT_EQ(window.size(), before / 4);
}

TEST_F(DialWindow, B6_IsNeverShutAndForgetsInTime)
{
    for (int n = 0; n < 50; ++n) {
        window.on_dialled(dial_class::standby, now);
        window.on_end(dial_end::failed, dial_class::standby, now, now + 1s);
        now += 1s;
    }
    EXPECT_EQ(window.size(), dial_window::least);
    window.on_dialled(dial_class::standby, now + patience);
    EXPECT_EQ(window.size(), dial_window::first);
}

TEST_F(DialWindow, B6_WhatIsGivenUpSaysNothing)
{
    for (int n = 0; n < 4; ++n) {
        window.on_dialled(dial_class::standby, now);
    }
    for (int n = 0; n < 4; ++n) {
        window.on_end(dial_end::given_up, dial_class::standby, now, now + patience);
    }
    EXPECT_EQ(window.size(), dial_window::first);
    EXPECT_EQ(window.in_flight(), 0u);
}

// A dial now and then says nothing of how many it could take.
TEST_F(DialWindow, B6_DoesNotGrowUnused)
{
    for (int n = 0; n < 100; ++n) {
        window.on_dialled(dial_class::known, now);
        window.on_end(dial_end::let_in, dial_class::known, now, now + 1ms);
    }
    EXPECT_EQ(window.size(), dial_window::first);
}

// D1: strangers whose dials hang leave a place for who is known, and a broker that takes its time to
// refuse one slows nobody else.
TEST_F(DialWindow, D1_StrangersNeverTakeAllPlaces)
{
    while (window.room() == dial_room::all) {
        window.on_dialled(dial_class::unknown, now);
    }
    EXPECT_EQ(window.room(), dial_room::known_only);
    EXPECT_EQ(window.in_flight(), dial_window::first - 1);
    window.on_end(dial_end::refused, dial_class::unknown, now, now + 9s);
    EXPECT_EQ(window.size(), dial_window::first);
    EXPECT_EQ(window.room(), dial_room::all);
}

} // namespace
