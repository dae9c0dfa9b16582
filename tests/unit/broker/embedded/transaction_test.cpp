// Proves transactions: nothing happens before COMMIT, everything in order with it, nothing after
// ABORT or a lost connection.

#include "broker_fixture.hpp"

namespace embedded::testing {
namespace {

using stomp::command;
class BrokerCoreTransaction : public BrokerFixture {};

TEST_F(BrokerCoreTransaction, RunsItsFramesInOrderAtCommit)
{
    client& c = connect();
    subscribe(c, "1", "/queue/q", {{"ack", "client"}});
    send(c, "/queue/q", "x");
    c.take();
    say(c, command::begin, {{"transaction", "t"}, {"receipt", "b"}});
    say(c, command::send, {{"destination", "/topic/a"}, {"transaction", "t"}, {"receipt", "1"}},
        "one");
    say(c, command::ack, {{"id", "n-1-1"}, {"transaction", "t"}, {"receipt", "2"}});
    EXPECT_EQ(c.take(), (frames{"RECEIPT\nreceipt-id:b\n\n"}));
    EXPECT_EQ(core().stats().clients.sent, 1u);
    EXPECT_EQ(core().stats().clients.acked, 0u);
    client& other = connect();
    subscribe(other, "1", "/topic/a");
    say(c, command::commit, {{"transaction", "t"}, {"receipt", "c"}});
    EXPECT_EQ(
        other.take(),
        (frames{"MESSAGE\nsubscription:1\nmessage-id:n-2-1\ndestination:/topic/a\n\none"}));
    EXPECT_EQ(
        c.take(), (frames{
                      "RECEIPT\nreceipt-id:1\n\n", "RECEIPT\nreceipt-id:2\n\n",
                      "RECEIPT\nreceipt-id:c\n\n"}));
    EXPECT_EQ(core().stats().clients.sent, 2u);
    EXPECT_EQ(core().stats().clients.acked, 1u);
    EXPECT_EQ(core().stats().memory_bytes, 0u);
}

TEST_F(BrokerCoreTransaction, LeavesNothingBehindWhenAborted)
{
    client& c = connect();
    subscribe(c, "1", "/topic/a");
    say(c, command::begin, {{"transaction", "t"}});
    say(c, command::send, {{"destination", "/topic/a"}, {"transaction", "t"}, {"receipt", "1"}},
        "one");
    EXPECT_GT(core().stats().memory_bytes, 0u);
    say(c, command::abort, {{"transaction", "t"}, {"receipt", "a"}});
    EXPECT_EQ(c.take(), (frames{"RECEIPT\nreceipt-id:a\n\n"}));
    EXPECT_EQ(core().stats().memory_bytes, 0u);
    say(c, command::begin, {{"transaction", "t"}}); // the name is free again
    EXPECT_FALSE(c.closed);
    say(c, command::begin, {{"transaction", "t"}});
    expect_error(c, "transaction is open already");
}

TEST_F(BrokerCoreTransaction, DiesWithItsConnection)
{
    client& c = connect();
    say(c, command::begin, {{"transaction", "t"}});
    say(c, command::send, {{"destination", "/queue/a"}, {"transaction", "t"}}, "one");
    gone(c);
    EXPECT_EQ(core().stats().clients.sent, 0u);
    EXPECT_EQ(core().stats().memory_bytes, 0u);
}

TEST_F(BrokerCoreTransaction, KnowsABadAckWhenItComes)
{
    client& c = connect();
    say(c, command::begin, {{"transaction", "t"}});
    say(c, command::ack, {{"id", "n-9-1"}, {"transaction", "t"}});
    expect_error(c, "unknown ack id");
}

} // namespace
} // namespace embedded::testing
