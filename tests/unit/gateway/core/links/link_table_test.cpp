// Proves the life of a link in the shard's tables, without a router: whose dial goes first (D1),
// when a publish link is asked for its barrier (S2), until when one that leaves is read (H8), and
// that a group and an identity go with their last link.

#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;
using gateway::due;
using verdict = gateway::link_table::verdict;

gateway::shard_settings one_dial_a_second()
{
    auto s = several_endpoints({1, 1});
    s.connect_rate = 1;
    return s;
}

class LinkTablePaced : public RoomTest {
protected:
    LinkTablePaced() : RoomTest(one_dial_a_second()) {}
    // A link of that login's; the first one is dialled at once.
    void wants(const std::string& login)
    {
        auto& g = group(identity(login), b1);
        logins_[links.dial(g, link_role::publish, session_id::none, now).core.id()] = login;
    }
    // Whose link is dialled in the next second.
    std::string next()
    {
        links.run_dials(now);
        now += 1s;
        std::string all;
        for (const auto& order : std::exchange(log.dials, {})) {
            all += logins_[order.link];
        }
        return all;
    }

private:
    std::map<link_id, std::string> logins_;
};

TEST_F(LinkTablePaced, D1_AKnownIdentityGoesAheadOfAStrangerAndARefusedOneLast)
{
    links.judge(group(identity("known"), b1), verdict::let_in, now);
    links.judge(group(identity("refused"), b1), verdict::refused, now);
    for (const auto* login : {"refused", "stranger", "known"}) {
        wants(login);
    }
    EXPECT_EQ(next(), "known");
    EXPECT_EQ(next(), "stranger");
    EXPECT_EQ(next(), "refused");
    EXPECT_EQ(next(), "");
}

TEST_F(LinkTablePaced, D1_WhatABrokerSaidIsForgottenAfterAnHour)
{
    links.judge(group(identity("known"), b1), verdict::let_in, now);
    now += 61min;
    wants("stranger");
    wants("known");
    EXPECT_EQ(next(), "stranger");
}

// It was left before its turn came: it takes nobody's place.
TEST_F(LinkTablePaced, ADialThatNobodyWantsAnyMoreTakesNoPlace)
{
    auto& gone = group(identity("gone"), b1);
    auto& l = links.dial(gone, link_role::publish, session_id::none, now);
    wants("waits");
    links.leave(l, now);
    EXPECT_EQ(next(), "waits");
}

class LinkTable : public RoomTest {};

TEST_F(LinkTable, S2_APublishLinkIsAskedASecondAfterItsFirstSendAndAgainOnlyWhileItOwes)
{
    auto& l = link_at(group(identity(), b1), link_role::publish);
    const auto send = frame_of("SEND destination:/topic/a | x");
    due_now(due::barriers);
    l.core.send(send.view(), {.session = session_id{1}}, log);
    links.mark_used(l, now);
    links.mark_used(l, now);
    EXPECT_TRUE(due_now(due::barriers).empty());
    now += 1s;
    EXPECT_EQ(due_now(due::barriers).size(), 1u);
    log.take();
    links.run_barriers(now);
    EXPECT_EQ(written(), lines{"link 1 <- SEND destination:/amq/queue/teal-none receipt:r1"});
    says(l, "RECEIPT receipt-id:r1");
    now += 1s;
    EXPECT_EQ(due_now(due::barriers).size(), 1u);
    links.run_barriers(now);
    now += 10s;
    EXPECT_TRUE(due_now(due::barriers).empty());
    EXPECT_EQ(written(), lines{});
}

// M1: which endpoints the switch has to ask for markers.
TEST_F(LinkTable, M1_WhereAClientsSendWentIsNotedOnceForItsColor)
{
    auto& l = link_at(group(identity(), b1), link_role::own);
    links.mark_used(l, now);
    EXPECT_EQ(shard.sent_through.blue, (std::set{b1}));
    EXPECT_TRUE(shard.sent_through.green.empty());
    EXPECT_TRUE(due_now(due::barriers).empty()); // one of a session's own is nobody's neighbour
}

TEST_F(LinkTable, H8_TheTimeToLeaveCountsFromTheFirstOrder)
{
    auto& l = link_at(group(identity(), b1), link_role::publish);
    links.leave(l, now);
    const auto until = now + shard.settings.connect_timeout;
    EXPECT_EQ(l.expires, until);
    now += 1s;
    links.leave(l, now);
    EXPECT_EQ(l.expires, until);
    EXPECT_EQ(log.take(), lines{"link 1 <- DISCONNECT receipt:r1"});
}

// Nobody would read its end: the driver has no socket for it.
TEST_F(LinkTable, OneThatIsNotUpGoesAtOnceAndTakesItsGroupAndIdentityAlong)
{
    auto& g = group(identity(), b1);
    auto& l = links.dial(g, link_role::publish, session_id::none, now);
    links.run_dials(now);
    links.leave(l, now);
    EXPECT_EQ(shard.tables.links.size(), 0u);
    EXPECT_TRUE(shard.tables.groups.empty());
    EXPECT_TRUE(shard.tables.identities.empty());
    EXPECT_EQ(shard.budget.of(gateway::held_kind::sessions), 0u);
}

TEST_F(LinkTable, AGroupLivesAsLongAsABindingOfIt)
{
    auto& g = group(identity(), b1);
    session(g);
    auto& l = link_at(g, link_role::publish);
    loses(l);
    ASSERT_EQ(shard.tables.groups.size(), 1u);
    EXPECT_EQ(g.links, 0u);
    EXPECT_TRUE(g.publish.empty());
}

TEST_F(LinkTable, B2_WhoWaitedForATrialThatIsLostAsksAgain)
{
    auto& g = group(identity(), b1);
    auto& s = session(g);
    auto& l = links.dial(g, link_role::publish, session_id::none, now);
    g.trial = l.core.id();
    groups.wait_in(g, s, s.now());
    due_now(due::session_retry);
    loses(l);
    EXPECT_EQ(g.trial, link_id::none);
    EXPECT_FALSE(s.now().queued);
    EXPECT_EQ(due_now(due::session_retry), (std::vector{gateway::number(s.id)}));
}

TEST_F(LinkTable, F4_ASharedLinkThatDiesSoonTwiceIsDialledLaterAndLater)
{
    auto& g = group(identity(), b1);
    session(g);
    std::vector<net::duration> waits;
    for (int i = 0; i < 3; ++i) {
        auto& l = link_at(g, link_role::publish);
        now += 1s;
        links.note_death(l, now);
        waits.push_back(std::max(net::duration{}, g.retry_at - now));
        loses(l);
    }
    EXPECT_EQ(
        waits, (std::vector<net::duration>{
                   0ms, gateway::dial_back_off_first,
                   gateway::next_back_off(gateway::dial_back_off_first)}));
    auto& l = link_at(g, link_role::publish);
    now += gateway::soon_after_up;
    links.note_death(l, now); // it lived: the next is the first again
    EXPECT_FALSE(g.died_soon);
    EXPECT_EQ(g.back_off, net::duration{});
}

} // namespace
