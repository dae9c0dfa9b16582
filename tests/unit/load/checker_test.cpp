// Drives the checker with histories made by hand: one that is clean, and one for every violation.

#include "tests/load/checker.hpp"
#include "tests/load/missing_log.hpp"

#include <gtest/gtest.h>

namespace load {
namespace {

constexpr stream_kind own = stream_kind::own;
constexpr stream_kind common = stream_kind::common;
constexpr stream_kind queue = stream_kind::queue;

class CheckerHistory : public ::testing::Test {
protected:
    static workload make_plan()
    {
        workload_shape shape;
        shape.clients = 4; // one common topic for all; queues {0, 2} and {1, 3}
        shape.topics = topic_mix::mixed;
        shape.queues = 2;
        return workload{shape};
    }
    std::uint32_t sent(std::uint32_t publisher, stream_kind kind)
    {
        return check.on_sent({publisher, kind});
    }
    void came(
        std::uint32_t subscriber, stream_kind kind, std::uint32_t publisher, std::uint32_t sequence,
        redelivered again = redelivered::no)
    {
        check.on_delivery(subscriber, kind, {kind, publisher, sequence, 0}, again);
    }
    void flush_all()
    {
        for (std::uint32_t i = 0; i < 4; ++i) {
            check.on_flushed(i);
        }
    }
    void expect_only(fault what, std::uint64_t times)
    {
        const verdict v = check.finish();
        for (const fault f :
             {fault::lost, fault::duplicated, fault::reordered, fault::misrouted,
              fault::receipt_unasked}) {
            EXPECT_EQ(v.count(f), f == what ? times : 0) << to_string(f);
        }
    }

    workload plan = make_plan();
    checker check{plan, confirmation::flush, queue_order::relaxed};
};

TEST_F(CheckerHistory, CleanRunHasNoFaults)
{
    for (std::uint32_t n = 1; n <= 3; ++n) {
        EXPECT_EQ(sent(0, own), n);
        sent(1, common);
        sent(2, queue);
    }
    EXPECT_EQ(check.outstanding(), 3U + 12U + 3U);
    for (std::uint32_t n = 1; n <= 3; ++n) {
        came(0, own, 0, n);
        for (std::uint32_t s = 0; s < 4; ++s) {
            came(s, common, 1, n);
        }
        came(n == 2 ? 0 : 2, queue, 2, n);
    }
    EXPECT_EQ(check.outstanding(), 0U);
    flush_all();
    expect_only(fault::lost, 0);
    const verdict v = check.finish();
    EXPECT_EQ(v.sent, 9U);
    EXPECT_EQ(v.received, 18U);
    EXPECT_EQ(v.expected, 18U);
    EXPECT_EQ(v.redelivered, 0U);
    EXPECT_TRUE(v.examples.empty());
}

TEST_F(CheckerHistory, TellsEachMissingCopyConfirmedOrNot)
{
    checker by_receipts{plan, confirmation::receipts, queue_order::relaxed};
    by_receipts.on_sent({1, common});
    by_receipts.on_sent({1, common});
    by_receipts.on_sent({2, queue});
    by_receipts.on_receipt({1, common}, 1);
    for (const std::uint32_t subscriber : {0U, 1U, 2U}) {
        by_receipts.on_delivery(subscriber, common, {common, 1, 1, 0}, redelivered::no);
        by_receipts.on_delivery(subscriber, common, {common, 1, 2, 0}, redelivered::no);
    }
    const std::vector<missing_copy> expected{
        {{1, common}, 1, 3, true}, {{1, common}, 2, 3, false}, {{2, queue}, 1, 0, false}};
    EXPECT_EQ(by_receipts.missing(), expected);
    missing_log times{4};
    times.on_sent({1, common}, net::time_point{std::chrono::nanoseconds{7}});
    EXPECT_EQ(
        times.lines({expected.front()}),
        R"({"stream":"s","publisher":1,"number":1,"subscriber":3,"confirmed":true,"sent_ns":7})"
        "\n");
}

TEST_F(CheckerHistory, NamesWhatIsLostAndToWhom)
{
    sent(1, common);
    sent(1, common);
    for (std::uint32_t s = 0; s < 4; ++s) {
        came(s, common, 1, 1);
        if (s != 3) {
            came(s, common, 1, 2);
        }
    }
    EXPECT_EQ(check.outstanding(), 1U);
    flush_all();
    expect_only(fault::lost, 1);
    EXPECT_EQ(check.finish().examples, (std::vector<violation>{{fault::lost, {1, common}, 2, 3}}));
}

TEST_F(CheckerHistory, CountsEachSubscriptionThatMissesAMessage)
{
    for (int n = 0; n < 10; ++n) {
        sent(0, common);
    }
    flush_all();
    expect_only(fault::lost, 40);
    EXPECT_EQ(check.finish().examples.size(), checker::examples_max);
}

TEST_F(CheckerHistory, AGapInTheMiddleIsLostAndNotReordered)
{
    for (int n = 0; n < 3; ++n) {
        sent(0, own);
    }
    came(0, own, 0, 1);
    came(0, own, 0, 3);
    flush_all();
    expect_only(fault::lost, 1);
}

TEST_F(CheckerHistory, WithoutAFlushNothingIsOwed)
{
    sent(0, own);
    sent(1, own);
    check.on_flushed(1);
    came(1, own, 1, 1);
    expect_only(fault::lost, 0);
    EXPECT_EQ(check.finish().expected, 1U);
}

TEST_F(CheckerHistory, SecondDeliveryIsADuplicate)
{
    sent(0, common);
    came(2, common, 0, 1);
    came(2, common, 0, 1);
    expect_only(fault::duplicated, 1);
    EXPECT_EQ(
        check.finish().examples, (std::vector<violation>{{fault::duplicated, {0, common}, 1, 2}}));
}

TEST_F(CheckerHistory, AnOldNumberAgainIsADuplicateAndNotReordered)
{
    sent(0, own);
    sent(0, own);
    came(0, own, 0, 1);
    came(0, own, 0, 2);
    came(0, own, 0, 1);
    expect_only(fault::duplicated, 1);
}

TEST_F(CheckerHistory, SameNumberInAnotherSubscriptionIsNoDuplicate)
{
    sent(0, common);
    came(0, common, 0, 1);
    came(1, common, 0, 1);
    expect_only(fault::duplicated, 0);
}

TEST_F(CheckerHistory, RedeliveryIsCountedAndNoFault)
{
    sent(0, queue);
    sent(0, queue);
    came(0, queue, 0, 2);
    came(2, queue, 0, 2, redelivered::yes);
    came(2, queue, 0, 1, redelivered::yes);
    flush_all();
    expect_only(fault::duplicated, 0);
    EXPECT_EQ(check.finish().redelivered, 2U);
    EXPECT_EQ(check.finish().queue_reordered, 0U);
}

TEST_F(CheckerHistory, LowerAfterHigherIsReordered)
{
    sent(0, common);
    sent(0, common);
    came(1, common, 0, 2);
    came(1, common, 0, 1);
    expect_only(fault::reordered, 1);
    EXPECT_EQ(
        check.finish().examples, (std::vector<violation>{{fault::reordered, {0, common}, 1, 1}}));
}

TEST_F(CheckerHistory, OrderIsOnlyOwedWithinOneStream)
{
    sent(0, common);
    sent(1, common);
    sent(0, own);
    came(0, own, 0, 1);
    came(0, common, 1, 1);
    came(0, common, 0, 1);
    expect_only(fault::reordered, 0);
}

TEST_F(CheckerHistory, AQueueMessageToTwoConsumersIsADuplicate)
{
    sent(0, queue);
    came(0, queue, 0, 1);
    came(2, queue, 0, 1);
    expect_only(fault::duplicated, 1);
}

TEST_F(CheckerHistory, AQueueMessageToNobodyIsLostOnce)
{
    sent(1, queue);
    flush_all();
    expect_only(fault::lost, 1);
    EXPECT_EQ(check.finish().expected, 1U);
}

TEST_F(CheckerHistory, QueueOrderIsAViolationOnlyWhenStrict)
{
    checker strict{plan, confirmation::flush, queue_order::strict};
    for (checker* c : {&check, &strict}) {
        c->on_sent({0, queue});
        c->on_sent({0, queue});
        c->on_delivery(2, queue, {queue, 0, 2, 0}, redelivered::no);
        c->on_delivery(2, queue, {queue, 0, 1, 0}, redelivered::no);
    }
    expect_only(fault::reordered, 0);
    EXPECT_EQ(check.finish().queue_reordered, 1U);
    EXPECT_EQ(strict.finish().count(fault::reordered), 1U);
    EXPECT_EQ(strict.finish().queue_reordered, 0U);
}

TEST_F(CheckerHistory, ConsumersOfAQueueAreNotOrderedAmongEachOther)
{
    checker strict{plan, confirmation::flush, queue_order::strict};
    strict.on_sent({0, queue});
    strict.on_sent({0, queue});
    strict.on_delivery(0, queue, {queue, 0, 2, 0}, redelivered::no);
    strict.on_delivery(2, queue, {queue, 0, 1, 0}, redelivered::no);
    EXPECT_EQ(strict.finish().count(fault::reordered), 0U);
}

TEST_F(CheckerHistory, FindsWhatCameToTheWrongPlace)
{
    sent(0, own);
    sent(0, queue);
    came(1, own, 0, 1);                                            // not its topic
    came(1, queue, 0, 1);                                          // not its queue
    came(0, own, 0, 2);                                            // never sent
    came(0, own, 9, 1);                                            // no such client
    check.on_delivery(0, common, {own, 0, 1, 0}, redelivered::no); // not that subscription
    expect_only(fault::misrouted, 5);
    EXPECT_EQ(check.outstanding(), 2U);
}

TEST_F(CheckerHistory, OwesNothingToAClientThatWent)
{
    sent(0, common);
    check.on_gone(3);
    EXPECT_EQ(check.outstanding(), 3U);
    sent(0, common);
    EXPECT_EQ(check.outstanding(), 6U);
    for (std::uint32_t s = 0; s < 3; ++s) {
        came(s, common, 0, 1);
        came(s, common, 0, 2);
    }
    EXPECT_EQ(check.outstanding(), 0U);
    flush_all();
    expect_only(fault::lost, 0);
    EXPECT_EQ(check.finish().expected, 6U);
}

TEST_F(CheckerHistory, AwaitsOnlyTheConfirmedOfAPublisherThatWent)
{
    checker receipts{plan, confirmation::receipts, queue_order::relaxed};
    receipts.on_sent({3, common});
    receipts.on_sent({3, common});
    receipts.on_receipt({3, common}, 1);
    receipts.on_gone(3);
    EXPECT_EQ(receipts.outstanding(), 3U); // number 1 to the three that are there
    receipts.on_delivery(0, common, {common, 3, 2, 0}, redelivered::no);
    EXPECT_EQ(receipts.outstanding(), 3U); // number 2 was not awaited
    receipts.on_delivery(1, common, {common, 3, 1, 0}, redelivered::no);
    EXPECT_EQ(receipts.outstanding(), 2U);
}

TEST_F(CheckerHistory, WithReceiptsOnlyConfirmedSendsCanBeLost)
{
    checker receipts{plan, confirmation::receipts, queue_order::relaxed};
    for (int n = 0; n < 4; ++n) {
        receipts.on_sent({0, own});
    }
    receipts.on_receipt({0, own}, 1);
    receipts.on_receipt({0, own}, 4); // RECEIPTs of SENDs may overtake each other (brokers.md H6)
    receipts.on_receipt({0, own}, 2);
    receipts.on_flushed(0);
    receipts.on_delivery(0, own, {own, 0, 1, 0}, redelivered::no);
    const verdict v = receipts.finish();
    EXPECT_EQ(v.count(fault::lost), 2U); // 2 and 4; 3 is in doubt
    EXPECT_EQ(v.unconfirmed, 1U);
    EXPECT_EQ(v.expected, 3U);
}

TEST_F(CheckerHistory, AReceiptIsAnsweredAtMostOnce)
{
    checker receipts{plan, confirmation::receipts, queue_order::relaxed};
    receipts.on_sent({0, own});
    receipts.on_receipt({0, own}, 1);
    receipts.on_receipt({0, own}, 1);
    receipts.on_receipt({0, own}, 2);
    EXPECT_EQ(receipts.finish().count(fault::receipt_unasked), 2U);
}

} // namespace
} // namespace load
