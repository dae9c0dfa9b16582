// Proves what topic subscriptions get: copies, order, markers through their own queue, what
// UNSUBSCRIBE still writes, durable ones, and headers as they were sent.

#include "broker_fixture.hpp"

namespace embedded::testing {
namespace {

using stomp::command;
class BrokerCoreTopic : public BrokerFixture {};

TEST_F(BrokerCoreTopic, GivesEverySubscriptionACopyWithTheHeadersAsSent)
{
    client& a = connect();
    client& b = connect();
    subscribe(a, "x\\c1", "/topic/a", {{"receipt", "s"}});
    subscribe(b, "2", "/topic/a");
    subscribe(b, "3", "/topic/other");
    EXPECT_EQ(a.take(), (frames{"RECEIPT\nreceipt-id:s\n\n"}));
    say(a, command::send,
        {{"destination", "/topic/a"},
         {"receipt", "r"},
         {"message-id", "mine"},
         {"k", "v\\cw"},
         {"k", "again"},
         {"content-length", "5"},
         {"subscription", "forged"},
         {"ack", "forged"},
         {"redelivered", "true"}},
        "hello");
    const std::string rest = "destination:/topic/a\nk:v\\cw\ncontent-length:5\n\nhello";
    EXPECT_EQ(
        a.take(), (frames{
                      "MESSAGE\nsubscription:x\\c1\nmessage-id:n-1-1\n" + rest,
                      "RECEIPT\nreceipt-id:r\n\n"}));
    EXPECT_EQ(b.take(), (frames{"MESSAGE\nsubscription:2\nmessage-id:n-2-1\n" + rest}));
    EXPECT_EQ(core().stats().memory_bytes, 0u);
}

TEST_F(BrokerCoreTopic, MatchesExactlyWhateverTheEscapes)
{
    client& c = connect();
    subscribe(c, "1", "/topic/a:b"); // an unescaped ':' in a value is common, and means the same
    subscribe(c, "2", "/exchange/e/a.*");
    send(c, "/topic/a\\cb", "1");
    send(c, "/exchange/e/a.b", "2");
    send(c, "/exchange/e/a.*", "3");
    send(c, "/topic/a", "4");
    EXPECT_EQ(bodies(c), (frames{"1", "3"}));
    EXPECT_EQ(core().stats().dropped, 2u);
}

TEST_F(BrokerCoreTopic, ReencodesHeadersForOtherVersions)
{
    client& v12 = connect();
    client& v11 = connect("1.1");
    client& v10 = connect("1.0");
    for (client* c : {&v12, &v11, &v10}) {
        subscribe(*c, "1", "/topic/a");
    }
    say(v12, command::send, {{"destination", "/topic/a"}, {"k", "a\\cb\\\\"}}, "x");
    EXPECT_NE(v12.take()[0].find("\nk:a\\cb\\\\\n"), std::string::npos);
    EXPECT_NE(v11.take()[0].find("\nk:a\\cb\\\\\n"), std::string::npos);
    EXPECT_NE(v10.take()[0].find("\nk:a:b\\\n"), std::string::npos);
    say(v10, command::send, {{"destination", "/topic/a"}, {"k", "a:b"}}, "x");
    EXPECT_NE(v12.take()[0].find("\nk:a\\cb\n"), std::string::npos);
    EXPECT_NE(v10.take()[0].find("\nk:a:b\n"), std::string::npos);
}

TEST_F(BrokerCoreTopic, PutsAMarkerBehindEverythingRoutedBefore)
{
    client& c = connect();
    client& gateway = connect();
    subscribe(
        c, "1", "/topic/a", {{"x-queue-name", "stomp-subscription-teal-7"}, {"exclusive", "true"}});
    c.stuck_bytes = 2 << 20; // so everything waits in its queue
    send(gateway, "/topic/a", "1");
    send(gateway, "/topic/a", "2");
    say(gateway, command::send,
        {{"destination", "/amq/queue/stomp-subscription-teal-7"}, {"receipt", "m"}}, "marker");
    send(gateway, "/topic/a", "3");
    EXPECT_EQ(gateway.take(), (frames{"RECEIPT\nreceipt-id:m\n\n"}));
    EXPECT_EQ(bodies(c), frames{});
    c.stuck_bytes = 0;
    core().on_writable(c.id, now);
    EXPECT_EQ(bodies(c), (frames{"1", "2", "marker", "3"}));
    EXPECT_EQ(core().stats().gateway.sent, 1u);
    EXPECT_EQ(core().stats().gateway.delivered, 1u);
    EXPECT_EQ(core().stats().clients.sent, 3u);
}

TEST_F(BrokerCoreTopic, DropsAMarkerForAQueueThatIsGoneButAnswersIt)
{
    client& c = connect();
    say(c, command::send, {{"destination", "/amq/queue/teal-none"}, {"receipt", "r"}}, "x");
    EXPECT_EQ(c.take(), (frames{"RECEIPT\nreceipt-id:r\n\n"}));
    EXPECT_EQ(core().stats().dropped, 1u);
}

// Its name can be guessed from a message-id; what it holds is one subscription's.
TEST_F(BrokerCoreTopic, NobodyElseReadsAQueueThatWasMadeForASubscription)
{
    client& c = connect();
    subscribe(c, "1", "/topic/a");
    client& thief = connect();
    say(thief, command::subscribe, {{"id", "1"}, {"destination", "/amq/queue/stomp-subscription-n-1"}});
    expect_error(thief, "queue is exclusive");
    send(c, "/topic/a", "x");
    EXPECT_EQ(bodies(c), (frames{"x"}));
}

TEST_F(BrokerCoreTopic, RefusesThePublicQueueNameOfASubscriptionsQueue)
{
    client& c = connect();
    subscribe(c, "1", "/topic/a", {{"x-queue-name", "q"}});
    client& other = connect();
    send(other, "/queue/q", "x");
    expect_error(other, "queue is of another kind");
}

TEST_F(BrokerCoreTopic, WritesWhatIsQueuedBeforeTheReceiptOfUnsubscribe)
{
    client& c = connect();
    client& p = connect();
    subscribe(c, "1", "/topic/a");
    c.stuck_bytes = 2 << 20;
    send(p, "/topic/a", "1");
    send(p, "/topic/a", "2");
    say(c, command::unsubscribe, {{"id", "1"}, {"receipt", "u"}});
    ASSERT_EQ(c.got.size(), 3u);
    EXPECT_EQ(c.got[2], "RECEIPT\nreceipt-id:u\n\n");
    EXPECT_EQ(bodies(c), (frames{"1", "2"}));
    EXPECT_EQ(core().stats().memory_bytes, 0u);
    send(p, "/topic/a", "3");
    say(c, command::unsubscribe, {{"id", "1"}, {"receipt", "v"}}); // again: no fault
    EXPECT_EQ(c.take(), (frames{"RECEIPT\nreceipt-id:v\n\n"}));
    EXPECT_FALSE(c.closed);
}

TEST_F(BrokerCoreTopic, KeepsWhatADurableSubscriptionMissed)
{
    client& c = connect();
    subscribe(c, "1", "/topic/a", {{"durable", "true"}});
    client& p = connect();
    send(p, "/topic/a", "1");
    EXPECT_EQ(bodies(c), (frames{"1"}));
    say(c, command::disconnect);
    send(p, "/topic/a", "2");
    client& again = connect();
    subscribe(again, "1", "/topic/a", {{"durable", "true"}, {"receipt", "s"}});
    EXPECT_EQ(again.got[0], "RECEIPT\nreceipt-id:s\n\n");
    EXPECT_EQ(bodies(again), (frames{"2"}));
    say(again, command::unsubscribe, {{"id", "1"}, {"durable", "true"}});
    send(p, "/topic/a", "3");
    subscribe(again, "1", "/topic/a", {{"durable", "true"}});
    EXPECT_EQ(bodies(again), frames{});
}

TEST_F(BrokerCoreTopic, NamesNoSubscriptionWhereVersion10GaveNone)
{
    client& c = connect("1.0");
    say(c, command::subscribe, {{"destination", "/topic/a"}});
    send(c, "/topic/a", "x");
    EXPECT_EQ(c.take(), (frames{"MESSAGE\nmessage-id:n-1-1\ndestination:/topic/a\n\nx"}));
    say(c, command::unsubscribe, {{"destination", "/topic/a"}});
    send(c, "/topic/a", "y");
    EXPECT_EQ(c.take(), frames{});
}

} // namespace
} // namespace embedded::testing
