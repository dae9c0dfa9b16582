// What a session makes the shard keep is counted as it comes and goes, and the sum is what a walk
// finds; who goes for it, and when nobody does.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace gateway {
namespace {

using namespace testing_support;

class RouterMemory : public RouterSwitch {
protected:
    void expect_counted()
    {
        const auto counted = router.recount();
        for (const held_kind kind : router::recounted) {
            EXPECT_EQ(router.budget().of(kind), counted[kind]);
        }
    }
    std::uint64_t held_of(held_kind kind) { return router.budget().of(kind); }
};

TEST_F(RouterMemory, L1_AConnectIsHeldOnceHoweverManySayIt)
{
    client("CONNECT accept-version:1.2 host:/ login:anna x:" + std::string(5000, 'x'));
    const auto one = held_of(held_kind::sessions);
    EXPECT_GT(one, 5000U);
    EXPECT_LT(one, 5200U);
    const auto second =
        client("CONNECT accept-version:1.2 host:/ login:anna x:" + std::string(5000, 'x'));
    EXPECT_EQ(held_of(held_kind::sessions), one);
    expect_counted();
    goes(second);
    EXPECT_EQ(held_of(held_kind::sessions), one);
    expect_counted();
}

TEST_F(RouterMemory, L3_WhoWasNeverLetInLeavesNothing)
{
    brokers.blue.answers_connect = false;
    const auto id = client("CONNECT accept-version:1.2 host:/ x:" + std::string(9000, 'x'));
    EXPECT_GT(router.said_by(id), 9000U);
    EXPECT_EQ(router.kept_for(id), router.said_by(id));
    goes(id);
    EXPECT_EQ(router.budget().total(), 0U);
    EXPECT_EQ(router.identity_count(), 0U);
    EXPECT_EQ(router.link_count(), 0U);
    EXPECT_EQ(router.group_count(), 0U);
}

TEST_F(RouterMemory, L3_HeadersOfTheHandshakeAreCountedUntilConnectAndWithIt)
{
    const auto id = router.open_client("p", {{"Cookie", std::string(3000, 'c')}}, now);
    EXPECT_EQ(router.said_by(id), 3006U);
    EXPECT_EQ(held_of(held_kind::sessions), 3006U);
    says(id, "CONNECT accept-version:1.2 host:/");
    EXPECT_GT(router.said_by(id), 3006U);
    EXPECT_LT(held_of(held_kind::sessions), 3200U);
    expect_counted();
    goes(id);
    EXPECT_EQ(router.budget().total(), 0U);
}

TEST_F(RouterMemory, L1_TransactionsAreCountedUntilTheyEnd)
{
    client();
    says(a, "BEGIN transaction:t");
    const auto begun = held_of(held_kind::frames);
    EXPECT_GT(begun, 0U);
    says(a, "SEND destination:/topic/a transaction:t | " + std::string(2000, 'x'));
    EXPECT_GT(held_of(held_kind::frames), begun + 2000);
    expect_counted();
    says(a, "COMMIT transaction:t");
    EXPECT_EQ(held_of(held_kind::frames), 0U);
    says(a, "BEGIN transaction:u");
    says(a, "SEND destination:/topic/a transaction:u | " + std::string(2000, 'x'));
    goes(a);
    EXPECT_EQ(held_of(held_kind::frames), 0U);
    expect_counted();
}

TEST_F(RouterMemory, L1_FramesThatWaitAreCountedUntilTheyAreDone)
{
    client();
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.command == stomp::command::subscribe;
    };
    says(a, "SUBSCRIBE id:1 destination:/topic/a receipt:r");
    says(a, "SEND destination:/topic/a | " + std::string(2000, 'x'));
    EXPECT_GT(held_of(held_kind::frames), 2000U);
    EXPECT_GT(router.kept_for(a), 2000U);
    expect_counted();
    brokers.blue.keeps_back = [](const stomp::frame&) { return false; };
    answer();
    EXPECT_EQ(held_of(held_kind::frames), 0U);
    expect_counted();
}

TEST_F(RouterMemory, L1_DeliveriesAreCountedUntilTheyAreAcknowledgedOrTheSessionEnds)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    const auto bring = [&](const std::string& id) {
        brings(2, "MESSAGE subscription:s1 destination:/queue/q message-id:" + id + " ack:" + id + " | x");
    };
    const auto before = router.kept_for(a);
    bring("m1");
    bring("m2");
    const auto two = held_of(held_kind::deliveries);
    EXPECT_EQ(two, router.kept_for(a) - before);
    EXPECT_GE(two, 2 * sizeof(delivery));
    expect_counted();
    goes(a);
    EXPECT_EQ(held_of(held_kind::deliveries), 0U);
    expect_counted();
}

TEST_F(RouterMemory, L1_SubscriptionsAreCountedWithTheirIds)
{
    client();
    const auto before = held_of(held_kind::sessions);
    says(a, "SUBSCRIBE destination:/topic/a id:" + std::string(5000, 'i'));
    says(a, "SUBSCRIBE destination:/topic/b id:2");
    EXPECT_GT(held_of(held_kind::sessions), before + 5000 + 2 * sizeof(subscription));
    EXPECT_GT(router.kept_for(a), 5000U);
    expect_counted();
    says(a, "UNSUBSCRIBE id:" + std::string(5000, 'i'));
    EXPECT_LT(held_of(held_kind::sessions), before + 1000);
    expect_counted();
    goes(a);
    EXPECT_LT(held_of(held_kind::sessions), 200U); // what the trials found is remembered (E10)
    expect_counted();
}

// E10: the trial while it is open, then what was found.
TEST_F(RouterMemory, L1_TriedSubscribesAreCounted)
{
    subscriber();
    client();
    const auto before = held_of(held_kind::sessions);
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.command == stomp::command::subscribe;
    };
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    EXPECT_GT(held_of(held_kind::sessions), before + sizeof(subscription));
    expect_counted();
    brokers.blue.keeps_back = [](const stomp::frame&) { return false; };
    answer();
    goes(b);
    EXPECT_GT(held_of(held_kind::sessions), before); // remembered for ten minutes
    EXPECT_LT(held_of(held_kind::sessions), before + 200);
    expect_counted();
}

TEST_F(RouterMemory, L1_ReceiptsThatWaitForTheOldColorsAreCounted)
{
    client();
    brokers.blue.keeps_back = is_client_send;
    says(a, "SEND destination:/topic/a receipt:blue | 1");
    held();
    const auto before = held_of(held_kind::receipts);
    says(a, "SEND destination:/topic/a receipt:" + std::string(5000, 'g') + " | 2");
    commits();
    EXPECT_GT(held_of(held_kind::receipts), before + 5000);
    EXPECT_GT(router.kept_for(a), 5000U);
    expect_counted();
    answer();
    EXPECT_EQ(held_of(held_kind::receipts), 0U);
    expect_counted();
}

TEST_F(RouterMemory, L5_WhoGoesForMemoryIsToldWhyAndLeavesNothing)
{
    client();
    says(a, "BEGIN transaction:t");
    says(a, "SEND destination:/topic/a transaction:t | " + std::string(2000, 'x'));
    ASSERT_TRUE(router.may_close_for_memory());
    skip_effects();
    router.close_for_memory(a, disconnect_reason::limit, now);
    work();
    EXPECT_FALSE(exists(a));
    EXPECT_EQ(held_of(held_kind::frames), 0U);
    expect_counted();
}

TEST_F(RouterMemory, S14_FromHoldToCommitNobodyGoesForMemory)
{
    subscriber();
    EXPECT_TRUE(router.may_close_for_memory());
    prepares();
    EXPECT_TRUE(router.may_close_for_memory());
    brokers.green.keeps_back = [](const stomp::frame&) { return true; };
    holds();
    EXPECT_FALSE(router.may_close_for_memory());
    commits();
    EXPECT_TRUE(router.may_close_for_memory());
}

TEST_F(RouterMemory, S14_LinksThatOweNothingAreNotReadMeanwhileAndAreAgainBehindTheDecision)
{
    subscriber();
    held();
    router.stop_links_for_memory(true);
    auto effects = those("read link");
    EXPECT_EQ(std::ranges::count(effects, "read link 2 off"), 1);
    EXPECT_EQ(std::ranges::count(effects, "read link 1 off"), 0); // SENDs ride on it
    aborts();
    skip_effects();
    router.stop_links_for_memory(false);
    effects = those("read link");
    EXPECT_EQ(std::ranges::count(effects, "read link 2 on"), 1);
}

} // namespace
} // namespace gateway
