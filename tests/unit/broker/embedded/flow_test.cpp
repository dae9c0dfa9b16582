// Proves the bounds of memory: a slow consumer's messages wait in its queue and go on when it
// reads, nobody else notices, and at the limit the sender is told so.

#include "broker_fixture.hpp"

namespace embedded::testing {
namespace {

using stomp::command;
class BrokerCoreFlow : public BrokerFixture {};

TEST_F(BrokerCoreFlow, HoldsBackWhatASlowConsumerDoesNotTake)
{
    client& slow = connect();
    client& fast = connect();
    subscribe(slow, "1", "/topic/a");
    subscribe(slow, "2", "/topic/b");
    subscribe(fast, "1", "/topic/a");
    slow.stuck_bytes = 1 << 20;
    send(fast, "/topic/a", "1");
    send(fast, "/topic/b", "2");
    send(fast, "/topic/a", "3");
    EXPECT_EQ(bodies(fast), (frames{"1", "3"}));
    EXPECT_EQ(bodies(slow), frames{});
    EXPECT_GT(core().stats().memory_bytes, 0u);
    core().on_writable(slow.id, now); // still over its mark
    EXPECT_EQ(bodies(slow), frames{});
    slow.stuck_bytes = 100;
    core().on_writable(slow.id, now);
    EXPECT_EQ(bodies(slow), (frames{"1", "3", "2"}));
    EXPECT_EQ(core().stats().memory_bytes, 0u);
    send(fast, "/topic/a", "4");
    EXPECT_EQ(bodies(slow), (frames{"4"}));
}

TEST_F(BrokerCoreFlow, GivesQueueMessagesToWhoReads)
{
    client& slow = connect();
    client& fast = connect();
    subscribe(slow, "1", "/queue/q");
    subscribe(fast, "1", "/queue/q");
    slow.stuck_bytes = 1 << 20;
    for (const char* body : {"1", "2", "3"}) {
        send(fast, "/queue/q", body);
    }
    EXPECT_EQ(bodies(fast), (frames{"1", "2", "3"}));
}

TEST_F(BrokerCoreFlow, ForgetsAChokedSubscriptionThatIsLeft)
{
    client& slow = connect();
    client& p = connect();
    subscribe(slow, "1", "/queue/q");
    slow.stuck_bytes = 1 << 20;
    send(p, "/queue/q", "1");
    say(slow, command::unsubscribe, {{"id", "1"}});
    slow.stuck_bytes = 0;
    core().on_writable(slow.id, now);
    EXPECT_EQ(bodies(slow), frames{});
    subscribe(p, "1", "/queue/q");
    EXPECT_EQ(bodies(p), (frames{"1"}));
}

TEST_F(BrokerCoreFlow, TellsTheSenderWhenMemoryIsFull)
{
    broker_options options = defaults();
    options.memory_bytes_max = 1000;
    restart(options);
    client& p = connect();
    send(p, "/queue/q", std::string(1000, 'x'));
    EXPECT_EQ(p.take(), frames{});
    send(p, "/queue/q", "y");
    expect_error(p, "memory limit");
    EXPECT_NE(p.got[0].find("1000 bytes"), std::string::npos);
    client& t = connect();
    say(t, command::begin, {{"transaction", "t"}});
    say(t, command::ack, {{"id", "n-1-1"}, {"transaction", "t"}});
    expect_error(t, "unknown ack id");
    client& c = connect();
    subscribe(c, "1", "/queue/q");
    EXPECT_EQ(bodies(c), (frames{std::string(1000, 'x')}));
    send(c, "/queue/q", "z");
    EXPECT_EQ(bodies(c), (frames{"z"})) << "there is room again";
}

TEST_F(BrokerCoreFlow, CountsWhatIsNotAcknowledged)
{
    client& c = connect();
    subscribe(c, "1", "/topic/a", {{"ack", "client"}});
    send(c, "/topic/a", "x");
    EXPECT_GT(core().stats().memory_bytes, 0u);
    gone(c);
    EXPECT_EQ(core().stats().memory_bytes, 0u);
}

} // namespace
} // namespace embedded::testing
