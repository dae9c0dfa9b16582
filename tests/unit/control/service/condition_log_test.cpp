// What goes wrong has one line when it begins and one when it is over, at the level of its harm.

#include "control/service/condition_log.hpp"

#include <gtest/gtest.h>

namespace {

using namespace control;
using namespace std::chrono_literals;

struct bench {
    bench()
    {
        now.members.resize(2);
        now.total.endpoints.blue = {{.name = "b1", .healthy = true}, {.name = "b2", .healthy = true}};
        now.total.endpoints.green = {{.name = "g1", .healthy = true}};
    }
    // The lines of that look, as "LEVEL TEXT".
    std::vector<std::string> look(net::duration at)
    {
        lines.clear();
        conditions.look(now, broker::color::blue, 10, net::time_point{at});
        return lines;
    }
    gateway_snapshot now;
    std::vector<std::string> lines;
    condition_log conditions{[this](log_level level, std::string text) {
        lines.push_back(std::string(to_string(level)) + " " + text);
    }};
};

using all = std::vector<std::string>;

TEST(ConditionLog, ALiveColorThatIsDownIsAnErrorUntilItIsUpAgain)
{
    bench b;
    EXPECT_EQ(b.look(0s), all{});
    b.now.total.endpoints.blue[0].healthy = false;
    b.now.total.endpoints.blue[0].last_error = "Connection refused";
    EXPECT_EQ(b.look(1s), all{}); // the other one serves
    b.now.total.endpoints.blue[1].healthy = false;
    b.now.total.bound.blue = 7;
    EXPECT_EQ(
        b.look(2s), all{"error blue is down: it is live, and its clients wait color=blue live=true "
                        "sessions=7 error=\"Connection refused\""});
    EXPECT_EQ(b.look(3s), all{});
    b.now.total.endpoints.blue[1].healthy = true;
    EXPECT_EQ(b.look(62s), all{"info blue is up again color=blue live=true seconds=60"});
    EXPECT_EQ(b.look(63s), all{});
}

TEST(ConditionLog, TheOtherColorIsAWarning)
{
    bench b;
    b.now.total.endpoints.green[0].healthy = false;
    EXPECT_EQ(
        b.look(1s), all{"warning green is down: no switch to it can begin color=green live=false "
                        "sessions=0 error=\"\""});
}

TEST(ConditionLog, WhoIsParkedHasOneLineWhoeverFollows)
{
    bench b;
    b.now.total.by_color.blue.parked = 3;
    ASSERT_EQ(b.look(1s).size(), 1u);
    EXPECT_EQ(
        b.lines[0], "warning clients are parked: they stay connected without a broker color=blue "
                    "parked=3 closed_from=\"\"");
    b.now.total.by_color.blue.parked = 100;
    EXPECT_EQ(b.look(2s), all{});
    b.now.total.by_color.blue.parked = 0;
    EXPECT_EQ(
        b.look(11s),
        all{"info no client is parked any more color=blue parked_at_most=100 seconds=10"});
}

TEST(ConditionLog, TheLimitOfClientsIsReachedAndLeft)
{
    bench b;
    b.now.total.clients = 10;
    EXPECT_EQ(
        b.look(1s), all{"warning limits.clients is reached: new clients are refused clients=10 limit=10"});
    b.now.total.clients = 9;
    EXPECT_EQ(b.look(4s), all{"info limits.clients is not reached any more clients=9 limit=10 seconds=3"});
}

TEST(ConditionLog, WhereNobodyAnswersNothingIsSaid)
{
    bench b;
    b.now.members.clear();
    b.now.total.endpoints = {};
    b.now.total.by_color.blue.parked = 3;
    EXPECT_EQ(b.look(1s), all{});
}

} // namespace
