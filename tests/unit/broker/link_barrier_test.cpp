// Proves what a barrier proves, when it goes out, and that a link leaves only behind it (switch.md
// S2, B3, S10); and the numbers that a switch's report is made of.

#include "tests/unit/broker/link_scene.hpp"

namespace {

using namespace broker;
using namespace testing_support;

class LinkBarrier : public LinkTest {};

TEST_F(LinkBarrier, M4_ProvesEverySendBeforeIt)
{
    ready();
    EXPECT_TRUE(core->proven());
    sends("SEND destination:/topic/a");
    sends("SEND destination:/topic/a");
    EXPECT_FALSE(core->proven());
    log.take();
    core->barrier(t0, log);
    EXPECT_EQ(log.take(), lines{"link 3 <- SEND destination:/amq/queue/teal-none receipt:r1"});
    EXPECT_TRUE(core->barrier_open());
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").owed.kind, owed_kind::barrier);
    EXPECT_TRUE(core->proven());
    EXPECT_FALSE(core->barrier_open());
    EXPECT_EQ(core->proven_up_to(), 2u);
    EXPECT_EQ(core->unproven_silent(), 0u);
}

TEST_F(LinkBarrier, WithNothingToProveIsNotSent)
{
    ready();
    core->barrier(t0, log);
    EXPECT_EQ(log.take(), lines{});
}

TEST_F(LinkBarrier, S2_IsSentOnceAndAgainForWhatCameBehindIt)
{
    ready();
    sends("SEND destination:/topic/a");
    core->barrier(t0, log);
    core->barrier(t0, log);
    log.take();
    sends("SEND destination:/topic/a");
    core->barrier(t0, log);
    EXPECT_EQ(log.take(), lines{"link 3 <- SEND destination:/topic/a"}); // one at a time
    gets("RECEIPT receipt-id:r1");
    EXPECT_FALSE(core->proven());
    EXPECT_EQ(log.take(), lines{"link 3 <- SEND destination:/amq/queue/teal-none receipt:r2"});
    gets("RECEIPT receipt-id:r2");
    EXPECT_TRUE(core->proven());
    EXPECT_EQ(log.take(), lines{});
}

TEST_F(LinkBarrier, WhatCameBehindItUnaskedStaysUnproven)
{
    ready();
    sends("SEND destination:/topic/a");
    core->barrier(t0, log);
    sends("SEND destination:/topic/a");
    log.take();
    gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(log.take(), lines{});
    EXPECT_EQ(core->proven_up_to(), 1u);
    EXPECT_FALSE(core->barrier_open());
}

TEST_F(LinkBarrier, M4_IsATransactionWhereAnAbsentQueueIsNotAnswered)
{
    ready(barrier_kind::received);
    sends("SEND destination:/topic/a");
    log.take();
    core->barrier(t0, log);
    EXPECT_EQ(
        log.take(), (lines{
                        "link 3 <- BEGIN transaction:teal-barrier",
                        "link 3 <- ABORT transaction:teal-barrier receipt:r1"}));
    gets("RECEIPT receipt-id:r1");
    EXPECT_TRUE(core->proven());
}

TEST_F(LinkBarrier, B3_IsAnEmptySendQueueWhereNothingIsAnswered)
{
    ready(barrier_kind::none);
    sends("SEND destination:/topic/a");
    log.take();
    core->barrier(t0, log);
    EXPECT_EQ(log.take(), lines{});
    EXPECT_EQ(core->next_deadline(), t0);
    log.unflushed.insert(link_id{3});
    EXPECT_EQ(core->on_deadline(t0, log).what, kind::nothing);
    EXPECT_EQ(core->next_deadline(), t0 + 2ms);
    log.unflushed.clear();
    const auto event = core->on_deadline(t0 + 2ms, log);
    EXPECT_EQ(event.what, kind::answered);
    EXPECT_EQ(event.owed.kind, owed_kind::barrier);
    EXPECT_TRUE(core->proven());
    EXPECT_EQ(core->next_deadline(), net::never);
}

TEST_F(LinkBarrier, AnEmptySendQueueProvesWhatCameBehindTheQuestionToo)
{
    ready(barrier_kind::none);
    sends("SEND destination:/topic/a");
    core->barrier(t0, log);
    sends("SEND destination:/topic/a");
    core->barrier(t0, log); // asked while one is open: nobody asks a third time
    core->on_deadline(t0, log);
    EXPECT_TRUE(core->proven());
    EXPECT_EQ(core->unproven_silent(), 0u);
}

TEST_F(LinkBarrier, H8_IsWaitedForByALinkThatLeaves)
{
    ready();
    sends("SEND destination:/topic/a", {.session = session_id{4}, .client_receipt = "a"});
    log.take();
    core->leave(t0, log);
    EXPECT_EQ(log.take(), lines{"link 3 <- SEND destination:/amq/queue/teal-none receipt:r2"});
    EXPECT_TRUE(core->leaving());
    EXPECT_FALSE(core->ready());
    gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(log.take(), lines{});
    gets("RECEIPT receipt-id:r2");
    EXPECT_EQ(log.take(), lines{"link 3 <- DISCONNECT receipt:r3"});
    EXPECT_EQ(core->state(), link_state::leaving);
    EXPECT_EQ(gets("RECEIPT receipt-id:r3").what, kind::left);
}

// RabbitMQ forgets a confirm that is open at a DISCONNECT [live: 1 of 60 answers of a responder].
TEST_F(LinkBarrier, H8_ALinkThatLeavesWaitsForConfirmsBehindTheBarrier)
{
    ready();
    sends("SEND destination:/topic/a", {.session = session_id{4}, .client_receipt = "a"});
    sends("SEND destination:/topic/a", {.session = session_id{5}, .client_receipt = "b"});
    core->leave(t0, log);
    gets("RECEIPT receipt-id:r3"); // the barrier's
    log.take();
    EXPECT_EQ(gets("RECEIPT receipt-id:r2").owed.client_receipt, "b");
    EXPECT_EQ(log.take(), lines{});
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").owed.client_receipt, "a");
    EXPECT_EQ(log.take(), lines{"link 3 <- DISCONNECT receipt:r4"});
}

TEST_F(LinkBarrier, OpenAlreadyIsFollowedByTheOneThatALeavingLinkNeeds)
{
    ready();
    sends("SEND destination:/topic/a");
    core->barrier(t0, log);
    sends("SEND destination:/topic/a");
    core->leave(t0, log);
    log.take();
    gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(log.take(), lines{"link 3 <- SEND destination:/amq/queue/teal-none receipt:r2"});
    gets("RECEIPT receipt-id:r2");
    EXPECT_EQ(log.take(), lines{"link 3 <- DISCONNECT receipt:r3"});
}

TEST_F(LinkBarrier, WithNothingSentALinkLeavesAtOnceAndOnce)
{
    ready();
    core->leave(t0, log);
    core->leave(t0, log);
    EXPECT_EQ(log.take(), lines{"link 3 <- DISCONNECT receipt:r1"});
}

TEST_F(LinkBarrier, WithoutReceiptsALinkLeavesWhenItsQueueIsEmpty)
{
    ready(barrier_kind::none);
    sends("SEND destination:/topic/a");
    log.take();
    core->leave(t0, log);
    EXPECT_EQ(log.take(), lines{});
    core->on_deadline(t0, log);
    EXPECT_EQ(log.take(), lines{"link 3 <- DISCONNECT"});
}

TEST_F(LinkBarrier, IsNotAskedOfALinkThatIsNotReady)
{
    open({}).barrier(t0, log);
    EXPECT_EQ(log.take(), lines{});
    ready();
    sends("SEND destination:/topic/a");
    core->on_lost();
    log.take();
    core->barrier(t0, log);
    EXPECT_EQ(log.take(), lines{});
}

class LinkCount : public LinkTest {};

TEST_F(LinkCount, OpenSendsCountFromTheOrderOn)
{
    ready();
    sends("SEND destination:/topic/a");
    sends("SEND destination:/topic/a", {.session = session_id{4}, .client_receipt = "a"});
    core->subscribe(wire_id{7}, "destination:/topic/a\n", "auto", log); // not a SEND
    EXPECT_EQ(core->count_open(), 2u);
    EXPECT_EQ(core->counted_silent(), 1u);
    sends("SEND destination:/topic/a"); // behind the order: not the report's
    core->barrier(t0, log);
    EXPECT_TRUE(gets("RECEIPT receipt-id:r1").owed.counted);
    const auto event = gets("RECEIPT receipt-id:r3");
    EXPECT_EQ(event.owed.kind, owed_kind::barrier);
    EXPECT_EQ(event.silent_proven, 1u);
    EXPECT_EQ(core->counted_silent(), 0u);
}

TEST_F(LinkCount, ASilentSendBehindTheBarrierStaysOpen)
{
    ready();
    sends("SEND destination:/topic/a");
    core->barrier(t0, log);
    sends("SEND destination:/topic/a");
    EXPECT_EQ(core->count_open(), 2u);
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").silent_proven, 1u);
    EXPECT_EQ(core->counted_silent(), 1u);
    core->barrier(t0, log);
    EXPECT_EQ(gets("RECEIPT receipt-id:r2").silent_proven, 1u);
    EXPECT_EQ(core->counted_silent(), 0u);
}

TEST_F(LinkCount, AnOrderWithNothingOpenCountsNothing)
{
    ready();
    sends("SEND destination:/topic/a", {.session = session_id{4}, .client_receipt = "a"});
    gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(core->count_open(), 0u);
    sends("SEND destination:/topic/a", {.session = session_id{4}, .client_receipt = "b"});
    EXPECT_FALSE(gets("RECEIPT receipt-id:r2").owed.counted);
}

TEST_F(LinkCount, CarriedSendsAreCountedAsTheyAreWritten)
{
    ready();
    sends(
        "SEND destination:/topic/a",
        {.session = session_id{4}, .client_receipt = "a", .counted = true});
    EXPECT_TRUE(gets("RECEIPT receipt-id:r1").owed.counted);
    sends("SEND destination:/topic/a", {.session = session_id{4}, .counted = true});
    EXPECT_EQ(core->counted_silent(), 1u);
}

} // namespace
