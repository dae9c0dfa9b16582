// Proves that links that die soon after they came up are dialled less and less often, and that this
// is forgotten.

#include "gateway/core/links/short_lives.hpp"
#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;
using gateway::short_lives;

constexpr auto blue = color::blue;

TEST(ShortLives, TheFirstIsDialledAtOnceAndFurtherOnesLater)
{
    short_lives lives;
    const session_id s{7};
    lives.on_death(s, blue, 10ms, t0);
    EXPECT_EQ(lives.not_before(s, blue), t0);
    lives.on_death(s, blue, 10ms, t0);
    EXPECT_EQ(lives.not_before(s, blue), t0 + 20ms);
    lives.on_death(s, blue, 10ms, t0);
    EXPECT_EQ(lives.not_before(s, blue), t0 + 30ms);
    for (int i = 0; i < 30; ++i) {
        lives.on_death(s, blue, 10ms, t0);
    }
    EXPECT_EQ(lives.not_before(s, blue), t0 + 2s);
    EXPECT_EQ(
        lives.not_before(s, color::green), net::time_point{}); // another color is another link
    EXPECT_EQ(lives.not_before(session_id{8}, blue), net::time_point{});
    lives.on_death(s, blue, 2s, t0);
    EXPECT_EQ(lives.not_before(s, blue), net::time_point{});
}

class RouterShortLives : public RouterTest {
protected:
    // What is dialled within a minute by a broker that ends each link as soon as it is up.
    int dials_of_a_minute()
    {
        int dials = 0;
        for (const auto end = now + 1min; now < end; run(10ms)) {
            for (const auto& line : log.take()) {
                if (line.starts_with("dial ")) {
                    ++dials;
                    newest = std::stoul(line.substr(5));
                }
            }
            if (newest != 0) {
                loses(std::exchange(newest, 0));
            }
        }
        return dials;
    }
    std::uint64_t newest = 0;
    const session_id a{1}, b{2};
};

TEST_F(RouterShortLives, F4_ASessionsOwnLinkIsDialledLessAndLessOften)
{
    client();
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q");
    skip_effects();
    newest = 2;
    const int dials = dials_of_a_minute();
    EXPECT_GT(dials, 10);
    EXPECT_LT(dials, 60);
    // Its neighbour's is not.
    says(b, "SUBSCRIBE id:1 destination:/queue/q");
    EXPECT_NE(router.session(b)->now().own, link_id::none);
    EXPECT_TRUE((*router.session(b)->journal.begin())->confirmed);
}

TEST_F(RouterShortLives, F4_SharedLinksAreDialledLessAndLessOften)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    newest = 2;
    const int dials = dials_of_a_minute();
    EXPECT_GT(dials, 10);
    EXPECT_LT(dials, 60);
}

} // namespace
