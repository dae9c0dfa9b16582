// Proves the pairs of a shard's wire subscriptions by themselves (switch.md P1 to P3, P7, P8): which
// two are a pair, who gets which MESSAGE, when a pair ends, and the order of its marks. Scenes with
// clients: wire_pairing_test.cpp, marks_test.cpp.

#include "tests/support/upper_rooms.hpp"

namespace {

using namespace testing_support;
using gateway::member_phase;
using gateway::member_state;
using gateway::window_mark;

gateway::shard_settings shared_backplane(gateway::dedup_by by)
{
    auto s = several_endpoints({1, 1});
    s.shared_backplane = true;
    s.pairing = {.by = by, .header = "x-id", .secret = {1, 2}};
    s.gateway_id = "gw";
    return s;
}

// Two sessions read s1 at blue by link 1; s2 at green by link 2 is their standby.
class PairsOfAShard : public UpperRoomTest {
protected:
    explicit PairsOfAShard(gateway::dedup_by by = gateway::dedup_by::header)
        : UpperRoomTest(shared_backplane(by))
    {
        begins(7, member_phase::preparing);
        for (auto* s : {&a, &b}) {
            auto& sub = subscribes(*s, old_wire);
            reads(*s, sub, new_wire, member_state::standby);
            pairing.pair_up(*s, sub, color::green);
        }
        log.take();
    }
    // What clients were given of it: "1:x 2:x ".
    std::string brings(gateway::wire_subscription& w, const std::string& id)
    {
        const auto frame =
            frame_of("MESSAGE message-id:m destination:/topic/a x-id:" + id + " | " + id);
        EXPECT_TRUE(pairing.on_message(
            *shard.tables.link(w.link), w, frame.view(), broker::framing::text, now));
        std::string all;
        for (const auto& line : log.take()) {
            if (line.starts_with("client ")) {
                all += line.substr(7, 1) + ":" + line.substr(line.find(" | ") + 3) + " ";
            }
        }
        return all;
    }
    // The commit, and the seam's end.
    void moves()
    {
        shard.switching.phase = member_phase::steady;
        shard.switching.drain_until = now + 30s;
        shard.live = color::green;
        for (auto* s : {&a, &b}) {
            s->live = color::green;
        }
        for (auto& m : new_wire.members) {
            m.state = member_state::live;
        }
        for (auto& m : old_wire.members) {
            m.state = member_state::late;
        }
        pairing.settle(new_wire);
    }
    // The numbers of the marks that were written, in order: "s1*1 ".
    std::string marks()
    {
        std::string all;
        for (const auto& line : written()) {
            if (const auto at = line.find("teal-marker:"); at != line.npos) {
                all += line.substr(at + 12, line.find('/', at) - at - 12) + " ";
            }
        }
        return all;
    }
    std::size_t pairs() const { return new_wire.pairs.size(); }

    gateway::share_group& at_blue = group(identity(), b1);
    gateway::share_group& at_green = group(identity(), g1);
    gateway::wire_subscription& old_wire = read_at(link_at(at_blue, link_role::subscribe));
    gateway::wire_subscription& new_wire = read_at(link_at(at_green, link_role::subscribe));
    gateway::client_session& a = session(at_blue);
    gateway::client_session& b = session(at_blue);
};

TEST_F(PairsOfAShard, P2_TwoWireSubscriptionsAreOnePairHoweverManySessionsReadThem)
{
    ASSERT_EQ(pairs(), 1u);
    EXPECT_EQ(old_wire.pairs, new_wire.pairs);
    EXPECT_EQ(new_wire.members[0].pair, new_wire.members[1].pair);
    EXPECT_EQ(gateway::wire_pairing::pair_of(new_wire, new_wire.members[0])->old_wire, old_wire.id);
    EXPECT_TRUE(pairing.knows(new_wire, old_wire.id));
}

TEST_F(PairsOfAShard, P1_TheOldColorGivesAndTheNewColorsCopyIsDropped)
{
    EXPECT_EQ(brings(old_wire, "x"), "1:x 2:x ");
    EXPECT_EQ(brings(new_wire, "x"), "");
    EXPECT_EQ(brings(new_wire, "y"), ""); // kept: the old color owes it
    EXPECT_EQ(brings(old_wire, "y"), "1:y 2:y ");
    EXPECT_EQ(new_wire.pairs[0]->core.kept_count(), 0u);
}

TEST_F(PairsOfAShard, P1_BehindTheSeamTheNewColorGivesAndTheOldColorsCopyIsDropped)
{
    EXPECT_EQ(brings(old_wire, "x"), "1:x 2:x ");
    moves();
    EXPECT_EQ(brings(new_wire, "x"), ""); // the twin of what was given
    EXPECT_EQ(brings(new_wire, "y"), "1:y 2:y ");
    EXPECT_EQ(brings(old_wire, "y"), "");
    EXPECT_GT(shard.switching.tally.duplicates_dropped, 0u);
}

TEST_F(PairsOfAShard, P2_APairEndsWhenNothingIsOwedAnyMore)
{
    EXPECT_EQ(brings(old_wire, "x"), "1:x 2:x ");
    moves();
    EXPECT_EQ(pairing.sweep(now), net::never); // the old color is still read
    EXPECT_EQ(pairs(), 1u);
    pairing.leave_pair(old_wire.id, new_wire.id, true);
    EXPECT_TRUE(old_wire.pairs.empty());
    EXPECT_EQ(pairing.sweep(now), now + 30s); // green still owes x
    EXPECT_EQ(brings(new_wire, "x"), "");
    EXPECT_EQ(pairing.sweep(now), net::never);
    EXPECT_EQ(pairs(), 0u);
}

TEST_F(PairsOfAShard, P1_ATwinThatNeverComesIsWaitedForUntilDrainTimeout)
{
    EXPECT_EQ(brings(old_wire, "x"), "1:x 2:x ");
    moves();
    pairing.leave_pair(old_wire.id, new_wire.id, true);
    pairing.sweep(now + 30s - 1ms);
    EXPECT_EQ(pairs(), 1u);
    pairing.sweep(now + 30s);
    EXPECT_EQ(pairs(), 0u);
}

TEST_F(PairsOfAShard, P2_APairEndsWithItsLastMember)
{
    subscriptions.drop_member(new_wire, a.id, 1, now);
    EXPECT_EQ(pairs(), 1u);
    subscriptions.drop_member(new_wire, b.id, 1, now);
    EXPECT_EQ(pairs(), 0u);
    EXPECT_TRUE(old_wire.pairs.empty());
}

TEST_F(PairsOfAShard, P3_TheStandbyWaitsForTheOldColorsReceiptWhileItsLinkLives)
{
    EXPECT_FALSE(pairing.awaits_old(a, *a.journal.at(1)));
    old_wire.state = gateway::wire_state::open;
    EXPECT_TRUE(pairing.awaits_old(a, *a.journal.at(1)));
    a.journal.at(1)->wires.blue = wire_id::none;
    EXPECT_FALSE(pairing.awaits_old(a, *a.journal.at(1)));
}

// What was given before it was made may still come from the new color.
TEST_F(PairsOfAShard, P2_APairThatIsMadeLaterKnowsWhatTheOldColorGaveInThisSwitch)
{
    EXPECT_EQ(brings(old_wire, "x"), "1:x 2:x ");
    auto& other = read_at(link_at(at_green, link_role::subscribe), "/topic/b");
    auto& late = session(at_blue);
    auto& sub = subscribes(late, old_wire);
    reads(late, sub, other, member_state::standby);
    pairing.pair_up(late, sub, color::green);
    log.take();
    ASSERT_EQ(other.pairs.size(), 1u);
    EXPECT_EQ(brings(other, "x"), "");
    EXPECT_EQ(other.pairs[0]->core.kept_count(), 0u); // the twin of it
}

TEST_F(PairsOfAShard, P4_AMessageWithoutTheKeyIsGivenByTheLiveColorAndCountedOnce)
{
    const auto frame = frame_of("MESSAGE message-id:m destination:/topic/a | z");
    for (auto* w : {&old_wire, &new_wire, &old_wire}) {
        pairing.on_message(
            *shard.tables.link(w->link), *w, frame.view(), broker::framing::text, now);
    }
    EXPECT_EQ(log.take().size(), 4u);
    ASSERT_EQ(shard.switching.tally.counted.size(), 1u);
    EXPECT_EQ(
        shard.switching.tally.counted[0].text,
        "dedup: messages without the header were not paired");
}

class MarksOfAShard : public PairsOfAShard {
protected:
    MarksOfAShard() : PairsOfAShard(gateway::dedup_by::automatic)
    {
        survey.on_marker(b1, g1, now); // one world
        link_at(at_blue, link_role::publish); // marks ride from both colors
        link_at(at_green, link_role::publish);
    }
    // The mark with that number was read on `w` from both colors.
    void read_mark(gateway::wire_subscription& w, std::uint64_t number)
    {
        for (const auto from : {b1, g1}) {
            pairing.on_mark(
                w, {.what = gateway::marker_text::kind::window, .number = number, .from = from},
                now);
        }
    }
    window_mark read() const { return new_wire.pairs[0]->marks.read; }
};

TEST_F(MarksOfAShard, P7_TheMarksOfPreparingGoOldNewOldOneAtATime)
{
    pairing.mark_new(now);
    EXPECT_TRUE(pairing.marking());
    EXPECT_EQ(marks(), "s1*1 s1*1 "); // from both colors' endpoints
    pairing.mark_new(now);
    EXPECT_EQ(marks(), "");
    read_mark(new_wire, 1); // not where it was SENT to
    EXPECT_EQ(read(), window_mark::none);
    read_mark(old_wire, 1);
    EXPECT_EQ(read(), window_mark::oa);
    EXPECT_EQ(marks(), "s2*2 s2*2 ");
    read_mark(new_wire, 2);
    EXPECT_EQ(marks(), "s1*3 s1*3 ");
    EXPECT_FALSE(pairing.marked(old_wire.id, new_wire));
    read_mark(old_wire, 3);
    EXPECT_EQ(read(), window_mark::ob);
    EXPECT_FALSE(pairing.marking());
    EXPECT_TRUE(pairing.marked(old_wire.id, new_wire));
    EXPECT_EQ(marks(), ""); // Nc follows the commit
}

TEST_F(MarksOfAShard, P7_AMarkIsReadOnlyFromEveryEndpointThatItRodeFrom)
{
    pairing.mark_new(now);
    const auto from_blue =
        gateway::marker_text{.what = gateway::marker_text::kind::window, .number = 1, .from = b1};
    pairing.on_mark(old_wire, from_blue, now);
    pairing.on_mark(old_wire, from_blue, now);
    EXPECT_EQ(read(), window_mark::none);
    pairing.on_mark(
        old_wire, {.what = gateway::marker_text::kind::window, .number = 1, .from = g1}, now);
    EXPECT_EQ(read(), window_mark::oa);
}

TEST_F(MarksOfAShard, P7_TheSeamsMarkersWaitForNcAndOc)
{
    pairing.mark_new(now);
    read_mark(old_wire, 1);
    read_mark(new_wire, 2);
    read_mark(old_wire, 3);
    marks();
    pairing.on_seam(old_wire, new_wire, now);
    EXPECT_EQ(marks(), "s2*4 s2*4 ");
    EXPECT_TRUE(pairing.holds_markers(old_wire.id, new_wire.id));
    EXPECT_EQ(pairing.open_windows(7), 1u);
    read_mark(new_wire, 4);
    EXPECT_EQ(marks(), "s1*5 s1*5 ");
    EXPECT_TRUE(pairing.holds_markers(old_wire.id, new_wire.id));
    read_mark(old_wire, 5);
    EXPECT_FALSE(pairing.holds_markers(old_wire.id, new_wire.id));
    ASSERT_EQ(shard.later.marked.size(), 1u); // its seam joins
    EXPECT_EQ(shard.later.marked[0].read, 1u);
}

TEST_F(MarksOfAShard, P7_AMarkIsRepeatedEachTimeAfterTwiceAsLong)
{
    pairing.mark_new(now);
    EXPECT_EQ(marks(), "s1*1 s1*1 ");
    now += 100ms;
    pairing.run_marks(now);
    EXPECT_EQ(marks(), "s1*1 s1*1 ");
    now += 199ms;
    pairing.run_marks(now);
    EXPECT_EQ(marks(), "");
    now += 1ms;
    pairing.run_marks(now);
    EXPECT_EQ(marks(), "s1*1 s1*1 ");
}

TEST_F(MarksOfAShard, P8_AMarkThatDoesNotComeIsGivenUpAndCounted)
{
    pairing.mark_new(now);
    now += shard.settings.trial_timeout - 1ms;
    old_wire.last_message = now; // as long as something arrives
    pairing.run_marks(now + 1ms);
    EXPECT_TRUE(pairing.marking());
    pairing.run_marks(now + shard.settings.trial_timeout);
    EXPECT_FALSE(pairing.marking());
    EXPECT_TRUE(pairing.marked(old_wire.id, new_wire)); // nobody waits for it any more
    ASSERT_FALSE(shard.switching.tally.counted.empty());
    EXPECT_EQ(shard.switching.tally.counted[0].text, "dedup: a mark did not come in time");
}

TEST_F(MarksOfAShard, P8_ColorsThatAreNotKnownToBeOneWorldGetNoMarks)
{
    survey.forget(g1);
    pairing.mark_new(now);
    EXPECT_EQ(marks(), "");
    EXPECT_TRUE(new_wire.pairs[0]->marks.given_up);
}

TEST_F(MarksOfAShard, P7_AfterTheNewLinkIsLostNoMarkOfItIsWaitedFor)
{
    pairing.mark_new(now);
    pairing.on_new_lost(new_wire.id);
    EXPECT_FALSE(pairing.any_on_way());
    EXPECT_TRUE(new_wire.pairs[0]->marks.given_up);
    EXPECT_EQ(shard.later.marked.size(), 1u);
}

} // namespace
