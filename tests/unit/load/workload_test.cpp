// Proves that the plan is whole: every client has one seat at each of its destinations, and
// messages are spread in the shares that were asked for.

#include "tests/load/workload.hpp"

#include <gtest/gtest.h>

#include <map>

namespace load {
namespace {

workload make(std::uint32_t clients, topic_mix topics, std::uint32_t queues)
{
    workload_shape shape;
    shape.clients = clients;
    shape.topics = topics;
    shape.queues = queues;
    shape.run = "r";
    return workload{shape};
}

TEST(Workload, SeatsEveryClientOnce)
{
    for (const std::uint32_t clients : {1U, 19U, 20U, 50U, 101U}) {
        const workload plan = make(clients, topic_mix::mixed, 7);
        for (const stream_kind kind : all_kinds) {
            std::uint32_t seats = 0;
            for (std::uint32_t d = 0; d < plan.destinations(kind); ++d) {
                ASSERT_LE(plan.members(kind, d), plan.width(kind));
                for (std::uint32_t p = 0; p < plan.members(kind, d); ++p, ++seats) {
                    const std::uint32_t client = plan.member(kind, {d, p});
                    ASSERT_LT(client, clients);
                    ASSERT_EQ(plan.seat_of(client, kind), (seat{d, p}));
                }
            }
            EXPECT_EQ(seats, clients);
        }
    }
}

TEST(Workload, UsesOnlyWhatTheMixNeeds)
{
    const workload own = make(5, topic_mix::own, 0);
    EXPECT_TRUE(own.uses(stream_kind::own));
    EXPECT_FALSE(own.uses(stream_kind::common));
    EXPECT_FALSE(own.uses(stream_kind::queue));
    const workload shared = make(5, topic_mix::shared, 2);
    EXPECT_FALSE(shared.uses(stream_kind::own));
    EXPECT_TRUE(shared.uses(stream_kind::common));
    EXPECT_TRUE(shared.uses(stream_kind::queue));
}

TEST(Workload, MixedSendsOneInTenToTheCommonTopic)
{
    const workload plan = make(50, topic_mix::mixed, 0);
    for (std::uint32_t client = 0; client < 50; ++client) {
        std::map<stream_kind, int> count;
        for (std::uint64_t n = 0; n < 100; ++n) {
            ++count[plan.kind_of(client, n)];
        }
        EXPECT_EQ(count[stream_kind::common], 10);
        EXPECT_EQ(count[stream_kind::own], 90);
    }
}

TEST(Workload, QueuesTakeTheirShareAndLeaveTheMixAsItIs)
{
    const workload plan = make(50, topic_mix::mixed, 5);
    for (std::uint32_t client = 0; client < 50; ++client) {
        std::map<stream_kind, int> count;
        for (std::uint64_t n = 0; n < 1000; ++n) {
            ++count[plan.kind_of(client, n)];
        }
        EXPECT_EQ(count[stream_kind::queue], 200);
        EXPECT_EQ(count[stream_kind::common], 80);
        EXPECT_EQ(count[stream_kind::own], 720);
    }
}

TEST(Workload, PicksThePercentageOfTransactions)
{
    workload_shape shape;
    shape.clients = 3;
    shape.transaction_percent = 7;
    const workload plan{shape};
    int picked = 0;
    for (std::uint64_t n = 0; n < 1000; ++n) {
        picked += plan.in_transaction(2, n);
    }
    EXPECT_EQ(picked, 70);
}

TEST(Workload, NamesDestinationsByRun)
{
    const workload plan = make(45, topic_mix::mixed, 4);
    EXPECT_EQ(plan.destination_name(44, stream_kind::own), "/topic/load.r.44");
    EXPECT_EQ(plan.destination_name(44, stream_kind::common), "/topic/load.r.common.2");
    EXPECT_EQ(plan.destination_name(43, stream_kind::queue), "/queue/load.r.3");
}

} // namespace
} // namespace load
