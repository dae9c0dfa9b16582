// Proves what becomes of a client's frames in ordinary times: which link they ride on, what waits
// for what, and that each receipt is answered once, to its own client (design.md section 5).

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

class RouterFrames : public RouterTest {
protected:
    RouterFrames()
    {
        client();
        skip_effects();
    }
    const session_id a{1}, b{2};
};

const std::string queue_1 = "stomp-subscription-teal-000000ab-0-1";
const std::string marker_1 = "link 1 <- SEND destination:/amq/queue/" + queue_1 + " teal-marker:s1";

TEST_F(RouterFrames, ASendRidesThePublishLinkAndItsReceiptComesBack)
{
    says(a, "SEND destination:/topic/a receipt:x custom:\\c | hello");
    effects_are(
        {"link 1 <- SEND destination:/topic/a custom:\\c receipt:r3 | hello",
         "client 1 <- RECEIPT receipt-id:x"});
}

TEST_F(RouterFrames, ABinarySendStaysBinary)
{
    says(a, "SEND destination:/topic/a | x", framing::binary);
    effects_are({"link 1 <- (binary) SEND destination:/topic/a | x"});
}

TEST_F(RouterFrames, H6_TwoClientsReceiptsOnOneLinkAreNotMixedUp)
{
    client();
    brokers.blue.keeps_back = is_send;
    skip_effects();
    says(a, "SEND destination:/topic/a receipt:same");
    says(b, "SEND destination:/topic/a receipt:same");
    effects_are(
        {"link 1 <- SEND destination:/topic/a receipt:r3",
         "link 1 <- SEND destination:/topic/a receipt:r4"});
    brings(1, "RECEIPT receipt-id:r4");
    effects_are({"client 2 <- RECEIPT receipt-id:same"});
    brings(1, "RECEIPT receipt-id:r3");
    effects_are({"client 1 <- RECEIPT receipt-id:same"});
    brings(1, "RECEIPT receipt-id:r3");
    effects_are({});
}

TEST_F(RouterFrames, ABroadcastSubscribeRidesASharedLinkUnderAnAddressOfItsOwn)
{
    says(a, "SUBSCRIBE id:mine destination:/topic/a receipt:x");
    effects_are(
        {"dial 2 blue/0",
         "link 2 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 2 <- SUBSCRIBE id:s1 ack:auto receipt:r1 x-queue-name:" +
             queue_1 + " exclusive:true destination:/topic/a",
         marker_1, "client 1 <- RECEIPT receipt-id:x", "resume client 1"});
    brings(2, "MESSAGE subscription:s1 message-id:m1 destination:/topic/a | hello");
    effects_are(
        {"client 1 <- MESSAGE subscription:mine message-id:m1 destination:/topic/a | hello"});
}

TEST_F(RouterFrames, EqualSubscribesShareOneAtTheBroker)
{
    client();
    says(a, "SUBSCRIBE id:mine destination:/topic/a");
    skip_effects();
    says(b, "SUBSCRIBE id:other destination:/topic/a receipt:x");
    effects_are({"client 2 <- RECEIPT receipt-id:x", "resume client 2"});
    brings(2, "MESSAGE subscription:s1 message-id:m1 destination:/topic/a | hello");
    effects_are(
        {"client 1 <- MESSAGE subscription:mine message-id:m1 destination:/topic/a | hello",
         "client 2 <- MESSAGE subscription:other message-id:m1 destination:/topic/a | hello"});
    says(a, "UNSUBSCRIBE id:mine receipt:u");
    effects_are({"client 1 <- RECEIPT receipt-id:u", "resume client 1"});
    brings(2, "MESSAGE subscription:s1 message-id:m2 destination:/topic/a | again");
    effects_are(
        {"client 2 <- MESSAGE subscription:other message-id:m2 destination:/topic/a | again"});
    says(b, "UNSUBSCRIBE id:other receipt:u"); // the last one out unsubscribes
    effects_are(
        {"link 2 <- UNSUBSCRIBE id:s1 receipt:r2", "resume client 2",
         "client 2 <- RECEIPT receipt-id:u"});
}

TEST_F(RouterFrames, WhoJoinsAnOpenSubscribeGetsItsReceiptWithIt)
{
    client();
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:mine destination:/topic/a receipt:x");
    skip_effects();
    says(b, "SUBSCRIBE id:other destination:/topic/a receipt:y");
    effects_are({});
    answer();
    effects_are(
        {marker_1, "client 1 <- RECEIPT receipt-id:x", "client 2 <- RECEIPT receipt-id:y",
         "resume client 1", "resume client 2"});
}

TEST_F(RouterFrames, H10_H13_WireIdsAreNotReused)
{
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(a, "UNSUBSCRIBE id:1");
    skip_effects();
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    const auto effects = log.take();
    ASSERT_FALSE(effects.empty());
    EXPECT_TRUE(effects.front().starts_with("link 2 <- SUBSCRIBE id:s2")) << effects.front();
}

TEST_F(RouterFrames, M11_ASendWaitsForTheReceiptsOfItsOpenSubscribes)
{
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    says(a, "SEND destination:/topic/a receipt:s | 1");
    says(a, "SEND destination:/topic/a | 2");
    effects_are({});
    answer();
    effects_are(
        {marker_1, "link 1 <- SEND destination:/topic/a receipt:r3 | 1",
         "link 1 <- SEND destination:/topic/a | 2", "resume client 1",
         "client 1 <- RECEIPT receipt-id:s"});
}

TEST_F(RouterFrames, ANeighbourDoesNotWaitForThatSubscribe)
{
    client();
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    says(b, "SEND destination:/topic/a | now");
    effects_are({"link 1 <- SEND destination:/topic/a | now"});
}

TEST_F(RouterFrames, OneSubscribeAtATimeIsOpenOnASharedLink)
{
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/topic/a receipt:x");
    skip_effects();
    says(a, "SUBSCRIBE id:2 destination:/topic/b receipt:y");
    effects_are({});
    answer(1);
    effects_are(
        {marker_1, "client 1 <- RECEIPT receipt-id:x",
         "link 2 <- SUBSCRIBE id:s2 ack:auto receipt:r2 "
         "x-queue-name:stomp-subscription-teal-000000ab-0-2 exclusive:true destination:/topic/b"});
    answer(1);
    effects_are({"client 1 <- RECEIPT receipt-id:y", "resume client 1"});
}

TEST_F(RouterFrames, AStoredSubscribeGetsALinkOfTheSessionsOwn)
{
    says(a, "SUBSCRIBE id:1 destination:/queue/q receipt:x");
    effects_are(
        {"dial 2 blue/0",
         "link 2 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 2 <- SUBSCRIBE id:s1 ack:client-individual receipt:r1 destination:/queue/q "
         "prefetch-count:100",
         "resume client 1", "client 1 <- RECEIPT receipt-id:x", "resume client 1"});
    EXPECT_EQ(router.session(a)->now().own, link_id{2});
    EXPECT_EQ(
        router.session(a)->now().publish,
        link_id{2}); // nothing was unproven: its SENDs moved at once
}

TEST_F(RouterFrames, SendsMoveToTheOwnLinkBehindABarrierOnTheSharedOne)
{
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | 1");
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    skip_effects();
    says(a, "SEND destination:/topic/a | 2");
    effects_are({});
    EXPECT_EQ(kept_back(), 1u);
    answer();
    effects_are({"link 2 <- SEND destination:/topic/a | 2", "resume client 1"});
}

// It is lost before that barrier's answer, and nothing needs another one.
TEST_F(RouterFrames, SendsStayOnTheSharedLinkWhenTheOwnOneIsLostOnTheWay)
{
    brokers.blue.keeps_back = is_barrier;
    says(a, "SEND destination:/topic/a | 1");
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    says(a, "UNSUBSCRIBE id:1");
    loses(2);
    EXPECT_EQ(state(a), session_state::active);
    answer();
    skip_effects();
    says(a, "SEND destination:/topic/a | 2");
    effects_are({"link 1 <- SEND destination:/topic/a | 2"});
}

TEST_F(RouterFrames, ALaterBroadcastSubscribeStillShares)
{
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    skip_effects();
    says(a, "SUBSCRIBE id:2 destination:/topic/a");
    effects_are(
        {"dial 3 blue/0",
         "link 3 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 3 <- SUBSCRIBE id:s2 ack:auto receipt:r1 "
         "x-queue-name:stomp-subscription-teal-000000ab-0-2 exclusive:true destination:/topic/a",
         "link 1 <- SEND destination:/amq/queue/stomp-subscription-teal-000000ab-0-2 "
         "teal-marker:s2",
         "resume client 1"});
}

TEST_F(RouterFrames, H14_AReplyAddressNeedsTheOwnLinkAndItsMessagesComeToItsSession)
{
    says(a, "SEND destination:/topic/ask reply-to:/temp-queue/answers | ?");
    effects_are(
        {"dial 2 blue/0",
         "link 2 <- CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna",
         "link 2 <- SEND destination:/topic/ask reply-to:/temp-queue/answers | ?",
         "resume client 1"});
    brings(
        2, "MESSAGE subscription:/temp-queue/answers teal-id:g-1 receipt:r7 transaction:t "
           "message-id:m "
           "destination:/reply-queue/x | !");
    effects_are({"client 1 <- MESSAGE subscription:/temp-queue/answers message-id:m "
                 "destination:/reply-queue/x | !"});
}

TEST_F(RouterFrames, H9_ATransactionIsSentInOneTurnAndItsReceiptsComeWithCommits)
{
    says(a, "BEGIN transaction:t receipt:b");
    effects_are({"client 1 <- RECEIPT receipt-id:b"});
    says(a, "SEND destination:/topic/a transaction:t receipt:1 | 1");
    says(a, "SEND destination:/topic/a transaction:t | 2");
    effects_are({});
    says(a, "COMMIT transaction:t receipt:c");
    effects_are(
        {"link 1 <- BEGIN transaction:t1", "link 1 <- SEND destination:/topic/a transaction:t1 | 1",
         "link 1 <- SEND destination:/topic/a transaction:t1 | 2",
         "link 1 <- COMMIT transaction:t1 receipt:r3", "client 1 <- RECEIPT receipt-id:1",
         "client 1 <- RECEIPT receipt-id:c"});
}

TEST_F(RouterFrames, H9_AnAbortedTransactionReachesNoBroker)
{
    says(a, "BEGIN transaction:t");
    says(a, "SEND destination:/topic/a transaction:t receipt:1 | 1");
    says(a, "ABORT transaction:t receipt:c");
    effects_are({"client 1 <- RECEIPT receipt-id:c"}); // E9: nothing for what is thrown away
}

TEST_F(RouterFrames, CommitWaitsLikeASend)
{
    brokers.blue.keeps_back = is_subscribe;
    says(a, "BEGIN transaction:t");
    says(a, "SEND destination:/topic/a transaction:t | 1");
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    says(a, "COMMIT transaction:t");
    effects_are({});
    answer();
    effects_are(
        {marker_1, "link 1 <- BEGIN transaction:t1",
         "link 1 <- SEND destination:/topic/a transaction:t1 | 1",
         "link 1 <- COMMIT transaction:t1 receipt:r3", "resume client 1"});
}

TEST_F(RouterFrames, S13_H8_DisconnectsReceiptIsTheLastAndBehindTheBarrier)
{
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/topic/a receipt:s | 1");
    says(a, "SEND destination:/topic/a | 2");
    skip_effects();
    says(a, "DISCONNECT receipt:d");
    // At once, and not behind what is owed: a slow link need not be waited for twice.
    effects_are({"link 1 <- SEND destination:/amq/queue/teal-none receipt:r4"});
    EXPECT_EQ(state(a), session_state::closing);
    answer(1);
    effects_are({"client 1 <- RECEIPT receipt-id:s"});
    answer(1);
    effects_are(
        {"client 1 <- RECEIPT receipt-id:d", "close client 1 disconnect",
         "link 1 <- DISCONNECT receipt:r5"});
    EXPECT_FALSE(exists(a));
}

TEST_F(RouterFrames, DisconnectWithoutAReceiptEndsAtOnce)
{
    says(a, "SEND destination:/topic/a | 2");
    skip_effects();
    says(a, "DISCONNECT");
    effects_are(
        {"close client 1 disconnect", "link 1 <- SEND destination:/amq/queue/teal-none receipt:r3",
         "link 1 <- DISCONNECT receipt:r4"}); // its link leaves after its own barrier: nothing is lost
}

TEST_F(RouterFrames, H7_ADisconnectWhoseAnswersNeverComeEndsWithoutItsReceipt)
{
    brokers.blue.keeps_back = is_send;
    says(a, "SEND destination:/topic/a receipt:s");
    says(a, "DISCONNECT receipt:d");
    skip_effects();
    run(2s);
    effects_are({"close client 1 disconnect"});
}

TEST_F(RouterFrames, S2_SharedPublishLinksAreProvenEverySecond)
{
    says(a, "SEND destination:/topic/a | 1");
    skip_effects();
    run(1s);
    effects_are({"link 1 <- SEND destination:/amq/queue/teal-none receipt:r3"});
    run(10s);
    effects_are({}); // nothing to prove, nothing sent
}

TEST_F(RouterFrames, ACongestedLinkStopsTheClientsThatFeedIt)
{
    client();
    skip_effects();
    log.backlog[link_id{1}] = 2 * 1024 * 1024;
    says(a, "SEND destination:/topic/a | 1");
    effects_are({"link 1 <- SEND destination:/topic/a | 1"});
    says(a, "SEND destination:/topic/a | 2");
    says(b, "SEND destination:/topic/a | 3");
    effects_are({});
    log.backlog.clear();
    router.on_link_drained(link_id{1}, now);
    work();
    effects_are(
        {"link 1 <- SEND destination:/topic/a | 2", "resume client 1",
         "link 1 <- SEND destination:/topic/a | 3", "resume client 2"});
}

TEST_F(RouterFrames, AFloodBehindAnOpenSubscribeIsNotReadBeyondItsBound)
{
    brokers.blue.keeps_back = is_subscribe;
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    const std::string body(16 * 1024, 'x');
    for (int i = 0; i < 10; ++i) {
        says(a, "SEND destination:/topic/a | " + body);
    }
    EXPECT_FALSE(router.wants_client(a));
    EXPECT_GE(carried(a), 5u); // these stay with the driver
    answer();
    EXPECT_EQ(carried(a), 0u);
}

} // namespace
