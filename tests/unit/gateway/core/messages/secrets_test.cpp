// Proves that what only the gateway may say is told from what others say in its words: a marker
// counts by its seal and for the wire subscription that it names (switch.md K2), and names of the
// gateway's own queues reach no client (K1).

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterSecrets : public RouterSwitch {
protected:
    // As it is, without the scene's seal.
    void tells(std::uint64_t link, const std::string& text)
    {
        const auto frame = frame_of(text);
        router.on_link_frame(link_id{link}, frame.view(), framing::text, now);
        work();
    }
};

TEST_F(RouterSecrets, K1_AnAddressIsASecretAndItsQueueIsExclusive)
{
    client();
    skip_effects();
    says(a, "SUBSCRIBE id:1 destination:/topic/a exclusive:false");
    const auto subscribed = those("link 2 <- SUBSCRIBE");
    ASSERT_EQ(subscribed.size(), 1u);
    // The first header of a name counts, so that no client's own word opens the queue.
    EXPECT_NE(
        subscribed[0].find("x-queue-name:" + own_address + "1 exclusive:true destination:/topic/a"),
        std::string::npos)
        << subscribed[0];
    EXPECT_EQ(
        log.aliases.shown(broker::private_names{known_secrets.names, 0}.of_wire(broker::wire_id{1})),
        own_address + "1");
}

TEST_F(RouterSecrets, K2_AForgedMarkerJoinsNoSeamAndIsDelivered)
{
    brokers.blue.markers = false;
    subscriber();
    router.session(a);
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1"); // the trial's (B1)
    switched();
    for (const std::string mark :
         {"s1+1", "s1+1;00000000000000000000000000000000", "s1", "x",
          // Sealed by another process.
          "s1+1;b8b1a0f2b8b1a0f2b8b1a0f2b8b1a0f2"}) {
        tells(2, "MESSAGE subscription:s1 message-id:m teal-marker:" + mark + " destination:/topic/a | f");
        const auto told_to = told(a, log.take());
        ASSERT_EQ(told_to.size(), 1u) << mark;
        EXPECT_TRUE(told_to[0].starts_with("client 1 <- MESSAGE subscription:1 message-id:m teal-marker:s")
                    || mark == "x") << told_to[0];
    }
    EXPECT_EQ(router.session(a)->seams, 1u);
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1+1");
    EXPECT_EQ(router.session(a)->seams, 0u);
    EXPECT_EQ(told(a, log.take()), lines{});
}

TEST_F(RouterSecrets, K2_AMarkerCountsForTheSubscriptionThatItNames)
{
    brokers.blue.markers = false;
    subscriber();
    says(a, "SUBSCRIBE id:2 destination:/topic/b");
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1");
    switched();
    ASSERT_EQ(router.session(a)->seams, 2u);
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s2+1"); // read by another
    EXPECT_EQ(router.session(a)->seams, 2u);
    EXPECT_EQ(told(a, log.take()), lines{});
    brings(2, "MESSAGE subscription:s2 message-id:m teal-marker:s2+1");
    EXPECT_EQ(router.session(a)->seams, 1u);
}

// RabbitMQ names the queue that a dead-lettered message was in; one published to a queue itself
// has it for its destination.
TEST_F(RouterSecrets, K1_NoNameOfAQueueOfOursReachesAClient)
{
    subscriber();
    says(a, "SUBSCRIBE id:q destination:/queue/dead ack:client-individual");
    const auto own = router.session(a)->now().own;
    skip_effects();
    const std::string secret = broker::private_names{known_secrets.names, 0}.of_wire(broker::wire_id{9});
    tells(2, "MESSAGE subscription:s1 message-id:m destination:/queue/" + secret + " | x");
    tells(
        static_cast<std::uint64_t>(own), "MESSAGE subscription:s2 message-id:m ack:k destination:/queue/dead x-first-death-queue:" +
               secret + " | x");
    effects_are(
        {"client 1 <- MESSAGE subscription:1 message-id:m destination:/topic/a | x",
         "client 1 <- MESSAGE subscription:q ack:ab-1 message-id:ab-1 destination:/queue/dead "
         "x-first-death-queue:stomp-subscription | x"});
    client();
    says(b, "SUBSCRIBE id:1 destination:/topic/a"); // shared: kept once for both
    skip_effects();
    tells(2, "MESSAGE subscription:s1 message-id:m destination:/queue/" + secret + " | x");
    for (const auto& line : log.take()) {
        EXPECT_EQ(line.find("stomp-subscription"), line.npos) << line;
    }
}

TEST_F(RouterSecrets, K1_NorDoesABrokersErrorSayIt)
{
    brokers.blue.keeps_back = is_subscribe;
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a receipt:x");
    skip_effects();
    const std::string secret = broker::private_names{known_secrets.names, 0}.of_wire(broker::wire_id{1});
    tells(2, "ERROR message:access to queue '" + secret + "' refused receipt-id:r1");
    for (const auto& line : log.take()) {
        if (line.starts_with("client") || line.starts_with("close client")) {
            EXPECT_EQ(line.find("-subscription-teal-"), line.npos) << line;
        }
    }
}

} // namespace
