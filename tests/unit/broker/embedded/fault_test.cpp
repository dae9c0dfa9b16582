// Proves that each fault of a client is answered with an ERROR that names it, that its session ends
// there, and that planted faults (--chaos) do what they say.

#include "broker_fixture.hpp"

namespace embedded::testing {
namespace {

using stomp::command;
class BrokerCoreFault : public BrokerFixture {};

struct bad_frame {
    std::string message;
    command what;
    headers with;
};

TEST_F(BrokerCoreFault, IsAnsweredWithItsReasonAndTheReceiptId)
{
    const std::vector<bad_frame> all{
        {"connected already", command::connect, {}},
        {"unknown command", command::message, {{"destination", "/topic/a"}}},
        {"missing header", command::send, {}},
        {"unknown destination", command::send, {{"destination", "/nowhere/a"}}},
        {"unknown destination", command::send, {{"destination", "/temp-queue/a"}}},
        {"missing header", command::subscribe, {{"destination", "/topic/a"}}},
        {"missing header", command::subscribe, {{"id", "1"}}},
        {"unknown destination", command::subscribe, {{"id", "1"}, {"destination", "a"}}},
        {"unknown destination",
         command::subscribe,
         {{"id", "1"}, {"destination", "/reply-queue/a"}}},
        {"no such queue", command::subscribe, {{"id", "1"}, {"destination", "/amq/queue/a"}}},
        {"bad header",
         command::subscribe,
         {{"id", "1"}, {"destination", "/queue/a"}, {"ack", "never"}}},
        {"bad header",
         command::subscribe,
         {{"id", "1"}, {"destination", "/queue/a"}, {"prefetch-count", "-1"}}},
        {"bad header", command::subscribe, {{"id", "/temp-queue/a"}, {"destination", "/queue/a"}}},
        {"missing header", command::unsubscribe, {}},
        {"missing header", command::ack, {{"message-id", "n-1-1"}}},
        {"unknown ack id", command::ack, {{"id", "n-1-1"}}},
        {"unknown ack id", command::nack, {{"id", "other-1-1"}}},
        {"missing header", command::begin, {}},
        {"unknown transaction", command::commit, {{"transaction", "t"}}},
        {"unknown transaction", command::abort, {{"transaction", "t"}}},
        {"unknown transaction", command::send, {{"destination", "/topic/a"}, {"transaction", "t"}}},
    };
    for (const bad_frame& bad : all) {
        client& c = connect();
        headers with = bad.with;
        with.push_back({"receipt", "r"});
        say(c, bad.what, with);
        expect_error(c, bad.message);
        EXPECT_NE(c.got[0].find("\nreceipt-id:r\n"), std::string::npos) << c.got[0];
        EXPECT_EQ(core().next_deadline(c.id), net::never);
    }
    EXPECT_EQ(core().stats().errors, all.size());
    EXPECT_EQ(core().stats().clients.subscriptions, 0u);
}

TEST_F(BrokerCoreFault, IsAFrameBeforeConnect)
{
    client& c = open();
    send(c, "/topic/a", "x");
    expect_error(c, "not connected");
}

TEST_F(BrokerCoreFault, IsWhatTheParserRefuses)
{
    client& c = connect();
    core().on_fault(c.id, stomp::errc::bad_header, now);
    expect_error(c, "malformed frame");
    client& d = connect();
    core().on_fault(d.id, stomp::errc::unknown_command, now);
    expect_error(d, "unknown command");
}

TEST_F(BrokerCoreFault, IsASecondSubscriptionOfOneId)
{
    client& c = connect();
    subscribe(c, "1", "/topic/a");
    subscribe(c, "1", "/topic/b");
    expect_error(c, "duplicate subscription id");
}

TEST_F(BrokerCoreFault, IsEveryBoundThatIsExceeded)
{
    broker_options options = defaults();
    options.session_subscriptions_max = 1;
    options.session_transactions_max = 1;
    options.transaction_frames_max = 1;
    options.queues_max = 2;
    restart(options);
    client& c = connect();
    subscribe(c, "1", "/topic/a");
    subscribe(c, "2", "/topic/a");
    expect_error(c, "too many subscriptions");
    client& d = connect();
    say(d, command::begin, {{"transaction", "t"}});
    say(d, command::begin, {{"transaction", "u"}});
    expect_error(d, "too many transactions");
    client& e = connect();
    say(e, command::begin, {{"transaction", "t"}});
    say(e, command::send, {{"destination", "/topic/a"}, {"transaction", "t"}});
    say(e, command::send, {{"destination", "/topic/a"}, {"transaction", "t"}});
    expect_error(e, "transaction too large");
    client& f = connect();
    send(f, "/queue/a", "x");
    send(f, "/queue/b", "x");
    send(f, "/queue/c", "x");
    expect_error(f, "too many queues");
    client& g = connect();
    say(g, command::send, {{"destination", "/topic/a"}, {"reply-to", "/temp-queue/a"}});
    expect_error(g, "too many queues");
}

TEST_F(BrokerCoreFault, LeavesTheNeighboursAlone)
{
    client& good = connect();
    subscribe(good, "1", "/topic/a");
    client& bad = connect();
    subscribe(bad, "1", "/topic/a");
    say(bad, command::begin);
    send(good, "/topic/a", "x");
    EXPECT_EQ(bodies(good), (frames{"x"}));
    EXPECT_EQ(core().stats().clients.subscriptions, 1u);
}

TEST_F(BrokerCoreFault, PlantedClosesWithoutAWord)
{
    broker_options options = defaults();
    options.chaos.close_on = "/topic/a";
    restart(options);
    client& c = connect();
    say(c, command::send, {{"destination", "/topic/a"}, {"receipt", "r"}});
    EXPECT_EQ(c.got, frames{});
    EXPECT_EQ(c.closed, session_sink::parting::at_once);
}

TEST_F(BrokerCoreFault, PlantedRejectsASubscribeAsRabbitDoes)
{
    broker_options options = defaults();
    options.chaos.reject_subscribe = "/exchange/none/k";
    restart(options);
    client& c = connect();
    subscribe(c, "1", "/exchange/none/k", {{"receipt", "r"}});
    ASSERT_EQ(c.got.size(), 2u);
    EXPECT_TRUE(c.got[0].starts_with("ERROR\nmessage:not_found\n"));
    EXPECT_EQ(c.got[1], "RECEIPT\nreceipt-id:r\n\n");
    EXPECT_EQ(c.closed, session_sink::parting::after_flush);
}

TEST_F(BrokerCoreFault, PlantedRefusesASendAsRabbitDoesAndLivesOn)
{
    broker_options options = defaults();
    options.chaos.error_on = "/topic/bad";
    restart(options);
    client& c = connect();
    say(c, command::send, {{"destination", "/topic/bad"}, {"receipt", "r"}});
    ASSERT_EQ(c.got.size(), 1u);
    EXPECT_TRUE(c.got[0].starts_with("ERROR\nmessage:Invalid destination\n"));
    EXPECT_EQ(c.got[0].find("receipt-id"), std::string::npos);
    say(c, command::send, {{"destination", "/topic/a"}, {"receipt", "s"}});
    EXPECT_EQ(c.got.back(), "RECEIPT\nreceipt-id:s\n\n");
    EXPECT_FALSE(c.closed);
}

TEST_F(BrokerCoreFault, PlantedAnswersNoReceipts)
{
    broker_options options = defaults();
    options.chaos.no_receipts = true;
    restart(options);
    client& c = connect();
    say(c, command::send, {{"destination", "/topic/a"}, {"receipt", "r"}});
    EXPECT_EQ(c.got, frames{});
    EXPECT_FALSE(c.closed);
}

} // namespace
} // namespace embedded::testing
