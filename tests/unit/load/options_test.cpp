// Proves how the command line is read, and that what cannot be is status 2.

#include "tests/load/options.hpp"

#include <gtest/gtest.h>

namespace load {
namespace {

auto parse(std::vector<const char*> arguments)
{
    arguments.insert(arguments.begin(), "teal-load");
    return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(LoadOptions, HasTheDefaultsOfTheContract)
{
    const auto parsed = parse({"--url", "ws://127.0.0.1:8080/ws"});
    ASSERT_TRUE(parsed);
    const fleet_options& fleet = parsed->fleet;
    EXPECT_EQ(fleet.shape.clients, 1000U);
    EXPECT_EQ(fleet.rate, 5);
    EXPECT_EQ(fleet.body_size, 200U);
    EXPECT_EQ(fleet.duration, std::chrono::seconds{15});
    EXPECT_EQ(fleet.connect_rate, 500);
    EXPECT_EQ(fleet.shape.topics, topic_mix::own);
    EXPECT_EQ(fleet.client.acks, ack_mode::automatic);
    EXPECT_EQ(fleet.client.confirm, confirmation::flush);
    EXPECT_EQ(fleet.client.target.path, "/ws");
    EXPECT_EQ(parsed->address.port, 8080);
    EXPECT_TRUE(fleet.progress);
}

TEST(LoadOptions, ReadsWhatIsAskedFor)
{
    const auto parsed = parse(
        {"--url",
         "stomp://127.0.0.1:61613",
         "--clients",
         "20",
         "--rate",
         "0.5",
         "--topics",
         "mixed",
         "--queues",
         "4",
         "--ack",
         "client-individual",
         "--receipts",
         "--login",
         "joe",
         "--quiet",
         "--subprotocol",
         "v11.stomp",
         "--transactions",
         "30",
         "--queue-order",
         "strict",
         "--also-login-per-client",
         "--id-header",
         "x-id",
         "--warmup",
         "1.5",
         "--json",
         "x.json"});
    ASSERT_TRUE(parsed);
    const fleet_options& fleet = parsed->fleet;
    EXPECT_EQ(fleet.shape.clients, 20U);
    EXPECT_EQ(fleet.rate, 0.5);
    EXPECT_EQ(fleet.shape.topics, topic_mix::mixed);
    EXPECT_EQ(fleet.shape.queues, 4U);
    EXPECT_EQ(fleet.shape.transaction_percent, 30U);
    EXPECT_EQ(fleet.client.acks, ack_mode::individual);
    EXPECT_EQ(fleet.client.confirm, confirmation::receipts);
    EXPECT_EQ(fleet.client.login, "joe");
    EXPECT_TRUE(fleet.client.login_per_client);
    EXPECT_EQ(fleet.client.target.over, dial_target::transport::tcp);
    EXPECT_EQ(fleet.client.target.versions, (std::vector<stomp::version>{stomp::version::v11}));
    EXPECT_EQ(fleet.order, queue_order::strict);
    EXPECT_EQ(fleet.client.id_header, "x-id");
    EXPECT_EQ(fleet.client.run, fleet.shape.run);
    EXPECT_EQ(fleet.warmup, std::chrono::milliseconds{1500});
    EXPECT_EQ(parsed->json_file, "x.json");
    EXPECT_FALSE(fleet.progress);
}

TEST(LoadOptions, RefusesWhatItCannotDo)
{
    const std::vector<std::vector<const char*>> refused{
        {},
        {"--url", "http://127.0.0.1:1"},
        {"--url", "ws://nowhere"},
        {"--url", "ws://127.0.0.1:1", "--clients", "0"},
        {"--url", "ws://127.0.0.1:1", "--seconds", "3601"},
        {"--url", "ws://127.0.0.1:1", "--ack", "maybe"},
        {"--url", "ws://127.0.0.1:1", "--topics", "none"},
        {"--url", "ws://127.0.0.1:1", "--id-header", "a:b"},
        {"--url", "ws://127.0.0.1:1", "--clients", "20000", "--queues", "1"},
        {"--url", "ws://127.0.0.1:1", "--quiet", "--progress"},
    };
    for (const auto& arguments : refused) {
        const auto parsed = parse(arguments);
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().status, 2);
        EXPECT_FALSE(parsed.error().text.empty());
    }
    EXPECT_EQ(parse({"--help"}).error().status, 0);
}

TEST(LoadOptions, GivesEveryRunItsOwnDestinations)
{
    EXPECT_FALSE(parse({"--url", "ws://127.0.0.1:1"})->fleet.shape.run.empty());
}

} // namespace
} // namespace load
