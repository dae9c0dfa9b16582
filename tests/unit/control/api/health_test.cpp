// What status says of this gateway's health: the whole sentences, for each way in which it is not well.

#include "control/api/health.hpp"

#include <gtest/gtest.h>

namespace {

using namespace control;
using namespace std::chrono_literals;

std::chrono::system_clock::time_point wall(net::time_point when)
{
    return std::chrono::system_clock::time_point{
        std::chrono::duration_cast<std::chrono::system_clock::duration>(when.time_since_epoch())};
}

// Two shards, blue/b1 and blue/b2 live, green/g1.
health_facts well()
{
    health_facts facts;
    facts.members = 2;
    facts.now.members.resize(2);
    facts.now.total.endpoints.blue = {
        {.name = "b1", .healthy = true}, {.name = "b2", .healthy = true}};
    facts.now.total.endpoints.green = {{.name = "g1", .healthy = true}};
    facts.wall = wall;
    return facts;
}

void fail(endpoint_snapshot& one, const char* why)
{
    one.healthy = false;
    one.last_error = why;
}

void expect(const health_facts& facts, health_state state, std::vector<std::string> sentences)
{
    const auto found = health_of(facts);
    EXPECT_EQ(to_string(found.state), to_string(state));
    EXPECT_EQ(found.sentences, sentences);
}

TEST(Health, SaysNothingWhereAllIsWell)
{
    expect(well(), health_state::ok, {});
}

TEST(Health, ALiveColorThatIsDownNamesWhoWaitsUntilWhenAndWhatTakesThem)
{
    auto facts = well();
    fail(facts.now.total.endpoints.blue[0], "Connection refused");
    fail(facts.now.total.endpoints.blue[1], "no answer in time");
    facts.now.total.by_color.blue.parked = 100;
    facts.now.total.parked_until.blue = net::time_point{3h + 9min + 13s};
    expect(
        facts, health_state::down,
        {"blue is live and down (blue/b1: Connection refused): 100 clients parked, closed from "
         "03:09:13 UTC on; `tealctl switch green` takes them"});
    facts.switching = true;
    expect(
        facts, health_state::down,
        {"blue is live and down (blue/b1: Connection refused): 100 clients parked, closed from "
         "03:09:13 UTC on; a switch runs"});
    facts.switching = false;
    facts.now.total.by_color.blue.parked = 0;
    fail(facts.now.total.endpoints.green[0], "Connection refused");
    expect(
        facts, health_state::down,
        {"blue is live and down (blue/b1: Connection refused); green is down, too",
         "green is down (green/g1: Connection refused): no switch to it can begin"});
}

TEST(Health, OneEndpointOfSeveralIsDegraded)
{
    auto facts = well();
    fail(facts.now.total.endpoints.blue[1], "Connection refused");
    expect(
        facts, health_state::degraded,
        {"blue/b2 is live and does not answer: Connection refused; 1 other endpoint of blue "
         "serves"});
}

TEST(Health, TheOtherColorDrainedOrDownIsDegraded)
{
    auto facts = well();
    facts.now.total.endpoints.green[0].draining = true;
    expect(
        facts, health_state::degraded,
        {"green is down (every endpoint of it is drained): no switch to it can begin"});
}

TEST(Health, WhoWaitsAlthoughTheLiveColorAnswersIsSaid)
{
    auto facts = well();
    facts.now.total.by_color.blue.parked = 1;
    facts.now.total.parked_until.blue = net::time_point{1s};
    facts.now.total.sessions.pinned = 2;
    expect(
        facts, health_state::degraded,
        {"1 client parked, closed from 00:00:01 UTC on; blue answers, but does not take them",
         "2 clients pinned to the color that is not live: `tealctl sessions` names them"});
}

TEST(Health, StoreShardsAndReadinessHaveTheirSentences)
{
    auto facts = well();
    facts.store_trouble = "/var/lib/teal.state: write: No space left on device";
    facts.ready = false;
    facts.not_ready_because = "draining";
    facts.now.members.resize(1);
    expect(
        facts, health_state::degraded,
        {"1 of 2 shards did not answer in time",
         "the store is not writable: /var/lib/teal.state: write: No space left on device; no switch "
         "can begin, traffic goes on",
         "not ready: draining"});
    facts.stuck = "shard 1 has not turned for 12 s";
    const auto found = health_of(facts);
    EXPECT_EQ(found.state, health_state::down);
    EXPECT_EQ(
        found.sentences.front(), "shard 1 has not turned for 12 s; its clients are not served");
}

} // namespace
