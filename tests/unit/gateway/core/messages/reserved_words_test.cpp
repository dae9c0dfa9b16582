// Proves what a client may not say (switch.md K3): names of the gateway's own queues however they are
// written, and the exact names of its headers; and that everything near them is the user's.

#include "gateway/core/messages/reserved_words.hpp"
#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

TEST(ReservedWords, K3_ANameOfOursIsFoundHoweverItIsWritten)
{
    const std::string name = "stomp-subscription-teal-00112233445566778899aabbccddeeff";
    for (const std::string& text : std::vector<std::string>
         {"/queue/" + name, "/amq/queue/" + name, "/topic/" + name, "/exchange/amq.topic/" + name,
          "/exchange//" + name, "/temp-queue/" + name, "/reply-queue/" + name, name,
          "/queue/" + name + "/", "/queue/" + name + "..", "/queue/" + name + "/./", " " + name,
          "/queue/ " + name, "/queue/" + name + "\\n", "/queue/stomp-subscription-teal-",
          "/queue/Stomp-Subscription-TEAL-x", "/queue/%73tomp-subscription-teal-1",
          "/queue/stomp%2Dsubscription%2dteal%2D1", "/queue%2F" + name, "/queue/" + name + "%2F",
          "/queue/a,/queue/" + name, "/queue/" + name + ",/queue/a", "/topic/a::" + name,
          "/topic/a\\c\\c" + name}) {
        EXPECT_TRUE(gateway::names_reserved_queue(text)) << text;
    }
}

TEST(ReservedWords, K3_EveryOtherNameIsTheUsers)
{
    for (const std::string text :
         {"", "/queue/teal-none", "/queue/teal-orders-of-the-north-east-region",
          "/topic/stomp-subscription-teal-x/prices", "/queue/my-stomp-subscription-teal-x",
          "/queue/stomp-subscription-tea-00112233445566778899", "/queue/stomp-subscription-tealx-1",
          "/topic/a.stomp-subscription-teal-1", "/queue/%2573tomp-subscription-teal-1",
          "/queue/stomp-subscription-aGVsbG8", "/queue/%", "/queue/a-name-that-is-long-enough%7",
          "/queue/a-name-that-is-long-enough%zz", "/queue/,,,,,,,,,,,,,,,,,,,,,,,,,,"}) {
        EXPECT_FALSE(gateway::names_reserved_queue(text)) << text;
    }
}

class RouterReserved : public RouterTest {
protected:
    void refused(const std::string& frame, const std::string& sentence)
    {
        const auto who = client();
        skip_effects();
        says(who, frame + (frame.find(" | ") == frame.npos ? " receipt:x" : ""));
        const auto effects = log.take();
        ASSERT_GE(effects.size(), 2u) << frame;
        EXPECT_TRUE(effects[0].starts_with(name_of(who) + " <- ERROR message:" + sentence)) << effects[0];
        EXPECT_TRUE(effects[1].starts_with("close " + name_of(who))) << effects[1];
        for (const auto& line : effects) {
            EXPECT_EQ(line.find("<- SEND"), line.npos) << line;
            EXPECT_EQ(line.find("<- SUBSCRIBE"), line.npos) << line;
        }
    }
    const std::string name = "names that begin with stomp-subscription-teal- are the gateway's own";
    const std::string header = "a header of that name is the gateway's own";
};

TEST_F(RouterReserved, K3_TheThreeTheftsAndTheForgedMarkerAreRefused)
{
    const std::string queue = "stomp-subscription-teal-00112233445566778899aabbccddeeff";
    refused("SUBSCRIBE id:1 destination:/amq/queue/" + queue, name);
    refused("SUBSCRIBE id:1 destination:/queue/" + queue, name);
    refused("SUBSCRIBE id:1 destination:/topic/a x-queue-name:" + queue, name);
    refused("SEND destination:/amq/queue/" + queue + " | x", name);
    refused("SEND destination:/topic/a reply-to:/queue/" + queue + " | x", name);
    refused("SEND destination:/topic/a x-queue-name:" + queue + " | x", name);
    refused("SEND destination:/topic/a teal-marker:s1 | x", header);
    refused("SEND destination:/topic/a teal-id:1 | x", header);
    refused("SUBSCRIBE id:1 destination:/topic/a teal-marker:s1", header);
    refused("BEGIN transaction:t teal-id:1", header);
    refused("DISCONNECT teal-marker:1", header);
}

TEST_F(RouterReserved, K3_InATransactionToo)
{
    const auto who = client();
    says(who, "BEGIN transaction:t");
    skip_effects();
    says(who, "SEND destination:/topic/a transaction:t teal-marker:s1 | x");
    EXPECT_EQ(log.take().front(), name_of(who) + " <- ERROR message:" + header);
}

TEST_F(RouterReserved, K3_OnConnectToo)
{
    const auto who = arrives();
    says(who, "CONNECT accept-version:1.2 host:/ teal-marker:x");
    EXPECT_FALSE(exists(who));
}

TEST_F(RouterReserved, K3_OtherTealNamesAreTheUsers)
{
    const auto who = client();
    skip_effects();
    says(who, "SEND destination:/queue/teal-none teal-colour:red Teal-Marker:x | x");
    effects_are({"link 1 <- SEND destination:/queue/teal-none teal-colour:red Teal-Marker:x | x"});
    EXPECT_TRUE(exists(who));
}

} // namespace
