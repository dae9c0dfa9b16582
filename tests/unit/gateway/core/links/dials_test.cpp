// Proves whose turn it is to be dialled for: strangers whose logins are refused delay nobody who is
// known, nor one who comes from elsewhere (docs/outside.md D1, D2).

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;

gateway::shard_settings hundred_a_second()
{
    auto s = shard_scene::usual_settings();
    s.connect_rate = 100;
    return s;
}

class RouterDials : public RouterTest {
protected:
    RouterDials() : RouterTest(hundred_a_second()) { brokers.blue.refuses_login = "eve"; }

    void strangers(int how_many)
    {
        for (int n = 0; n < how_many; ++n) {
            client("CONNECT accept-version:1.2 host:/ login:eve passcode:" + std::to_string(n));
        }
    }
};

TEST_F(RouterDials, D1_StrangersDelayNobodyWhoWasLetInBefore)
{
    goes(client());
    run(30min); // within the last hour
    strangers(1000);
    const auto anna = client();
    run(30ms); // three places
    EXPECT_EQ(state(anna), session_state::active);
}

TEST_F(RouterDials, D1_WhoWasRefusedComesBehindWhoIsUnknown)
{
    strangers(30);
    run(1s);
    strangers(30); // the same once more: refused within the last hour
    const auto anna = client();
    run(30ms);
    EXPECT_EQ(state(anna), session_state::active);
}

TEST_F(RouterDials, D2_AStrangerFromElsewhereWaitsForOnePlace)
{
    strangers(1000);
    const auto anna = arrives("192.0.2.7:1");
    says(anna, "CONNECT accept-version:1.2 host:/ login:anna");
    run(30ms);
    EXPECT_EQ(state(anna), session_state::active);
}

// An hour later it is a stranger as all others.
TEST_F(RouterDials, D1_WhatWasLearnedIsForgotten)
{
    goes(client());
    run(61min);
    strangers(100);
    const auto anna = client();
    run(500ms);
    EXPECT_EQ(state(anna), session_state::connecting);
    run(1s);
    EXPECT_EQ(state(anna), session_state::active);
}

} // namespace
