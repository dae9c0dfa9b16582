// Proves what becomes of a MESSAGE that is larger than limits.broker_frame: it is told to the
// broker so that it does not come again, counted, logged once, and nobody else notices
// (docs/outside.md F3).

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

class RouterSkipped : public RouterTest {
protected:
    explicit RouterSkipped(gateway::shard_settings settings = usual_settings())
        : RouterTest(std::move(settings))
    {
    }
    void reads_a_queue(const std::string& version, const std::string& destination = "/queue/q")
    {
        brokers.blue.more = server;
        client("CONNECT accept-version:" + version + " host:/ login:anna");
        says(a, "SUBSCRIBE id:1 destination:" + destination);
        own = router.session(a)->now().own;
        wire = broker::to_wire((*router.session(a)->journal.begin())->wires.blue);
        skip_effects();
    }
    std::string link() const { return std::to_string(static_cast<std::uint64_t>(own)); }
    const session_id a{1};
    link_id own{};
    std::string server = "server:RabbitMQ/3.10.8";
    std::string wire;
};

TEST_F(RouterSkipped, F3_In12ItIsNackedAndNotGivenBackToItsQueue)
{
    reads_a_queue("1.2");
    skips(2, "MESSAGE subscription:" + wire + " message-id:m ack:T_1 destination:/queue/q");
    effects_are({"link 2 <- NACK id:T_1 requeue:false"});
    EXPECT_EQ(state(a), session_state::active);
    brings(2, "MESSAGE subscription:" + wire + " message-id:n ack:T_2 destination:/queue/q | x");
    const auto seen = log.take();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_TRUE(seen[0].starts_with("client 1 <- MESSAGE subscription:1")) << seen[0];
}

TEST_F(RouterSkipped, F3_In11ItIsNackedByMessageId)
{
    reads_a_queue("1.1");
    skips(2, "MESSAGE subscription:" + wire + " message-id:m destination:/queue/q");
    effects_are({"link 2 <- NACK message-id:m subscription:" + wire + " requeue:false"});
}

TEST_F(RouterSkipped, F3_In10ItIsAcknowledged)
{
    reads_a_queue("1.0");
    skips(
        static_cast<std::uint64_t>(own),
        "MESSAGE subscription:" + wire + " message-id:m destination:/queue/q");
    effects_are({"link " + link() + " <- ACK message-id:m subscription:" + wire});
}

TEST_F(RouterSkipped, F3_WhereNothingIsAcknowledgedNothingIsSaid)
{
    reads_a_queue("1.2", "/topic/a");
    skips(2, "MESSAGE subscription:" + wire + " message-id:m destination:/topic/a");
    skips(2, "MESSAGE subscription:/temp-queue/x message-id:m destination:/reply-queue/x");
    skips(2, "MESSAGE message-id:m");
    skips(9, "MESSAGE subscription:" + wire + " message-id:m"); // a link that is gone
    effects_are({});
}

TEST_F(RouterSkipped, F3_BehindAnUnsubscribeNothingIsSaid)
{
    reads_a_queue("1.2");
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.command == stomp::command::unsubscribe;
    };
    says(a, "UNSUBSCRIBE id:1");
    skip_effects();
    skips(2, "MESSAGE subscription:" + wire + " message-id:m ack:T_1 destination:/queue/q");
    effects_are({}); // RabbitMQ would answer with ERROR (S11)
}

TEST_F(RouterSkipped, F3_IsCountedByDestinationAndLoggedOnce)
{
    reads_a_queue("1.2", "/topic/a");
    log.logged.clear();
    for (int i = 0; i < 5; ++i) {
        skips(2, "MESSAGE subscription:" + wire + " message-id:m destination:/topic/a");
    }
    ASSERT_EQ(log.logged.size(), 1u);
    EXPECT_NE(log.logged[0].find("limits.broker_frame"), std::string::npos) << log.logged[0];
    EXPECT_NE(log.logged[0].find("/topic/a"), std::string::npos) << log.logged[0];
    ASSERT_EQ(counters.skipped.entries().size(), 1u);
    EXPECT_EQ(counters.skipped.entries()[0].destination, "/topic/a");
    EXPECT_EQ(counters.skipped.entries()[0].messages, 5u);
    for (int i = 0; i < 1000; ++i) {
        skips(
            2, "MESSAGE subscription:" + wire + " message-id:m destination:/topic/" +
                   std::to_string(i));
    }
    EXPECT_LE(counters.skipped.entries().size(), 17u);
    EXPECT_LE(log.logged.size(), 17u);
    EXPECT_EQ(counters.skipped.entries().back().destination, "other");
}

TEST_F(RouterSkipped, F3_ABrokerThatMayGiveItBackAllTheSameIsBelievedOnce)
{
    server = "server:other/1";
    reads_a_queue("1.2");
    const auto head = "MESSAGE subscription:" + wire + " ack:T_1 destination:/queue/q";
    skips(2, head);
    effects_are({"link 2 <- NACK id:T_1"});
    skips(2, head + " redelivered:true");
    effects_are({"link 2 <- ACK id:T_1"});
}

TEST_F(RouterSkipped, F3_RabbitMqIsToldEachTime)
{
    reads_a_queue("1.2");
    skips(2, "MESSAGE subscription:" + wire + " ack:T_1 destination:/queue/q redelivered:true");
    effects_are({"link 2 <- NACK id:T_1 requeue:false"});
}

class RouterSkippedElsewhere : public RouterSkipped {
protected:
    static gateway::shard_settings artemis()
    {
        auto s = usual_settings();
        s.dialects.blue = broker::dialect::artemis;
        return s;
    }
    RouterSkippedElsewhere() : RouterSkipped(artemis()) {}
};

TEST_F(RouterSkippedElsewhere, F3_OtherBrokersKnowNoRequeueHeader)
{
    reads_a_queue("1.2");
    skips(
        static_cast<std::uint64_t>(own),
        "MESSAGE subscription:" + wire + " message-id:m ack:T_1 destination:/queue/q");
    effects_are({"link " + link() + " <- NACK id:T_1"});
}

} // namespace
