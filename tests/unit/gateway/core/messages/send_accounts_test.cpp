// Proves the accounts of SENDs in a switch's report by themselves (switch.md S3, S13): each session's
// add up to what was accepted, whatever becomes of each, and are begun anew with the next switch.

#include "gateway/core/messages/send_accounts.hpp"
#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;
using gateway::session_sends;

class SendAccounts : public RoomTest {
protected:
    // A SEND without a receipt, as client_sends writes it.
    void sends()
    {
        const auto frame = frame_of("SEND destination:/topic/a | x");
        l.core.send(frame.view(), {.session = s.id}, log);
        gateway::send_accounts::note_silent(s, l);
        s.last_send_link = l.core.id();
        s.last_send = l.core.sent();
    }
    void begins()
    {
        shard.switching.tally = {};
        accounts.count_open();
    }
    // Every barrier that is open is answered.
    void proves()
    {
        links.ask_barrier(l, now);
        const auto e = says(l, "RECEIPT receipt-id:r" + std::to_string(++barriers_));
        accounts.on_silent_proven(l, e.silent_proven);
    }
    // accepted = confirmed + unconfirmed + open + refused + in doubt
    std::string account() const
    {
        const auto all = accounts.by_session();
        const auto one = all.find(gateway::number(s.id));
        if (one == all.end()) {
            return "none";
        }
        const auto& c = one->second;
        EXPECT_EQ(c.accepted, c.confirmed + c.unconfirmed + c.open + c.refused + c.in_doubt);
        return std::to_string(c.accepted) + " = " + std::to_string(c.confirmed) + " confirmed + " +
               std::to_string(c.unconfirmed) + " unconfirmed + " + std::to_string(c.open) +
               " open + " + std::to_string(c.refused) + " refused + " + std::to_string(c.in_doubt) +
               " in doubt";
    }

    gateway::send_accounts accounts{shard};
    gateway::share_group& g = group(identity(), b1);
    gateway::client_session& s = session(g);
    gateway::link_record& l = link_at(g, link_role::publish);

private:
    int barriers_ = 0;
};

TEST_F(SendAccounts, S3_SilentOnesThatABarrierProvesAreUnconfirmed)
{
    sends();
    sends();
    begins();
    EXPECT_EQ(shard.switching.tally.accepted, 2u);
    EXPECT_EQ(account(), "2 = 0 confirmed + 0 unconfirmed + 2 open + 0 refused + 0 in doubt");
    proves();
    EXPECT_EQ(account(), "2 = 0 confirmed + 2 unconfirmed + 0 open + 0 refused + 0 in doubt");
    EXPECT_EQ(shard.switching.tally.unconfirmed, 2u);
}

// A link has one barrier open at a time: the next proves the rest.
TEST_F(SendAccounts, S3_WhatWasSentBehindTheOpenBarrierIsProvenByTheNext)
{
    sends();
    links.ask_barrier(l, now);
    sends();
    sends();
    begins();
    const auto first = says(l, "RECEIPT receipt-id:r1");
    accounts.on_silent_proven(l, first.silent_proven);
    EXPECT_EQ(account(), "3 = 0 confirmed + 1 unconfirmed + 2 open + 0 refused + 0 in doubt");
    links.ask_barrier(l, now);
    const auto second = says(l, "RECEIPT receipt-id:r2");
    accounts.on_silent_proven(l, second.silent_proven);
    EXPECT_EQ(account(), "3 = 0 confirmed + 3 unconfirmed + 0 open + 0 refused + 0 in doubt");
}

TEST_F(SendAccounts, S3_WhatWasProvenBeforeTheOrderIsInNoReport)
{
    sends();
    proves();
    begins();
    EXPECT_EQ(account(), "none");
    EXPECT_EQ(shard.switching.tally.accepted, 0u);
}

TEST_F(SendAccounts, S3_ALostLinkLeavesItsSilentOnesInDoubtAndNamesTheSession)
{
    sends();
    begins();
    accounts.doubt_silent(l);
    EXPECT_EQ(shard.switching.tally.in_doubt, 1u);
    EXPECT_EQ(
        shard.switching.tally.named.sentence(control::counted_cause::in_doubt), ": session 0-1");
}

TEST_F(SendAccounts, S13_ALateAnswerMovesOneFromInDoubtToConfirmed)
{
    begins();
    broker::owed_answer owed{.session = s.id, .client_receipt = "r", .counted = true};
    accounts.count(s.id, &session_sends::accepted, true);
    accounts.count_doubt(owed);
    owed.doubted = true;
    EXPECT_EQ(account(), "1 = 0 confirmed + 0 unconfirmed + 0 open + 0 refused + 1 in doubt");
    accounts.count_confirmed(owed);
    EXPECT_EQ(account(), "1 = 1 confirmed + 0 unconfirmed + 0 open + 0 refused + 0 in doubt");
    EXPECT_EQ(shard.switching.tally.in_doubt, 0u);
    EXPECT_EQ(shard.switching.tally.confirmed, 1u);
}

TEST_F(SendAccounts, S13_ALateRefusalIsNoDoubtAnyMore)
{
    begins();
    broker::owed_answer owed{.session = s.id, .client_receipt = "r", .counted = true};
    accounts.count(s.id, &session_sends::accepted, true);
    accounts.count_doubt(owed);
    owed.doubted = true;
    accounts.count_refused(owed);
    EXPECT_EQ(account(), "1 = 0 confirmed + 0 unconfirmed + 0 open + 1 refused + 0 in doubt");
}

TEST_F(SendAccounts, OnlyWhatBelongsToTheSwitchCountsAndOnlyForWhoIsThere)
{
    begins();
    accounts.count(s.id, &session_sends::accepted, false);
    accounts.count(session_id{99}, &session_sends::accepted, true);
    EXPECT_TRUE(accounts.by_session().empty());
    accounts.count(s.id, &session_sends::accepted, true);
    accounts.forget(s.id);
    EXPECT_TRUE(accounts.by_session().empty());
}

TEST_F(SendAccounts, EachSwitchBeginsAnew)
{
    sends();
    begins();
    proves();
    begins();
    EXPECT_EQ(account(), "none");
}

} // namespace
