// Proves acknowledgement: modes, versions, cumulative within a subscription, NACK, redelivery in
// the order of arrival, and ids that are not this session's.

#include "broker_fixture.hpp"

namespace embedded::testing {
namespace {

using stomp::command;
class BrokerCoreAck : public BrokerFixture {
protected:
    void send_numbers(client& c, int count)
    {
        for (int i = 1; i <= count; ++i) {
            send(c, "/queue/q", std::to_string(i));
        }
    }
};

TEST_F(BrokerCoreAck, IsNamedByTheAckHeaderIn12AndTheMessageIdBefore)
{
    client& v12 = connect();
    subscribe(v12, "1", "/queue/q", {{"ack", "client"}});
    send(v12, "/queue/q", "x");
    EXPECT_EQ(
        v12.take(),
        (frames{
            "MESSAGE\nsubscription:1\nmessage-id:n-1-1\nack:n-1-1\ndestination:/queue/q\n\nx"}));
    say(v12, command::ack, {{"id", "n-1-1"}, {"receipt", "a"}});
    EXPECT_EQ(v12.take(), (frames{"RECEIPT\nreceipt-id:a\n\n"}));
    gone(v12);
    client& v11 = connect("1.1");
    subscribe(v11, "1", "/queue/q", {{"ack", "client"}});
    send(v11, "/queue/q", "y");
    EXPECT_EQ(
        v11.take(),
        (frames{"MESSAGE\nsubscription:1\nmessage-id:n-2-1\ndestination:/queue/q\n\ny"}));
    say(v11, command::ack, {{"subscription", "1"}, {"message-id", "n-2-1"}});
    EXPECT_FALSE(v11.closed);
    EXPECT_EQ(core().stats().clients.acked, 2u);
    EXPECT_EQ(core().stats().memory_bytes, 0u);
}

TEST_F(BrokerCoreAck, IsCumulativeForClientWithinItsSubscription)
{
    client& c = connect();
    subscribe(c, "1", "/queue/q", {{"ack", "client"}});
    subscribe(c, "2", "/queue/other", {{"ack", "client"}});
    send(c, "/queue/other", "o");
    send_numbers(c, 4);
    say(c, command::ack, {{"id", "n-1-3"}});
    EXPECT_EQ(core().stats().clients.acked, 3u);
    say(c, command::disconnect);
    client& d = connect();
    subscribe(d, "1", "/queue/q");
    subscribe(d, "2", "/queue/other");
    EXPECT_EQ(bodies(d), (frames{"*4", "*o"}));
}

TEST_F(BrokerCoreAck, IsOfOneForClientIndividual)
{
    client& c = connect();
    subscribe(c, "1", "/queue/q", {{"ack", "client-individual"}});
    send_numbers(c, 4);
    say(c, command::ack, {{"id", "n-1-3"}});
    say(c, command::ack, {{"id", "n-1-1"}});
    gone(c);
    client& d = connect();
    subscribe(d, "1", "/queue/q");
    EXPECT_EQ(bodies(d), (frames{"*2", "*4"}));
}

TEST_F(BrokerCoreAck, NegativePutsBackOrDrops)
{
    client& c = connect();
    subscribe(c, "1", "/queue/q", {{"ack", "client-individual"}, {"prefetch-count", "2"}});
    send_numbers(c, 3);
    EXPECT_EQ(bodies(c), (frames{"1", "2"}));
    say(c, command::nack, {{"id", "n-1-1"}});
    EXPECT_EQ(bodies(c), (frames{"*1"})) << "before 3, which came later";
    say(c, command::nack, {{"id", "n-1-2"}, {"requeue", "false"}});
    EXPECT_EQ(bodies(c), (frames{"3"}));
    EXPECT_EQ(core().stats().dropped, 1u);
}

TEST_F(BrokerCoreAck, PutsBackInTheOrderOfArrivalWhoeverHadIt)
{
    client& a = connect();
    client& b = connect();
    subscribe(a, "1", "/queue/q", {{"ack", "client"}, {"prefetch-count", "2"}});
    subscribe(b, "1", "/queue/q", {{"ack", "client"}, {"prefetch-count", "2"}});
    send_numbers(a, 6);
    EXPECT_EQ(bodies(a), (frames{"1", "3"}));
    EXPECT_EQ(bodies(b), (frames{"2", "4"}));
    gone(b);
    gone(a);
    client& c = connect();
    subscribe(c, "1", "/queue/q");
    EXPECT_EQ(bodies(c), (frames{"*1", "*2", "*3", "*4", "5", "6"}));
    EXPECT_EQ(core().stats().redelivered, 4u);
}

TEST_F(BrokerCoreAck, PutsBackAllOfASessionBeforeOthersGetAnyOfIt)
{
    client& a = connect();
    subscribe(a, "1", "/queue/q", {{"ack", "client"}, {"prefetch-count", "2"}});
    subscribe(a, "2", "/queue/q", {{"ack", "client"}, {"prefetch-count", "2"}});
    send_numbers(a, 5);
    client& b = connect();
    subscribe(b, "1", "/queue/q", {{"ack", "client"}});
    EXPECT_EQ(bodies(b), (frames{"5"}));
    gone(a);
    EXPECT_EQ(bodies(b), (frames{"*1", "*2", "*3", "*4"}));
}

TEST_F(BrokerCoreAck, OfAnotherSessionOrTwiceIsAFault)
{
    client& c = connect();
    subscribe(c, "1", "/queue/q", {{"ack", "client"}});
    send(c, "/queue/q", "x");
    client& thief = connect();
    say(thief, command::ack, {{"id", "n-1-1"}});
    expect_error(thief, "unknown ack id");
    c.take();
    say(c, command::ack, {{"id", "n-1-1"}});
    say(c, command::ack, {{"id", "n-1-1"}});
    expect_error(c, "unknown ack id");
}

TEST_F(BrokerCoreAck, OfASubscriptionThatIsGoneIsNone)
{
    client& c = connect();
    subscribe(c, "1", "/queue/q", {{"ack", "client"}});
    subscribe(c, "2", "/queue/r");
    send(c, "/queue/q", "x");
    send(c, "/queue/r", "y");
    say(c, command::ack, {{"id", "n-2-1"}}); // auto: needless
    say(c, command::unsubscribe, {{"id", "1"}});
    c.take();
    say(c, command::ack, {{"id", "n-1-1"}, {"receipt", "a"}});
    EXPECT_EQ(c.take(), (frames{"RECEIPT\nreceipt-id:a\n\n"}));
    EXPECT_EQ(core().stats().clients.acked, 0u);
}

TEST_F(BrokerCoreAck, OfManyBehindOneThatNeverComesKeepsNoHoles)
{
    client& c = connect();
    subscribe(c, "1", "/queue/q", {{"ack", "client-individual"}});
    send_numbers(c, 1000);
    for (int i = 2; i <= 1000; ++i) {
        say(c, command::ack, {{"id", "n-1-" + std::to_string(i)}});
    }
    EXPECT_FALSE(c.closed);
    EXPECT_EQ(core().stats().clients.acked, 999u);
    say(c, command::ack, {{"id", "n-1-1"}});
    EXPECT_FALSE(c.closed);
    EXPECT_EQ(core().stats().memory_bytes, 0u);
}

} // namespace
} // namespace embedded::testing
