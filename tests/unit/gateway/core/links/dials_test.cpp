// Proves whose turn it is to be dialled for: strangers whose logins are refused delay nobody who is
// known, nor one who comes from elsewhere (docs/outside.md D1, D2); and that a cold application gets
// as many dials at a time as it answers (docs/switch.md B6).

#include "tests/support/shard_scene.hpp"

#include <deque>
#include <functional>
#include <string>

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

gateway::shard_settings two_applications()
{
    auto s = shard_scene::usual_settings();
    for (const color c : broker::colors) {
        s.dialects[c] = broker::dialect::spring;
        s.endpoints[c][0].websocket = true;
    }
    return s;
}

// Green is an application that works on one login at a time.
class RouterColdApplication : public RouterTest {
protected:
    RouterColdApplication() : RouterTest(two_applications())
    {
        brokers.green.answers_connect = false;
        for (int n = 0; n < 300; ++n) {
            client("CONNECT accept-version:1.2 host:/ login:user" + std::to_string(n));
        }
        skip_effects();
    }

    // Answers in turn what green was asked, until `over` says so.
    void green_works(net::duration each, const std::function<bool()>& over)
    {
        std::deque<std::uint64_t> asked;
        for (int n = 0; n < 10'000 && !over(); ++n) {
            for (const auto& line : log.take()) {
                failed |= line.starts_with("report failed");
                if (line.starts_with("link ") && line.find(" <- CONNECT ") != line.npos) {
                    asked.push_back(std::stoull(line.substr(5)));
                }
            }
            run(each);
            if (!asked.empty()) {
                brings(asked.front(), "CONNECTED version:1.2 heart-beat:0,0");
                asked.pop_front();
            }
        }
    }
    bool failed = false;
};

TEST_F(RouterColdApplication, B6_NoStandbyTimesOut)
{
    prepares();
    green_works(100ms, [&] { return failed || router.phase() == gateway::member_phase::prepared; });
    EXPECT_FALSE(failed);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_EQ(router.numbers().sessions_ready, 300u);
}

// What waits for a place is given up as soon as the endpoint is known to be down.
TEST_F(RouterColdApplication, B6_WhoWaitsForAnEndpointThatIsDownIsTold)
{
    brokers.green.dials = false;
    prepares();
    EXPECT_EQ(router.numbers().sessions_failed, 300u);
    const auto dials = std::ranges::count_if(
        log.take(), [](const auto& line) { return line.starts_with("dial "); });
    EXPECT_LE(dials, 8);
}

} // namespace
