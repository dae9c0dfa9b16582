// Proves when an endpoint counts as down and as up again, how often it is asked meanwhile, and
// which one a session gets.

#include "broker/pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace broker;
using namespace std::chrono_literals;

const net::time_point t0 = net::time_point{} + 1h;
using indexes = std::vector<std::size_t>;

pool pool_of(std::vector<unsigned> weights)
{
    std::vector<pool_endpoint> endpoints;
    for (const unsigned weight : weights) {
        endpoints.push_back(
            {.name = "e" + std::to_string(endpoints.size()),
             .url = "stomp://h:1",
             .weight = weight});
    }
    return {std::move(endpoints), {.interval = 2s, .rise = 2, .fall = 3}};
}

void fell(pool& p, std::size_t index)
{
    for (int i = 0; i < 3; ++i) {
        p.on_dial_failed(index, "connection refused", t0);
    }
}

// outside.md A13.
TEST(Pool, A13_AReloadKeepsPlacesAndBringsEndpoints)
{
    auto p = pool_of({1, 1});
    fell(p, 0);
    p.on_bound(1);
    EXPECT_EQ(p.take_due_probes(t0), indexes{1});
    p.on_probe(1, true, "", t0);
    p.reload(
        {{.name = "e0", .url = "stomp://h:1"},
         {.name = "e1", .url = "stomp://h:2", .removed = true},
         {.name = "e2", .url = "stomp://h:3", .weight = 3}},
        {.interval = 1s, .rise = 1, .fall = 1}, t0);
    EXPECT_EQ(p.size(), 3u);
    EXPECT_FALSE(p.healthy(0)) << "what is known of it stays";
    EXPECT_EQ(p.sessions(1), 1u);
    EXPECT_EQ(p.pick(), 2u);
    EXPECT_EQ(p.take_due_probes(t0 + 1h), (indexes{0, 2})) << "nobody asks the one that is gone";
    fell(p, 2);
    EXPECT_FALSE(p.any_healthy());
    EXPECT_EQ(p.pick(), std::nullopt);
    p.on_probe(0, true, "", t0 + 1h);
    EXPECT_TRUE(p.healthy(0)) << "rise is 1 now";
    EXPECT_EQ(p.next_probe(), t0 + 1h + 1s);
}

TEST(Pool, IsHealthyUntilSomethingFails)
{
    const auto p = pool_of({1});
    EXPECT_TRUE(p.healthy(0));
    EXPECT_TRUE(p.any_healthy());
    EXPECT_EQ(p.pick(), 0u);
}

TEST(Pool, FallsAfterThatManyFailuresInARow)
{
    auto p = pool_of({1});
    p.on_dial_failed(0, "connection refused", t0);
    p.on_dial_failed(0, "connection refused", t0);
    EXPECT_TRUE(p.healthy(0));
    p.on_dial_succeeded(0);
    p.on_dial_failed(0, "connection refused", t0);
    p.on_dial_failed(0, "connection refused", t0);
    EXPECT_TRUE(p.healthy(0)); // the success in between began the count anew
    p.on_dial_failed(0, "connection reset", t0);
    EXPECT_FALSE(p.healthy(0));
    EXPECT_FALSE(p.any_healthy());
    EXPECT_EQ(p.last_error(0), "connection reset");
    EXPECT_EQ(p.pick(), std::nullopt);
}

TEST(Pool, FailedProbesCountLikeFailedDials)
{
    auto p = pool_of({1});
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(p.healthy(0));
        p.on_probe(0, false, "no answer", t0);
    }
    EXPECT_FALSE(p.healthy(0));
}

TEST(Pool, AsksAHealthyOneOnceAnInterval)
{
    auto p = pool_of({1, 1});
    EXPECT_EQ(p.take_due_probes(t0), (indexes{0, 1}));
    EXPECT_EQ(p.take_due_probes(t0), indexes{}); // each is asked once until it is answered
    EXPECT_EQ(p.next_probe(), net::never);
    p.on_probe(0, true, {}, t0);
    EXPECT_EQ(p.next_probe(), t0 + 2s);
    EXPECT_EQ(p.take_due_probes(t0 + 1999ms), indexes{});
    EXPECT_EQ(p.take_due_probes(t0 + 2s), indexes{0});
}

TEST(Pool, AsksOneThatIsDownSoonThenLessOftenButNeverLessThanOnceAnInterval)
{
    auto p = pool_of({1});
    p.take_due_probes(t0);
    p.on_probe(0, true, {}, t0);
    fell(p, 0);
    std::vector<long> waits;
    auto now = t0;
    for (int i = 0; i < 10; ++i) {
        const auto next = p.next_probe();
        waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(next - now).count());
        now = next;
        ASSERT_EQ(p.take_due_probes(now), indexes{0});
        p.on_probe(0, false, "connection refused", now);
    }
    EXPECT_EQ(waits, (std::vector<long>{100, 150, 225, 337, 506, 759, 1139, 1708, 2000, 2000}));
}

TEST(Pool, MoreFailedDialsOfOneThatIsDownDoNotPostponeItsProbe)
{
    auto p = pool_of({1});
    p.take_due_probes(t0);
    p.on_probe(0, true, {}, t0);
    fell(p, 0);
    p.on_dial_failed(0, "connection refused", t0 + 90ms);
    EXPECT_EQ(p.next_probe(), t0 + 100ms);
}

TEST(Pool, RisesAfterThatManyAnswers)
{
    auto p = pool_of({1});
    p.take_due_probes(t0);
    fell(p, 0);
    p.on_probe(0, true, {}, t0);
    EXPECT_FALSE(p.healthy(0));
    EXPECT_EQ(p.next_probe(), t0 + 100ms); // the second question need not wait an interval
    p.take_due_probes(t0 + 100ms);
    p.on_probe(0, true, {}, t0 + 100ms);
    EXPECT_TRUE(p.healthy(0));
    EXPECT_EQ(p.last_error(0), "");
    EXPECT_EQ(p.next_probe(), t0 + 2100ms);
}

TEST(Pool, AFailureBetweenTwoAnswersBeginsTheRiseAnew)
{
    auto p = pool_of({1});
    fell(p, 0);
    p.on_probe(0, true, {}, t0);
    p.on_probe(0, false, "no answer", t0);
    p.on_probe(0, true, {}, t0);
    EXPECT_FALSE(p.healthy(0));
    p.on_probe(0, true, {}, t0);
    EXPECT_TRUE(p.healthy(0));
}

TEST(Pool, PicksTheFewestSessionsForTheWeight)
{
    auto p = pool_of({1, 3});
    indexes picked;
    for (int i = 0; i < 8; ++i) {
        const auto index = *p.pick();
        p.on_bound(index);
        picked.push_back(index);
    }
    EXPECT_EQ(std::ranges::count(picked, 0u), 2);
    EXPECT_EQ(std::ranges::count(picked, 1u), 6);
    p.on_unbound(0);
    p.on_unbound(0);
    EXPECT_EQ(p.pick(), 0u);
    EXPECT_EQ(p.sessions(1), 6u);
}

TEST(Pool, WeightZeroIsPickedOnlyWhileNoOtherIsHealthy)
{
    auto p = pool_of({0, 1, 0});
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(p.pick(), 1u);
        p.on_bound(1);
    }
    fell(p, 1);
    EXPECT_EQ(p.pick(), 0u);
    p.on_bound(0);
    EXPECT_EQ(p.pick(), 2u);
    p.on_dial_succeeded(1);
    EXPECT_EQ(p.pick(), 1u);
}

TEST(Pool, M13_ADrainingEndpointIsNeverPicked)
{
    auto p = pool_of({1, 1, 0});
    p.set_draining(0, true);
    EXPECT_TRUE(p.draining(0));
    EXPECT_TRUE(p.healthy(0));
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(p.pick(), 1u);
        p.on_bound(1);
    }
    fell(p, 1);
    EXPECT_EQ(p.pick(), 2u); // the spare one, rather than it
    fell(p, 2);
    EXPECT_EQ(p.pick(), std::nullopt);
    p.set_draining(0, false);
    EXPECT_EQ(p.pick(), 0u);
}

TEST(Pool, M13_ADrainingSpareIsNotPickedEither)
{
    auto p = pool_of({1, 0});
    p.set_draining(1, true);
    fell(p, 0);
    EXPECT_EQ(p.pick(), std::nullopt);
}

TEST(Pool, M13_ADrainingEndpointIsProbedOn)
{
    auto p = pool_of({1, 1});
    p.set_draining(0, true);
    EXPECT_EQ(p.take_due_probes(t0), (indexes{0, 1}));
}

} // namespace
