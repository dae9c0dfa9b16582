// Proves that what is ripe comes out in order, and that of the kinds of which one is enough only
// the earliest is kept.

#include "gateway/core/tables/deadline_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace {

using namespace std::chrono_literals;
using gateway::due;

constexpr net::time_point t0{};

TEST(DeadlineQueue, WhatIsRipeComesOutInOrder)
{
    gateway::deadline_queue q;
    q.add(t0 + 2ms, due::link, 2);
    q.add(t0 + 1ms, due::link, 1);
    q.add(t0 + 9ms, due::link, 9);
    EXPECT_EQ(q.next(), t0 + 1ms);
    const auto ripe = q.take(t0 + 5ms);
    ASSERT_EQ(ripe.size(), 2u);
    EXPECT_EQ(ripe[0].subject, 1u);
    EXPECT_EQ(ripe[1].subject, 2u);
    EXPECT_EQ(q.next(), t0 + 9ms);
}

// Not in the order in which they were asked for, which would be that of some other loop.
TEST(DeadlineQueue, WhatIsRipeAtOneTimeComesByKindThenByNumber)
{
    const std::vector<gateway::deadline> expected{
        {t0, due::link, 30},
        {t0 + 1ms, due::link, 7},
        {t0 + 1ms, due::link, 8},
        {t0 + 1ms, due::session_retry, 1},
        {t0 + 1ms, due::session_retry, 2},
        {t0 + 1ms, due::drain, 0}};
    auto asked = expected;
    std::ranges::sort(asked, {}, &gateway::deadline::subject);
    do {
        gateway::deadline_queue q;
        for (const auto& one : asked) {
            q.add(one.at, one.what, one.subject);
        }
        ASSERT_TRUE(std::ranges::equal(q.take(t0 + 1ms), expected));
    } while (std::ranges::next_permutation(asked, {}, &gateway::deadline::subject).found);
}

TEST(DeadlineQueue, OfSomeKindsOnlyTheEarliestIsArmed)
{
    gateway::deadline_queue q;
    q.add(t0 + 5ms, due::drain, 0);
    q.add(t0 + 7ms, due::drain, 0); // is armed again by what runs at 5 ms
    EXPECT_EQ(q.size(), 1u);
    q.add(t0 + 3ms, due::drain, 0);
    EXPECT_EQ(q.take(t0 + 10ms).size(), 1u);
    q.add(t0 + 12ms, due::drain, 0);
    EXPECT_EQ(q.take(t0 + 12ms).size(), 1u);
    EXPECT_EQ(q.next(), net::never);
}

// A session that waits for two things asks for both each time that it looks again: with a chain for
// each, one broker that is away for a minute took all memory.
TEST(DeadlineQueue, OfASessionsRetriesOnlyTheEarliestIsArmed)
{
    gateway::deadline_queue q;
    for (int i = 0; i < 20; ++i) {
        q.add(t0 + 10ms * i, due::session_retry, 1);
        q.add(t0 + 10ms * i, due::session_retry, 1);
        q.add(t0 + 10ms * i + 5ms, due::session_retry, 1);
        EXPECT_EQ(q.size(), 1u);
        EXPECT_EQ(q.take(t0 + 10ms * i).size(), 1u);
    }
    q.add(t0 + 1s, due::session_retry, 1);
    q.add(t0 + 2s, due::session_retry, 2);
    EXPECT_EQ(q.take(t0 + 2s).size(), 2u);
    EXPECT_EQ(q.next(), net::never);
}

} // namespace
