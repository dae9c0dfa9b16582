// Draining one endpoint (switch.md M13, C1), from the request to the members: what is refused, with
// which status and problem, who is told, the audit line.

#include "tests/unit/control/api/api_bench.hpp"

#include <gtest/gtest.h>

namespace control {
namespace {

using control_test::api_bench;

// Blue has e1 (10 sessions a member) and e2, green has e1.
struct drain_bench : api_bench {
    explicit drain_bench(control_settings settings = {}) : api_bench({}, settings)
    {
        for (auto& member : members) {
            member->state.endpoints.blue.push_back({"e2", "stomp://b:2", true, false, 2, 5, ""});
        }
    }
    http_response order(const std::string& endpoint, const char* what = "drain")
    {
        return ask("POST", "/v1/endpoints/" + endpoint + "/" + what);
    }
    std::string problem(const std::string& endpoint, const char* what = "drain")
    {
        const auto response = order(endpoint, what);
        EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
        EXPECT_EQ(at(response, "status"), std::to_string(response.status));
        return std::to_string(response.status) + " " +
               std::string(json(response).at("type").as_string()).substr(17) + ": " +
               std::string(json(response).at("detail").as_string());
    }
    std::size_t told() const { return members[0]->drains.size() + members[1]->drains.size(); }
};

TEST(ControlEndpoints, M13_EveryMemberIsToldAndThePoolIsTheAnswer)
{
    drain_bench bench;
    const auto response = bench.order("blue/e1");
    EXPECT_EQ(response.status, 200u); // all have moved by now
    EXPECT_EQ(drain_bench::at(response, "color"), "\"blue\"");
    EXPECT_EQ(drain_bench::at(response, "endpoint"), "\"e1\"");
    EXPECT_EQ(
        drain_bench::json(response).at("endpoints").at(0).at("draining"), boost::json::value(true));
    for (const auto& member : bench.members) {
        ASSERT_EQ(member->drains.size(), 1u);
        EXPECT_EQ(member->drains[0].first, (endpoint_ref{broker::color::blue, 0}));
        EXPECT_TRUE(member->drains[0].second);
    }
    EXPECT_EQ(
        bench.log.front(),
        "audit who=\"local 127.0.0.1:5\" what=drain endpoint=blue/e1 from=serving "
        "to=draining epoch=4 result=accepted sessions=20");
}

TEST(ControlEndpoints, M13_StatusAndPoolsShowIt)
{
    drain_bench bench;
    bench.order("blue/e2");
    for (const auto* where : {"/v1/status", "/v1/pools"}) {
        auto body = drain_bench::json(bench.ask("GET", where));
        const auto& pools = body.contains("pools") ? body.at("pools") : boost::json::value(body);
        EXPECT_FALSE(pools.at("blue").at("endpoints").at(0).at("draining").as_bool()) << where;
        EXPECT_TRUE(pools.at("blue").at("endpoints").at(1).at("draining").as_bool()) << where;
        EXPECT_FALSE(pools.at("green").at("endpoints").at(0).at("draining").as_bool()) << where;
    }
}

TEST(ControlEndpoints, M13_WhoMovesLaterIsA202)
{
    drain_bench bench;
    for (auto& member : bench.members) {
        member->moves_at_once = false;
    }
    EXPECT_EQ(bench.order("blue/e1").status, 202u);
    EXPECT_EQ(bench.order("blue/e1", "undrain").status, 200u);
    EXPECT_FALSE(bench.members[0]->state.endpoints.blue[0].draining);
}

TEST(ControlEndpoints, M13_ByHostAndPortToo)
{
    drain_bench bench;
    EXPECT_EQ(bench.order("blue/b%3A2").status, 200u);
    EXPECT_EQ(bench.members[0]->drains.at(0).first.index, 1u);
}

TEST(ControlEndpoints, M13_ANameThatIsNoneIs404)
{
    drain_bench bench;
    EXPECT_EQ(bench.problem("blue/e9"), "404 no-such-endpoint: blue/e9");
    EXPECT_EQ(bench.problem("green/e2", "undrain"), "404 no-such-endpoint: green/e2");
    EXPECT_EQ(bench.problem("red/e1"), "404 no-such-endpoint: blue or green");
    EXPECT_EQ(bench.told(), 0u);
    // Two with one host and port: which is meant must be said by name.
    for (auto& member : bench.members) {
        member->state.endpoints.blue[1].url = "stomp://b:1";
    }
    EXPECT_EQ(bench.problem("blue/b%3A1"), "404 no-such-endpoint: blue/b:1");
}

TEST(ControlEndpoints, M13_NowhereToGoIs409WithNumbers)
{
    drain_bench bench;
    for (auto& member : bench.members) {
        member->state.endpoints.blue[1].healthy = false;
    }
    EXPECT_EQ(
        bench.problem("blue/e1"),
        "409 nowhere-to-go: 20 sessions are bound to blue/e1; none of the 1 other endpoints of "
        "blue is healthy and not draining; `force` drains it all the same");
    for (auto& member : bench.members) {
        member->state.endpoints.blue[1].healthy = true;
    }
    EXPECT_EQ(bench.order("blue/e2").status, 200u);
    EXPECT_EQ(bench.problem("blue/e1").substr(0, 18), "409 nowhere-to-go:");
    EXPECT_EQ(bench.order("green/e1").status, 200u); // nobody is there
}

TEST(ControlEndpoints, M13_TheLastOneOfTheLiveColorNeedsForce)
{
    drain_bench bench;
    for (auto& member : bench.members) {
        member->state.endpoints.blue[0].sessions = 0; // nor does an idle one go by mistake
        member->state.endpoints.blue[1].healthy = false;
    }
    EXPECT_EQ(bench.problem("blue/e1").substr(0, 18), "409 nowhere-to-go:");
    const std::string path = "/v1/endpoints/blue/e1/drain";
    for (const auto* bad : {"[]", R"({"force":1})", R"({"farce":true})"}) {
        EXPECT_EQ(bench.ask("POST", path, {}, bad).status, 400u) << bad;
    }
    EXPECT_EQ(bench.ask("POST", path, {}, R"({"force":false})").status, 409u);
    EXPECT_EQ(bench.ask("POST", path, {}, R"({"force":true})").status, 200u);
    EXPECT_EQ(
        bench.ask("POST", "/v1/endpoints/blue/e1/undrain", {}, R"({"force":true})").status, 400u);
}

TEST(ControlEndpoints, M13_TheOtherColorsMayBeDrainedWhole)
{
    drain_bench bench;
    for (auto& member : bench.members) {
        member->state.endpoints.green[0].sessions = 3; // of the switch before
    }
    EXPECT_EQ(bench.order("green/e1").status, 200u);
}

TEST(ControlEndpoints, C1_WhileASwitchRunsItIs409)
{
    drain_bench bench;
    bench.members[0]->stop_at = "prepare";
    bench.post(R"({"to":"green"})");
    bench.settle();
    for (const auto* what : {"drain", "undrain"}) {
        EXPECT_EQ(bench.problem("blue/e1", what), "409 switch-running: switch 7 runs");
    }
    EXPECT_EQ(bench.told(), 0u);
    bench.ask("POST", "/v1/switches/7/abort");
    bench.settle();
    EXPECT_EQ(bench.order("blue/e1").status, 200u);
}

TEST(ControlEndpoints, M13_AMemberThatDoesNotAnswerIs503InBoundedTime)
{
    control_settings settings;
    settings.question_timeout = std::chrono::milliseconds(20);
    drain_bench bench(settings);
    bench.members[1]->silent = true;
    EXPECT_EQ(bench.problem("blue/e1"), "503 unanswered: 1 of 2 members did not answer");
    EXPECT_EQ(bench.told(), 0u);
}

TEST(ControlEndpoints, M13_AGatewayThatStopsIs503)
{
    drain_bench bench;
    bench.service->shut_down({});
    EXPECT_EQ(bench.problem("blue/e1"), "503 stopping: the gateway is stopping");
}

} // namespace
} // namespace control
