// Proves what a link's trial makes of each answer, without the link (switch.md B1, B2, B5): the
// better answer gets its time, no answer is an answer, and where it goes on after a cut.

#include "broker/trial.hpp"

#include <gtest/gtest.h>

namespace {

using broker::barrier_kind;
using broker::dialect;
using broker::trial;
using broker::trial_rung;
using broker::tried;
using step = broker::trial::step;

TEST(Trial, B1_AConfirmOfTheAbsentQueueProvesRouting)
{
    trial t{{}, trial_rung::absent_queue};
    EXPECT_EQ(t.begin(), step::wait);
    EXPECT_TRUE(t.asks_routed());
    EXPECT_TRUE(t.asks_received());
    EXPECT_EQ(t.on_received(), step::wait); // RabbitMQ says this one first
    EXPECT_FALSE(t.over());
    EXPECT_EQ(t.on_routed(), step::over);
    EXPECT_EQ(t.known().barrier, barrier_kind::routed);
    EXPECT_TRUE(t.known().proves_routing());
}

// One that confirms no SEND that no queue takes.
TEST(Trial, B1_WhereOnlyTheTransactionIsAnsweredItsOwnQueueIsTried)
{
    trial t{{}, trial_rung::absent_queue};
    t.begin();
    t.on_received();
    EXPECT_EQ(t.on_overdue(false), step::try_own_queue);
    EXPECT_TRUE(t.known().own_queue);
    EXPECT_EQ(t.on_routed(), step::over);
    EXPECT_EQ(t.known(), (broker::capability{.barrier = barrier_kind::routed, .own_queue = true}));
}

TEST(Trial, B1_AnOwnQueueThatIsNotConfirmedEitherIsLeft)
{
    trial t{{}, trial_rung::absent_queue};
    t.begin();
    t.on_received();
    t.on_overdue(false);
    EXPECT_EQ(t.on_overdue(false), step::leave_own_queue);
    EXPECT_EQ(t.known().barrier, barrier_kind::received);
    EXPECT_FALSE(t.known().own_queue);
    EXPECT_FALSE(t.known().proves_routing());
}

TEST(Trial, B1_ALinkThatLeavesDeclaresNothingAnyMore)
{
    trial t{{}, trial_rung::absent_queue};
    t.begin();
    t.on_received();
    EXPECT_EQ(t.on_overdue(true), step::over);
    EXPECT_EQ(t.known().barrier, barrier_kind::received);
}

TEST(Trial, B1_NoAnswerAtAllMeansNoReceipts)
{
    trial t{{}, trial_rung::absent_queue};
    t.begin();
    EXPECT_EQ(t.on_overdue(false), step::over);
    EXPECT_EQ(t.known().barrier, barrier_kind::none);
    EXPECT_FALSE(t.known().receipts());
}

TEST(Trial, B1_WhatIsKnownIsNotTriedAgain)
{
    EXPECT_TRUE((trial{{.barrier = barrier_kind::routed}, trial_rung::absent_queue}.over()));
    EXPECT_FALSE((trial{{}, trial_rung::absent_queue}.over()));
    trial t{{}, trial_rung::nothing};
    EXPECT_EQ(t.begin(), step::over);
    EXPECT_EQ(t.known().barrier, barrier_kind::none);
}

// B5: whether frames are worked off in order is known of the broker, not found out.
TEST(Trial, B5_ATransactionProvesRoutingWhereTheBrokerKeepsOrder)
{
    trial ordered{{}, trial_rung::transaction, dialect::activemq};
    ordered.begin();
    EXPECT_FALSE(ordered.asks_routed());
    EXPECT_EQ(ordered.on_received(), step::over);
    EXPECT_EQ(ordered.known().barrier, barrier_kind::ordered);
    trial plain{{}, trial_rung::transaction, dialect::plain};
    plain.begin();
    EXPECT_EQ(plain.on_received(), step::over);
    EXPECT_EQ(plain.known().barrier, barrier_kind::received);
}

TEST(Trial, B5_TheNameThatABrokerSaysChoosesWhatIsTried)
{
    trial t{{}, trial_rung::absent_queue};
    t.is(dialect::automatic); // an unknown name
    EXPECT_EQ(t.rung(), trial_rung::absent_queue);
    EXPECT_EQ(t.known().marker, tried::unknown);
    t.is(dialect::artemis);
    EXPECT_EQ(t.rung(), trial_rung::absent_address);
    EXPECT_EQ(t.known().marker, tried::no);
    t.begin();
    EXPECT_TRUE(t.known().to_address);
    EXPECT_TRUE(t.asks_routed());
    EXPECT_FALSE(t.asks_received());
}

// ws:// endpoints: BEGIN and ABORT confuse a relay that keeps no order.
TEST(Trial, B2_WebSocketsAreAskedAlone)
{
    EXPECT_EQ(broker::first_rung(dialect::automatic, true), trial_rung::absent_queue_alone);
    EXPECT_EQ(broker::first_rung(dialect::automatic, false), trial_rung::absent_queue);
    trial t{{}, trial_rung::absent_queue_alone};
    t.begin();
    EXPECT_TRUE(t.asks_routed());
    EXPECT_FALSE(t.asks_received());
    EXPECT_EQ(t.on_overdue(false), step::over);
    EXPECT_EQ(t.known().barrier, barrier_kind::none);
}

TEST(Trial, B2_ACutGoesOnWithTheTransactionThenWithNothing)
{
    for (const auto cut :
         {trial_rung::absent_queue, trial_rung::own_queue, trial_rung::absent_address}) {
        EXPECT_EQ(broker::next_rung(cut), trial_rung::transaction);
    }
    EXPECT_EQ(broker::next_rung(trial_rung::transaction), trial_rung::nothing);
    EXPECT_EQ(broker::next_rung(trial_rung::absent_queue_alone), trial_rung::nothing);
}

} // namespace
