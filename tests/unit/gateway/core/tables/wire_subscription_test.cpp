// Proves when what is kept of the new color is too much (switch.md M10): one MESSAGE that is larger
// than the mark fills nothing by itself. For a wire subscription and for a pair of them.

#include "gateway/core/tables/wire_subscription.hpp"

#include <gtest/gtest.h>

namespace {

constexpr std::size_t mark = 100;

class WireSubscription : public testing::Test {
protected:
    void keeps(std::size_t bytes)
    {
        w.keep({.rest = net::payload::make({std::string(bytes, 'x')})});
    }
    gateway::wire_subscription w;
};

TEST_F(WireSubscription, M10_TheBytesThatAreKeptFillIt)
{
    keeps(60);
    keeps(40);
    EXPECT_FALSE(w.kept_above(mark));
    keeps(1);
    EXPECT_TRUE(w.kept_above(mark));
    EXPECT_EQ(w.kept_bytes, 101u);
    EXPECT_EQ(w.kept.size(), 3u);
}

TEST_F(WireSubscription, M10_OneThatIsLargerThanTheMarkFillsNothingByItself)
{
    keeps(500);
    EXPECT_FALSE(w.kept_above(mark));
    keeps(100);
    EXPECT_FALSE(w.kept_above(mark));
    keeps(1);
    EXPECT_TRUE(w.kept_above(mark));
}

TEST_F(WireSubscription, M10_OnlyTheLargestOfThemIsExcepted)
{
    keeps(500);
    keeps(400);
    EXPECT_TRUE(w.kept_above(mark));
}

} // namespace
