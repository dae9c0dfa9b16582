// Proves what is remembered of lines that ended a shared link: exactly those, for ten minutes, and
// that a client that draws a new value each time does not hurt its neighbours for ever (switch.md
// E6).

#include "gateway/core/links/ended_links.hpp"
#include "tests/support/frame_text.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using gateway::ended_links;

const net::time_point t0 = net::time_point{} + 1h;

class EndedLinks : public testing::Test {
protected:
    bool ends(const std::string& frame, const std::string& who = "anna", net::time_point now = t0)
    {
        const auto whole = testing_support::frame_of(frame);
        return ended.would_end(who, whole.view(), now);
    }
    ended_links ended;
};

TEST_F(EndedLinks, E6_ADestinationOrAHeaderLineOfThatIdentity)
{
    ended.remember("anna", {{"destination", "/queue/bad"}, {"expiration", "soon"}}, t0);
    EXPECT_TRUE(ends("SEND destination:/queue/bad"));
    EXPECT_TRUE(ends("SEND destination:/topic/a expiration:soon"));
    EXPECT_FALSE(ends("SEND destination:/topic/a expiration:1000"));
    EXPECT_FALSE(ends("SEND destination:/queue/bad2"));
    EXPECT_FALSE(ends("SEND destination:/queue/bad", "bert"));
}

TEST_F(EndedLinks, E6_AnExchangeWithWhateverKey)
{
    ended.remember("anna", {{"destination", "/exchange/nosuch", true}}, t0);
    EXPECT_TRUE(ends("SEND destination:/exchange/nosuch"));
    EXPECT_TRUE(ends("SEND destination:/exchange/nosuch/k"));
    EXPECT_FALSE(ends("SEND destination:/exchange/nosuch2/k"));
}

TEST_F(EndedLinks, E6_ThreeValuesOfAHeaderAreAsGoodAsAll)
{
    for (const auto* value : {"a", "b"}) {
        ended.remember("anna", {{"expiration", value}}, t0);
        ended.remember("anna", {{"destination", std::string{"/exchange/"} + value, true}}, t0);
    }
    EXPECT_FALSE(ends("SEND destination:/topic/x expiration:d"));
    ended.remember("anna", {{"expiration", "c"}}, t0);
    ended.remember("anna", {{"destination", "/exchange/c", true}}, t0);
    EXPECT_TRUE(ends("SEND destination:/topic/x expiration:d"));
    EXPECT_TRUE(ends("SEND destination:/exchange/d/k"));
    EXPECT_FALSE(ends("SEND destination:/topic/x"));
}

TEST_F(EndedLinks, E6_ForTenMinutes)
{
    ended.remember("anna", {{"expiration", "soon"}}, t0);
    EXPECT_TRUE(ends("SEND destination:/a expiration:soon", "anna", t0 + 9min));
    EXPECT_FALSE(ends("SEND destination:/a expiration:soon", "anna", t0 + 10min));
    EXPECT_TRUE(ended.empty());
}

TEST_F(EndedLinks, IsBounded)
{
    for (int i = 0; i < 1000; ++i) {
        ended.remember(
            "who" + std::to_string(i), {{"h" + std::to_string(i), "v"}}, t0 + i * 1ms);
    }
    EXPECT_EQ(ended.size(), ended_links::identities_max);
    EXPECT_TRUE(ends("SEND destination:/a h999:v", "who999"));
    for (int i = 0; i < 1000; ++i) {
        ended.remember("anna", {{"h" + std::to_string(i), "v"}}, t0);
    }
    EXPECT_TRUE(ends("SEND destination:/a", "anna")); // a full list: whatever it says
}

} // namespace
