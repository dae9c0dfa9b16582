// Proves a link's way from the dial to `ready`: CONNECT, the rungs of the trial and what each
// answer means (switch.md B1 to B3), and how it ends at each point of that way.

#include "tests/unit/broker/link_scene.hpp"

namespace {

using namespace broker;
using namespace testing_support;

class LinkConnect : public LinkTest {};
class LinkTrial : public LinkTest {
protected:
    broker::link& tried(trial_rung rung)
    {
        broker::link& l = open({.rung = rung});
        l.on_open(t0, log);
        log.take();
        return l;
    }
    static inline const std::string own_queue = "stomp-subscription-teal-000000ab-0-l3";
    static lines own_queue_tried()
    {
        return {
            "link 3 <- SUBSCRIBE id:teal-own ack:auto destination:/topic/teal-none "
            "x-queue-name:" + own_queue + " exclusive:true",
            "link 3 <- SEND destination:/amq/queue/" + own_queue + " receipt:r3"};
    }
};

TEST_F(LinkConnect, H15_SaysWhatTheIdentitySaidAndOnlyTheHeartBeatOfItsOwn)
{
    broker::link& l = open(
        {.accept_version = "1.0,1.1,1.2", .connect_head = "host:/\nlogin:anna\npasscode:s\\c\n"});
    EXPECT_EQ(l.state(), link_state::dialling);
    l.on_open(t0, log);
    EXPECT_EQ(l.state(), link_state::connecting);
    EXPECT_EQ(
        log.take(),
        (lines{
            "link 3 <- CONNECT accept-version:1.0,1.1,1.2 heart-beat:10000,10000 host:/ login:anna "
            "passcode:s\\c"}));
}

TEST_F(LinkConnect, IsReadyAtOnceWhereItsEndpointIsKnown)
{
    broker::link& l = open({.known = {.barrier = barrier_kind::received}});
    l.on_open(t0, log);
    log.take();
    EXPECT_EQ(
        gets("CONNECTED version:1.1 heart-beat:5000,6000 session:x server:a/1").what, kind::up);
    EXPECT_TRUE(l.ready());
    EXPECT_EQ(log.take(), lines{});
    EXPECT_EQ(l.version(), stomp::version::v11);
    EXPECT_EQ(l.connected_head(), "server:a/1\n");
    EXPECT_EQ(l.broker_heart_beat(), "5000,6000");
}

TEST_F(LinkConnect, NoVersionMeans10)
{
    ready();
    open({.known = {.barrier = barrier_kind::none}}).on_open(t0, log);
    gets("CONNECTED session:x");
    EXPECT_EQ(core->version(), stomp::version::v10);
}

TEST_F(LinkConnect, ARecheckMakesNoTrial)
{
    open({.role = link_role::recheck}).on_open(t0, log);
    log.take();
    EXPECT_EQ(gets("CONNECTED version:1.2").what, kind::up);
    EXPECT_EQ(log.take(), lines{});
}

TEST_F(LinkConnect, AnErrorInsteadOfConnectedIsARefusal)
{
    broker::link& l = open({});
    l.on_open(t0, log);
    const auto event = gets("ERROR message:Bad CONNECT | Access refused for user 'anna'\nmore");
    EXPECT_EQ(event.what, kind::refused);
    EXPECT_EQ(event.text, "Bad CONNECT: Access refused for user 'anna'");
    EXPECT_EQ(l.last_error(), event.text);
    EXPECT_FALSE(l.ready());
}

TEST_F(LinkConnect, ASecondConnectedMeansNothing)
{
    broker::link& l = ready();
    EXPECT_EQ(gets("CONNECTED version:1.0").what, kind::swallowed);
    EXPECT_EQ(l.version(), stomp::version::v12);
}

TEST_F(LinkConnect, F1_AfterConnectedAFrameThatNoBrokerSendsMeansNothing)
{
    ready();
    EXPECT_EQ(gets("SEND destination:/topic/a").what, kind::swallowed);
    stomp::frame_view unknown;
    unknown.command = stomp::command::unknown;
    EXPECT_EQ(core->on_frame(unknown, t0, log).what, kind::swallowed);
    EXPECT_EQ(log.take(), lines{});
}

TEST_F(LinkConnect, LeftBeforeConnectedItIsClosedAtOnce)
{
    broker::link& l = open({});
    l.leave(t0, log);
    EXPECT_EQ(log.take(), lines{"close link 3"});
    EXPECT_EQ(l.state(), link_state::lost);
    open({}).on_open(t0, log);
    log.take();
    core->leave(t0, log);
    EXPECT_EQ(log.take(), lines{"close link 3"});
    EXPECT_EQ(core->state(), link_state::lost);
}

TEST_F(LinkTrial, B1_TriesTheAbsentQueueAndATransactionInOneWrite)
{
    broker::link& l = tried(trial_rung::absent_queue);
    EXPECT_EQ(gets("CONNECTED version:1.2").what, kind::nothing);
    EXPECT_EQ(
        log.take(), (lines{
                        "link 3 <- SEND destination:/amq/queue/teal-none receipt:r1",
                        "link 3 <- BEGIN transaction:teal-trial",
                        "link 3 <- ABORT transaction:teal-trial receipt:r2"}));
    EXPECT_EQ(l.state(), link_state::trying);
    EXPECT_FALSE(l.ready());
    EXPECT_EQ(l.next_deadline(), t0 + 1s);
}

TEST_F(LinkTrial, B1_TheAbsentQueuesAnswerMeansRouted)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::up);
    EXPECT_EQ(l.can().barrier, barrier_kind::routed);
    EXPECT_EQ(l.next_deadline(), net::never);
    EXPECT_EQ(
        gets("RECEIPT receipt-id:r2").what, kind::nothing); // the other answer is expected, too
}

TEST_F(LinkTrial, B1_TheBetterAnswerGetsItsTimeBehindTheOther)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    EXPECT_EQ(gets("RECEIPT receipt-id:r2").what, kind::nothing);
    EXPECT_EQ(l.state(), link_state::trying);
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::up);
    EXPECT_EQ(l.can().barrier, barrier_kind::routed);
}

TEST_F(LinkTrial, B1_OnlyTheTransactionsAnswerMeansReceived)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    gets("RECEIPT receipt-id:r2");
    log.take();
    EXPECT_EQ(l.on_deadline(t0 + 999ms, log).what, kind::nothing);
    EXPECT_EQ(l.on_deadline(t0 + 1s, log).what, kind::nothing);
    EXPECT_EQ(log.take(), own_queue_tried());
    EXPECT_EQ(l.on_deadline(t0 + 2s - 1ms, log).what, kind::nothing);
    EXPECT_EQ(l.on_deadline(t0 + 2s, log).what, kind::up);
    EXPECT_EQ(log.take(), lines{"link 3 <- UNSUBSCRIBE id:teal-own"});
    EXPECT_EQ(l.can(), broker::capability{.barrier = barrier_kind::received});
    EXPECT_EQ(gets("RECEIPT receipt-id:r1", t0 + 3s).what, kind::nothing); // too late to count
    EXPECT_EQ(gets("RECEIPT receipt-id:r3", t0 + 3s).what, kind::nothing);
    EXPECT_EQ(l.can().barrier, barrier_kind::received);
}

TEST_F(LinkTrial, B1_AQueueOfTheLinksOwnIsTriedWhereAnAbsentOneIsNotConfirmed)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    gets("RECEIPT receipt-id:r2");
    l.on_deadline(t0 + 1s, log);
    log.take();
    EXPECT_EQ(gets("MESSAGE subscription:teal-own message-id:1", t0 + 1s).what, kind::own);
    EXPECT_EQ(gets("RECEIPT receipt-id:r3", t0 + 1s).what, kind::up);
    EXPECT_EQ(l.can(), (broker::capability{.barrier = barrier_kind::routed, .own_queue = true}));
    sends("SEND destination:/topic/a");
    log.take();
    l.barrier(t0 + 2s, log);
    EXPECT_EQ(log.take(), lines{"link 3 <- SEND destination:/amq/queue/" + own_queue + " receipt:r4"});
    EXPECT_EQ(gets("MESSAGE subscription:teal-own message-id:2", t0 + 2s).what, kind::own);
    EXPECT_EQ(gets("RECEIPT receipt-id:r4", t0 + 2s).what, kind::answered);
    EXPECT_TRUE(l.proven());
}

TEST_F(LinkTrial, B1_WhereItIsKnownEachLinkDeclaresItsOwnQueueAtOnce)
{
    open({.known = {.barrier = barrier_kind::routed, .own_queue = true}});
    core->on_open(t0, log);
    log.take();
    EXPECT_EQ(gets("CONNECTED version:1.2").what, kind::up);
    EXPECT_EQ(
        log.take(), lines{"link 3 <- SUBSCRIBE id:teal-own ack:auto destination:/topic/teal-none "
                          "x-queue-name:stomp-subscription-teal-000000ab-0-l3 exclusive:true"});
}

TEST_F(LinkTrial, B2_AnErrorAtTheOwnQueueIsOneOfThatRung)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    gets("RECEIPT receipt-id:r2");
    l.on_deadline(t0 + 1s, log);
    EXPECT_EQ(gets("ERROR message:access_refused", t0 + 1s).what, kind::error);
    EXPECT_EQ(l.rung(), trial_rung::own_queue);
}

TEST_F(LinkTrial, B1_ALinkThatIsToLeaveTriesNothingMore)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    gets("RECEIPT receipt-id:r2");
    log.take();
    l.leave(t0, log);
    EXPECT_EQ(l.on_deadline(t0 + 1s, log).what, kind::up);
    EXPECT_EQ(log.take(), lines{"link 3 <- DISCONNECT receipt:r3"});
}

TEST_F(LinkTrial, B2_NoAnswerMeansNoReceipts)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    EXPECT_EQ(l.on_deadline(t0 + 1s, log).what, kind::up);
    EXPECT_EQ(l.can().barrier, barrier_kind::none);
    EXPECT_FALSE(l.can().receipts());
    EXPECT_TRUE(l.ready());
}

TEST_F(LinkTrial, TheTransactionRungIsContentWithItsOneAnswer)
{
    broker::link& l = tried(trial_rung::transaction);
    gets("CONNECTED version:1.2");
    EXPECT_EQ(
        log.take(), (lines{
                        "link 3 <- BEGIN transaction:teal-trial",
                        "link 3 <- ABORT transaction:teal-trial receipt:r1"}));
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::up);
    EXPECT_EQ(l.can().barrier, barrier_kind::received);
}

// Artemis and ActiveMQ work a connection's frames off in order, and would keep a queue for each trial.
TEST_F(LinkTrial, B5_WhoNamesItselfIsTriedWithWhatItsDialectKnows)
{
    const auto named = [&](const std::string& server) -> broker::link& {
        broker::link& l = open({.rung = trial_rung::absent_queue, .asks_name = true});
        l.on_open(t0, log);
        log.take();
        gets("CONNECTED version:1.2 server:" + server);
        return l;
    };
    broker::link& classic = named("ActiveMQ/5.17.2");
    EXPECT_EQ(
        log.take(), (lines{
                        "link 3 <- BEGIN transaction:teal-trial",
                        "link 3 <- ABORT transaction:teal-trial receipt:r1"}));
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::up);
    EXPECT_EQ(classic.can().barrier, barrier_kind::ordered);
    EXPECT_TRUE(classic.can().proves_routing());
    EXPECT_EQ(classic.can().marker, tried::no);

    broker::link& artemis = named("ActiveMQ-Artemis/2.44.0 ActiveMQ Artemis Messaging Engine");
    EXPECT_EQ(
        log.take(),
        lines{"link 3 <- SEND destination:teal-none destination-type:MULTICAST receipt:r1"});
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::up);
    EXPECT_EQ(artemis.can().barrier, barrier_kind::routed);
    EXPECT_EQ(artemis.can().marker, tried::no);
}

TEST_F(LinkTrial, B5_AnUnknownNameOrAConfiguredDialectChangesNothing)
{
    for (const bool asks : {false, true}) {
        broker::link& l = open({.rung = trial_rung::absent_queue, .asks_name = asks});
        l.on_open(t0, log);
        log.take();
        gets(
            asks ? "CONNECTED version:1.2 server:other/1"
                 : "CONNECTED version:1.2 server:ActiveMQ/5");
        EXPECT_EQ(log.take().size(), 3u);
    }
}

TEST_F(LinkTrial, TheLastRungTriesNothing)
{
    broker::link& l = tried(trial_rung::nothing);
    EXPECT_EQ(gets("CONNECTED version:1.2").what, kind::up);
    EXPECT_EQ(log.take(), lines{});
    EXPECT_EQ(l.can().barrier, barrier_kind::none);
}

TEST_F(LinkTrial, B2_AnErrorDuringItIsNoAnswer)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    EXPECT_EQ(gets("ERROR message:access_refused").what, kind::error);
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed); // RabbitMQ says both
    EXPECT_FALSE(l.ready());
    EXPECT_EQ(l.rung(), trial_rung::absent_queue); // who dials again goes on from here (B2)
    EXPECT_EQ(l.last_error(), "access_refused");
}

TEST_F(LinkTrial, EofDuringItLeavesTheLinkLost)
{
    broker::link& l = tried(trial_rung::transaction);
    gets("CONNECTED version:1.2");
    l.on_lost();
    EXPECT_EQ(l.state(), link_state::lost);
    EXPECT_EQ(l.rung(), trial_rung::transaction);
    EXPECT_EQ(l.can().barrier, barrier_kind::unknown);
}

TEST_F(LinkTrial, LeftDuringItTheLinkGoesWhenItIsOver)
{
    broker::link& l = tried(trial_rung::absent_queue);
    gets("CONNECTED version:1.2");
    log.take();
    l.leave(t0, log);
    EXPECT_EQ(log.take(), lines{});
    EXPECT_TRUE(l.leaving());
    gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(log.take(), lines{"link 3 <- DISCONNECT receipt:r3"});
    EXPECT_EQ(l.state(), link_state::leaving);
}

TEST(Dialect, B5_SaysWhatIsWorthTrying)
{
    EXPECT_EQ(first_rung(*dialect_from("auto"), false), trial_rung::absent_queue);
    EXPECT_EQ(first_rung(*dialect_from("auto"), true), trial_rung::absent_queue_alone);
    for (const bool websocket : {false, true}) {
        const auto first = [&](std::string_view dialect) {
            return first_rung(*dialect_from(dialect), websocket);
        };
        EXPECT_EQ(first("rabbitmq"), trial_rung::absent_queue);
        EXPECT_EQ(first("artemis"), trial_rung::absent_address);
        EXPECT_EQ(first("activemq"), trial_rung::transaction);
        EXPECT_EQ(first("plain"), trial_rung::transaction);
        EXPECT_EQ(first("spring"), trial_rung::nothing);
    }
    EXPECT_EQ(dialect_from("RabbitMQ"), std::nullopt);
    EXPECT_EQ(dialect_named_by("RabbitMQ/3.10.8"), dialect::rabbitmq);
    EXPECT_EQ(dialect_named_by("ActiveMQ/5.17.2"), dialect::activemq);
    EXPECT_EQ(dialect_named_by("ActiveMQ-Artemis/2.44.0 ActiveMQ Artemis"), dialect::artemis);
    EXPECT_EQ(dialect_named_by("teal-broker/1"), dialect::automatic);
    EXPECT_TRUE(has_addresses(*dialect_from("auto")));
    EXPECT_FALSE(has_addresses(*dialect_from("artemis")));
}

} // namespace
