// Proves the fence of a session that joins again, by itself (switch.md M13): it gets nothing before
// a marker that was SENT behind its joining was read, one marker is on its way at a time, and a
// broker that delivers none holds nobody for longer than trial_timeout.

#include "gateway/core/markers/rejoin_markers.hpp"
#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;
using gateway::due;
using gateway::member_state;

// Link 1 reads s1 at b1.
class RejoinMarkers : public RoomTest {
protected:
    RejoinMarkers() { log.take(); }
    void joins(std::uint64_t session)
    {
        fences.add(w, {.session = session_id{session}, .subscription = 1}, now);
    }
    // What is due is done: the markers that were written.
    std::string asked()
    {
        for (const auto subject : due_now(due::fence)) {
            fences.run(static_cast<wire_id>(subject), now);
        }
        std::string all;
        for (const auto& line : written()) {
            all += line.substr(line.find("teal-marker:") + 12) + " ";
        }
        return all;
    }
    member_state member(std::size_t index) const { return w.members.at(index).state; }

    gateway::couriers couriers{shard, links, groups};
    gateway::rejoin_markers fences{shard, couriers};
    gateway::link_record& reads = link_at(group(identity(), b1), link_role::subscribe);
    gateway::wire_subscription& w = read_at(reads);
};

TEST_F(RejoinMarkers, M13_IsLiveBehindItsMarker)
{
    joins(1);
    EXPECT_EQ(member(0), member_state::rejoining);
    EXPECT_EQ(asked(), "s1#1 ");
    fences.on_marker(w, 2, now); // none of its own
    EXPECT_EQ(member(0), member_state::rejoining);
    fences.on_marker(w, 1, now);
    EXPECT_EQ(member(0), member_state::live);
    fences.on_marker(w, 1, now); // the same, again
    EXPECT_EQ(asked(), "");
}

TEST_F(RejoinMarkers, M13_WhoComesWhileAMarkerIsOnItsWayWaitsForTheNext)
{
    joins(1);
    EXPECT_EQ(asked(), "s1#1 ");
    joins(2);
    EXPECT_EQ(asked(), "");
    fences.on_marker(w, 1, now);
    EXPECT_EQ(member(0), member_state::live);
    EXPECT_EQ(member(1), member_state::rejoining);
    EXPECT_EQ(asked(), "s1#2 ");
    fences.on_marker(w, 2, now);
    EXPECT_EQ(member(1), member_state::live);
}

TEST_F(RejoinMarkers, M13_ItIsRepeatedUntilItIsRead)
{
    joins(1);
    EXPECT_EQ(asked(), "s1#1 ");
    now += shard.settings.trial_timeout / 10 - 1ms;
    EXPECT_EQ(asked(), "");
    now += 1ms;
    EXPECT_EQ(asked(), "s1#1 ");
}

TEST_F(RejoinMarkers, M13_NothingIsSentBeforeTheSubscriptionIsConfirmed)
{
    w.state = gateway::wire_state::open;
    joins(1);
    EXPECT_EQ(asked(), "");
    w.state = gateway::wire_state::confirmed;
    now += shard.settings.trial_timeout / 10;
    EXPECT_EQ(asked(), "s1#1 ");
}

TEST_F(RejoinMarkers, M13_ABrokerThatDeliversNoneHoldsNobodyForEver)
{
    joins(1);
    while (now < t0 + shard.settings.trial_timeout) {
        EXPECT_EQ(member(0), member_state::rejoining);
        asked();
        now += shard.settings.trial_timeout / 10;
    }
    EXPECT_EQ(asked(), "");
    EXPECT_EQ(member(0), member_state::live);
    EXPECT_EQ(log.logged.size(), 1u);
}

TEST_F(RejoinMarkers, M13_AFenceEndsWithItsSubscription)
{
    joins(1);
    shard.tables.wires.erase(gateway::number(w.id));
    EXPECT_EQ(asked(), "");
    now += 1h;
    EXPECT_TRUE(due_now(due::fence).empty());
}

// It joins again what was there before it lost its own, and only there.
TEST_F(RejoinMarkers, M13_OnlyASessionThatIsBoundAgainHasAFence)
{
    gateway::client_session s;
    gateway::subscription sub;
    sub.confirmed = true;
    s.state = gateway::session_state::rebinding;
    s.rare().wires_before = gateway::number(w.id);
    EXPECT_TRUE(gateway::rejoin_markers::rejoins(s, sub, w));
    s.rare().wires_before = gateway::number(w.id) - 1; // made since: brings only what is new
    EXPECT_FALSE(gateway::rejoin_markers::rejoins(s, sub, w));
    s.rare().wires_before = gateway::number(w.id);
    s.state = gateway::session_state::active;
    EXPECT_FALSE(gateway::rejoin_markers::rejoins(s, sub, w));
    s.state = gateway::session_state::rebinding;
    w.group->known.marker = broker::tried::no;
    EXPECT_FALSE(gateway::rejoin_markers::rejoins(s, sub, w));
}

} // namespace
