// What a running shard takes of a configuration that is loaded again, without touching a session (outside.md
// A13).

#include "tests/unit/gateway/core/endpoints_scene.hpp"

namespace {

using namespace testing_support;

class RouterReload : public RouterOfSeveral {
protected:
    RouterReload() : RouterOfSeveral(several_endpoints({.blue = 2, .green = 1})) {}

    gateway::shard_settings loaded = several_endpoints({.blue = 2, .green = 1});
    void reloads()
    {
        router.reload(loaded, now);
        work();
    }
    std::string endpoint_of(session_id id)
    {
        for (const auto& shown : router.sessions(now)) {
            if (shown.id == "0-" + std::to_string(static_cast<std::uint64_t>(id))) {
                return shown.endpoint;
            }
        }
        return "gone";
    }
};

TEST_F(RouterReload, A13_TheSameAgainTouchesNothing)
{
    const auto one = client();
    says(one, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    reloads();
    effects_are({});
    EXPECT_EQ(state(one), session_state::active);
}

TEST_F(RouterReload, A13_SessionsOfARemovedEndpointMoveToAnotherOne)
{
    const auto one = client();
    const auto two = client();
    EXPECT_EQ(endpoint_of(one), "b1");
    EXPECT_EQ(endpoint_of(two), "b2");
    loaded.endpoints.blue[0].removed = true;
    loaded.endpoints.blue.push_back({.name = "b3", .url = "stomp://b3:1"});
    reloads();
    run(5s);
    EXPECT_EQ(endpoint_of(one), "b3");
    EXPECT_EQ(endpoint_of(two), "b2");
    EXPECT_EQ(state(one), session_state::active);
    const auto blue = router.snapshot().endpoints.blue;
    EXPECT_FALSE(blue[0].shown());
    EXPECT_TRUE(blue[1].shown());
    loaded.endpoints.blue[0].removed = false; // and back: the next one goes there
    reloads();
    EXPECT_EQ(endpoint_of(client()), "b1");
}

TEST_F(RouterReload, A13_LimitsAndPatternsAreForWhatComesNext)
{
    const auto one = client();
    says(one, "SUBSCRIBE id:1 destination:/topic/a");
    loaded.subscriptions = 1;
    reloads();
    skip_effects();
    says(one, "SUBSCRIBE id:2 destination:/topic/b");
    const auto effects = log.take();
    ASSERT_FALSE(effects.empty());
    EXPECT_NE(effects[0].find("ERROR"), std::string::npos) << effects[0];
}

TEST_F(RouterReload, A13_ALongerParkTimeoutIsForWhoIsParkedAlready)
{
    brokers.blue.dials = false;
    fails_its_probes(b1);
    fails_its_probes(b2);
    const auto one = client();
    EXPECT_TRUE(exists(one));
    loaded.park_timeout = 2min;
    reloads();
    run(119s);
    EXPECT_TRUE(exists(one));
    run(2s);
    EXPECT_FALSE(exists(one));
}

} // namespace
