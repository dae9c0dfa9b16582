// Proves which links a session is given: one of its own where that must be (switch.md B4), shared
// ones otherwise, on the endpoint with the fewest sessions.

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

class RouterDedicated : public RouterTest {
protected:
    static gateway::shard_settings dedicated()
    {
        auto s = usual_settings();
        s.shared = false;
        return s;
    }
    RouterDedicated() : RouterTest(dedicated()) {}
    const session_id a{1}, b{2};
};

TEST_F(RouterDedicated, EachSessionHasItsOwnLinkForEverything)
{
    client();
    client();
    skip_effects();
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(b, "SUBSCRIBE id:1 destination:/topic/a");
    effects_are(
        {"link 1 <- SUBSCRIBE id:s1 ack:auto receipt:r3 "
         "x-queue-name:stomp-subscription-teal-000000ab-0-1 exclusive:true destination:/topic/a",
         "link 1 <- SEND destination:/amq/queue/stomp-subscription-teal-000000ab-0-1 "
         "teal-marker:s1",
         "resume client 1",
         "link 2 <- SUBSCRIBE id:s2 ack:auto receipt:r1 "
         "x-queue-name:stomp-subscription-teal-000000ab-0-2 exclusive:true destination:/topic/a",
         "resume client 2"});
    says(b, "SEND destination:/topic/a | x");
    effects_are({"link 2 <- SEND destination:/topic/a | x"});
}

TEST_F(RouterDedicated, TheFirstLinkOfAnIdentityMakesTheTrialAndIsItsSessions)
{
    client();
    EXPECT_EQ(router.session(a)->now().own, link_id{1});
    skip_effects();
    client();
    effects_are(
        {"dial 2 blue/0",
         "link 2 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "client 2 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-2",
         "client 2 up 1.2 heart-beat:0,0", "resume client 2"});
}

TEST_F(RouterDedicated, ASessionsEndIsItsLinksEnd)
{
    client();
    client();
    skip_effects();
    goes(b);
    effects_are({"close client 2 reset", "link 2 <- DISCONNECT receipt:r1"});
    EXPECT_EQ(router.link_count(), 1u);
}

// Its wire subscription goes with its link, without UNSUBSCRIBE.
TEST_F(RouterDedicated, B1_WhereTheSessionOfTheMarkersTrialEndsAnothersSubscriptionIsTried)
{
    brokers.blue.markers = false;
    client();
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(b, "SUBSCRIBE id:1 destination:/topic/b");
    skip_effects();
    goes(a);
    const auto effects = log.take();
    const auto tried = std::ranges::find_if(effects, [](const auto& line) {
        return line.starts_with("link 2 <- SEND destination:/amq/queue/");
    });
    ASSERT_NE(tried, effects.end());
    EXPECT_TRUE(tried->ends_with("teal-marker:s2")) << *tried;
}

class RouterWebSocketBroker : public RouterTest {
protected:
    static gateway::shard_settings websocket()
    {
        auto s = usual_settings();
        s.endpoints.blue[0].websocket = true;
        return s;
    }
    RouterWebSocketBroker() : RouterTest(websocket()) {}
};

TEST_F(RouterWebSocketBroker, B4_IsAlwaysDedicated)
{
    client();
    client();
    EXPECT_EQ(router.session(session_id{2})->now().own, link_id{2});
}

// A relay answers ERROR where its threads bring ABORT ahead of BEGIN, and closes.
TEST_F(RouterWebSocketBroker, B1_IsAskedNothingThatARelayMayConfuse)
{
    client();
    effects_are(
        {"dial 1 blue/0",
         "link 1 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 1 <- SEND destination:/amq/queue/teal-none receipt:r1",
         "client 1 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-1",
         "client 1 up 1.2 heart-beat:0,0", "resume client 1"});
}

// An application answers nobody: each of its users is an identity, and would wait for it anew.
TEST_F(RouterWebSocketBroker, B2_SilenceStandsForAllIdentitiesUntilTheEndpointIsDown)
{
    brokers.blue.more = "user-name:theirs";
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    client();
    EXPECT_EQ(state(session_id{1}), session_state::connecting);
    run(1s);
    EXPECT_EQ(state(session_id{1}), session_state::active);
    skip_effects();
    client("CONNECT accept-version:1.2 host:/ login:bert");
    effects_are(
        {"dial 2 blue/0",
         "link 2 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:bert",
         "client 2 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-2 "
         "user-name:theirs",
         "client 2 up 1.2 heart-beat:0,0", "resume client 2"});
    for (int i = 0; i < 3; ++i) { // fall
        router.on_probe({color::blue, 0}, false, "gone", now);
    }
    router.on_probe({color::blue, 0}, true, "", now);
    router.on_probe({color::blue, 0}, true, "", now);
    client("CONNECT accept-version:1.2 host:/ login:carl");
    EXPECT_EQ(state(session_id{3}), session_state::connecting);
    run(1s);
    EXPECT_EQ(state(session_id{3}), session_state::active);
}

// Spring Security lets clients SEND to /app only: no client's link is tried for ever.
TEST_F(RouterWebSocketBroker, B2_ErrorsToThreeIdentitiesStandForAll)
{
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    for (std::uint64_t n = 1; n <= 4; ++n) {
        const auto name = std::to_string(n);
        client("CONNECT accept-version:1.2 host:/ login:user" + name);
        const auto asked = log.take();
        const auto trials = std::ranges::count_if(asked, [](const std::string& one) {
            return one.find("destination:/amq/queue/teal-none") != one.npos;
        });
        EXPECT_EQ(trials, n <= 3 ? 1 : 0) << n;
        if (n <= 3) {
            EXPECT_EQ(state(session_id{n}), session_state::connecting);
            brings(2 * n - 1, "ERROR message:Access is denied");
        }
        EXPECT_EQ(state(session_id{n}), session_state::active); // on a link that is asked nothing
        skip_effects();
    }
}

// One user's cookie is not good any more: the endpoint is well, and others are bound there.
TEST_F(RouterWebSocketBroker, E8_ARefusedHandshakeIsTheClientsAloneAndNoFaultOfTheEndpoint)
{
    client();
    skip_effects();
    brokers.blue.refuses_handshake = "the answer is 401";
    for (std::uint64_t n = 2; n < 8; ++n) { // more than health.fall
        client("CONNECT accept-version:1.2 host:/ login:bert");
        const auto name = "client " + std::to_string(n);
        const auto effects = log.take();
        EXPECT_EQ(std::ranges::count(effects, name + " <- ERROR message:the answer is 401"), 1);
        EXPECT_EQ(
            std::ranges::count(effects, "close " + name + " broker_refused: the answer is 401"), 1);
        EXPECT_FALSE(exists(session_id{n}));
    }
    EXPECT_TRUE(router.snapshot().endpoints.blue[0].healthy);
    EXPECT_EQ(state(session_id{1}), session_state::active);
    brokers.blue.refuses_handshake = "";
    EXPECT_EQ(state(client()), session_state::active); // at once: nothing backs off
    EXPECT_EQ(router.link_count(), 2u);
}

TEST_F(RouterWebSocketBroker, E8_AStandbysRefusedHandshakeFailsItsSessionInTheSwitch)
{
    client();
    brokers.green.refuses_handshake = "the answer is a redirect (302) to the login page /login";
    skip_effects();
    prepares();
    const auto effects = log.take();
    EXPECT_TRUE(std::ranges::any_of(effects, [](const std::string& one) {
        return one.find("refused: the answer is a redirect (302) to the login page /login") !=
               one.npos;
    }));
    aborts();
    EXPECT_EQ(state(session_id{1}), session_state::active);
    EXPECT_EQ(router.link_count(), 1u);
}

class RouterSpring : public RouterTest {
protected:
    static gateway::shard_settings spring()
    {
        auto s = usual_settings();
        s.dialects.blue = broker::dialect::spring;
        return s;
    }
    RouterSpring() : RouterTest(spring()) {}
};

TEST_F(RouterSpring, B4_B5_IsDedicatedAndASendWaitsForNothing)
{
    client();
    skip_effects();
    says(session_id{1}, "SUBSCRIBE id:1 destination:/topic/a receipt:x");
    says(session_id{1}, "SEND destination:/topic/a receipt:y");
    effects_are(
        {"link 1 <- SUBSCRIBE id:s1 ack:auto destination:/topic/a",
         "link 1 <- SEND destination:/topic/a"});
    run(50ms); // seam_quiet after writing the SUBSCRIBE counts as confirmed
    effects_are({"client 1 <- RECEIPT receipt-id:x", "resume client 1"});
}

class RouterTwoEndpoints : public RouterTest {
protected:
    static gateway::shard_settings two()
    {
        auto s = usual_settings();
        s.endpoints.blue = {
            {.name = "b1", .url = "stomp://b:1"}, {.name = "b2", .url = "stomp://b:2"}};
        return s;
    }
    RouterTwoEndpoints() : RouterTest(two()) {}
};

TEST_F(RouterTwoEndpoints, SessionsAreSpread)
{
    for (int i = 0; i < 4; ++i) {
        client();
    }
    EXPECT_EQ(router.snapshot().endpoints.blue[0].sessions, 2u);
    EXPECT_EQ(router.snapshot().endpoints.blue[1].sessions, 2u);
    EXPECT_EQ(router.link_count(), 2u); // a share key is identity and endpoint
}

class RouterManyOfOneIdentity : public RouterTest {};

TEST_F(RouterManyOfOneIdentity, AnotherPublishLinkIsDialledForEach64)
{
    for (int i = 0; i < 65; ++i) {
        client();
    }
    EXPECT_EQ(router.link_count(), 2u);
    for (int i = 0; i < 400; ++i) {
        client();
    }
    EXPECT_EQ(router.link_count(), 4u); // links_per_key
}

} // namespace
