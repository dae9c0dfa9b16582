// Proves the count of one login's links by itself (docs/outside.md D3): what a group is charged,
// who waits, whose turn it is, and that standbys do not wait.

#include "tests/support/room_scene.hpp"

namespace {

using namespace testing_support;
using gateway::due;

class LoginQuotas : public RoomTest {
protected:
    static gateway::shard_settings four()
    {
        auto s = several_endpoints({1, 1});
        s.links_per_login = 4;
        return s;
    }
    LoginQuotas() : RoomTest(four()) {}
    // One more identity of that login.
    gateway::share_group& another(const std::string& login = "anna")
    {
        return group(identity(login, "h" + std::to_string(++last_)), b1);
    }
    int last_ = 0;
};

TEST_F(LoginQuotas, D3_AGroupIsChargedForTwoSharedLinksFromItsFirst)
{
    auto& g = another();
    quotas.on_link(g, link_role::publish, false, now);
    EXPECT_EQ(g.charged, 2u);
    quotas.on_link(g, link_role::subscribe, false, now);
    EXPECT_EQ(g.charged, 2u);
    quotas.on_link(g, link_role::own, false, now);
    EXPECT_EQ(g.charged, 3u);
    g.dedicated = true;
    quotas.on_link(g, link_role::subscribe, true, now);
    EXPECT_EQ(g.charged, 2u); // nobody subscribes on a second shared one
}

TEST_F(LoginQuotas, D3_WhoIsAboveItWaitsAndIsCountedOnce)
{
    auto& g = another();
    for (int i = 0; i < 4; ++i) {
        quotas.on_link(g, link_role::own, false, now);
    }
    auto& s = session(g);
    EXPECT_FALSE(quotas.admits(g, s, 1, now));
    EXPECT_FALSE(quotas.admits(g, s, 1, now));
    EXPECT_EQ(counters.login_waits, 1u);
    EXPECT_EQ(counters.login_limited, 1u);
    EXPECT_TRUE(quotas.has_room(another("bert"), 4));
    EXPECT_TRUE(quotas.has_room(group(*g.who, g1), 100)); // a standby
}

TEST_F(LoginQuotas, D3_WhoCameFirstAsksAgainWhenALinkIsGone)
{
    auto& g = another();
    for (int i = 0; i < 4; ++i) {
        quotas.on_link(g, link_role::own, false, now);
    }
    auto& first = session(g);
    auto& second = session(g);
    EXPECT_FALSE(quotas.admits(g, second, 1, now));
    EXPECT_FALSE(quotas.admits(g, first, 1, now));
    due_now(due::session_retry);
    quotas.on_link(g, link_role::own, true, now);
    EXPECT_EQ(due_now(due::session_retry), (std::vector{gateway::number(first.id)}));
    EXPECT_TRUE(quotas.admits(g, first, 1, now));
    quotas.on_link(g, link_role::own, false, now);
    EXPECT_FALSE(quotas.admits(g, second, 1, now));
    EXPECT_EQ(counters.login_waits, 1u);
}

TEST_F(LoginQuotas, D3_WhoHasGoneDoesNotWait)
{
    auto& g = another();
    for (int i = 0; i < 4; ++i) {
        quotas.on_link(g, link_role::own, false, now);
    }
    auto& s = session(g);
    EXPECT_FALSE(quotas.admits(g, s, 1, now));
    quotas.forget(s);
    EXPECT_EQ(counters.login_waits, 0u);
    due_now(due::session_retry);
    quotas.on_link(g, link_role::own, true, now);
    EXPECT_TRUE(due_now(due::session_retry).empty());
}

// It would wait for ever.
TEST_F(LoginQuotas, D3_OneSessionFitsAlwaysHoweverManyLinksItNeeds)
{
    auto& g = another();
    EXPECT_TRUE(quotas.has_room(g, 9));
    quotas.on_link(g, link_role::own, false, now);
    EXPECT_FALSE(quotas.has_room(g, 9));
}

TEST_F(LoginQuotas, D3_TheLogSaysItOnceAMinute)
{
    auto& g = another();
    for (int i = 0; i < 4; ++i) {
        quotas.on_link(g, link_role::own, false, now);
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(quotas.admits(g, session(g), 1, now));
        now += 20s;
    }
    EXPECT_EQ(log.logged.size(), 1u);
    EXPECT_FALSE(quotas.admits(g, session(g), 1, now));
    EXPECT_EQ(log.logged.size(), 2u);
    EXPECT_NE(log.logged[0].find("login \"anna\" has 4 links"), std::string::npos) << log.logged[0];
}

} // namespace
