// Proves whose an ERROR is on a link that lives on, and on one that ends: one frame's, one
// subscription's, nobody's; that RECEIPTs behind it count but for two; and that what RabbitMQ says
// about a message in flight is not taken for a failure (switch.md E1 to E5, brokers.md H20).

#include "tests/unit/broker/link_scene.hpp"

namespace {

using namespace broker;
using namespace testing_support;

class LinkError : public LinkTest {
protected:
    // Of many sessions.
    void shared(barrier_kind barrier = barrier_kind::routed)
    {
        open({.role = link_role::publish, .known = {.barrier = barrier}});
        core->on_open(t0, log);
        gets("CONNECTED version:1.2");
        log.take();
    }
    void sends_to(unsigned session, const std::string& rest, const std::string& receipt = "")
    {
        sends(
            "SEND destination:" + rest,
            {.session = session_id{session}, .client_receipt = receipt});
    }
    // The one refusal that is known by now: "session/receipt".
    std::string named()
    {
        auto news = core->take_news();
        if (news.refused.size() != 1) {
            return std::to_string(news.refused.size()) + " refusals";
        }
        const auto& one = news.refused.front();
        switch (one.what.what) {
        case finding::kind::named:
            return std::to_string(static_cast<std::uint64_t>(one.what.frame.session)) + "/" +
                   (one.owed ? one.owed->client_receipt : "-");
        case finding::kind::session:
            return std::to_string(static_cast<std::uint64_t>(one.what.frame.session));
        case finding::kind::ours: return "ours";
        case finding::kind::nobody: return "nobody";
        case finding::kind::ended: return "ended";
        }
        return "?";
    }
    // The barrier behind the newest ERROR is answered.
    void lives_on()
    {
        std::uint64_t last = 0;
        core->owed().for_each([&](const owed_answer&) { ++last; });
        for (std::uint64_t n = 1; n < 100; ++n) {
            const auto* owed = core->owed().find(n);
            if (owed != nullptr && owed->kind == owed_kind::error_end) {
                EXPECT_EQ(gets("RECEIPT receipt-id:r" + std::to_string(n)).what, kind::news);
                return;
            }
        }
        ADD_FAILURE() << "no barrier was asked behind the ERROR";
    }
    void all_runs_answered()
    {
        for (std::uint64_t n = 1; n < 200; ++n) {
            const auto* owed = core->owed().find(n);
            if (owed != nullptr && owed->kind == owed_kind::run_end) {
                gets("RECEIPT receipt-id:r" + std::to_string(n));
            }
        }
    }
    static constexpr const char* not_a_topic =
        "ERROR message:Invalid destination | '/a/b' is not a valid topic destination";
};

TEST_F(LinkError, E1_ThatNamesAReceiptFailsThatFrame)
{
    ready();
    sends_to(4, "/topic/a", "a");
    sends_to(5, "/topic/b", "b");
    const auto event = gets("ERROR receipt-id:r2 message:not_found | no exchange\nmore");
    EXPECT_EQ(event.what, kind::error);
    EXPECT_EQ(event.text, "not_found: no exchange");
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 1u);
    EXPECT_EQ(news.refused[0].owed->session, session_id{5});
    EXPECT_EQ(news.refused[0].owed->client_receipt, "b");
    EXPECT_EQ(news.refused[0].what.error.head, "message:not_found\n");
    EXPECT_EQ(news.refused[0].what.error.body, "no exchange\nmore");
}

TEST_F(LinkError, E3_ABarrierIsWrittenBehindItAtOnce)
{
    shared();
    sends_to(4, "/topic/a/b");
    log.take();
    gets(not_a_topic);
    EXPECT_EQ(
        log.take(), lines{"link 3 <- SEND destination:/amq/queue/teal-none receipt:r1"});
    gets(not_a_topic); // one is asked at a time
    EXPECT_EQ(log.take(), lines{});
    gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(
        log.take(), lines{"link 3 <- SEND destination:/amq/queue/teal-none receipt:r2"});
    EXPECT_TRUE(core->searching());
    gets("RECEIPT receipt-id:r2");
    EXPECT_FALSE(core->searching());
    EXPECT_EQ(core->next_deadline(), net::never);
}

TEST_F(LinkError, E1_ReceiptsBehindItCount)
{
    shared();
    sends_to(4, "/topic/a/b", "bad");
    sends_to(5, "/topic/c", "good");
    gets(not_a_topic);
    EXPECT_EQ(named(), "4/bad");
    const auto event = gets("RECEIPT receipt-id:r2");
    EXPECT_EQ(event.what, kind::answered);
    EXPECT_EQ(event.owed.client_receipt, "good");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed); // refused: never answered
}

TEST_F(LinkError, E2_NamesTheOnlyOneThatItQuotes)
{
    shared();
    for (const auto* to : {"/topic/x", "/exchange/e/k", "/queue/q", "/topic/a b"}) {
        sends_to(4, to);
    }
    sends_to(5, "/exchange/nosuch/k", "r");
    sends_to(6, "/topic/z expiration:soon");
    gets("ERROR message:not_found | NOT_FOUND - no exchange 'nosuch' in vhost '/'");
    EXPECT_EQ(named(), "5/r");
    gets("ERROR message:precondition_failed | PRECONDITION_FAILED - invalid expiration 'soon'");
    EXPECT_EQ(named(), "6/-");
}

TEST_F(LinkError, E2_NamesTheOnlyCandidate)
{
    shared();
    sends_to(4, "/topic/a", "a");
    gets("RECEIPT receipt-id:r1");
    sends_to(5, "/topic/b priority:high", "b");
    gets("ERROR message:Processing error | Processing error");
    EXPECT_EQ(named(), "0 refusals"); // the broker may be about to say that it ends the link itself
    lives_on();
    EXPECT_EQ(named(), "5/b");
}

TEST_F(LinkError, E2_TheAnswerOfABarrierRefusesNobody)
{
    // SENDs to durable queues are confirmed behind it.
    shared();
    sends_to(4, "/queue/a", "a");
    sends_to(5, "/queue/b", "b");
    gets("ERROR message:Processing error");
    EXPECT_EQ(named(), "0 refusals");
    lives_on();
    EXPECT_EQ(named(), "nobody");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::answered);
    EXPECT_EQ(gets("RECEIPT receipt-id:r2").what, kind::answered);
}

TEST_F(LinkError, E2_WhatABarrierProvedBeforeItIsNoCandidate)
{
    shared();
    sends_to(4, "/topic/a");
    core->barrier(t0, log);
    gets("RECEIPT receipt-id:r1");
    sends_to(5, "/topic/b");
    gets("ERROR message:Processing error");
    lives_on();
    EXPECT_EQ(named(), "5/-");
}

TEST_F(LinkError, E2_ABarrierAnsweredBehindTheErrorClearsNobody)
{
    shared();
    sends_to(4, "/topic/a");
    sends_to(5, "/topic/a/b");
    core->barrier(t0, log); // written behind them, before the ERROR came
    gets("ERROR message:Processing error");
    gets("RECEIPT receipt-id:r1");
    EXPECT_EQ(named(), "0 refusals");
    lives_on();
    EXPECT_EQ(named(), "nobody");
}

TEST_F(LinkError, E2_AsManyErrorsAsTheyMayMeanMeanAll)
{
    shared();
    sends_to(4, "/topic/a/b", "a");
    sends_to(5, "/topic/a/b", "b");
    sends_to(6, "/topic/c", "c");
    gets(not_a_topic);
    gets(not_a_topic);
    EXPECT_EQ(named(), "0 refusals");
    lives_on(); // the first
    lives_on(); // and the second
    auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 2u);
    EXPECT_EQ(news.refused[0].owed->client_receipt, "a");
    EXPECT_EQ(news.refused[1].owed->client_receipt, "b");
    EXPECT_NE(core->owed().find(3), nullptr); // c's stays owed
}

TEST_F(LinkError, E2_ErrorsThatMayMeanTheSameAreToldInTheirOrder)
{
    shared();
    sends_to(4, "/topic/x/no", "a");
    sends_to(5, "/queue/q no:/x/no", "b");
    sends_to(6, "/topic/c", "c");
    gets("ERROR message:one | what is '/x/no'");
    gets("ERROR message:another | and '/x/no'");
    lives_on();
    lives_on();
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 2u);
    EXPECT_EQ(news.refused[0].what.frame.session, session_id{4});
    EXPECT_EQ(news.refused[0].what.error.text, "one: what is '/x/no'");
    EXPECT_EQ(news.refused[1].what.frame.session, session_id{5});
    EXPECT_EQ(news.refused[1].what.error.text, "another: and '/x/no'");
}

TEST_F(LinkError, E2_ByOrderFromTheSecondOn)
{
    shared();
    sends_to(4, "/topic/a", "a1");
    sends_to(5, "/topic/b", "b1");
    gets("ERROR message:Processing error");
    lives_on();
    EXPECT_EQ(named(), "nobody");
    log.take();
    sends_to(4, "/topic/a");
    sends_to(4, "/topic/a");
    sends_to(5, "/topic/b");
    sends_to(4, "/topic/a");
    EXPECT_EQ(
        log.take(),
        (lines{
            "link 3 <- BEGIN transaction:teal-run", "link 3 <- ABORT transaction:teal-run receipt:r4",
            "link 3 <- SEND destination:/topic/a", "link 3 <- SEND destination:/topic/a",
            "link 3 <- BEGIN transaction:teal-run", "link 3 <- ABORT transaction:teal-run receipt:r5",
            "link 3 <- SEND destination:/topic/b", "link 3 <- BEGIN transaction:teal-run",
            "link 3 <- ABORT transaction:teal-run receipt:r6",
            "link 3 <- SEND destination:/topic/a"}));
    gets("RECEIPT receipt-id:r4");
    gets("RECEIPT receipt-id:r5");
    gets("ERROR message:Processing error"); // between r5 and r6: 5's
    EXPECT_EQ(named(), "0 refusals"); // a broker that closes says its ERROR out of turn
    gets("RECEIPT receipt-id:r6");
    lives_on();
    EXPECT_EQ(named(), "5/-");
    sends_to(5, "/topic/b", "b2"); // a receipt ends its run, so that it is told apart
    sends_to(5, "/topic/b", "b3");
    all_runs_answered();
    gets("ERROR message:Processing error");
    lives_on();
    EXPECT_EQ(named(), "5/b3");
}

TEST_F(LinkError, E2_ByOrderForOneMinute)
{
    shared();
    sends_to(4, "/topic/a");
    sends_to(5, "/topic/b");
    gets("ERROR message:Processing error");
    lives_on();
    gets("MESSAGE subscription:x message-id:m", t0 + 61s); // any frame: time goes on
    log.take();
    sends_to(4, "/topic/a");
    EXPECT_EQ(log.take(), lines{"link 3 <- SEND destination:/topic/a"});
}

TEST_F(LinkError, E2_OneOfTheGatewaysOwnIsNeverAClients)
{
    shared();
    sends_to(4, "/topic/a", "a");
    gets("RECEIPT receipt-id:r1");
    core->marker("stomp-subscription-teal-x", "s1", log);
    gets("ERROR message:Processing error");
    lives_on();
    EXPECT_EQ(named(), "ours");
    sends_to(4, "/topic/a", "b");
    core->barrier(t0, log);
    gets("ERROR message:access_refused | write access to '/amq/queue/teal-none' refused");
    // two barriers that it may mean: not the client's in any case
    lives_on();
    EXPECT_NE(named(), "4/b");
}

TEST_F(LinkError, E2_AValueWithQuotesPointsAtNoNeighbour)
{
    shared();
    sends_to(4, "/topic/innocent", "a");
    sends_to(5, "/topic/x expiration:no'\\c'/topic/innocent'", "b");
    gets("ERROR message:x | invalid expiration 'no':'/topic/innocent'': no_integer");
    EXPECT_EQ(named(), "0 refusals");
}

TEST_F(LinkError, E2_ALongHeadThatWasNotKeptMayHaveBeenTheOne)
{
    shared();
    sends_to(4, "/topic/innocent", "a");
    sends_to(5, "/topic/x pad:" + std::string(3000, 'x') + " expiration:/topic/innocent", "b");
    gets("ERROR message:x | invalid expiration '/topic/innocent': no_integer");
    EXPECT_EQ(named(), "0 refusals");
}

TEST_F(LinkError, E1_ASubscribesReceiptBehindItWaitsForTheBarrier)
{
    ready();
    sends_to(4, "/topic/a/b");
    core->subscribe(wire_id{7}, "destination:/topic/c\n", "auto", log);
    gets(not_a_topic);
    EXPECT_EQ(named(), "4/-");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed);
    EXPECT_NE(core->owed().find(1), nullptr);
    lives_on();
    const auto news = core->take_news();
    ASSERT_EQ(news.answered.size(), 1u);
    EXPECT_EQ(news.answered[0].wire, wire_id{7});
}

TEST_F(LinkError, E1_WhereTheLinkEndsInsteadThatSubscribeWasRefused)
{
    // RabbitMQ answers a SUBSCRIBE that failed with ERROR, *then RECEIPT*, then EOF.
    ready();
    sends_to(4, "/topic/c", "c");
    core->subscribe(wire_id{7}, "destination:/queue/none\n", "auto", log);
    gets("ERROR message:not_found | no such thing");
    EXPECT_EQ(gets("RECEIPT receipt-id:r2").what, kind::swallowed);
    core->on_lost(true);
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 2u);
    EXPECT_EQ(news.refused[0].what.what, finding::kind::named);
    EXPECT_EQ(news.refused[0].what.frame.wire, wire_id{7});
    EXPECT_EQ(news.refused[1].what.what, finding::kind::ended);
    EXPECT_EQ(news.refused[1].what.frame.wire, wire_id{7});
}

TEST_F(LinkError, E1_ThatNamesTheReceiptOfASubscribeLeavesNoShadowAnswer)
{
    ready();
    core->subscribe(wire_id{7}, "destination:/queue/none\n", "auto", log);
    gets("ERROR receipt-id:r1 message:not_found");
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 1u);
    EXPECT_EQ(news.refused[0].what.frame.what, frame_kind::subscribe);
    EXPECT_EQ(news.refused[0].what.frame.wire, wire_id{7});
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed);
}

TEST_F(LinkError, E2_ASubscribeThatABarrierBehindItOvertookWasRefused)
{
    open({.role = link_role::own, .known = {.barrier = barrier_kind::routed}});
    core->on_open(t0, log);
    gets("CONNECTED version:1.2");
    core->subscribe(wire_id{7}, "destination:/queue/a\nprefetch-count:x\n", "auto", log);
    core->subscribe(wire_id{8}, "destination:/queue/b\n", "auto", log);
    gets("ERROR message:Processing error");
    gets("RECEIPT receipt-id:r2");
    lives_on();
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 1u);
    EXPECT_EQ(news.refused[0].what.frame.wire, wire_id{7});
    ASSERT_EQ(news.answered.size(), 1u);
    EXPECT_EQ(news.answered[0].wire, wire_id{8});
}

// Of a broker that answers no receipts, which of them it was is never known.
TEST_F(LinkError, E2_OnALinkOfASessionsOwnEverySubscribeIsThatSessions)
{
    open({.role = link_role::own, .known = {.barrier = barrier_kind::none}});
    core->on_open(t0, log);
    gets("CONNECTED version:1.2");
    core->subscribe(wire_id{7}, "destination:/queue/a\n", "auto", log);
    core->subscribe(wire_id{8}, "destination:/topic/no\n", "auto", log);
    gets("ERROR message:Bad subscription");
    EXPECT_EQ(named(), "0 refusals");
    core->on_lost(true);
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 2u);
    EXPECT_EQ(news.refused[0].what.what, finding::kind::session);
    EXPECT_EQ(news.refused[0].what.frame.session, session_id::none) << "its owner's";
    EXPECT_EQ(news.refused[1].what.what, finding::kind::ended);
}

TEST_F(LinkError, E3_ACommitOfARefusedSendIsAnsweredByTheErrorAlone)
{
    shared();
    const auto transaction = core->begin(session_id{4}, log);
    sends("SEND destination:/topic/a/b", {.session = session_id{4}, .transaction = transaction});
    sends("SEND destination:/topic/c", {.session = session_id{4}, .transaction = transaction});
    core->commit(transaction, {.session = session_id{4}, .client_receipt = "s\nc"}, log);
    sends_to(5, "/topic/c", "b");
    gets(not_a_topic);
    EXPECT_EQ(named(), "4/s\nc");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed); // RabbitMQ says it all the same
    EXPECT_EQ(gets("RECEIPT receipt-id:r2").what, kind::answered);
}

TEST_F(LinkError, E3_ACommitThatMayHaveBeenRefusedIsNotAnswered)
{
    shared();
    const auto transaction = core->begin(session_id{4}, log);
    sends("SEND destination:/topic/a", {.session = session_id{4}, .transaction = transaction});
    core->commit(transaction, {.session = session_id{4}, .client_receipt = "c"}, log);
    sends_to(5, "/topic/c");
    gets("ERROR message:Processing error");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed);
    lives_on();
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 1u);
    EXPECT_EQ(news.refused[0].what.what, finding::kind::nobody);
    EXPECT_TRUE(news.answered.empty());
    ASSERT_EQ(news.doubted.size(), 1u);
    EXPECT_EQ(news.doubted[0].client_receipt, "c");
}

TEST_F(LinkError, E3_ACommitOfWhichItQuotesNothingIsAnswered)
{
    shared();
    const auto transaction = core->begin(session_id{4}, log);
    sends("SEND destination:/topic/a", {.session = session_id{4}, .transaction = transaction});
    core->commit(transaction, {.session = session_id{4}, .client_receipt = "c"}, log);
    sends_to(5, "/topic/a/b"); // which of the two it was is not known
    sends_to(6, "/topic/a/b");
    gets(not_a_topic);
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed); // until it is known
    lives_on();
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 1u);
    EXPECT_EQ(news.refused[0].what.what, finding::kind::nobody);
    EXPECT_TRUE(news.doubted.empty());
    ASSERT_EQ(news.answered.size(), 1u);
    EXPECT_EQ(news.answered[0].client_receipt, "c");
}

TEST_F(LinkError, E3_NorIsOneWhoseSendsAreRememberedNoMore)
{
    ready(); // a link of one session's own remembers few
    const auto transaction = core->begin(session_id{4}, log);
    sends("SEND destination:/topic/a", {.session = session_id{4}, .transaction = transaction});
    core->commit(transaction, {.session = session_id{4}, .client_receipt = "c"}, log);
    for (int i = 0; i < 40; ++i) {
        sends_to(4, "/topic/b");
    }
    gets("ERROR message:Processing error");
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed);
    lives_on();
    const auto news = core->take_news();
    EXPECT_TRUE(news.answered.empty());
    ASSERT_EQ(news.doubted.size(), 1u);
    EXPECT_EQ(news.doubted[0].client_receipt, "c");
}

// The refused SEND is forgotten, and one that is not says the same.
TEST_F(LinkError, E2_AQuoteNamesNoFrameAtOnceWhereOthersAreRememberedNoMore)
{
    ready();
    const auto transaction = core->begin(session_id{4}, log);
    sends("SEND destination:/topic/a/b", {.session = session_id{4}, .transaction = transaction});
    core->commit(transaction, {.session = session_id{4}, .client_receipt = "c"}, log);
    for (int i = 0; i < 40; ++i) {
        sends_to(4, "/topic/b");
    }
    sends_to(4, "/topic/a/b");
    gets(not_a_topic);
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::swallowed);
    gets(not_a_topic); // the later one's
    lives_on();
    lives_on();
    const auto news = core->take_news();
    EXPECT_EQ(news.refused.size(), 2u);
    EXPECT_TRUE(news.answered.empty());
    ASSERT_EQ(news.doubted.size(), 1u);
    EXPECT_EQ(news.doubted[0].client_receipt, "c");
}

TEST_F(LinkError, E4_WithoutAnAnswerBehindItTheLinkIsOfNoUse)
{
    shared();
    sends_to(4, "/topic/a/b");
    gets(not_a_topic);
    EXPECT_EQ(core->next_deadline(), t0 + 1s);
    EXPECT_EQ(core->on_deadline(t0 + 999ms, log).what, kind::nothing);
    EXPECT_EQ(core->on_deadline(t0 + 1s, log).what, kind::mute);
}

TEST_F(LinkError, E4_InAHoldItIsWaitedForLess)
{
    shared();
    sends_to(4, "/topic/a/b");
    gets(not_a_topic);
    core->hurry(t0 + 300ms);
    EXPECT_EQ(core->on_deadline(t0 + 300ms, log).what, kind::mute);
}

TEST_F(LinkError, E4_WhereNothingIsAnsweredALinkThatDidNotEndLivesOn)
{
    ready(barrier_kind::none);
    sends_to(4, "/topic/a/b");
    sends_to(4, "/topic/c");
    gets("ERROR message:refused");
    EXPECT_EQ(core->on_deadline(t0 + 1s, log).what, kind::news);
    EXPECT_EQ(named(), "4");
}

TEST_F(LinkError, E5_TheEndSaysWhoseTheLastErrorWas)
{
    // RabbitMQ answers frames behind the one that ends the channel first.
    shared();
    sends_to(4, "/exchange/nosuch/k", "bad");
    sends_to(5, "/topic/c", "b");
    gets("ERROR message:Processing error | Processing error");
    EXPECT_EQ(named(), "0 refusals");
    gets("ERROR message:not_found | NOT_FOUND - no exchange 'nosuch' in vhost '/'");
    EXPECT_EQ(named(), "4/bad");
    core->on_lost(true);
    const auto news = core->take_news();
    ASSERT_EQ(news.refused.size(), 1u);
    EXPECT_EQ(news.refused[0].what.what, finding::kind::ended);
    EXPECT_EQ(news.refused[0].what.frame.session, session_id{4});
    EXPECT_TRUE(news.refused[0].what.told);
    ASSERT_EQ(news.refused[0].what.lines.size(), 1u);
    EXPECT_EQ(
        news.refused[0].what.lines[0], (header_line{"destination", "/exchange/nosuch", true}));
    EXPECT_NE(core->owed().find(2), nullptr); // in doubt, for whoever handles the loss
}

TEST_F(LinkError, E5_AnEndOfTheGatewaysOwnMakingSaysNothing)
{
    shared();
    sends_to(4, "/topic/a", "a");
    sends_to(5, "/topic/b", "b");
    gets("ERROR message:Processing error");
    core->on_lost(false);
    EXPECT_TRUE(core->take_news().empty());
}

TEST_F(LinkError, E3_DisconnectWaitsForTheEndOfTheSearch)
{
    shared();
    sends_to(4, "/topic/a/b", "a");
    gets(not_a_topic);
    core->leave(t0, log);
    core->barrier(t0, log);
    log.take();
    gets("RECEIPT receipt-id:r3");
    EXPECT_EQ(log.take(), lines{});
    gets("RECEIPT receipt-id:r2");
    EXPECT_EQ(log.take(), lines{"link 3 <- DISCONNECT receipt:r4"});
}

TEST_F(LinkError, WhatIsRememberedIsBounded)
{
    shared();
    for (int i = 0; i < 20'000; ++i) {
        sends_to(4, "/topic/a" + std::string(100, 'x'));
    }
    EXPECT_LT(core->search_bytes(), 1024u * 1024u);
    for (int i = 0; i < 100; ++i) {
        gets("ERROR message:no | " + std::string(100'000, 'x'));
    }
    EXPECT_LT(core->search_bytes(), 2u * 1024u * 1024u);
}

TEST_F(LinkError, ManySendsAskForABarrierOfTheirOwn)
{
    shared();
    for (int i = 0; i < 1025; ++i) {
        sends_to(4, "/topic/a");
    }
    EXPECT_TRUE(core->barrier_open());
    gets("RECEIPT receipt-id:r1");
    EXPECT_LT(core->search_bytes(), 16u * 1024u);
}

// What RabbitMQ says where an operator closes its connections: no frame was at fault.
TEST_F(LinkError, E5_OfABrokerThatClosesForItsOwnReasonsIsNobodys)
{
    ready();
    sends_to(4, "/topic/a", "a");
    gets("ERROR message:AMQP channel died | Reason: {shutdown,{connection_closing,"
         "{server_initiated_close,320,<<\"CONNECTION_FORCED\">>}}}");
    EXPECT_EQ(named(), "nobody");
    core->on_lost(true);
    EXPECT_EQ(named(), "0 refusals");
}

// Its channel has died before the connection says why: what meets it then gets no better answer.
TEST_F(LinkError, E5_AFrameThatIsUnderWayThenIsNotAtFault)
{
    ready();
    sends_to(4, "/topic/a", "a");
    gets("ERROR message:Processing error | Processing error");
    gets("ERROR message:AMQP channel died | Reason: {shutdown,{connection_closing,"
         "{server_initiated_close,320,<<\"CONNECTION_FORCED\">>}}}");
    EXPECT_EQ(named(), "nobody"); // the last one
    core->on_lost(true);
    EXPECT_EQ(named(), "0 refusals");
    EXPECT_NE(core->owed().find(1), nullptr); // in doubt, for whoever handles the loss
}

TEST_F(LinkError, E5_NorWhereTheBrokerClosesWithoutAWord)
{
    ready();
    sends_to(4, "/topic/a", "a");
    gets("ERROR message:Processing error | Processing error");
    core->on_lost(true);
    EXPECT_EQ(named(), "0 refusals");
}

TEST_F(LinkError, ThatNamesNothingIsTheLinks)
{
    ready();
    const auto event = gets("ERROR message:Invalid something");
    EXPECT_EQ(event.what, kind::error);
    EXPECT_EQ(event.text, "Invalid something");
    EXPECT_EQ(core->last_error(), "Invalid something");
    EXPECT_EQ(named(), "0 refusals");
}

TEST_F(LinkError, WithoutAMessageSaysItsBody)
{
    ready();
    EXPECT_EQ(gets("ERROR | broken").text, "ERROR: broken");
}

TEST_F(LinkError, H20_ThatNamesASubscriptionCancelsItAndTheLinkLives)
{
    ready();
    sends_to(4, "/topic/a", "a");
    const auto event = gets("ERROR subscription:s7 message:Server cancelled subscription");
    EXPECT_EQ(event.what, kind::cancelled);
    EXPECT_EQ(event.wire, wire_id{7});
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::answered);
}

TEST_F(LinkError, H20_OfAMessageInFlightBehindAnUnsubscribeIsSwallowed)
{
    ready();
    core->unsubscribe(wire_id{4}, false, session_id{4}, "u", log);
    const auto event = gets("ERROR message:Subscription not found | There is no subscription T_s4");
    EXPECT_EQ(event.what, kind::swallowed);
    EXPECT_EQ(gets("RECEIPT receipt-id:r1").what, kind::answered);
    EXPECT_EQ(core->last_error(), "");
}

TEST_F(LinkError, AboutAnotherMissingSubscriptionIsNotSwallowed)
{
    ready();
    EXPECT_EQ(
        gets("ERROR message:Subscription not found | There is no subscription Q_mine").what,
        kind::error);
}

} // namespace
