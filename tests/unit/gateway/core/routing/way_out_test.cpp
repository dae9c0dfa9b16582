// A client that is sent away before this gateway stops: what it still waits for, and what it gets no more
// (outside.md A12).

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;
using gateway::departure;

class RouterWayOut : public RouterTest {
protected:
    // Link 2 is the session's own.
    void reads_a_queue(const std::string& ack)
    {
        client();
        says(a, "SUBSCRIBE id:mine destination:/queue/q" + ack);
        brings_job(1);
        skip_effects();
    }
    void brings_job(int n)
    {
        const auto i = std::to_string(n);
        brings(
            2, "MESSAGE subscription:s1 message-id:T_s1@@" + i + " ack:A" + i +
                   " destination:/queue/q | " + i);
    }
    const session_id a{1};
};

TEST_F(RouterWayOut, A12_AJobIsAcknowledgedFirstAndNoOtherIsGiven)
{
    reads_a_queue(" ack:client-individual");
    EXPECT_EQ(router.send_away(a), departure::acknowledging);
    brings_job(2);
    effects_are({}); // not given and not acknowledged: it goes back with the link
    says(a, "ACK id:ab-1");
    effects_are({"link 2 <- ACK id:A1"});
    EXPECT_EQ(router.send_away(a), departure::free);
}

TEST_F(RouterWayOut, A12_WhatIsAcknowledgedForTheClientIsWrittenFirst)
{
    reads_a_queue("");
    brings_job(2);
    skip_effects();
    router.send_away(a);
    brings_job(3);
    effects_are({});
}

TEST_F(RouterWayOut, A12_AnAnswerThatIsOwedIsWaitedFor)
{
    client();
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.command == stomp::command::send;
    };
    says(a, "SEND destination:/topic/t receipt:x | m");
    EXPECT_EQ(router.send_away(a), departure::awaiting);
    answer();
    EXPECT_EQ(router.send_away(a), departure::free);
}

TEST_F(RouterWayOut, A12_WhoHasNoBrokerOrNoSessionIsFree)
{
    EXPECT_EQ(router.send_away(a), departure::free) << "nobody has that number";
    const auto stranger = arrives();
    EXPECT_EQ(router.send_away(stranger), departure::free);
    const auto b = client();
    EXPECT_EQ(router.send_away(b), departure::free);
    says(b, "SEND destination:/topic/t | m");
    EXPECT_EQ(router.send_away(b), departure::free) << "what asked for no answer is owed none";
}

TEST_F(RouterWayOut, A12_ABroadcastNeedsNoAcknowledgementAndIsGivenToTheEnd)
{
    client();
    says(a, "SUBSCRIBE id:mine destination:/topic/t");
    router.send_away(a);
    skip_effects();
    brings(2, "MESSAGE subscription:s1 message-id:1 destination:/topic/t | m");
    effects_are({"client 1 <- MESSAGE subscription:mine message-id:1 destination:/topic/t | m"});
}

} // namespace
