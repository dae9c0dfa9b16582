// Proves how a session begins and lives on: version, login, heart-beats, receipts of frames without
// other effect.

#include "broker_fixture.hpp"

namespace embedded::testing {
namespace {

using stomp::command;
class BrokerCoreConnect : public BrokerFixture {};

TEST_F(BrokerCoreConnect, AnswersTheHighestCommonVersion)
{
    client& c = open();
    say(c, command::connect, {{"accept-version", "1.0,1.1,1.2,3.0"}});
    EXPECT_EQ(
        c.got, (frames{"CONNECTED\nversion:1.2\nheart-beat:0,0\nserver:teal-broker/" TEAL_VERSION
                       "\nsession:n-1\n\n"}));
    EXPECT_EQ(core().version(c.id), stomp::version::v12);
    client& old = open();
    say(old, command::stomp, {{"accept-version", "1.1, 1.0"}});
    EXPECT_EQ(core().version(old.id), stomp::version::v11);
    client& oldest = open();
    say(oldest, command::connect);
    EXPECT_EQ(core().version(oldest.id), stomp::version::v10);
}

TEST_F(BrokerCoreConnect, RefusesAnUnknownVersionAndNamesItsOwn)
{
    client& c = open();
    say(c, command::connect, {{"accept-version", "2.0"}});
    expect_error(c, "unsupported version");
    EXPECT_NE(c.got[0].find("\nversion:1.0,1.1,1.2\n"), std::string::npos);
}

TEST_F(BrokerCoreConnect, LetsInOnlyWhoItKnows)
{
    broker_options options = defaults();
    options.users = {{"ann", "a:b"}, {"bob", "x"}};
    options.chaos.refuse_login = "bob";
    restart(options);
    client& ann = open();
    say(ann, command::connect, {{"accept-version", "1.2"}, {"login", "ann"}, {"passcode", "a:b"}});
    EXPECT_TRUE(ann.got[0].starts_with("CONNECTED\n"));
    for (const headers& bad :
         {headers{{"login", "ann"}, {"passcode", "x"}}, headers{},
          headers{{"login", "bob"}, {"passcode", "x"}}}) {
        client& c = open();
        say(c, command::connect, bad);
        expect_error(c, "Bad CONNECT");
        EXPECT_NE(c.got[0].find("access refused"), std::string::npos);
    }
}

TEST_F(BrokerCoreConnect, GrantsTheHeartBeatsThatAreAskedAndKeepsThem)
{
    client& c = open();
    say(c, command::connect, {{"accept-version", "1.2"}, {"heart-beat", "1000,2000"}});
    EXPECT_NE(c.got[0].find("\nheart-beat:2000,1000\n"), std::string::npos);
    c.take();
    now += milliseconds{1500};
    core().on_received(c.id, now);
    now += milliseconds{600}; // 2100 after the last byte to the client
    ASSERT_LE(core().next_deadline(c.id), now);
    core().on_deadline(c.id, now);
    EXPECT_EQ(c.take(), (frames{"\n"}));
    EXPECT_FALSE(c.closed);
    now += milliseconds{2000}; // 2600 after the last byte from the client
    core().on_deadline(c.id, now);
    core().on_deadline(c.id, now);
    EXPECT_EQ(c.closed, session_sink::parting::at_once);
    EXPECT_EQ(core().next_deadline(c.id), net::never);
}

TEST_F(BrokerCoreConnect, DoesNotGrantAHeartBeatThatIsALoad)
{
    client& c = open();
    say(c, command::connect, {{"accept-version", "1.2"}, {"heart-beat", "1,1"}});
    EXPECT_NE(c.got[0].find("\nheart-beat:100,100\n"), std::string::npos);
    client& bad = open();
    say(bad, command::connect, {{"accept-version", "1.2"}, {"heart-beat", "1,x"}});
    expect_error(bad, "bad header");
}

TEST_F(BrokerCoreConnect, EndsWhoDoesNotConnectInTime)
{
    client& c = open();
    EXPECT_EQ(core().next_deadline(c.id), now + seconds{10});
    core().on_deadline(c.id, now + seconds{9});
    EXPECT_FALSE(c.closed);
    core().on_deadline(c.id, now + seconds{10});
    expect_error(c, "no CONNECT in time");
}

TEST_F(BrokerCoreConnect, AnswersTheReceiptOfDisconnectThenEnds)
{
    client& c = connect();
    say(c, command::disconnect, {{"receipt", "bye"}});
    EXPECT_EQ(c.got, (frames{"RECEIPT\nreceipt-id:bye\n\n"}));
    EXPECT_EQ(c.closed, session_sink::parting::after_flush);
    send(c, "/topic/a", "ignored");
    EXPECT_EQ(core().stats().clients.sent, 0u);
    gone(c);
    EXPECT_EQ(core().sessions(), 0u);
}

TEST_F(BrokerCoreConnect, BoundsFramesMoreTightlyBeforeConnected)
{
    client& c = open();
    EXPECT_EQ(core().frame_limits(c.id).frame_bytes, 64u * 1024);
    say(c, command::connect);
    EXPECT_EQ(core().frame_limits(c.id).frame_bytes, 4u * 1024 * 1024);
}

} // namespace
} // namespace embedded::testing
