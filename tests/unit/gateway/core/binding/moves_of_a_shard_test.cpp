// Proves the moves of drained endpoints by themselves (switch.md M13): all sessions of an endpoint
// move together, each leaves when its marker was read or its time is over, a switch goes before, and
// one that is taken back leaves everybody where they are. Scenes with clients:
// endpoint_moves_test.cpp.

#include "gateway/core/binding/endpoint_moves.hpp"
#include "tests/support/upper_rooms.hpp"

namespace {

using namespace testing_support;
using gateway::due;
using gateway::session_state;

// Sessions a and b are at b1, c is at b2. Link 1 of b1 reads s1 for a, and s2 for b.
class MovesOfAShard : public UpperRoomTest {
protected:
    MovesOfAShard() : UpperRoomTest(several_endpoints({2, 1}))
    {
        subscribes(a, wire_a);
        subscribes(b, wire_b);
        log.take();
    }
    void runs()
    {
        due_now(due::moves);
        moves.run(now);
    }
    // Whether it has left its endpoint.
    static bool has_left(const gateway::client_session& s) { return s.now().group == nullptr; }

    gateway::lingering_links lingering{shard, links};
    gateway::binder binder{shard,  quotas,  links,         groups,   session_links,
                           trials, pairing, subscriptions, readiness};
    gateway::endpoint_moves moves{shard,     links,     couriers, subscriptions,
                                  readiness, lingering, binder};

    gateway::share_group& at_b1 = group(identity(), b1);
    gateway::share_group& at_b2 = group(identity(), b2);
    gateway::link_record& link1 = link_at(at_b1, link_role::subscribe);
    gateway::wire_subscription& wire_a = read_at(link1, "/topic/a");
    gateway::wire_subscription& wire_b = read_at(link1, "/topic/b");
    gateway::client_session& a = session(at_b1);
    gateway::client_session& b = session(at_b1);
    gateway::client_session& c = session(at_b2);
};

TEST_F(MovesOfAShard, M13_AllOfTheEndpointMoveAndEachLeavesBehindItsMarker)
{
    moves.drain(b1, true, now);
    EXPECT_EQ(due_now(due::moves).size(), 1u);
    moves.run(now);
    EXPECT_EQ(a.state, session_state::rebinding);
    EXPECT_EQ(b.state, session_state::rebinding);
    EXPECT_EQ(c.state, session_state::active);
    const std::string to{
        "link 1 <- SEND destination:/amq/queue/" + std::string{word_aliases::queue_prefix}};
    EXPECT_EQ(written(), (lines{to + "1 teal-marker:s1=1", to + "2 teal-marker:s2=1"}));
    EXPECT_FALSE(has_left(a));
    moves.on_marker(wire_b.id, 2, now); // of no move
    runs();
    EXPECT_FALSE(has_left(b));
    moves.on_marker(wire_b.id, 1, now);
    runs();
    EXPECT_TRUE(has_left(b));
    EXPECT_FALSE(has_left(a)); // it does not delay its neighbour
    EXPECT_FALSE(b.moving);
    EXPECT_EQ(b.now().at, gateway::binding::phase::wanted);
    EXPECT_EQ(b.rare().wires_before, 2u);
    EXPECT_EQ(b.journal.at(1)->wires.blue, wire_id::none);
    moves.on_marker(wire_a.id, 1, now);
    runs();
    EXPECT_TRUE(has_left(a));
    EXPECT_EQ(shard.pools.blue->sessions(0), 0u);
    ASSERT_EQ(log.logged.size(), 1u);
    EXPECT_EQ(
        log.logged[0], "blue/b1 is drained: 2 sessions move, 2 gaps, 0 deliveries handed back");
    EXPECT_EQ(counters.subscriptions_restored[gateway::restored::ok], 2u);
}

TEST_F(MovesOfAShard, M13_AMarkerThatDoesNotComeIsWaitedForWithinSeamTimeout)
{
    moves.drain(b1, true, now);
    runs();
    now += shard.settings.timing.seam_timeout - 1ms;
    runs();
    EXPECT_FALSE(has_left(a));
    wire_a.last_message = now; // M6: it gets on
    now += 1ms;
    runs();
    EXPECT_FALSE(has_left(a));
    EXPECT_TRUE(has_left(b));
    now += shard.settings.timing.seam_timeout;
    runs();
    EXPECT_TRUE(has_left(a));
}

TEST_F(MovesOfAShard, M13_TheirSendsAreProvenFirstWithinReceiptTimeout)
{
    auto& publishes = link_at(at_b1, link_role::publish);
    a.now().publish = publishes.core.id();
    a.last_send_link = publishes.core.id();
    a.last_send = 1;
    const auto send = frame_of("SEND destination:/topic/a | x");
    publishes.core.send(send.view(), {.session = a.id}, log);
    log.take();
    moves.drain(b1, true, now);
    runs();
    EXPECT_EQ(written(), lines{"link 2 <- SEND destination:/amq/queue/teal-none receipt:r1"});
    says(publishes, "RECEIPT receipt-id:r1");
    runs();
    EXPECT_EQ(written().size(), 2u); // the markers

    now += 1ms;
    moves.cancel(now);
    publishes.core.send(send.view(), {.session = a.id}, log);
    a.last_send = 2;
    a.state = b.state = session_state::active;
    log.take();
    runs();
    now += shard.settings.timing.receipt_timeout;
    log.take();
    runs();
    EXPECT_EQ(written().size(), 2u); // in doubt: it is not waited for any longer
}

TEST_F(MovesOfAShard, M13_WithNowhereToGoTheyStayWhereTheyAre)
{
    fails_its_probes(b2);
    moves.drain(b1, true, now);
    runs();
    EXPECT_EQ(a.state, session_state::active);
    EXPECT_EQ(written(), lines{});
    EXPECT_NE(shard.deadlines.next(), net::never); // it is tried again
}

TEST_F(MovesOfAShard, M13_AnEndpointThatIsTakenBackKeepsThoseThatHaveNotLeft)
{
    moves.drain(b1, true, now);
    runs();
    moves.on_marker(wire_b.id, 1, now);
    runs();
    due_now(due::session_retry);
    moves.drain(b1, false, now);
    EXPECT_FALSE(a.moving);
    EXPECT_FALSE(has_left(a));
    EXPECT_EQ(due_now(due::session_retry), (std::vector{gateway::number(a.id)}));
    moves.on_marker(wire_a.id, 1, now); // of a move that was given up
    runs();
    EXPECT_FALSE(has_left(a));
}

// C1: it takes them along from where they are.
TEST_F(MovesOfAShard, C1_ASwitchGoesBefore)
{
    moves.drain(b1, true, now);
    runs();
    moves.cancel(now);
    EXPECT_FALSE(a.moving);
    EXPECT_FALSE(b.moving);
    shard.switching.phase = gateway::member_phase::preparing;
    a.state = b.state = session_state::active;
    log.take();
    runs();
    EXPECT_EQ(a.state, session_state::active);
    EXPECT_EQ(written(), lines{});
    shard.switching.phase = gateway::member_phase::steady;
    runs();
    EXPECT_EQ(a.state, session_state::rebinding);
    EXPECT_EQ(written().size(), 2u);
}

// What its seams keep is of that endpoint; each joins or is forced soon.
TEST_F(MovesOfAShard, M13_WhoseSeamIsOpenIsWaitedFor)
{
    b.seams = 1;
    moves.drain(b1, true, now);
    runs();
    EXPECT_EQ(a.state, session_state::active);
    b.seams = 0;
    runs();
    EXPECT_EQ(a.state, session_state::rebinding);
}

TEST_F(MovesOfAShard, M13_AParkedSessionTriesAnEndpointThatIsTakenBack)
{
    moves.drain(b1, true, now);
    c.parked = true;
    due_now(due::moves);
    moves.drain(b1, true, now); // again: nothing
    EXPECT_TRUE(due_now(due::moves).empty());
    moves.drain(b1, false, now);
    EXPECT_EQ(due_now(due::session_retry), (std::vector{gateway::number(c.id)}));
    moves.drain({color::blue, 9}, true, now); // there is none
    EXPECT_TRUE(due_now(due::moves).empty());
}

} // namespace
