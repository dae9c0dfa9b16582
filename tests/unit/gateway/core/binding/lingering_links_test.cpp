// Proves which links outlive their sessions' bindings, and until when, without a router (switch.md
// M13, S12; brokers.md H14): for answers to a session's own requests, and one link of an identity
// for answers to what broadcast MESSAGEs brought.

#include "gateway/core/binding/lingering_links.hpp"
#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;
using gateway::due;

class LingeringLinks : public RoomTest {
protected:
    // Its only link, on which it asked that many times.
    void asks(int times)
    {
        s.answers = std::make_unique<gateway::reply_addresses>();
        for (int i = 0; i < times; ++i) {
            s.answers->on_request(color::blue);
        }
        s.now().own = s.now().publish = own.core.id();
        log.take();
    }
    bool is_left() const { return own.core.leaving(); }
    // An address that a broadcast MESSAGE brought from there: one answer of each session is owed.
    void hears()
    {
        g.who->heard = std::make_unique<gateway::heard_addresses>();
        g.who->heard->learn("/temp-queue/x", b1);
        s.now().publish = own.core.id();
        s.now().own = own.core.id();
        log.take();
    }

    gateway::lingering_links lingering{shard, links};
    gateway::share_group& g = group(identity(), b1);
    gateway::client_session& s = session(g);
    gateway::link_record& own = link_at(g, link_role::own, s.id);
};

TEST_F(LingeringLinks, H14_ASessionThatAskedNothingLeavesItsLinkAtOnce)
{
    asks(0);
    EXPECT_FALSE(lingering.awaits_replies(s));
    asks(1);
    EXPECT_TRUE(lingering.awaits_replies(s));
    subscribes(s, read_at(own)).durable = true;
    shard.tables.wire(wire_id{1})->durable = true; // H11: only the link's end leaves that one
    EXPECT_FALSE(lingering.awaits_replies(s));
}

TEST_F(LingeringLinks, H14_ItLivesUntilItsLastAnswerCame)
{
    asks(2);
    lingering.leave_own_link(s, true, now);
    EXPECT_EQ(s.now().own, link_id::none); // unbinding leaves it alone
    EXPECT_EQ(s.now().publish, link_id::none);
    EXPECT_TRUE(lingering.on_reply(own.core.id(), now));
    lingering.end_overdue(now);
    EXPECT_FALSE(is_left());
    EXPECT_TRUE(lingering.on_reply(own.core.id(), now));
    EXPECT_EQ(due_now(due::moves).size(), 1u);
    lingering.end_overdue(now);
    EXPECT_TRUE(is_left());
    EXPECT_EQ(own.owner, session_id::none);
    EXPECT_FALSE(lingering.on_reply(own.core.id(), now));
}

TEST_F(LingeringLinks, M13_NoLongerThanDrainTimeout)
{
    asks(1);
    lingering.leave_own_link(s, true, now);
    due_now(due::moves);
    now += shard.settings.timing.drain_timeout - 1ms;
    lingering.end_overdue(now);
    EXPECT_FALSE(is_left());
    now += 1ms;
    EXPECT_EQ(due_now(due::moves).size(), 1u);
    lingering.end_overdue(now);
    EXPECT_TRUE(is_left());
}

// What was read there and not acknowledged goes back with the link.
TEST_F(LingeringLinks, M13_NoLongerThanReceiptTimeoutWhereAStoredSubscriptionWasRead)
{
    asks(1);
    read_at(own, "/queue/q").broadcast = false;
    lingering.leave_own_link(s, true, now);
    now += shard.settings.timing.receipt_timeout;
    lingering.end_overdue(now);
    EXPECT_TRUE(is_left());
}

TEST_F(LingeringLinks, H14_ItsSessionsEndEndsItAndALostOneIsForgotten)
{
    asks(1);
    lingering.leave_own_link(s, true, now);
    lingering.forget(session_id{99}, now);
    EXPECT_FALSE(is_left());
    lingering.forget(s.id, now);
    EXPECT_TRUE(is_left());

    EXPECT_FALSE(lingering.on_lost(own.core.id()));
    s.now().own = own.core.id();
    lingering.leave_own_link(s, true, now);
    EXPECT_TRUE(lingering.on_lost(own.core.id()));
    EXPECT_FALSE(lingering.on_reply(own.core.id(), now));
}

TEST_F(LingeringLinks, S12_OneLinkOfTheIdentityStaysForAnswersToWhatATopicBrought)
{
    hears();
    lingering.keep_for_answers(s, color::blue, now + 5s, now);
    EXPECT_EQ(lingering.for_answers(*g.who, b1), &own);
    EXPECT_EQ(lingering.for_answers(*g.who, g1), nullptr);
    EXPECT_EQ(lingering.for_answers(identity("bert"), b1), nullptr);
    EXPECT_EQ(s.now().own, link_id::none);
    lingering.end_overdue(now + 4s);
    EXPECT_FALSE(is_left());
    lingering.end_overdue(now + 5s);
    EXPECT_TRUE(is_left());
    EXPECT_EQ(lingering.for_answers(*g.who, b1), nullptr);
}

TEST_F(LingeringLinks, S12_ASharedPublishLinkIsTheOneThatStays)
{
    auto& shared = link_at(g, link_role::publish);
    hears();
    lingering.keep_for_answers(s, color::blue, now + 5s, now);
    EXPECT_EQ(lingering.for_answers(*g.who, b1), &shared);
    EXPECT_EQ(g.lingers, shared.core.id());
    EXPECT_EQ(s.now().own, own.core.id());
    lingering.end_overdue(now + 5s);
    EXPECT_EQ(g.lingers, link_id::none);
    EXPECT_FALSE(shared.core.leaving()); // a session is bound there again
}

TEST_F(LingeringLinks, S12_ItEndsWhenEverySessionHasAnswered)
{
    hears();
    lingering.keep_for_answers(s, color::blue, now + 5s, now);
    lingering.on_answered(*g.who, b1, now);
    lingering.end_overdue(now);
    EXPECT_FALSE(is_left());
    g.who->heard->on_answered("/temp-queue/x");
    lingering.on_answered(*g.who, b1, now);
    lingering.end_overdue(now);
    EXPECT_TRUE(is_left());
}

TEST_F(LingeringLinks, S12_NoneStaysWhereNothingIsOwedOrSomethingIsStillReadThere)
{
    hears();
    lingering.keep_for_answers(s, color::blue, now, now); // no time is left
    EXPECT_EQ(lingering.for_answers(*g.who, b1), nullptr);
    auto& w = read_at(own);
    lingering.keep_for_answers(s, color::blue, now + 5s, now);
    EXPECT_EQ(lingering.for_answers(*g.who, b1), nullptr);
    w.state = gateway::wire_state::leaving;
    g.who->heard->on_answered("/temp-queue/x");
    lingering.keep_for_answers(s, color::blue, now + 5s, now);
    EXPECT_EQ(lingering.for_answers(*g.who, b1), nullptr);
    g.who->heard->learn("/temp-queue/y", b1);
    lingering.keep_for_answers(s, color::blue, now + 5s, now);
    EXPECT_EQ(lingering.for_answers(*g.who, b1), &own);
}

} // namespace
