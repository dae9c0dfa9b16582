// Proves that a delivery is acknowledged at most once, and which others a cumulative ACK takes with
// it (S11, H2, H3).

#include "gateway/core/session/ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace {

using namespace gateway;
using broker::color;
using broker::link_id;
using numbers = std::vector<broker::delivery_number>;

// `name`: what the broker calls it.
delivery
one(int name, std::uint32_t subscription, link_id link = link_id{1}, color c = color::blue,
    broker::wire_id wire = broker::wire_id{1})
{
    return {
        .link = link,
        .wire = wire,
        .subscription = subscription,
        .color = c,
        .broker_ack = "b" + std::to_string(name)};
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
        ledger.add(one(1, 1));
        ledger.add(one(2, 2));
        ledger.add(one(3, 1));
        ledger.add(one(4, 1, link_id{2}, color::green, broker::wire_id{2}));
    }
};

TEST_F(DeliveryLedger, HonoursAnIdOnce)
{
    EXPECT_EQ(ledger.find(2)->broker_ack, "b2");
    EXPECT_EQ(ledger.take(2)->broker_ack, "b2");
    EXPECT_EQ(ledger.take(2), std::nullopt);
    EXPECT_EQ(ledger.find(2), nullptr);
    EXPECT_EQ(ledger.size(), 3u);
}

TEST_F(DeliveryLedger, KnowsNoIdThatItDidNotGive)
{
    for (const broker::delivery_number number : {0, 5, 1000}) {
        EXPECT_EQ(ledger.find(number), nullptr) << number;
        EXPECT_EQ(ledger.take(number), std::nullopt) << number;
    }
    EXPECT_EQ(numbers_of(ledger.take_up_to(1, 0)), numbers{});
    EXPECT_EQ(numbers_of(ledger.take_up_to(3, 4)), numbers{});
    EXPECT_EQ(ledger.size(), 4u);
    EXPECT_EQ(delivery_ledger{}.take(1), std::nullopt);
}

TEST_F(DeliveryLedger, H3_ACumulativeAckTakesTheEarlierOnesOfItsSubscriptionInOrder)
{
    EXPECT_EQ(numbers_of(ledger.take_up_to(1, 3)), (numbers{1, 3}));
    EXPECT_NE(ledger.find(2), nullptr); // another subscription's
    EXPECT_NE(ledger.find(4), nullptr); // a later one
    EXPECT_EQ(numbers_of(ledger.take_up_to(1, 3)), numbers{});
}

TEST_F(DeliveryLedger, H2_ACumulativeAckSpansBothColors)
{
    const auto taken = ledger.take_up_to(1, 4);
    EXPECT_EQ(numbers_of(taken), (numbers{1, 3, 4}));
    EXPECT_EQ(taken.back().link, link_id{2}); // each goes to the link of its delivery
}

TEST_F(DeliveryLedger, H2_OneThatIsGoneWithItsLinkSpeaksForTheEarlierOnes)
{
    EXPECT_EQ(ledger.drop_link(link_id{2}), 1u);
    EXPECT_EQ(numbers_of(ledger.take_up_to(1, 4)), (numbers{1, 3}));
}

TEST_F(DeliveryLedger, OnesOutOfTheMiddleLeaveTheRestInOrder)
{
    for (int n = 5; n <= 12; ++n) {
        ledger.add(one(n, 1));
    }
    for (const broker::delivery_number number : {3, 12, 1, 8}) {
        EXPECT_TRUE(ledger.take(number)) << number;
    }
    ledger.add(one(13, 1));
    EXPECT_EQ(numbers_of(ledger.take_up_to(1, 100)), (numbers{4, 5, 6, 7, 9, 10, 11, 13}));
    EXPECT_EQ(ledger.size(), 1u);
}

TEST_F(DeliveryLedger, CountsWhatIsOpenByColorLinkAndWire)
{
    EXPECT_TRUE(ledger.has(broker::wire_id{2}));
    EXPECT_EQ(ledger.count(link_id{2}), 1u);
    EXPECT_EQ(ledger.count(color::green), 1u);
    ledger.take(4);
    EXPECT_FALSE(ledger.has(broker::wire_id{2}));
    EXPECT_EQ(ledger.count(link_id{2}), 0u);
    EXPECT_EQ(ledger.count(color::green), 0u);
    EXPECT_EQ(ledger.count(color::blue), 3u);
    EXPECT_TRUE(ledger.has(broker::wire_id{1}));
}

TEST_F(DeliveryLedger, H25_AutoIsTakenWhenItsBytesWereWritten)
{
    EXPECT_FALSE(ledger.awaits_write());
    ledger.add(one(5, 3));
    ledger.mark_last(500);
    ledger.add(one(6, 3));
    ledger.mark_last(800);
    EXPECT_TRUE(ledger.awaits_write());
    EXPECT_EQ(numbers_of(ledger.take_written(499)), numbers{});
    EXPECT_EQ(numbers_of(ledger.take_written(500)), numbers{5});
    EXPECT_EQ(numbers_of(ledger.take_written(10'000)), numbers{6}); // those of the client stay
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
    EXPECT_EQ(ledger.find(4), nullptr);
    EXPECT_EQ(ledger.drop_subscription(1), 0u);
    EXPECT_EQ(ledger.size(), 1u);
    EXPECT_EQ(ledger.drop_subscription(2), 1u);
    EXPECT_TRUE(ledger.empty());
}

// What 200 acknowledgements cost, beside how many are owed: the same work, in any order.
std::chrono::nanoseconds cost(std::size_t owed, bool newest_first)
{
    delivery_ledger ledger;
    for (std::size_t n = 1; n <= owed; ++n) {
        ledger.add(one(0, 1));
    }
    auto best = std::chrono::nanoseconds::max();
    std::size_t next = newest_first ? owed : owed / 2;
    for (int round = 0; round < 5; ++round) {
        const auto begin = std::chrono::steady_clock::now();
        for (int n = 0; n < 200; ++n) {
            EXPECT_TRUE(ledger.take(next--));
            EXPECT_EQ(ledger.count(color::blue), ledger.size());
        }
        best = std::min(
            best, std::chrono::nanoseconds{std::chrono::steady_clock::now() - begin});
    }
    return best;
}

TEST(DeliveryLedgerCost, K5_AnAckCostsTheSameWhateverIsOwed)
{
    // With a vector it was proportional: 150 times as much. The bound leaves room for caches and a
    // busy machine.
    for (const bool newest_first : {false, true}) {
        const auto few = cost(2'000, newest_first);
        const auto many = cost(300'000, newest_first);
        EXPECT_LT(many.count(), 15 * few.count()) << few.count() << " ns for 200 of 2 000";
    }
}

TEST(DeliveryLedgerCost, K5_OneThatIsNeverAcknowledgedCostsItsOwnPlaceOnly)
{
    delivery_ledger ledger;
    const auto never = ledger.add(one(0, 1));
    for (int n = 0; n < 100'000; ++n) {
        ASSERT_TRUE(ledger.take(ledger.add(one(1, 1))));
    }
    EXPECT_EQ(ledger.size(), 1u);
    EXPECT_LE(ledger.places(), 256u);
    EXPECT_EQ(numbers_of(ledger.take_up_to(1, ~broker::delivery_number{0})), numbers{never});
}

TEST(DeliveryLedgerCost, K5_AutomaticOnesBehindOneThatIsNeverAcknowledgedAreTakenInTurn)
{
    delivery_ledger ledger;
    ledger.add(one(0, 1)); // the client's to acknowledge
    for (std::uint64_t n = 1; n <= 10'000; ++n) {
        const auto number = ledger.add(one(1, 2));
        ledger.mark_last(n);
        if (n % 7 == 0) {
            ledger.take(number); // gone with something else meanwhile
        }
        if (n % 100 == 0) {
            const auto taken = ledger.take_written(n - 10);
            EXPECT_FALSE(taken.empty());
            EXPECT_EQ(taken.back().written_mark, (n - 10) % 7 == 0 ? n - 11 : n - 10);
        }
    }
    EXPECT_LE(ledger.places(), 1024u);
    ledger.take_written(10'000);
    EXPECT_FALSE(ledger.awaits_write());
    EXPECT_EQ(ledger.size(), 1u);
}

TEST(DeliveryLedgerBudget, L1_ChargesWhatIsOpenAndGivesItBack)
{
    memory_budget budget;
    {
        delivery_ledger ledger;
        ledger.add({.link = link_id{1}, .subscription = 1, .broker_ack = "12345"}, &budget);
        ledger.add({.link = link_id{1}, .subscription = 2}, &budget);
        ledger.add({.link = link_id{2}, .subscription = 2}, &budget);
        EXPECT_EQ(budget.of(held_kind::deliveries), 3 * sizeof(delivery) + 5);
        EXPECT_EQ(ledger.recount(), ledger.bytes());
        ledger.take(1);
        EXPECT_EQ(budget.of(held_kind::deliveries), 2 * sizeof(delivery));
        ledger.drop_link(link_id{2});
        EXPECT_EQ(budget.of(held_kind::deliveries), sizeof(delivery));
        EXPECT_EQ(ledger.recount(), ledger.bytes());
    }
    EXPECT_EQ(budget.total(), 0U);
}

} // namespace
