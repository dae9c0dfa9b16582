// Proves the table of a shard's seams by itself (switch.md "Seam"): it counts what it carries out,
// the clients read the old side up to the markers and then what was kept, a lost side ends the wait,
// and whoever leaves takes its part along. Scenes with clients: seam_table_test.cpp.

#include "tests/support/upper_rooms.hpp"

namespace {

using namespace testing_support;
using gateway::member_state;
using gateway::wire_state;

// Anna's two sessions read s1 at blue by link 1 (s1), and their standby s2 at green by link 2.
class SeamsOfAShard : public UpperRoomTest {
protected:
    SeamsOfAShard()
    {
        begins(7, gateway::member_phase::steady);
        for (auto* s : {&a, &b}) {
            auto& sub = subscribes(*s, old_wire);
            reads(*s, sub, new_wire, member_state::standby);
            s->live = color::green; // the decision is known
        }
        shard.live = color::green;
        log.take();
    }
    void keeps(const std::string& text)
    {
        new_wire.keep(
            {.rest = net::payload::make(
                 {"message-id:m\ndestination:/topic/a\n\n", text, std::string_view{"\0", 1}})});
    }
    std::string members(const gateway::wire_subscription& w) const
    {
        std::string all;
        for (const auto& m : w.members) {
            switch (m.state) {
            case member_state::live: all += "live "; break;
            case member_state::standby: all += "standby "; break;
            case member_state::joining: all += "joining "; break;
            case member_state::late: all += "late "; break;
            case member_state::rejoining: all += "rejoining "; break;
            }
        }
        return all;
    }
    // The bodies that clients were given since the last call.
    std::string given()
    {
        std::string all;
        for (const auto& line : log.take()) {
            if (line.starts_with("client ")) {
                all += line.substr(7, 1) + ":" + line.substr(line.find(" | ") + 3) + " ";
            }
        }
        return all;
    }
    const control::tally& numbers() const { return shard.switching.tally; }

    gateway::share_group& at_blue = group(identity(), b1);
    gateway::share_group& at_green = group(identity(), g1);
    gateway::wire_subscription& old_wire = read_at(link_at(at_blue, link_role::subscribe));
    gateway::wire_subscription& new_wire = read_at(link_at(at_green, link_role::subscribe));
    gateway::client_session& a = session(at_blue);
    gateway::client_session& b = session(at_blue);
};

TEST_F(SeamsOfAShard, M6_TheMarkerJoinsAndTheKeptMessagesGoAheadOfNewOnes)
{
    seams.make(now);
    EXPECT_EQ(seams.size(), 1u);
    EXPECT_EQ(members(new_wire), "joining joining ");
    EXPECT_EQ(members(old_wire), "live live ");
    EXPECT_EQ(a.seams, 1u);
    EXPECT_EQ(new_wire.seams, 1u);
    EXPECT_EQ(numbers().seams_total, 2u);
    keeps("1");
    keeps("2");
    seams.run(now);
    EXPECT_EQ(
        written(), lines{
                       "link 1 <- SEND destination:/amq/queue/" +
                       std::string{word_aliases::queue_prefix} + "1 teal-marker:s1+7"});
    seams.on_marker(old_wire.id, 0, 6, now); // of a switch before
    EXPECT_TRUE(seams.joining());
    log.take();
    seams.on_marker(old_wire.id, 0, 7, now);
    EXPECT_EQ(given(), "1:1 1:2 2:1 2:2 ");
    EXPECT_EQ(members(new_wire), "live live ");
    EXPECT_EQ(old_wire.state, wire_state::leaving);
    EXPECT_EQ(numbers().seams_joined, 2u);
    EXPECT_EQ(numbers().seams_forced, 0u);
    EXPECT_EQ(a.seams, 0u);
    EXPECT_EQ(a.forced_seams, 0u);
    EXPECT_TRUE(new_wire.kept.empty());
    EXPECT_FALSE(seams.joining());
    seams.run(now);
    EXPECT_TRUE(seams.empty());
    EXPECT_EQ(seams.next_deadline(), net::never);
}

TEST_F(SeamsOfAShard, M3_AMarkerIsRepeatedUntilItIsRead)
{
    seams.make(now);
    seams.run(now);
    EXPECT_EQ(written().size(), 1u);
    now += 99ms;
    seams.run(now);
    EXPECT_EQ(written().size(), 0u);
    now += 1ms;
    seams.run(now);
    EXPECT_EQ(written().size(), 1u);
}

TEST_F(SeamsOfAShard, M6_AForcedSeamOpensTheNewSideAndStillReadsTheOldOne)
{
    seams.make(now);
    seams.run(now);
    keeps("1");
    log.take();
    now += 1s;
    seams.run(now);
    EXPECT_EQ(given(), "1:1 2:1 ");
    EXPECT_EQ(members(old_wire), "late late ");
    EXPECT_EQ(old_wire.state, wire_state::confirmed);
    EXPECT_EQ(old_wire.late_of, 7u);
    EXPECT_EQ(numbers().seams_forced, 2u);
    EXPECT_EQ(numbers().seams_joined, 0u);
    EXPECT_EQ(a.forced_seams, 1u);
    EXPECT_FALSE(at_blue.wires.contains(old_wire.head->bytes())); // M8: no later standby joins it
    seams.on_marker(old_wire.id, 0, 7, now);
    EXPECT_EQ(old_wire.state, wire_state::leaving);
    EXPECT_EQ(a.forced_seams, 0u);
}

// M9: each waits for its own marker.
TEST_F(SeamsOfAShard, M12_ALostOldSideOpensTheNewOneWithAGap)
{
    seams.make(now);
    keeps("1");
    shard.tables.wires.erase(gateway::number(old_wire.id));
    log.take();
    seams.on_wire_lost(wire_id{1}, now);
    EXPECT_EQ(given(), "1:1 2:1 ");
    EXPECT_EQ(numbers().gaps, 2u);
    EXPECT_EQ(a.seams, 0u);
}

TEST_F(SeamsOfAShard, M12_ALostNewSideKeepsWhatItHadUntilTheOldOneHasGivenAll)
{
    seams.make(now);
    keeps("1");
    EXPECT_EQ(seams.keep_lost(new_wire), (std::vector{a.id, b.id}));
    EXPECT_EQ(new_wire.state, wire_state::lost);
    log.take();
    seams.on_marker(old_wire.id, 0, 7, now);
    EXPECT_EQ(given(), "1:1 2:1 ");
    EXPECT_EQ(shard.tables.wire(wire_id{2}), nullptr); // nobody reads it any more
    EXPECT_EQ(a.journal.at(1)->wires.green, wire_id::none);
    EXPECT_EQ(due_now(gateway::due::session_retry), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(SeamsOfAShard, M10_AFullBufferForcesTheSeamsOfThatSubscriptionAlone)
{
    seams.make(now);
    seams.on_buffer_full(old_wire.id, now);
    EXPECT_EQ(numbers().seams_forced, 0u);
    seams.on_buffer_full(new_wire.id, now);
    EXPECT_EQ(numbers().seams_forced, 2u);
}

TEST_F(SeamsOfAShard, AClientThatLeavesTakesItsPartAlong)
{
    seams.make(now);
    EXPECT_TRUE(seams.has(new_wire.id, a.id, 1));
    seams.leave(a.id, 1, now);
    EXPECT_FALSE(seams.has(new_wire.id, a.id, 1));
    EXPECT_EQ(numbers().seams_total, 1u);
    EXPECT_EQ(a.seams, 0u);
    EXPECT_EQ(members(old_wire), "live ");
    EXPECT_EQ(new_wire.seams, 1u);
    seams.leave(b.id, 1, now);
    EXPECT_EQ(new_wire.seams, 0u);
    EXPECT_EQ(old_wire.state, wire_state::leaving);
    seams.run(now);
    EXPECT_TRUE(seams.empty());
}

// C9: its report is kept until then.
TEST_F(SeamsOfAShard, C9_WhatALaterSwitchFindsCountsInItsOwnReport)
{
    seams.make(now);
    EXPECT_TRUE(seams.any_made_by(7));
    EXPECT_FALSE(seams.any_made_by(8));
    shard.switching.past.push_back({7, numbers()});
    shard.switching.id = 8;
    shard.switching.tally = {};
    seams.count_open();
    EXPECT_EQ(numbers().seams_total, 0u); // a report is kept for it
    seams.on_marker(old_wire.id, 0, 7, now);
    EXPECT_EQ(numbers().seams_joined, 0u);
    EXPECT_EQ(shard.switching.past[0].numbers.seams_joined, 2u);
}

TEST_F(SeamsOfAShard, B4_WhereNoMarkerComesItJoinsWhenTheOldColorIsQuiet)
{
    at_blue.known.marker = broker::tried::no;
    old_wire.last_message = now;
    seams.make(now);
    EXPECT_EQ(numbers().seams_best_effort, 2u);
    now += 49ms;
    seams.run(now);
    EXPECT_EQ(numbers().seams_joined, 0u);
    now += 1ms;
    seams.run(now);
    EXPECT_EQ(numbers().seams_joined, 2u);
}

} // namespace
