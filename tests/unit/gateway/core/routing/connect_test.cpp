// Proves how a client gets its CONNECTED: which versions and heart-beats are agreed, that no
// client's frame goes ahead of the trial (switch.md B1, B2, S15), who shares a link, and how a
// refusal or a dead pool ends.

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

class RouterConnect : public RouterTest {};

TEST_F(RouterConnect, B1_ConnectedComesBehindTheTrialOnly)
{
    brokers.blue.more = "server:RabbitMQ/3.10.8 session:theirs";
    client("CONNECT accept-version:1.1,1.2 host:/ login:anna passcode:x heart-beat:500,600 "
           "receipt:no");
    effects_are(
        {"dial 1 blue/0",
         "link 1 <- CONNECT accept-version:1.1,1.2 heart-beat:10000,10000 host:/ login:anna "
         "passcode:x",
         "link 1 <- SEND destination:/amq/queue/teal-none receipt:r1",
         "link 1 <- BEGIN transaction:teal-trial",
         "link 1 <- ABORT transaction:teal-trial receipt:r2",
         "client 1 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-1 "
         "server:RabbitMQ/3.10.8",
         "client 1 up 1.2 heart-beat:500,600", "resume client 1"});
}

// Both ends of each heart-beat are the gateway's: two clients that differ in theirs share a link.
TEST_F(RouterConnect, H15_TheClientsHeartBeatEndsHere)
{
    client("CONNECT accept-version:1.2 heart-beat:500,600 host:/ login:anna");
    skip_effects();
    client("CONNECT accept-version:1.2 heart-beat:0,0 host:/ login:anna");
    effects_are(
        {"client 2 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-2",
         "client 2 up 1.2 heart-beat:0,0", "resume client 2"});
    EXPECT_EQ(router.link_count(), 1u);
}

TEST_F(RouterConnect, H16_ServesTheVersionThatTheBrokerAnswers)
{
    brokers.blue.version = "1.1";
    client("CONNECT accept-version:1.0,1.1,1.2 host:/");
    effects_are(
        {"dial 1 blue/0",
         "link 1 <- CONNECT accept-version:1.0,1.1,1.2 heart-beat:10000,10000 host:/",
         "link 1 <- SEND destination:/amq/queue/teal-none receipt:r1",
         "link 1 <- BEGIN transaction:teal-trial",
         "link 1 <- ABORT transaction:teal-trial receipt:r2",
         "client 1 <- CONNECTED version:1.1 heart-beat:10000,10000 session:0-1",
         "client 1 up 1.1 heart-beat:0,0", "resume client 1"});
}

TEST_F(RouterConnect, WithoutAcceptVersionMeans10AndALinkOfItsOwn)
{
    client("CONNECT login:anna");
    effects_are(
        {"dial 1 blue/0", "link 1 <- CONNECT accept-version:1.0 heart-beat:10000,10000 login:anna",
         "link 1 <- SEND destination:/amq/queue/teal-none receipt:r1",
         "link 1 <- BEGIN transaction:teal-trial",
         "link 1 <- ABORT transaction:teal-trial receipt:r2",
         "client 1 <- CONNECTED version:1.0 heart-beat:10000,10000 session:0-1",
         "client 1 up 1.0 heart-beat:0,0", "resume client 1"});
    EXPECT_EQ(router.session(session_id{1})->now().own, link_id{1});
}

TEST_F(RouterConnect, RefusesAVersionThatNobodySpeaks)
{
    client("CONNECT accept-version:2.0 host:/ receipt:c");
    effects_are(
        {"client 1 <- ERROR message:unsupported version: supported are 1.0, 1.1 and 1.2 "
         "receipt-id:c version:1.0,1.1,1.2",
         "close client 1 protocol_error: unsupported version: supported are 1.0, 1.1 and 1.2"});
    EXPECT_EQ(router.session_count(), 0u);
}

TEST_F(RouterConnect, RefusesAMalformedHeartBeat)
{
    client("CONNECT accept-version:1.2 host:/ heart-beat:often");
    effects_are(
        {"client 1 <- ERROR message:malformed heart-beat header version:1.0,1.1,1.2",
         "close client 1 protocol_error: malformed heart-beat header"});
}

TEST_F(RouterConnect, RefusesAnotherFrameBeforeConnect)
{
    client("SEND destination:/topic/a receipt:s | x");
    effects_are(
        {"client 1 <- ERROR message:the first frame must be CONNECT or STOMP receipt-id:s "
         "version:1.0,1.1,1.2",
         "close client 1 protocol_error: the first frame must be CONNECT or STOMP"});
}

TEST_F(RouterConnect, TakesStompForConnect)
{
    client("STOMP accept-version:1.2 host:/");
    EXPECT_EQ(state(session_id{1}), session_state::active);
}

TEST_F(RouterConnect, TwoOfOneIdentityShareOneLinkAndOneTrial)
{
    client();
    skip_effects();
    client();
    effects_are(
        {"client 2 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-2",
         "client 2 up 1.2 heart-beat:0,0", "resume client 2"});
    EXPECT_EQ(router.link_count(), 1u);
}

TEST_F(RouterConnect, H23_WhatsoeverDiffersMakesTheLinkAnother)
{
    client();
    skip_effects();
    client("CONNECT accept-version:1.2 host:/ login:anna client-id:7");
    EXPECT_EQ(router.link_count(), 2u);
    client("CONNECT accept-version:1.1,1.2 host:/ login:anna");
    EXPECT_EQ(router.link_count(), 3u);
    // The heart-beat header is no part of the identity.
    client("CONNECT accept-version:1.2 host:/ login:anna heart-beat:1,1");
    EXPECT_EQ(router.link_count(), 3u);
}

TEST_F(RouterConnect, H23_ForwardedHeadersAreOfTheIdentity)
{
    const auto with = [&](const std::string& cookie) {
        says(
            router.open_client("127.0.0.1:9", {{"Cookie", cookie}}, now),
            "CONNECT accept-version:1.2 host:/");
        return router.link_count();
    };
    EXPECT_EQ(with("user=anna"), 1u);
    EXPECT_EQ(with("user=bert"), 2u);
    EXPECT_EQ(with("user=anna"), 2u);
}

TEST_F(RouterConnect, B1_OthersWaitForTheTrialOfTheFirst)
{
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    client();
    skip_effects();
    client();
    effects_are({});
    EXPECT_EQ(state(session_id{2}), session_state::connecting);
    answer(1);
    effects_are(
        {"client 1 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-1",
         "client 1 up 1.2 heart-beat:0,0",
         "client 2 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-2",
         "client 2 up 1.2 heart-beat:0,0", "resume client 1", "resume client 2"});
}

TEST_F(RouterConnect, ABrokersRefusalIsTheClientsError)
{
    brokers.blue.refuses_login = "anna";
    client();
    effects_are(
        {"dial 1 blue/0",
         "link 1 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "close link 1", "client 1 <- ERROR message:Bad CONNECT | Access refused",
         "close client 1 broker_refused: Bad CONNECT: Access refused"});
    EXPECT_EQ(router.session_count(), 0u);
    EXPECT_EQ(router.link_count(), 0u);
}

TEST_F(RouterConnect, ARefusedLoginIsAskedAnewByTheNextClient)
{
    brokers.blue.refuses_login = "anna";
    client();
    brokers.blue.refuses_login = "";
    client();
    EXPECT_EQ(state(session_id{2}), session_state::active);
}

TEST_F(RouterConnect, B2_ALinkCutDuringTheTrialIsTriedOnceMore)
{
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    client();
    brokers.blue.keeps_back = [](const stomp::frame&) { return false; };
    loses(1);
    EXPECT_EQ(state(session_id{1}), session_state::active);
    EXPECT_EQ(
        router.session(session_id{1})->now().group->known.barrier, broker::barrier_kind::routed);
}

TEST_F(RouterConnect, B2_ALinkThatIsCutTwiceIsDialledAgainWithoutThatRung)
{
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    client();
    loses(1);
    skip_effects();
    loses(2);
    effects_are(
        {"dial 3 blue/0",
         "link 3 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 3 <- BEGIN transaction:teal-trial",
         "link 3 <- ABORT transaction:teal-trial receipt:r1"});
    loses(3);
    skip_effects();
    loses(4);
    effects_are(
        {"dial 5 blue/0",
         "link 5 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "dial 6 blue/0",
         "link 6 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "client 1 <- CONNECTED version:1.2 heart-beat:10000,10000 session:0-1",
         "client 1 up 1.2 heart-beat:0,0",
         "resume client 1"}); // without receipts it rides a link of its own
}

// A login that may not make addresses: no link of its asks again what the broker's name has answered.
TEST_F(RouterConnect, B5_WhatTheNameSaidOutlivesTheLinkThatAsked)
{
    brokers.blue.more = "server:ActiveMQ-Artemis/2.44.0";
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    client();
    brings(1, "ERROR message:no permission='CREATE_ADDRESS' on address teal-none");
    brokers.blue.keeps_back = [](const stomp::frame&) { return false; };
    loses(1);
    run(2s);
    ASSERT_EQ(state(session_id{1}), session_state::active);
    EXPECT_EQ(
        router.session(session_id{1})->now().group->known.marker, broker::tried::no);
}

TEST_F(RouterConnect, B2_B4_NoAnswerMeansOneLinkASession)
{
    brokers.blue.keeps_back = [](const stomp::frame&) { return true; };
    client();
    skip_effects();
    run(1s);
    EXPECT_EQ(state(session_id{1}), session_state::active);
    EXPECT_EQ(
        router.session(session_id{1})->now().own, router.session(session_id{1})->now().publish);
    client(); // what was found is kept: nobody waits again
    EXPECT_EQ(state(session_id{2}), session_state::active);
    EXPECT_NE(router.session(session_id{2})->now().own, router.session(session_id{1})->now().own);
}

TEST_F(RouterConnect, WithNoBrokerTheClientIsParkedAndThenClosed)
{
    brokers.blue.dials = false;
    client();
    run(59s);
    EXPECT_TRUE(exists(session_id{1}));
    EXPECT_EQ(router.snapshot().sessions.parked, 1u);
    skip_effects();
    run(2s);
    effects_are(
        {"client 1 <- ERROR message:no broker answers",
         "close client 1 park_timeout: no broker answers"});
}

TEST_F(RouterConnect, ABrokerThatComesBackIsFoundByItsProbe)
{
    brokers.blue.dials = false;
    client();
    run(10s);
    brokers.blue.dials = true;
    run(3s);
    EXPECT_EQ(state(session_id{1}), session_state::active);
}

TEST_F(RouterConnect, ALinkThatNeverAnswersIsGivenUp)
{
    brokers.blue.answers_connect = false;
    client();
    skip_effects();
    run(10s);
    const auto effects = log.take();
    ASSERT_FALSE(effects.empty());
    EXPECT_EQ(effects.front(), "close link 1");
}

TEST_F(RouterConnect, AClientThatGoesWhileConnectingLeavesNothingBehind)
{
    brokers.blue.answers_connect = false;
    const auto id = client();
    skip_effects();
    goes(id);
    effects_are({"close client 1 reset", "close link 1"});
    EXPECT_EQ(router.link_count(), 0u);
    EXPECT_EQ(router.session_count(), 0u);
}

TEST_F(RouterConnect, TheLastOfAnIdentityTakesItsLinksWithIt)
{
    const auto a = client(), b = client();
    goes(a);
    EXPECT_EQ(router.link_count(), 1u);
    skip_effects();
    goes(b);
    effects_are({"close client 2 reset", "link 1 <- DISCONNECT receipt:r3"});
    EXPECT_EQ(router.link_count(), 0u);
}

TEST_F(RouterConnect, H23_AnIdentityIsProvenAgainAndARefusalEndsItsSessions)
{
    client();
    skip_effects();
    run(61s);
    effects_are(
        {"dial 2 blue/0",
         "link 2 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 2 <- DISCONNECT receipt:r1"});
    brokers.blue.refuses_login = "anna";
    run(60s);
    effects_are(
        {"dial 3 blue/0",
         "link 3 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "close link 3", "client 1 <- ERROR message:Bad CONNECT | Access refused",
         "close client 1 broker_refused: Bad CONNECT: Access refused",
         "link 1 <- DISCONNECT receipt:r3"});
}

} // namespace
