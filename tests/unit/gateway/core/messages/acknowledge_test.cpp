// Proves that an acknowledgement reaches the link of its delivery under the broker's own id, once,
// in each version and mode, and that any other id reaches nobody (switch.md S11, brokers.md H1 to
// H3).

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

class RouterAcknowledge : public RouterTest {
protected:
    void subscribed(const std::string& ack, const std::string& version = "1.2")
    {
        client("CONNECT accept-version:" + version + " host:/ login:anna");
        says(a, "SUBSCRIBE id:mine destination:/queue/q" + (ack.empty() ? "" : " ack:" + ack));
        skip_effects();
    }
    void delivers(int from, int to)
    {
        for (int n = from; n <= to; ++n) {
            const auto i = std::to_string(n);
            brings(
                2, "MESSAGE subscription:s1 message-id:T_s1@@" + i + " ack:A" + i +
                       " destination:/queue/q | " + i);
        }
    }
    const session_id a{1};
};

TEST_F(RouterAcknowledge, H1_V12_TheClientSeesAMintedIdAndTheBrokerItsOwn)
{
    subscribed("client-individual");
    delivers(1, 2);
    effects_are(
        {"client 1 <- MESSAGE subscription:mine ack:ab-1 message-id:ab-1 destination:/queue/q | "
         "1",
         "client 1 <- MESSAGE subscription:mine ack:ab-2 message-id:ab-2 destination:/queue/q | "
         "2"});
    says(a, "ACK id:ab-2 receipt:x");
    effects_are({"link 2 <- ACK id:A2 receipt:r2", "client 1 <- RECEIPT receipt-id:x"});
    says(a, "NACK id:ab-1 requeue:false");
    effects_are({"link 2 <- NACK id:A1 requeue:false"});
}

TEST_F(RouterAcknowledge, H1_V11_TheIdIsTheMessageId)
{
    subscribed("client-individual", "1.1");
    delivers(1, 1);
    effects_are({"client 1 <- MESSAGE subscription:mine message-id:ab-1 destination:/queue/q | 1"});
    says(a, "ACK message-id:ab-1 subscription:mine");
    effects_are({"link 2 <- ACK message-id:T_s1@@1 subscription:s1"});
}

TEST_F(RouterAcknowledge, H2_CumulativeAcksAreExpandedAndTheReceiptIsTheLasts)
{
    subscribed("client");
    delivers(1, 4);
    skip_effects();
    says(a, "ACK id:ab-3 receipt:x");
    effects_are(
        {"link 2 <- ACK id:A1", "link 2 <- ACK id:A2", "link 2 <- ACK id:A3 receipt:r2",
         "client 1 <- RECEIPT receipt-id:x"});
    says(a, "ACK id:ab-4");
    effects_are({"link 2 <- ACK id:A4"});
}

TEST_F(RouterAcknowledge, AnIdIsHonouredOnce)
{
    subscribed("client-individual");
    delivers(1, 1);
    says(a, "ACK id:ab-1");
    skip_effects();
    says(a, "ACK id:ab-1 receipt:x");
    effects_are({"client 1 <- RECEIPT receipt-id:x"}); // swallowed, its RECEIPT answered
}

// K4: brokers give both ids the same value, so clients say the one for the other.
TEST_F(RouterAcknowledge, K4_V12_TheMessageIdIsTheAckId)
{
    subscribed("client-individual");
    delivers(1, 3);
    const lines given = log.take();
    const auto of = [](const std::string& line, const std::string& name) {
        const auto at = line.find(name) + name.size();
        return line.substr(at, line.find(' ', at) - at);
    };
    ASSERT_EQ(given.size(), 3u);
    for (const auto& line : given) {
        EXPECT_EQ(of(line, " ack:"), of(line, " message-id:")) << line;
    }
    says(a, "ACK id:" + of(given[1], " message-id:") + " receipt:x");
    effects_are({"link 2 <- ACK id:A2 receipt:r2", "client 1 <- RECEIPT receipt-id:x"});
    says(a, "NACK message-id:" + of(given[0], " message-id:")); // under the other version's name
    effects_are({"link 2 <- NACK id:A1"});
}

TEST_F(RouterAcknowledge, K4_V11_TheOtherVersionsNameIsTakenToo)
{
    subscribed("client-individual", "1.1");
    delivers(1, 1);
    skip_effects();
    says(a, "ACK id:ab-1 subscription:mine");
    effects_are({"link 2 <- ACK message-id:T_s1@@1 subscription:s1"});
}

TEST_F(RouterAcknowledge, K4_AnIdThatWasNeverGivenIsAnErrorAndHasNoReceipt)
{
    const std::string why = "no such id was given to this session";
    int n = 0;
    for (const std::string version : {"1.1", "1.2"}) {
        for (const std::string frame : {"ACK", "NACK"}) {
            for (const std::string in : {"", " transaction:t"}) {
                // The broker's own, another gateway's, one that this one never mints, malformed.
                for (const std::string id :
                     {"A1", "T_s1@@1", "00000000000000ab-1-1", "0-0-0", "ab-", "17"}) {
                    const auto who = client(
                        "CONNECT accept-version:" + version + " host:/ login:anna n:" +
                        std::to_string(++n));
                    says(who, "SUBSCRIBE id:mine destination:/queue/q ack:client-individual");
                    says(who, "BEGIN transaction:t");
                    skip_effects();
                    says(
                        who, frame + (version == "1.2" ? " id:" : " subscription:mine message-id:") +
                                 id + in + " receipt:x");
                    const auto effects = log.take();
                    ASSERT_FALSE(effects.empty());
                    EXPECT_EQ(
                        effects.front(),
                        name_of(who) + " <- ERROR message:" + why + " receipt-id:x")
                        << version << frame << in << id;
                    for (const auto& line : effects) {
                        EXPECT_EQ(line.find("RECEIPT"), line.npos) << line;
                        EXPECT_EQ(line.find("<- ACK"), line.npos) << line;
                    }
                    EXPECT_FALSE(exists(who));
                }
            }
        }
    }
}

TEST_F(RouterAcknowledge, K4_AnotherSessionsIdIsAnErrorAndItsOwnersDeliveryStays)
{
    subscribed("client-individual");
    delivers(1, 1);
    client();
    skip_effects();
    says(session_id{2}, "ACK id:ab-1 receipt:x"); // session 1's
    effects_are(
        {"client 2 <- ERROR message:no such id was given to this session receipt-id:x",
         "close client 2 protocol_error: no such id was given to this session"});
    EXPECT_EQ(router.session(a)->ledger.size(), 1u);
    says(a, "ACK id:ab-1");
    effects_are({"link 2 <- ACK id:A1"});
}

// An id of an `auto` subscription's was never given to be acknowledged: RabbitMQ answers ERROR too.
TEST_F(RouterAcknowledge, K4_AutomaticOnesKeepTheBrokersMessageId)
{
    subscribed("");
    says(a, "SUBSCRIBE id:t destination:/topic/t");
    skip_effects();
    delivers(1, 1);
    effects_are(
        {"client 1 <- MESSAGE subscription:mine message-id:T_s1@@1 destination:/queue/q | 1",
         "watch client 1"});
    brings(3, "MESSAGE subscription:s2 message-id:T_s2@@1 destination:/topic/t | 1");
    effects_are({"client 1 <- MESSAGE subscription:t message-id:T_s2@@1 destination:/topic/t | 1"});
}

TEST_F(RouterAcknowledge, StoredAutoIsAcknowledgedWhenItsBytesWereWritten)
{
    subscribed("");
    log.unwritten[a] = 1;
    delivers(1, 1);
    effects_are(
        {"client 1 <- MESSAGE subscription:mine message-id:T_s1@@1 destination:/queue/q | 1",
         "watch client 1"});
    router.on_client_written(a, now);
    effects_are({"watch client 1"});
    log.unwritten.clear();
    router.on_client_written(a, now);
    effects_are({"link 2 <- ACK id:A1"});
}

TEST_F(RouterAcknowledge, S11_BehindAnUnsubscribeItIsSwallowed)
{
    subscribed("client-individual");
    delivers(1, 1);
    says(a, "UNSUBSCRIBE id:mine");
    skip_effects();
    says(a, "ACK id:ab-1 receipt:x");
    effects_are({"client 1 <- RECEIPT receipt-id:x"});
}

TEST_F(RouterAcknowledge, S11_BehindALostLinkItIsSwallowed)
{
    subscribed("client-individual");
    delivers(1, 1);
    loses(2);
    skip_effects();
    says(a, "ACK id:ab-1 receipt:x");
    effects_are({"client 1 <- RECEIPT receipt-id:x"});
}

TEST_F(RouterAcknowledge, K4_ASettledOneIsSwallowedAnsweredAndCounted)
{
    subscribed("client");
    delivers(1, 2);
    says(a, "ACK id:ab-2");
    skip_effects();
    says(a, "ACK id:ab-1 receipt:x"); // settled by the other one
    effects_are({"client 1 <- RECEIPT receipt-id:x"});
    EXPECT_EQ(counters.stale_acks[gateway::stale_ack::dropped], 1u);
    says(a, "BEGIN transaction:t");
    says(a, "NACK id:ab-2 transaction:t receipt:y");
    skip_effects();
    says(a, "COMMIT transaction:t receipt:z");
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:y"), 1);
    EXPECT_EQ(std::ranges::count(effects, "client 1 <- RECEIPT receipt-id:z"), 1);
    EXPECT_EQ(counters.stale_acks[gateway::stale_ack::dropped], 2u);
}

TEST_F(RouterAcknowledge, InATransactionItGoesAheadOfTheSends)
{
    subscribed("client-individual");
    delivers(1, 1);
    says(a, "BEGIN transaction:t");
    says(a, "ACK id:ab-1 transaction:t receipt:1");
    says(a, "SEND destination:/topic/a transaction:t | x");
    skip_effects();
    says(a, "COMMIT transaction:t receipt:c");
    effects_are(
        {"link 2 <- ACK id:A1", "link 2 <- BEGIN transaction:t1",
         "link 2 <- SEND destination:/topic/a transaction:t1 | x",
         "link 2 <- COMMIT transaction:t1 receipt:r2", "client 1 <- RECEIPT receipt-id:1",
         "client 1 <- RECEIPT receipt-id:c"});
}

TEST_F(RouterAcknowledge, ABroadcastSubscriptionThatAcknowledgesHasALinkOfItsOwn)
{
    client();
    says(a, "SUBSCRIBE id:mine destination:/topic/a ack:client");
    skip_effects();
    EXPECT_EQ(router.session(a)->now().own, link_id{2});
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/topic/a | 1");
    effects_are(
        {"client 1 <- MESSAGE subscription:mine ack:ab-1 message-id:ab-1 destination:/topic/a | 1"});
    says(a, "ACK id:ab-1");
    effects_are({"link 2 <- ACK id:A1"});
}

// K6: a Spring @SubscribeMapping answer. An ACK by its message-id would be answered with ERROR.
class RouterUnacknowledged : public RouterAcknowledge {
protected:
    void brings_without_ack(const std::string& n, std::uint64_t by = 2)
    {
        brings(
            by, "MESSAGE subscription:s1 message-id:T_s1@@" + n + " destination:/queue/q | " + n);
    }
};

TEST_F(RouterUnacknowledged, K6_AnAutoSubscriptionsMessageIsNeverAcknowledged)
{
    subscribed("");
    brings_without_ack("1");
    effects_are(
        {"client 1 <- MESSAGE subscription:mine message-id:T_s1@@1 destination:/queue/q | 1"});
    router.on_client_written(a, now);
    effects_are({});
    EXPECT_TRUE(router.session(a)->ledger.empty());
    delivers(2, 2); // one that brings an id is
    router.on_client_written(a, now);
    EXPECT_EQ(std::ranges::count(log.take(), "link 2 <- ACK id:A2"), 1);
}

TEST_F(RouterUnacknowledged, K6_TheClientMayAcknowledgeItAndTheBrokerDoesNotHear)
{
    subscribed("client-individual");
    brings_without_ack("1");
    effects_are({"client 1 <- MESSAGE subscription:mine ack:ab-1 message-id:ab-1 "
                 "destination:/queue/q | 1"});
    EXPECT_TRUE(router.session(a)->ledger.empty()); // nothing is owed: not at a switch either
    says(a, "NACK id:ab-1");
    effects_are({});
    says(a, "ACK id:ab-1 receipt:x");
    effects_are({"client 1 <- RECEIPT receipt-id:x"});
}

TEST_F(RouterUnacknowledged, K6_ACumulativeAckOfItStillCoversTheEarlierOnes)
{
    subscribed("client");
    delivers(1, 1);
    brings_without_ack("2");
    delivers(3, 3);
    skip_effects();
    says(a, "ACK id:ab-2 receipt:x");
    effects_are({"link 2 <- ACK id:A1 receipt:r2", "client 1 <- RECEIPT receipt-id:x"});
    says(a, "ACK id:ab-3");
    effects_are({"link 2 <- ACK id:A3"});
}

TEST_F(RouterUnacknowledged, K6_V11_TheMessageIdIsTheIdThere)
{
    subscribed("client", "1.1");
    brings_without_ack("1");
    skip_effects();
    says(a, "ACK message-id:ab-1 subscription:mine");
    effects_are({"link 2 <- ACK message-id:T_s1@@1 subscription:s1"});
}

} // namespace
