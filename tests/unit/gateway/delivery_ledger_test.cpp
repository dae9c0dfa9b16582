// Proves that a delivery is acknowledged at most once, and which others a cumulative ACK takes with
// it (S11, H2, H3).

#include "gateway/delivery_ledger.hpp"

#include <gtest/gtest.h>

namespace {

using namespace gateway;
using broker::color;
using broker::link_id;
using numbers = std::vector<broker::delivery_number>;

delivery
one(broker::delivery_number number, std::uint32_t subscription, link_id link = link_id{1},
    color c = color::blue)
{
    return {
        .number = number,
        .link = link,
        .subscription = subscription,
        .color = c,
        .broker_ack = "b" + std::to_string(number)};
}

numbers numbers_of(const std::vector<delivery>& list)
{
    numbers all;
    for (const auto& d : list) {
        all.push_back(d.number);
    }
    return all;
}

class DeliveryLedger : public testing::Test {
protected:
    delivery_ledger ledger;
    DeliveryLedger()
    {
        ledger.add(one(3, 1));
        ledger.add(one(4, 2));
        ledger.add(one(7, 1));
        ledger.add(one(9, 1, link_id{2}, color::green));
    }
};

TEST_F(DeliveryLedger, HonoursAnIdOnce)
{
    EXPECT_EQ(ledger.find(4)->broker_ack, "b4");
    EXPECT_EQ(ledger.take(4)->broker_ack, "b4");
    EXPECT_EQ(ledger.take(4), std::nullopt);
    EXPECT_EQ(ledger.find(4), nullptr);
    EXPECT_EQ(ledger.size(), 3u);
}

TEST_F(DeliveryLedger, KnowsNoIdThatItDidNotGive)
{
    for (const broker::delivery_number number : {0, 1, 5, 8, 10}) {
        EXPECT_EQ(ledger.find(number), nullptr) << number;
        EXPECT_EQ(ledger.take(number), std::nullopt) << number;
        EXPECT_EQ(numbers_of(ledger.take_up_to(number)), numbers{}) << number;
    }
    EXPECT_EQ(ledger.size(), 4u);
}

TEST_F(DeliveryLedger, H3_ACumulativeAckTakesTheEarlierOnesOfItsSubscriptionInOrder)
{
    EXPECT_EQ(numbers_of(ledger.take_up_to(7)), (numbers{3, 7}));
    EXPECT_NE(ledger.find(4), nullptr); // another subscription's
    EXPECT_NE(ledger.find(9), nullptr); // a later one
    EXPECT_EQ(numbers_of(ledger.take_up_to(7)), numbers{});
}

TEST_F(DeliveryLedger, H2_ACumulativeAckSpansBothColors)
{
    const auto taken = ledger.take_up_to(9);
    EXPECT_EQ(numbers_of(taken), (numbers{3, 7, 9}));
    EXPECT_EQ(taken.back().link, link_id{2}); // each goes to the link of its delivery
}

TEST_F(DeliveryLedger, H25_AutoIsTakenWhenItsBytesWereWritten)
{
    EXPECT_FALSE(ledger.awaits_write());
    ledger.add(one(10, 3));
    ledger.mark_last(500);
    ledger.add(one(11, 3));
    ledger.mark_last(800);
    EXPECT_TRUE(ledger.awaits_write());
    EXPECT_EQ(numbers_of(ledger.take_written(499)), numbers{});
    EXPECT_EQ(numbers_of(ledger.take_written(500)), numbers{10});
    EXPECT_EQ(numbers_of(ledger.take_written(10'000)), numbers{11}); // those of the client stay
    EXPECT_FALSE(ledger.awaits_write());
    EXPECT_EQ(ledger.size(), 4u);
}

TEST_F(DeliveryLedger, ALostLinksDeliveriesAreForgotten)
{
    EXPECT_EQ(ledger.count(link_id{1}), 3u);
    EXPECT_EQ(ledger.drop_link(link_id{1}), 3u);
    EXPECT_EQ(ledger.count(link_id{1}), 0u);
    EXPECT_EQ(ledger.count(color::blue), 0u);
    EXPECT_EQ(ledger.count(color::green), 1u);
}

TEST_F(DeliveryLedger, AnEndedSubscriptionsDeliveriesAreForgotten)
{
    EXPECT_EQ(ledger.drop_subscription(1), 3u);
    EXPECT_EQ(ledger.take(3), std::nullopt);
    EXPECT_EQ(ledger.drop_subscription(1), 0u);
    EXPECT_EQ(ledger.size(), 1u);
    EXPECT_EQ(ledger.drop_subscription(2), 1u);
    EXPECT_TRUE(ledger.empty());
}

} // namespace
