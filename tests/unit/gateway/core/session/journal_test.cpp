// Proves how a SUBSCRIBE is read: broadcast or stored, shareable or not, what goes to a broker and
// what is refused (design.md sections 1 and 5).

#include "gateway/core/session/journal.hpp"
#include "tests/support/frame_text.hpp"

#include <gtest/gtest.h>

namespace {

using namespace gateway;
using testing_support::frame_of;

const std::vector<std::string> broadcast{"/topic/**", "/exchange/**"};

auto read(
    const std::string& text, stomp::version version = stomp::version::v12, unsigned prefetch = 100)
{
    const auto frame = frame_of(text);
    return read_subscribe(frame.view(), version, {&broadcast, prefetch});
}

struct classified {
    std::string headers;
    bool broadcast, shareable, acknowledges;
};

TEST(ReadSubscribe, H12_TellsBroadcastStoredAndShareableApart)
{
    const std::vector<classified> table{
        {"destination:/topic/a", true, true, false},
        {"destination:/topic/a.b.*", true, true, false},
        {"destination:/topic/a/b/c", true, true, false},
        {"destination:/exchange/amq.topic/key", true, true, false},
        {"destination:/topic/a ack:auto", true, true, false},
        {"destination:/topic/a selector:x", true, true, false},
        {"destination:/topic/a ack:client", true, false, true},
        {"destination:/topic/a ack:client-individual", true, false, true},
        {"destination:/topic/a exclusive:true", true, false, false},
        {"destination:/topic/a auto-delete:false", true, false, false},
        {"destination:/topic/a no-local:true", true, false, false},
        {"destination:/queue/a", false, false, true},
        {"destination:/amq/queue/a", false, false, true},
        {"destination:/topical/a", false, false, true},
        {"destination:/temp-queue/a", false, false, true},
        {"destination:/topic/a durable:true", false, false, true},
        {"destination:/topic/a persistent:true", false, false, true},
        {"destination:/topic/a durable:false", true, true, false},
        {"destination:/topic/a x-queue-name:mine", false, false, true},
        {"destination:/topic/a x-queue-type:quorum", false, false, true},
        {"destination:/topic/a x-expires:1000", false, false, true},
        {"destination:/topic/a x-message-ttl:1000", false, false, true},
        {"destination:/topic/a x-max-length:10", false, false, true},
        {"destination:/topic/a x-max-length-bytes:10", false, false, true},
        {"destination:/topic/a x-max-age:1h", false, false, true},
        {"destination:/topic/a x-dead-letter-exchange:d", false, false, true},
        {"destination:/topic/a x-stream-offset:first", false, false, true},
        {"destination:/topic/a durable-subscription-name:mine", false, false, true},
        {"destination:/topic/a activemq.subscriptionName:mine", false, false, true},
    };
    for (const auto& row : table) {
        const auto s = read("SUBSCRIBE id:1 " + row.headers);
        ASSERT_TRUE(s) << row.headers;
        EXPECT_EQ(s->broadcast, row.broadcast) << row.headers;
        EXPECT_EQ(s->shareable, row.shareable) << row.headers;
        EXPECT_EQ(s->acknowledges(), row.acknowledges) << row.headers;
        EXPECT_EQ(s->ack_on_wire(), row.acknowledges ? "client-individual" : "auto") << row.headers;
    }
}

TEST(ReadSubscribe, P3_TellsQueuesThatGoWithTheirLink)
{
    for (const char* headers :
         {"destination:/topic/a x-max-length:10", "destination:/topic/a x-queue-name:mine",
          "destination:/queue/a auto-delete:true", "destination:/queue/a exclusive:true"}) {
        EXPECT_TRUE(read(std::string{"SUBSCRIBE id:1 "} + headers)->fleeting) << headers;
    }
    for (const char* headers :
         {"destination:/queue/a", "destination:/queue/a auto-delete:false", "destination:/topic/a",
          "destination:/topic/a durable:true auto-delete:false",
          "destination:/topic/a durable-subscription-name:mine"}) {
        EXPECT_FALSE(read(std::string{"SUBSCRIBE id:1 "} + headers)->fleeting) << headers;
    }
}

TEST(ReadSubscribe, KeepsTheHeadersForABrokerButThoseOfTheGateway)
{
    const auto s = read("SUBSCRIBE id:1 destination:/topic/a receipt:r ack:auto selector:a\\cb "
                        "selector:c content-length:0");
    EXPECT_EQ(s->head->bytes(), "destination:/topic/a\nselector:a\\cb\n");
    EXPECT_EQ(s->client_id, "1");
    EXPECT_EQ(*s->receipt, "r");
    EXPECT_TRUE(s->named);
}

TEST(ReadSubscribe, EqualSubscribesHaveEqualHeads)
{
    EXPECT_EQ(
        read("SUBSCRIBE id:1 destination:/topic/a receipt:r")->head->bytes(),
        read("SUBSCRIBE destination:/topic/a id:zwei")->head->bytes());
}

TEST(ReadSubscribe, GivesAStoredOneAPrefetchWhereTheClientGaveNone)
{
    EXPECT_EQ(
        read("SUBSCRIBE id:1 destination:/queue/a")->head->bytes(),
        "destination:/queue/a\nprefetch-count:100\n");
    EXPECT_EQ(
        read("SUBSCRIBE id:1 destination:/queue/a prefetch-count:1")->head->bytes(),
        "destination:/queue/a\nprefetch-count:1\n");
    EXPECT_EQ(
        read("SUBSCRIBE id:1 destination:/topic/a ack:client")->head->bytes(),
        "destination:/topic/a\n");
    EXPECT_EQ(
        read("SUBSCRIBE id:1 destination:/queue/a", stomp::version::v12, 0)->head->bytes(),
        "destination:/queue/a\n");
}

TEST(ReadSubscribe, H11_RemembersThatADurableOneIsNotUnsubscribed)
{
    EXPECT_TRUE(read("SUBSCRIBE id:1 destination:/topic/a durable:true")->durable);
    EXPECT_FALSE(read("SUBSCRIBE id:1 destination:/queue/a")->durable);
}

TEST(ReadSubscribe, RefusesWhatNoBrokerCouldServe)
{
    EXPECT_EQ(read("SUBSCRIBE id:1").error(), "SUBSCRIBE without a destination");
    EXPECT_EQ(read("SUBSCRIBE id:1 destination:").error(), "SUBSCRIBE without a destination");
    EXPECT_EQ(read("SUBSCRIBE destination:/topic/a").error(), "SUBSCRIBE without an id");
    EXPECT_EQ(
        read("SUBSCRIBE destination:/topic/a", stomp::version::v11).error(),
        "SUBSCRIBE without an id");
    EXPECT_EQ(
        read("SUBSCRIBE id:1 destination:/topic/a ack:maybe").error(),
        "SUBSCRIBE with an unknown ack mode: maybe");
}

TEST(ReadSubscribe, V10MayLeaveOutTheId)
{
    const auto s = read("SUBSCRIBE destination:/topic/a", stomp::version::v10);
    ASSERT_TRUE(s);
    EXPECT_EQ(s->client_id, "/topic/a"); // UNSUBSCRIBE by destination finds it
    EXPECT_FALSE(s->named);
}

TEST(Matches, PatternsOfDestinations)
{
    EXPECT_TRUE(matches("/topic/**", "/topic/a"));
    EXPECT_TRUE(matches("/topic/**", "/topic/a/b"));
    EXPECT_TRUE(matches("/topic/**", "/topic"));
    EXPECT_FALSE(matches("/topic/**", "/topics/a"));
    EXPECT_TRUE(matches("/topic/a", "/topic/a"));
    EXPECT_FALSE(matches("/topic/a", "/topic/ab"));
    EXPECT_FALSE(matches("/topic/ab", "/topic/a"));
    EXPECT_TRUE(matches("/topic/*", "/topic/a"));
    EXPECT_FALSE(matches("/topic/*", "/topic/a/b"));
    EXPECT_TRUE(matches("/topic/*/b", "/topic/a/b"));
    EXPECT_FALSE(matches("", "/topic/a"));
}

TEST(SessionJournal, FindsAndForgets)
{
    session_journal journal;
    auto& first = journal.add(*read("SUBSCRIBE id:1 destination:/topic/a"));
    auto& second = journal.add(*read("SUBSCRIBE id:2 destination:/topic/b"));
    EXPECT_EQ(journal.find("2"), &second);
    EXPECT_EQ(journal.at(first.number), &first);
    EXPECT_EQ(journal.find("3"), nullptr);
    const auto number = first.number;
    journal.remove(number);
    EXPECT_EQ(journal.find("1"), nullptr);
    EXPECT_EQ(journal.size(), 1u);
    EXPECT_NE(
        journal.add(*read("SUBSCRIBE id:1 destination:/topic/a")).number, number); // never reused
}

} // namespace
