// Proves whose an ERROR is: one frame's, one subscription's, nobody's; and that what RabbitMQ says
// behind it, or about a message in flight, is not taken for an answer (DESIGN.md sections 5
// and 6.4, HAZARDS.md H20).

#include "tests/unit/broker/link_scene.hpp"

namespace {

using namespace broker;
using namespace testing_support;

class LinkError : public LinkTest {};

TEST_F(LinkError, ThatNamesAReceiptFailsThatFrame)
{
    ready();
    sends("SEND destination:/topic/a", {.session = session_id{4}, .client_receipt = "a"});
    sends("SEND destination:/topic/b", {.session = session_id{5}, .client_receipt = "b"});
    const auto event = gets("ERROR receipt-id:r2 message:not_found | no exchange\nmore");
    EXPECT_EQ(event.what, kind::failed);
    EXPECT_EQ(event.owed.session, session_id{5});
    EXPECT_EQ(event.owed.client_receipt, "b");
    EXPECT_EQ(event.text, "not_found: no exchange");
    EXPECT_EQ(core->owed().open(), 1u);
}

TEST_F(LinkError, ThatNamesNothingIsTheLinks)
{
    ready();
    const auto event = gets("ERROR message:Invalid something");
    EXPECT_EQ(event.what, kind::error);
    EXPECT_EQ(event.text, "Invalid something");
    EXPECT_EQ(core->last_error(), "Invalid something");
}

TEST_F(LinkError, WithoutAMessageSaysItsBody)
{
    ready();
    EXPECT_EQ(gets("ERROR | broken").text, "ERROR: broken");
}

TEST_F(LinkError, H20_MakesTheReceiptBehindItAShadow)
{
    // RabbitMQ answers a SUBSCRIBE that failed with ERROR, *then RECEIPT*, then EOF.
    ready();
    core->subscribe(wire_id{7}, "destination:/queue/none\n", "auto", log);
    EXPECT_EQ(gets("ERROR message:not_found").what, kind::error);
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed);
    EXPECT_EQ(core->owed().open(), 1u); // whoever handles the loss finds it
}

TEST_F(LinkError, ThatNamesTheReceiptOfASubscribeLeavesNoShadowAnswer)
{
    ready();
    core->subscribe(wire_id{7}, "destination:/queue/none\n", "auto", log);
    const auto event = gets("ERROR receipt-id:r1 message:not_found");
    EXPECT_EQ(event.what, kind::failed);
    EXPECT_EQ(event.owed.kind, owed_kind::subscribe);
    EXPECT_EQ(event.owed.wire, wire_id{7});
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed);
}

TEST_F(LinkError, H20_ThatNamesASubscriptionCancelsItAndTheLinkLives)
{
    ready();
    sends("SEND destination:/topic/a", {.session = session_id{4}, .client_receipt = "a"});
    const auto event = gets("ERROR subscription:s7 message:Server cancelled subscription");
    EXPECT_EQ(event.what, kind::cancelled);
    EXPECT_EQ(event.wire, wire_id{7});
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::answered);
}

TEST_F(LinkError, H20_OfAMessageInFlightBehindAnUnsubscribeIsSwallowed)
{
    ready();
    core->unsubscribe(wire_id{4}, false, session_id{4}, "u", log);
    const auto event = gets("ERROR message:Subscription not found | There is no subscription T_s4");
    EXPECT_EQ(event.what, kind::swallowed);
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::answered); // not a shadow: the link lives
    EXPECT_EQ(core->last_error(), "");
}

TEST_F(LinkError, AboutAnotherMissingSubscriptionIsNotSwallowed)
{
    ready();
    EXPECT_EQ(
        gets("ERROR message:Subscription not found | There is no subscription Q_mine").what,
        kind::error);
}

} // namespace
