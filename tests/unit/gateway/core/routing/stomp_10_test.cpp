// Proves that a STOMP 1.0 client's blanks around values change no decision, and that what goes to
// the broker is what the client said (docs/outside.md F2).

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

class RouterStomp10 : public RouterTest {
protected:
    RouterStomp10()
    {
        client("CONNECT login:anna");
        skip_effects();
    }
    const gateway::subscription& first() { return **router.session(a)->journal.begin(); }
    const session_id a{1};
};

TEST_F(RouterStomp10, F2_ATopicBehindABlankIsATopic)
{
    says(a, "SUBSCRIBE destination: /topic/a");
    EXPECT_TRUE(first().broadcast);
    const auto effects = log.take();
    ASSERT_FALSE(effects.empty());
    EXPECT_NE(effects[0].find(" ack:auto "), std::string::npos) << effects[0];
    EXPECT_NE(effects[0].find("destination: /topic/a"), std::string::npos) << effects[0];
    EXPECT_NE(effects[0].find("x-queue-name:"), std::string::npos) << effects[0];
}

TEST_F(RouterStomp10, F2_IdsReceiptsAndModesAreMeantWithoutTheirBlanks)
{
    says(a, "SUBSCRIBE id: 7 destination: /queue/q ack: client receipt: r");
    EXPECT_EQ(first().client_id, "7");
    EXPECT_EQ(first().mode, gateway::ack_mode::client);
    const auto effects = log.take();
    EXPECT_NE(std::ranges::find(effects, "client 1 <- RECEIPT receipt-id:r"), effects.end());
    says(a, "UNSUBSCRIBE id:7 receipt:u");
    EXPECT_EQ(router.session(a)->journal.size(), 0u);
}

TEST_F(RouterStomp10, F2_ASendGoesOutAsItCame)
{
    says(a, "SEND destination: /topic/a odd: x | body");
    effects_are({"link 1 <- SEND destination: /topic/a odd: x | body"});
    says(a, "BEGIN transaction: t");
    says(a, "SEND transaction: t destination: /topic/a | body");
    skip_effects();
    says(a, "COMMIT transaction:t receipt: c");
    const auto effects = log.take();
    EXPECT_NE(std::ranges::find(effects, "client 1 <- RECEIPT receipt-id:c"), effects.end());
    EXPECT_TRUE(std::ranges::any_of(effects, [](const auto& line) {
        return line.find("SEND destination: /topic/a transaction:") != line.npos;
    }));
}

// What waited in a queue of the gateway's is decided by in the same way.
TEST_F(RouterStomp10, F2_AlsoBehindAnOpenSubscribe)
{
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE destination: /topic/a");
    says(a, "SEND destination: /topic/a receipt: s | body");
    skip_effects();
    answer();
    const auto effects = log.take();
    EXPECT_NE(std::ranges::find(effects, "client 1 <- RECEIPT receipt-id:s"), effects.end());
}

} // namespace
