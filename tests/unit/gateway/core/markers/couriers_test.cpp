// Proves which link carries a marker, without a router (switch.md M1, M3, M4): one at the marker's
// endpoint, of the same virtual host, whose barriers prove routing; one that is dialled for it where
// there is none, and kept until the seams are over.

#include "gateway/core/markers/couriers.hpp"
#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;

class Couriers : public RoomTest {
protected:
    Couriers() : RoomTest(several_endpoints({2, 1})) { log.take(); }
    lines sent_to_s1(const std::string& link, const std::string& mark) const
    {
        return {
            link + " <- SEND destination:/amq/queue/" + std::string{word_aliases::queue_prefix} +
            "1 teal-marker:" + mark};
    }
    gateway::couriers couriers{shard, links, groups};
    gateway::identity& anna = identity("anna");
    gateway::share_group& at_b1 = group(anna, b1);
    gateway::share_group& at_b2 = group(anna, b2);
    gateway::link_record& reads = link_at(at_b1, link_role::subscribe); // link 1
    gateway::wire_subscription& w = read_at(reads);                     // s1
};

// A memory alarm stops the reading of the link that SENDs, and must not stop ACKs with it.
TEST_F(Couriers, M3_AtItsOwnEndpointAPublishLinkComesBeforeTheOneThatReads)
{
    EXPECT_EQ(couriers.pick(w, b1), &reads);
    auto& publishes = link_at(at_b1, link_role::publish);
    EXPECT_EQ(couriers.pick(w, b1), &publishes);
    loses(publishes);
    EXPECT_EQ(couriers.pick(w, b1), &reads);
}

TEST_F(Couriers, M4_ElsewhereItRidesOnlyWhereABarrierProvesRouting)
{
    EXPECT_EQ(couriers.pick(w, b2), nullptr);
    at_b2.known.barrier = broker::barrier_kind::received;
    auto& l = link_at(at_b2, link_role::publish);
    EXPECT_EQ(couriers.pick(w, b2), nullptr);
    at_b2.known.barrier = broker::barrier_kind::routed;
    EXPECT_EQ(couriers.pick(w, b2), &l);
}

TEST_F(Couriers, M1_ItStaysWithinItsVirtualHostWhoeverHasTheLink)
{
    link_at(group(identity("bert", "other"), b2), link_role::publish);
    EXPECT_EQ(couriers.pick(w, b2), nullptr);
    auto& l = link_at(group(identity("carl"), b2), link_role::publish);
    EXPECT_EQ(couriers.pick(w, b2), &l);
}

TEST_F(Couriers, M1_ASessionsOwnLinkCarriesItWhereNoSharedOnePublishes)
{
    auto& own = link_at(at_b2, link_role::own, session(at_b2).id);
    EXPECT_EQ(couriers.pick(w, b2), &own);
    auto& publishes = link_at(at_b2, link_role::publish);
    EXPECT_EQ(couriers.pick(w, b2), &own); // remembered as long as it is ready
    loses(own);
    EXPECT_EQ(couriers.pick(w, b2), &publishes);
}

TEST_F(Couriers, M6_AMarkerNamesItsSeamsSwitchAndItsEndpoint)
{
    link_at(at_b2, link_role::publish);
    EXPECT_TRUE(couriers.send(w, b2, 7));
    EXPECT_EQ(written(), sent_to_s1("link 2", "s1/1+7"));
    EXPECT_TRUE(couriers.send(w, b1, 7));
    EXPECT_EQ(written(), sent_to_s1("link 1", "s1+7"));
    EXPECT_FALSE(couriers.send(w, g1, 7));
    EXPECT_EQ(written(), lines{});
}

// K2: what somebody else copies is no marker.
TEST_F(Couriers, K2_EachMarkerIsSealed)
{
    log.take_written(); // the links' CONNECTs
    EXPECT_TRUE(couriers.send(w, b1, 7));
    const auto all = log.take_written();
    ASSERT_EQ(all.size(), 1u);
    const auto frame = frame_of(all[0].second);
    EXPECT_EQ(shard.marks.open(*frame.find("teal-marker")), "s1+7");
    EXPECT_FALSE(shard.marks.open("s1+7"));
}

TEST_F(Couriers, M1_WhereNoneIsOneIsDialledAndItsGroupKeptUntilTheSeamsAreOver)
{
    auto& other = identity("bert");
    couriers.dial(other, b2, now);
    EXPECT_TRUE(couriers.dials(other, b2));
    EXPECT_TRUE(couriers.dials(anna, b2)); // of the same virtual host
    EXPECT_FALSE(couriers.dials(other, b1));
    couriers.dial(anna, b2, now);
    links.run_dials(now);
    EXPECT_EQ(dialled(), lines{"dial 2 blue/1"});
    gateway::share_group& kept = groups.group_for(other, b2);
    EXPECT_EQ(kept.bindings, 1u);
    EXPECT_EQ(couriers.release(now), std::vector{&kept});
    EXPECT_FALSE(couriers.dials(other, b2));
    EXPECT_TRUE(couriers.release(now).empty());
}

TEST_F(Couriers, M1_ARefusedLoginIsNotDialledAgainForAMarker)
{
    at_b2.refused = "Access refused";
    couriers.dial(anna, b2, now);
    EXPECT_TRUE(at_b2.publish.empty());
    EXPECT_FALSE(couriers.dials(anna, b2));
}

TEST_F(Couriers, M1_AfterAFailedDialTheNextWaitsUnlessItIsAskedForAtOnce)
{
    at_b2.retry_at = now + 1s;
    couriers.dial(anna, b2, now);
    EXPECT_TRUE(at_b2.publish.empty());
    couriers.dial(anna, b2, now, true);
    EXPECT_EQ(at_b2.publish.size(), 1u);
}

TEST_F(Couriers, B4_ADedicatedGroupsMarkerLinkIsLeftAfterTheLastSeam)
{
    at_b2.dedicated = true;
    couriers.dial(anna, b2, now);
    links.run_dials(now);
    comes_up(*shard.tables.link(at_b2.publish.at(0)));
    couriers.release(now);
    EXPECT_EQ(written(), lines{"link 2 <- DISCONNECT receipt:r1"});
}

// One write here and one read there, instead of one for each link.
TEST_F(Couriers, M3_TheFirstMarkersOfAGroupRideTogether)
{
    auto& second = link_at(at_b1, link_role::subscribe);
    auto& v = read_at(second, "/topic/b");
    link_id by = link_id::none;
    couriers.send_together(w, 7, by);
    couriers.send_together(v, 7, by);
    EXPECT_EQ(by, reads.core.id());
    reads.congested = true; // it may not get on
    couriers.send_together(v, 7, by);
    EXPECT_EQ(by, second.core.id());
    auto all = written();
    for (auto& line : all) {
        line.erase(line.find(" <-"));
    }
    EXPECT_EQ(all, (lines{"link 1", "link 1", "link 2"}));
}

} // namespace
