// Proves which shared link a session gets, without a router: the one with the fewest on it, another
// one from a load on and up to links_per_key, and none that another session's untried SUBSCRIBE may
// end (E10); and which groups have no shared links at all (B4).

#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;
using gateway::due;

class ShareGroups : public RoomTest {
protected:
    explicit ShareGroups(gateway::shard_settings settings = several_endpoints({1, 1}))
        : RoomTest(std::move(settings))
    {
    }
    void publish_on(gateway::link_record& l, int sessions)
    {
        for (int i = 0; i < sessions; ++i) {
            l.users.push_back(session_id{1000U + l.users.size()});
        }
    }
    gateway::share_group& shared = group(identity(), b1);
    gateway::client_session& s = session(shared);
};

TEST_F(ShareGroups, B4_AClientOf10OrWithAClientIdHasLinksOfItsOwn)
{
    EXPECT_FALSE(shared.dedicated);
    auto& old = identity("old");
    old.highest = stomp::version::v10;
    EXPECT_TRUE(groups.group_for(old, b1).dedicated);
    auto& named = identity("bert");
    const std::string head = "login:bert\nclient-id:7\n";
    named.connect_head = head;
    EXPECT_TRUE(groups.group_for(named, b1).dedicated);
    EXPECT_EQ(&groups.group_for(named, b1), &groups.group_for(named, b1));
}

TEST_F(ShareGroups, B2_AnEndpointThatAnswersNothingIsNotTriedAgain)
{
    shard.tables.silent.insert(g1);
    EXPECT_EQ(groups.group_for(identity(), g1).known.barrier, broker::barrier_kind::none);
    EXPECT_EQ(groups.group_for(identity("bert"), b1).known.barrier, broker::barrier_kind::unknown);
}

class ShareGroupsOfPlain : public ShareGroups {
protected:
    static gateway::shard_settings plain()
    {
        auto s = several_endpoints({1, 1});
        s.dialects.green = broker::dialect::plain;
        return s;
    }
    ShareGroupsOfPlain() : ShareGroups(plain()) {}
};

TEST_F(ShareGroupsOfPlain, B5_WhereTheDialectHasNoAddressesNoMarkerIsTried)
{
    EXPECT_EQ(groups.group_for(identity(), g1).known.marker, broker::tried::no);
    EXPECT_EQ(groups.group_for(identity("bert"), b1).known.marker, broker::tried::unknown);
}

TEST_F(ShareGroups, ASessionPublishesOnTheLinkWithTheFewest)
{
    auto& first = link_at(shared, link_role::publish);
    auto& second = link_at(shared, link_role::publish);
    publish_on(first, 2);
    publish_on(second, 1);
    EXPECT_EQ(groups.pick_publish(shared, s, now), &second);
    publish_on(second, 2);
    EXPECT_EQ(groups.pick_publish(shared, s, now), &first);
}

// And not two, while the first is on its way.
TEST_F(ShareGroups, AnotherPublishLinkIsDialledFromALoadOnAndOneAtATime)
{
    auto& first = link_at(shared, link_role::publish);
    publish_on(first, 63);
    EXPECT_EQ(groups.pick_publish(shared, s, now), &first);
    EXPECT_EQ(shared.publish.size(), 1u);
    publish_on(first, 1);
    EXPECT_EQ(groups.pick_publish(shared, s, now), &first);
    EXPECT_EQ(groups.pick_publish(shared, s, now), &first);
    EXPECT_EQ(shared.publish.size(), 2u);
}

TEST_F(ShareGroups, NoMoreThanLinksPerKeyAreDialled)
{
    for (std::size_t i = 0; i < shard.settings.links_per_key; ++i) {
        publish_on(link_at(shared, link_role::publish), 64);
    }
    EXPECT_NE(groups.pick_publish(shared, s, now), nullptr);
    EXPECT_EQ(shared.publish.size(), shard.settings.links_per_key);
}

// H8: it may wait for confirms as long as connect_timeout.
TEST_F(ShareGroups, H8_ALinkThatLeavesTakesNoPlace)
{
    for (std::size_t i = 0; i < shard.settings.links_per_key; ++i) {
        links.leave(link_at(shared, link_role::publish), now);
    }
    EXPECT_EQ(groups.pick_publish(shared, s, now), nullptr);
    EXPECT_EQ(shared.publish.size(), shard.settings.links_per_key + 1);
}

TEST_F(ShareGroups, AFailedDialIsNotRepeatedBeforeItsTimeAndTheSessionAsksAgainThen)
{
    shared.retry_at = now + 70ms;
    due_now(due::session_retry);
    EXPECT_FALSE(groups.may_dial(shared, s, now, link_role::publish));
    now += 69ms;
    EXPECT_TRUE(due_now(due::session_retry).empty());
    now += 1ms;
    EXPECT_EQ(due_now(due::session_retry), (std::vector{gateway::number(s.id)}));
    EXPECT_TRUE(groups.may_dial(shared, s, now, link_role::publish));
    fails_its_probes(b1);
    EXPECT_FALSE(groups.may_dial(shared, s, now, link_role::publish));
}

// E10: RabbitMQ ends the whole link for a SUBSCRIBE that it refuses.
TEST_F(ShareGroups, E10_NothingRidesBesideAnotherSessionsUntriedSubscribe)
{
    auto& other = session(shared);
    auto& l = link_at(shared, link_role::subscribe);
    l.untried = other.id;
    l.open_subscribes = 1;
    EXPECT_TRUE(gateway::share_groups::is_risked(l, s));
    EXPECT_FALSE(gateway::share_groups::is_risked(l, other));
    EXPECT_EQ(groups.pick_subscribe(shared, color::blue, now), nullptr);
    l.open_subscribes = 0;
    EXPECT_EQ(groups.pick_subscribe(shared, color::blue, now), &l);
}

TEST_F(ShareGroups, E10_AnUntriedSubscribeRidesOnlyWhereNobodyElseReads)
{
    auto& other = session(shared);
    auto& theirs = link_at(shared, link_role::subscribe);
    subscribes(other, read_at(theirs));
    bool waits = false;
    EXPECT_EQ(groups.pick_untried(shared, s, waits), nullptr);
    EXPECT_FALSE(waits); // no link of this group will do: it is tried elsewhere
    auto& own = link_at(shared, link_role::subscribe);
    subscribes(s, read_at(own, "/topic/b"));
    waits = false;
    EXPECT_EQ(groups.pick_untried(shared, s, waits), &own);
}

TEST_F(ShareGroups, E10_ItsOwnUntriedSubscribesGoOneBehindTheOther)
{
    auto& own = link_at(shared, link_role::subscribe);
    own.untried = s.id;
    own.open_subscribes = shared.subscribe_window;
    bool waits = false;
    EXPECT_EQ(groups.pick_untried(shared, s, waits), nullptr);
    EXPECT_TRUE(waits); // that link will be free
}

TEST_F(ShareGroups, WhoIsNextAsksAgainWhereNoSubscribeLinkIsComing)
{
    auto& l = link_at(shared, link_role::subscribe);
    due_now(due::session_retry);
    groups.wait_turn(shared, s, s.now(), now);
    groups.wait_turn(shared, s, s.now(), now);
    EXPECT_EQ(shared.turns.size(), 1u);
    now += 1s;
    EXPECT_TRUE(due_now(due::session_retry).empty()); // that link's answer wakes it
    links.leave(l, now);
    groups.retry_turns(shared, now);
    now += 20ms;
    EXPECT_EQ(due_now(due::session_retry), (std::vector{gateway::number(s.id)}));
}

} // namespace
