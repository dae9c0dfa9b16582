// Proves what a ready link writes for each order of its sessions, and whose each answer is.

#include "tests/unit/broker/link_scene.hpp"

namespace {

using namespace broker;
using namespace testing_support;

class LinkFrames : public LinkTest {};

TEST_F(LinkFrames, SendGoesRawButForTheReceipt)
{
    ready();
    sends(
        "SEND destination:/topic/a receipt:mine content-length:5 x:\\c destination:/topic/b | "
        "hello",
        {.session = session_id{4}, .client_receipt = "mine"});
    EXPECT_EQ(
        log.take(),
        lines{"link 3 <- SEND destination:/topic/a content-length:5 x:\\c receipt:r1 | hello"});
    const auto event = gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(event.what, kind::answered);
    EXPECT_EQ(event.owed.kind, owed_kind::send);
    EXPECT_EQ(event.owed.session, session_id{4});
    EXPECT_EQ(event.owed.client_receipt, "mine");
}

TEST_F(LinkFrames, ASendThatAskedForNothingAsksForNothing)
{
    ready();
    sends("SEND destination:/topic/a | x", {.as = framing::binary});
    EXPECT_EQ(log.take(), lines{"link 3 <- (binary) SEND destination:/topic/a | x"});
    EXPECT_EQ(core->sent(), 1u);
    EXPECT_EQ(core->unproven_silent(), 1u);
}

TEST_F(LinkFrames, H6_ReceiptsComeInAnyOrder)
{
    ready();
    for (const auto* receipt : {"a", "b", "c"}) {
        sends("SEND destination:/topic/a", {.session = session_id{4}, .client_receipt = receipt});
    }
    EXPECT_EQ(gets("RECEIPT receipt-id:r3").owed.client_receipt, "c");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").owed.client_receipt, "a");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed); // at most once
    EXPECT_EQ(gets("RECEIPT receipt-id:r2").owed.client_receipt, "b");
    EXPECT_EQ(gets("RECEIPT receipt-id:nobody").what, kind::swallowed);
    EXPECT_EQ(gets("RECEIPT").what, kind::swallowed);
    EXPECT_EQ(core->owed().open(), 0u);
}

TEST_F(LinkFrames, ABrokerWithoutReceiptsIsNotAskedForOne)
{
    ready(barrier_kind::none);
    sends(
        "SEND destination:/topic/a receipt:mine",
        {.session = session_id{4}, .client_receipt = "mine"});
    core->subscribe(wire_id{7}, "destination:/topic/a\n", "auto", log);
    core->unsubscribe(wire_id{7}, false, session_id{4}, "mine", log);
    core->acknowledge(
        {.wire = wire_id{7}, .broker_ack = "9", .session = session_id{4}, .client_receipt = "mine"},
        log);
    EXPECT_EQ(
        log.take(), (lines{
                        "link 3 <- SEND destination:/topic/a",
                        "link 3 <- SUBSCRIBE id:s7 ack:auto destination:/topic/a",
                        "link 3 <- UNSUBSCRIBE id:s7", "link 3 <- ACK id:9"}));
    EXPECT_EQ(core->owed().open(), 0u);
}

TEST_F(LinkFrames, SubscribeAndUnsubscribeCarryTheWireId)
{
    ready();
    core->subscribe(
        wire_id{7}, "destination:/queue/q\nprefetch-count:10\n", "client-individual", log);
    core->unsubscribe(wire_id{7}, false, session_id{4}, "mine", log);
    core->unsubscribe(wire_id{8}, true, session_id{4}, "", log);
    EXPECT_EQ(
        log.take(), (lines{
                        "link 3 <- SUBSCRIBE id:s7 ack:client-individual receipt:r1 "
                        "destination:/queue/q prefetch-count:10",
                        "link 3 <- UNSUBSCRIBE id:s7 receipt:r2",
                        "link 3 <- UNSUBSCRIBE id:s8 durable:true receipt:r3"}));
    const auto subscribed = gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(subscribed.owed.kind, owed_kind::subscribe);
    EXPECT_EQ(subscribed.owed.wire, wire_id{7});
    const auto left = gets("RECEIPT receipt-id:r2");
    EXPECT_EQ(left.owed.kind, owed_kind::unsubscribe);
    EXPECT_EQ(left.owed.wire, wire_id{7});
    EXPECT_EQ(left.owed.client_receipt, "mine");
}

TEST_F(LinkFrames, AcknowledgementsSpeakTheLinksVersion)
{
    ready();
    core->acknowledge({.wire = wire_id{7}, .broker_ack = "T_s7@@1"}, log);
    core->acknowledge(
        {.negative = true,
         .wire = wire_id{7},
         .broker_ack = "T_s7@@2",
         .extra_head = "requeue:false\n",
         .session = session_id{4},
         .client_receipt = "n"},
        log);
    EXPECT_EQ(
        log.take(),
        (lines{"link 3 <- ACK id:T_s7@@1", "link 3 <- NACK id:T_s7@@2 receipt:r1 requeue:false"}));
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").owed.kind, owed_kind::acknowledge);
    ready(barrier_kind::routed, "1.1");
    core->acknowledge({.wire = wire_id{7}, .broker_ack = "T_s7@@1"}, log);
    EXPECT_EQ(log.take(), (lines{"link 3 <- ACK message-id:T_s7@@1 subscription:s7"}));
}

TEST_F(LinkFrames, ATransactionIsAnsweredByItsCommit)
{
    ready();
    const auto id = core->begin(session_id{4}, log);
    sends(
        "SEND destination:/topic/a transaction:theirs receipt:in | 1",
        {.session = session_id{4}, .transaction = id});
    core->acknowledge(
        {.wire = wire_id{7}, .broker_ack = "9", .transaction = id, .client_receipt = "x"}, log);
    core->commit(id, {.session = session_id{4}, .client_receipt = "in\nout"}, log);
    EXPECT_EQ(
        log.take(),
        (lines{
            "link 3 <- BEGIN transaction:t1",
            "link 3 <- SEND destination:/topic/a transaction:t1 | 1",
            "link 3 <- ACK id:9 transaction:t1", "link 3 <- COMMIT transaction:t1 receipt:r1"}));
    EXPECT_EQ(core->sent(), 1u); // a transaction is one unit of proof
    const auto event = gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(event.owed.kind, owed_kind::commit);
    EXPECT_EQ(event.owed.client_receipt, "in\nout");
    EXPECT_EQ(core->begin(session_id{4}, log), "t2");
}

TEST_F(LinkFrames, M3_H13_AMarkerGoesToTheQueueItselfAndOwesNothing)
{
    ready();
    core->marker("stomp-subscription-teal-1", "s7", log);
    EXPECT_EQ(
        log.take(),
        lines{"link 3 <- SEND destination:/amq/queue/stomp-subscription-teal-1 teal-marker:s7"});
    EXPECT_TRUE(core->proven()); // the guarantee speaks of clients' SENDs
}

TEST_F(LinkFrames, MessagesNameTheirWireSubscription)
{
    ready();
    const auto message = gets("MESSAGE subscription:s7 message-id:1 destination:/topic/a | x");
    EXPECT_EQ(message.what, kind::message);
    EXPECT_EQ(message.wire, wire_id{7});
    const auto reply = gets("MESSAGE subscription:/temp-queue/answers message-id:1 | x");
    EXPECT_EQ(reply.what, kind::reply);
    EXPECT_EQ(reply.name, "/temp-queue/answers");
    EXPECT_EQ(gets("MESSAGE message-id:1 | x").what, kind::reply);
}

} // namespace
