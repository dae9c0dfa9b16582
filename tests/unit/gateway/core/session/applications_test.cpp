// Proves which subscriptions at an application may have both colors' messages for a while.
// docs/switch.md O1.

#include "gateway/core/session/applications.hpp"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using enum endpoint_kind;

TEST(Applications, O1_ARelayNamesTheBrokerBehindIt)
{
    EXPECT_EQ(application_from("user-name:anna\n"), application);
    EXPECT_EQ(application_from(""), application);
    EXPECT_EQ(application_from("server:RabbitMQ/3.10.8\n"), relay);
    EXPECT_EQ(application_from("user-name:anna\nserver:ActiveMQ/5\n"), relay);
    EXPECT_EQ(application_from("user-name:my server:x\n"), application);
}

TEST(Applications, O1_ABrokerNeverOverlaps)
{
    for (const bool shared : {false, true}) {
        EXPECT_FALSE(may_overlap("/topic/a", true, broker, shared));
        EXPECT_FALSE(may_overlap("/user/queue/a", false, broker, shared));
    }
}

TEST(Applications, O1_OfASimpleBrokerAllDoesButWhatIsPaired)
{
    EXPECT_TRUE(may_overlap("/topic/a", true, application, false));
    EXPECT_FALSE(may_overlap("/topic/a", true, application, true));
    for (const bool shared : {false, true}) {
        EXPECT_TRUE(may_overlap("/queue/a", false, application, shared));
        EXPECT_TRUE(may_overlap("/user/queue/a", false, application, shared));
        EXPECT_TRUE(may_overlap("/app/a", false, application, shared));
    }
}

TEST(Applications, O1_OfARelayWhatIsForTheApplicationItself)
{
    for (const bool shared : {false, true}) {
        EXPECT_TRUE(may_overlap("/user/queue/a", false, relay, shared));
        EXPECT_TRUE(may_overlap("/app/a", false, relay, shared));
        EXPECT_FALSE(may_overlap("/queue/a", false, relay, shared)); // it has one consumer (P3)
        EXPECT_EQ(may_overlap("/topic/a", true, relay, shared), !shared);
        EXPECT_FALSE(may_overlap("/topic/a", false, relay, shared)); // durable: it is stored
    }
}

TEST(Applications, O6_OnlyWhatTheApplicationItselfAnswersIsAnsweredOnce)
{
    EXPECT_TRUE(is_answered_once("destination:/app/snapshot\n"));
    EXPECT_TRUE(is_answered_once("x:y\ndestination:/app/snapshot\n"));
    EXPECT_FALSE(is_answered_once("destination:/topic/app/\n"));
    EXPECT_FALSE(is_answered_once("destination:/application/a\n"));
}

} // namespace
} // namespace gateway
