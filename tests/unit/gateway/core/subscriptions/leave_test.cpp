// Proves how a thousand own links of the old color are left without keeping the others from their
// markers: the first markers ride together, links are left behind the markers and some at a time.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

constexpr std::size_t clients = 40;

gateway::shard_settings dedicated()
{
    auto s = shard_scene::usual_settings();
    s.shared = false;
    return s;
}

// Client n has the topic n and the link n at blue, whose wire subscription is `s`n.
class RouterLeave : public RouterSwitch {
protected:
    RouterLeave() : RouterSwitch(dedicated())
    {
        for (std::size_t n = 1; n <= clients; ++n) {
            says(client(), "SUBSCRIBE id:1 destination:/topic/" + std::to_string(n));
        }
        skip_effects();
    }
    // From commit on; no marker comes by itself.
    void joining()
    {
        held();
        brokers.blue.markers = false;
        commits();
    }
    void marker(std::size_t n)
    {
        const auto wire = "s" + std::to_string(n);
        brings(
            n, "MESSAGE subscription:" + wire + " message-id:m teal-marker:" + wire + "+" +
                   std::to_string(committed));
    }
    // What the links were told that begins like that, without what follows; each once.
    std::map<std::string, int> told_links(std::string_view command)
    {
        std::map<std::string, int> count;
        for (const auto& line : log.take()) {
            if (const auto at = line.find(command);
                line.starts_with("link ") && at != std::string::npos) {
                ++count[line.substr(0, at)];
            }
        }
        return count;
    }
};

TEST_F(RouterLeave, M3_TheFirstMarkersRideTogetherAndRepeatedOnesOnTheirOwnLinks)
{
    joining();
    const auto first = told_links("SEND destination:/amq/queue/" + own_address);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first.begin()->second, static_cast<int>(clients));
    run(100ms);
    EXPECT_EQ(told_links("SEND destination:/amq/queue/" + own_address).size(), clients);
}

TEST_F(RouterLeave, M3_ALinkThatIsLostCarriesNoMarkerOfTheOthers)
{
    held();
    brokers.blue.markers = false;
    loses(1);
    commits();
    const auto first = told_links("SEND destination:/amq/queue/" + own_address);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first.begin()->second, static_cast<int>(clients) - 1);
    EXPECT_NE(first.begin()->first, "link 1 <- ");
}

TEST_F(RouterLeave, M5_NoLinkIsLeftWhileOthersStillWaitForTheirMarkers)
{
    joining();
    marker(1);
    EXPECT_EQ(told_links("UNSUBSCRIBE").size(), 0u);
    run(49ms);
    EXPECT_EQ(told_links("UNSUBSCRIBE").size(), 0u);
    run(1ms + 4ms); // a marker that does not come keeps nobody for longer
    EXPECT_EQ(told_links("UNSUBSCRIBE"), (std::map<std::string, int>{{"link 1 <- ", 1}}));
}

TEST_F(RouterLeave, C9_LinksAreLeftSixteenAtATime)
{
    held();
    log.take();
    commits();
    EXPECT_EQ(told_links("UNSUBSCRIBE").size(), 16u);
    run(4ms);
    EXPECT_EQ(told_links("UNSUBSCRIBE").size(), 16u);
    run(4ms);
    EXPECT_EQ(told_links("UNSUBSCRIBE").size(), clients - 32);
    run(2s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
}

TEST_F(RouterLeave, M9_ALinkThatIsAdoptedIsRidOfWhatWasNotLeftYet)
{
    joining();
    marker(1);
    log.take();
    prepares(color::blue);
    const auto effects = those("link 1 <- ");
    ASSERT_GE(effects.size(), 2u);
    EXPECT_TRUE(effects[0].starts_with("link 1 <- UNSUBSCRIBE id:s1 ")) << effects[0];
    EXPECT_TRUE(effects[1].starts_with("link 1 <- SUBSCRIBE ")) << effects[1];
}

} // namespace
