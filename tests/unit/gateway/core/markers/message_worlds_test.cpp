// Proves M2: which endpoints are one message world, by the markers that came between them.

#include "gateway/core/markers/message_worlds.hpp"

#include <gtest/gtest.h>

namespace {

using broker::color;
using control::endpoint_ref;

constexpr endpoint_ref b1{color::blue, 0}, b2{color::blue, 1}, b3{color::blue, 2},
    b4{color::blue, 3};

TEST(MessageWorlds, M2_NothingIsKnownBeforeAMarkerWasTried)
{
    const gateway::message_worlds worlds;
    EXPECT_EQ(worlds.one(b1, b2), std::nullopt);
    EXPECT_EQ(worlds.one(b1, b1), true);
}

TEST(MessageWorlds, M2_AMarkerThatCameSaysItForBothWays)
{
    gateway::message_worlds worlds;
    worlds.came(b1, b2);
    worlds.none_came(b2, b1);
    EXPECT_EQ(worlds.one(b1, b2), true);
    EXPECT_EQ(worlds.one(b2, b1), true);
}

TEST(MessageWorlds, M2_AndThroughAThird)
{
    gateway::message_worlds worlds;
    worlds.came(b1, b2);
    worlds.came(b3, b2);
    worlds.none_came(b1, b4);
    EXPECT_EQ(worlds.one(b1, b3), true);
    EXPECT_EQ(worlds.one(b3, b4), std::nullopt);
}

TEST(MessageWorlds, M2_WhereNoneCameTheyAreSideBySideUntilOneOfThemWasDown)
{
    gateway::message_worlds worlds;
    worlds.none_came(b1, b2);
    EXPECT_EQ(worlds.one(b1, b2), false);
    EXPECT_EQ(worlds.one(b2, b1), false);
    worlds.forget(b2);
    EXPECT_EQ(worlds.one(b1, b2), std::nullopt);
}

} // namespace
