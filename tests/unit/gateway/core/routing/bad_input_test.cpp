// Proves contract.md "What bad input gets": ERROR with a message, and the receipt that was asked
// for, then close; and that a neighbour on the same links notices nothing.

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

class RouterBadInput : public RouterTest {
protected:
    RouterBadInput(gateway::shard_settings settings = usual_settings())
        : RouterTest(std::move(settings))
    {
        client();
        client();
        skip_effects();
    }
    // Client 1 is told that sentence and closed, and nothing else happens.
    void refused(
        const std::string& frame, const std::string& sentence,
        const std::string& why = "protocol_error",
        std::source_location at = std::source_location::current())
    {
        says(a, frame + " receipt:x");
        effects_are(
            {"client 1 <- ERROR message:" + escaped(sentence) + " receipt-id:x",
             "close client 1 " + why + ": " + sentence},
            at);
        EXPECT_FALSE(exists(a));
        says(b, "SEND destination:/topic/a receipt:s");
        EXPECT_EQ(log.take().back(), "client 2 <- RECEIPT receipt-id:s");
    }
    static std::string escaped(const std::string& text)
    {
        return stomp::escape(text, stomp::version::v12);
    }
    const session_id a{1}, b{2};
};

TEST_F(RouterBadInput, ASecondConnect)
{
    refused("CONNECT accept-version:1.2", "connected already");
}
TEST_F(RouterBadInput, ABrokersFrame)
{
    refused("MESSAGE destination:/topic/a", "not a client's frame");
}
TEST_F(RouterBadInput, SendWithoutADestination)
{
    refused("SEND x:y", "SEND without a destination");
}
TEST_F(RouterBadInput, SubscribeWithoutADestination)
{
    refused("SUBSCRIBE id:1", "SUBSCRIBE without a destination");
}
TEST_F(RouterBadInput, SubscribeWithoutAnId)
{
    refused("SUBSCRIBE destination:/topic/a", "SUBSCRIBE without an id");
}
TEST_F(RouterBadInput, SubscribeWithAnUnknownAckMode)
{
    refused(
        "SUBSCRIBE id:1 destination:/topic/a ack:perhaps",
        "SUBSCRIBE with an unknown ack mode: perhaps");
}
TEST_F(RouterBadInput, ASecondSubscribeOfAnId)
{
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(b, "SUBSCRIBE id:1 destination:/topic/a"); // keeps the shared one: nothing is unsubscribed
    skip_effects();
    refused("SUBSCRIBE id:1 destination:/topic/b", "a subscription with this id is open already");
}
TEST_F(RouterBadInput, UnsubscribeOfNoSubscription)
{
    refused("UNSUBSCRIBE id:1", "UNSUBSCRIBE of no subscription");
}
TEST_F(RouterBadInput, AckWithoutAnId)
{
    refused("ACK subscription:1", "ACK or NACK without an id");
}
TEST_F(RouterBadInput, BeginWithoutATransaction)
{
    refused("BEGIN x:y", "a transaction frame without a transaction");
}
TEST_F(RouterBadInput, BeginOfAnOpenTransaction)
{
    says(a, "BEGIN transaction:t");
    refused("BEGIN transaction:t", "the transaction is open already");
}
TEST_F(RouterBadInput, SendInAnUnknownTransaction)
{
    refused("SEND destination:/topic/a transaction:t", "no such transaction");
}
TEST_F(RouterBadInput, AckInAnUnknownTransaction)
{
    refused("ACK id:ab-1 transaction:t", "no such transaction");
}
TEST_F(RouterBadInput, CommitAndAbortOfAnUnknownTransaction)
{
    refused("COMMIT transaction:t", "no such transaction");
}
TEST_F(RouterBadInput, TooManyTransactions)
{
    for (int i = 0; i < 16; ++i) {
        says(a, "BEGIN transaction:t" + std::to_string(i));
    }
    refused("BEGIN transaction:t", "too many open transactions (limits.transactions)");
}
TEST_F(RouterBadInput, BytesThatAreNoFrame)
{
    router.on_client_fault(a, "a header line without ':'\nor worse", now);
    work();
    effects_are(
        {"client 1 <- ERROR message:a header line without '\\c' or worse",
         "close client 1 protocol_error: a header line without ':' or worse"});
    EXPECT_TRUE(exists(b));
}

class RouterFewSubscriptions : public RouterBadInput {
protected:
    static gateway::shard_settings few()
    {
        auto s = usual_settings();
        s.subscriptions = 2;
        return s;
    }
    RouterFewSubscriptions() : RouterBadInput(few()) {}
};

TEST_F(RouterFewSubscriptions, OneTooMany)
{
    for (const auto* id : {"1", "2"}) {
        says(a, std::string{"SUBSCRIBE destination:/topic/a id:"} + id);
    }
    says(b, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    refused(
        "SUBSCRIBE id:3 destination:/topic/a", "too many subscriptions (limits.subscriptions)",
        "limit");
}

} // namespace
