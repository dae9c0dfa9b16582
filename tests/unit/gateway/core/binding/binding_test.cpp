// Proves which links a session is given: one of its own where that must be (switch.md B4), shared
// ones otherwise, on the endpoint with the fewest sessions.

#include "tests/support/several_endpoints.hpp"
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

// ActiveMQ takes one connection of each client-id, and refuses the second one.
TEST_F(RouterTest, H26_WhoSaysAClientIdHasOneLink)
{
    client("CONNECT accept-version:1.2 host:/ login:anna client-id:c1");
    says(session_id{1}, "SUBSCRIBE id:1 destination:/topic/a");
    says(session_id{1}, "SUBSCRIBE id:2 destination:/queue/q");
    says(session_id{1}, "SEND destination:/topic/a | x");
    EXPECT_EQ(router.link_count(), 1u);
    EXPECT_EQ(router.session(session_id{1})->now().own, link_id{1});
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
    EXPECT_EQ(router.session(session_id{2})->now().own, link_id{3}); // the first one tried
}

// An application tells a client that leaves from one that moves.
class RouterMarkedSessions : public RouterTest {
protected:
    static gateway::shard_settings marked()
    {
        auto s = usual_settings();
        s.endpoints.blue[0].websocket = s.endpoints.green[0].websocket = true;
        s.dialects.blue = s.dialects.green = broker::dialect::spring;
        s.gateway_id = "g";
        return s;
    }
    explicit RouterMarkedSessions(gateway::shard_settings settings = marked())
        : RouterTest(std::move(settings))
    {
    }
    void marks(std::string_view frame, std::string_view reason)
    {
        const auto effects = log.take();
        const auto at = std::ranges::find_if(
            effects, [&](const auto& line) { return line.find(frame) != line.npos; });
        ASSERT_NE(at, effects.end()) << frame;
        EXPECT_NE(at->find(" teal-session:g-0-1 teal-reason:" + std::string{reason}), at->npos)
            << *at;
    }
};

TEST_F(RouterMarkedSessions, O7_SayWhoTheyAreAndWhyTheyComeAndGo)
{
    client();
    marks("link 1 <- CONNECT", "client");
    says(session_id{1}, "SUBSCRIBE id:1 destination:/user/queue/a");
    marks("link 1 <- SUBSCRIBE", "client");
    run(50ms);
    prepares();
    const auto seen = log.take();
    const auto told = [&](std::string_view frame) {
        return std::ranges::any_of(seen, [&](const auto& line) {
            return line.starts_with(frame) &&
                   line.find(" teal-session:g-0-1 teal-reason:switch") != line.npos;
        });
    };
    EXPECT_TRUE(told("link 2 <- CONNECT"));
    EXPECT_TRUE(told("link 2 <- SUBSCRIBE"));
    run(50ms);
    holds();
    run(10ms);
    commits();
    log.take();
    run(6s);
    marks("link 1 <- DISCONNECT", "switch");
    says(session_id{1}, "DISCONNECT receipt:d");
    run(100ms);
    marks("link 2 <- DISCONNECT", "client");
}

// Both colors see it go, and one of them tells that the client left.
TEST_F(RouterMarkedSessions, O7_WhoLeavesInTheOverlapLeavesOnce)
{
    client();
    says(session_id{1}, "SUBSCRIBE id:1 destination:/user/queue/a");
    run(50ms);
    prepares();
    run(50ms);
    holds();
    run(10ms);
    commits();
    log.take();
    says(session_id{1}, "DISCONNECT");
    run(100ms);
    const auto effects = log.take();
    const auto left = [&](std::string_view link, std::string_view reason) {
        return std::ranges::any_of(effects, [&](const auto& line) {
            return line.starts_with(link) && line.ends_with(reason);
        });
    };
    EXPECT_TRUE(left("link 1 <- DISCONNECT", "teal-reason:switch"));
    EXPECT_TRUE(left("link 2 <- DISCONNECT", "teal-reason:client"));
}

class RouterMarkedTrial : public RouterMarkedSessions {
protected:
    static gateway::shard_settings unknown()
    {
        auto s = marked();
        s.dialects.blue = s.dialects.green = broker::dialect::automatic;
        return s;
    }
    RouterMarkedTrial() : RouterMarkedSessions(unknown()) {}
};

TEST_F(RouterMarkedTrial, O7_ALinkThatOnlyTriesSaysSo)
{
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    client();
    const auto first = log.take();
    EXPECT_NE(first[1].find("link 1 <- CONNECT"), std::string::npos) << first[1];
    EXPECT_NE(first[1].find("teal-session:g-trial teal-reason:trial"), std::string::npos)
        << first[1];
    run(1s);
    marks("link 2 <- CONNECT", "client");
}

TEST_F(RouterMarkedSessions, O7_ALostLinkIsMadeAgainForTheSameSession)
{
    client();
    log.take();
    loses(1);
    run(2s);
    marks("link 2 <- CONNECT", "rebind");
}

TEST_F(RouterMarkedSessions, O7_NobodyElseMaySayThat)
{
    client();
    log.take();
    says(session_id{1}, "SEND destination:/app/a teal-session:g-0-2 | x");
    EXPECT_NE(log.take().front().find("ERROR"), std::string::npos);
}

// A relay answers ERROR where its threads bring ABORT ahead of BEGIN, and closes.
TEST_F(RouterWebSocketBroker, B1_IsAskedNothingThatARelayMayConfuse)
{
    client();
    effects_are(
        {"dial 1 blue/0",
         "link 1 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 1 <- SEND destination:/amq/queue/teal-none receipt:r1",
         "link 1 <- DISCONNECT receipt:r2", "dial 2 blue/0",
         "link 2 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "client 1 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-1",
         "client 1 up 1.2 heart-beat:0,0", "resume client 1"});
}

// A login is a presence event, and twenty users that come at once would be twenty of them.
TEST_F(RouterWebSocketBroker, B2_OneLinkThatCarriesNothingTriesForAll)
{
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    for (int n = 1; n <= 20; ++n) {
        client("CONNECT accept-version:1.2 host:/ login:user" + std::to_string(n));
    }
    EXPECT_EQ(router.link_count(), 1u);
    run(1100ms);
    const auto effects = log.take();
    EXPECT_EQ(
        std::ranges::count_if(
            effects, [](const auto& line) { return line.find("/amq/queue/") != line.npos; }),
        1);
    for (std::uint64_t n = 1; n <= 20; ++n) {
        EXPECT_EQ(state(session_id{n}), session_state::active);
    }
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
        {"dial 3 blue/0",
         "link 3 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:bert",
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
    RouterTwoEndpoints() : RouterTest(several_endpoints({2, 1})) {}
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
