// Proves that one login cannot take all links, however many identities it makes: who exceeds
// limits.links_per_login waits, others do not, and no switch waits for who waits (docs/outside.md
// D3).

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterQuotas : public RouterSwitch {
protected:
    explicit RouterQuotas(std::size_t links = 6) : RouterSwitch(with(links)) {}
    static gateway::shard_settings with(std::size_t links)
    {
        auto s = usual_settings();
        s.links_per_login = links;
        return s;
    }
    // Another identity of the same login each time.
    session_id other_identity()
    {
        return client(
            "CONNECT accept-version:1.2 host:/ login:anna x-n:" + std::to_string(++last_));
    }
    int last_ = 0;
};

TEST_F(RouterQuotas, D3_WhoExceedsItWaitsAndOthersDoNot)
{
    std::vector<session_id> all;
    for (int n = 0; n < 5; ++n) {
        all.push_back(other_identity());
        says(all.back(), "SUBSCRIBE id:1 destination:/topic/a");
    }
    EXPECT_EQ(state(all[2]), session_state::active);
    EXPECT_EQ(state(all[3]), session_state::connecting);
    EXPECT_EQ(router.link_count(), 6u);
    EXPECT_EQ(counters.login_waits, 2u);
    const auto bert = client("CONNECT accept-version:1.2 host:/ login:bert");
    EXPECT_EQ(state(bert), session_state::active);
}

TEST_F(RouterQuotas, D3_WhoWaitsIsNextWhenALinkHasGone)
{
    std::vector<session_id> all;
    for (int n = 0; n < 5; ++n) {
        all.push_back(other_identity());
    }
    goes(all[0]);
    EXPECT_EQ(state(all[3]), session_state::active);
    EXPECT_EQ(state(all[4]), session_state::connecting);
    goes(all[4]);
    EXPECT_EQ(counters.login_waits, 0u);
    EXPECT_EQ(counters.login_limited, 2u);
}

TEST_F(RouterQuotas, D3_WhoWaitsForTooLongIsToldWhy)
{
    for (int n = 0; n < 3; ++n) {
        other_identity();
    }
    const auto late = other_identity();
    skip_effects();
    run(60s);
    EXPECT_FALSE(exists(late));
    const auto said = told(late, log.take());
    ASSERT_EQ(said.size(), 1u);
    EXPECT_NE(said[0].find("limits.links_per_login"), said[0].npos) << said[0];
}

TEST_F(RouterQuotas, D3_LinksOfASessionsOwnCountAsWell)
{
    const auto one = other_identity();
    for (int n = 0; n < 2; ++n) {
        other_identity();
    }
    says(one, "SUBSCRIBE id:1 destination:/queue/q");
    EXPECT_EQ(router.session(one)->now().own, link_id::none);
    run(61s);
    EXPECT_FALSE(exists(one)); // bounded, as a wait for a broker is
}

TEST_F(RouterQuotas, D3_NoSwitchWaitsForWhoWaits)
{
    for (int n = 0; n < 5; ++n) {
        other_identity();
    }
    EXPECT_EQ(router.links_to_dial(color::green), 6u);
    EXPECT_EQ(router.left_out(), 2u);
    held();
    commits();
    EXPECT_EQ(router.numbers().sessions_moved, 3u);
}

// Whoever is first has its links, however small the limit.
TEST_F(RouterQuotas, D3_TheFirstIdentityIsNeverHeldUp)
{
    shard_scene small{with(1)};
    const auto first = small.client();
    small.says(first, "SUBSCRIBE id:1 destination:/topic/a");
    EXPECT_EQ(small.state(first), session_state::active);
    EXPECT_EQ(small.router.session(first)->open_subscribes, 0u);
}

} // namespace
