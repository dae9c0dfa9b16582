// Proves what queues do: backlog, competing consumers, prefetch, exclusive and auto-delete ones,
// temporary queues and reply addresses.

#include "broker_fixture.hpp"

namespace embedded::testing {
namespace {

using stomp::command;
class BrokerCoreQueue : public BrokerFixture {
protected:
    std::size_t queues()
    {
        std::size_t count = 0;
        core().queues().each([&](const message_queue&) { ++count; });
        return count;
    }
};

TEST_F(BrokerCoreQueue, KeepsMessagesUntilSomebodyComes)
{
    client& p = connect();
    send(p, "/queue/q", "1");
    send(p, "/amq/queue/q", "2");
    client& c = connect();
    subscribe(c, "1", "/queue/q", {{"receipt", "s"}});
    EXPECT_EQ(c.got[0], "RECEIPT\nreceipt-id:s\n\n");
    EXPECT_EQ(bodies(c), (frames{"1", "2"}));
    EXPECT_EQ(core().stats().memory_bytes, 0u);
    gone(c);
    EXPECT_EQ(queues(), 0u);
}

TEST_F(BrokerCoreQueue, GoesRoundAmongConsumersThatHaveRoom)
{
    client& a = connect();
    client& b = connect();
    subscribe(a, "1", "/queue/q", {{"ack", "client-individual"}, {"prefetch-count", "1"}});
    subscribe(b, "1", "/amq/queue/q", {{"ack", "client-individual"}, {"prefetch-count", "2"}});
    for (const char* body : {"1", "2", "3", "4", "5"}) {
        send(a, "/queue/q", body);
    }
    EXPECT_EQ(bodies(a), (frames{"1"}));
    EXPECT_EQ(bodies(b), (frames{"2", "3"}));
    say(b, command::ack, {{"id", "n-2-1"}});
    EXPECT_EQ(bodies(b), (frames{"4"}));
    say(a, command::ack, {{"id", "n-1-1"}});
    EXPECT_EQ(bodies(a), (frames{"5"}));
}

TEST_F(BrokerCoreQueue, TurnsAroundWithUnlimitedConsumers)
{
    client& a = connect();
    client& b = connect();
    subscribe(a, "1", "/queue/q");
    subscribe(b, "1", "/queue/q");
    for (const char* body : {"1", "2", "3", "4"}) {
        send(a, "/queue/q", body);
    }
    EXPECT_EQ(bodies(a), (frames{"1", "3"}));
    EXPECT_EQ(bodies(b), (frames{"2", "4"}));
}

TEST_F(BrokerCoreQueue, LeavesItsBacklogToOthersAtUnsubscribe)
{
    client& a = connect();
    subscribe(a, "1", "/queue/q", {{"ack", "client"}, {"prefetch-count", "1"}});
    send(a, "/queue/q", "1");
    send(a, "/queue/q", "2");
    EXPECT_EQ(bodies(a), (frames{"1"}));
    say(a, command::unsubscribe, {{"id", "1"}, {"receipt", "u"}});
    EXPECT_EQ(a.take(), (frames{"RECEIPT\nreceipt-id:u\n\n"}));
    subscribe(a, "2", "/queue/q");
    EXPECT_EQ(bodies(a), (frames{"*1", "2"}));
}

TEST_F(BrokerCoreQueue, IsLockedWhileExclusiveToAnother)
{
    client& a = connect();
    subscribe(a, "1", "/queue/q", {{"exclusive", "true"}});
    client& b = connect();
    subscribe(b, "1", "/queue/q");
    expect_error(b, "queue is exclusive");
    send(a, "/queue/q", "x");
    EXPECT_EQ(bodies(a), (frames{"x"}));
    gone(a);
    EXPECT_EQ(queues(), 0u);
    client& c = connect();
    send(c, "/queue/q", "x");
    subscribe(c, "1", "/queue/q", {{"exclusive", "true"}});
    expect_error(c, "queue is exclusive"); // what all could reach does not become one's own
    gone(c);
    EXPECT_EQ(queues(), 1u);
}

TEST_F(BrokerCoreQueue, GoesWithItsLastConsumerWhenAutoDelete)
{
    client& a = connect();
    subscribe(
        a, "1", "/queue/q", {{"auto-delete", "true"}, {"ack", "client"}, {"prefetch-count", "1"}});
    send(a, "/queue/q", "1");
    send(a, "/queue/q", "2");
    gone(a);
    EXPECT_EQ(queues(), 0u);
    EXPECT_EQ(core().stats().memory_bytes, 0u);
}

TEST_F(BrokerCoreQueue, GivesNoNameThatAClientGave)
{
    client& a = connect();
    subscribe(a, "1", "/topic/a", {{"x-queue-name", "stomp-subscription-n-1"}});
    subscribe(a, "2", "/topic/a", {{"x-queue-name", ""}});
    send(a, "/topic/a", "x");
    EXPECT_EQ(bodies(a), (frames{"x", "x"}));
    EXPECT_EQ(queues(), 2u);
}

TEST_F(BrokerCoreQueue, MakesAReplyAddressOfATempQueue)
{
    client& asker = connect();
    client& worker = connect();
    subscribe(worker, "w", "/queue/work");
    say(asker, command::send,
        {{"destination", "/queue/work"}, {"reply-to", "/temp-queue/r"}, {"k", "v"}}, "ask");
    EXPECT_EQ(
        worker.take(),
        (frames{"MESSAGE\nsubscription:w\nmessage-id:n-1-1\ndestination:/queue/work\nk:v\n"
                "reply-to:/reply-queue/reply-n-1\n\nask"}));
    send(worker, "/reply-queue/reply-n-1", "answer");
    EXPECT_EQ(
        asker.take(), (frames{"MESSAGE\nsubscription:/temp-queue/r\nmessage-id:n-2-1\n"
                              "destination:/reply-queue/reply-n-1\n\nanswer"}));
    say(asker, command::send, {{"destination", "/queue/work"}, {"reply-to", "/temp-queue/r"}},
        "ask");
    EXPECT_NE(worker.take()[0].find("/reply-queue/reply-n-1\n"), std::string::npos)
        << "one address a name";
    gone(asker);
    say(worker, command::send, {{"destination", "/reply-queue/reply-n-1"}, {"receipt", "r"}},
        "late");
    EXPECT_EQ(worker.take(), (frames{"RECEIPT\nreceipt-id:r\n\n"}));
    EXPECT_EQ(core().stats().dropped, 1u);
}

} // namespace
} // namespace embedded::testing
