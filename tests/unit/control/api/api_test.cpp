// The router: every route's answers, and every problem with its status, type and field.

#include "tests/unit/control/api/api_bench.hpp"

#include <gtest/gtest.h>

namespace control {
namespace {

using control_test::api_bench;

std::string problem_of(const http_response& response)
{
    EXPECT_EQ(api_bench::header(response, "Content-Type"), "application/problem+json");
    EXPECT_EQ(api_bench::at(response, "status"), std::to_string(response.status));
    EXPECT_EQ(api_bench::at(response, "epoch"), "4");
    return std::to_string(response.status) + " " +
           std::string(api_bench::json(response).at("type").as_string());
}

TEST(Api, StatusHasTheShapeThatScriptsReadAndTheEpochAsETag)
{
    api_bench bench;
    const auto response = bench.ask("GET", "/v1/status");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(api_bench::header(response, "ETag"), "\"4\"");
    EXPECT_EQ(
        response.body,
        R"({"health":"degraded","sentences":["not ready: starting"],"epoch":4,"live":"blue","switch":null,"clients":20,"sessions":{"connecting":0,"active":20,"waiting":0,"quiescing":0,)"
        R"("held":0,"rebinding":0,"pinned":0,"parked":0,"closing":0},"parked_until":{"blue":null,"green":null},"pools":{"blue":{"endpoints":[{"name":"e1",)"
        R"("url":"stomp://b:1","healthy":true,"draining":false,"links":4,"sessions":20}],"sessions":0},"green":{"endpoints":)"
        R"([{"name":"e1","url":"stomp://g:1","healthy":true,"draining":false,"links":0,"sessions":0}],"sessions":0}},)"
        R"("version":"1.2.3","previous":null})"
        "\n");
}

TEST(Api, SwitchIsAcceptedWithItsLocation)
{
    api_bench bench;
    const auto response =
        bench.post(R"({"to":"green","reason":"release","deadline":"30s","max_failed":"1%"})");
    EXPECT_EQ(response.status, 202u);
    EXPECT_EQ(api_bench::header(response, "Location"), "/v1/switches/7");
    EXPECT_EQ(api_bench::at(response, "phase"), "\"preparing\"");
    bench.settle();
    const auto report = bench.ask("GET", "/v1/switches/7");
    EXPECT_EQ(api_bench::at(report, "result"), "\"switched\"");
    EXPECT_EQ(api_bench::at(report, "reason"), "\"release\"");
    EXPECT_EQ(api_bench::at(report, "held_ms"), R"({"p50":1,"p99":3,"max":3})");
    EXPECT_EQ(api_bench::header(bench.ask("GET", "/v1/status"), "ETag"), "\"5\"");
    EXPECT_EQ(api_bench::at(bench.ask("GET", "/v1/status"), "previous"), "\"blue\"");
}

TEST(Api, SwitchNeedsTheEpoch)
{
    api_bench bench;
    const std::string body = R"({"to":"green"})";
    EXPECT_EQ(
        problem_of(bench.ask("POST", "/v1/switches", {}, body)), "428 urn:teal:problem:no-epoch");
    EXPECT_EQ(
        problem_of(bench.ask("POST", "/v1/switches", {{"If-Match", "\"3\""}}, body)),
        "412 urn:teal:problem:stale-epoch");
    EXPECT_EQ(
        problem_of(bench.ask("POST", "/v1/switches", {{"If-Match", "4"}}, body)),
        "412 urn:teal:problem:stale-epoch");
    EXPECT_EQ(bench.ask("POST", "/v1/switches", {{"If-Match", "*"}}, body).status, 202u);
}

TEST(Api, BadFieldsAreRefusedByName)
{
    const std::pair<const char*, const char*> wrong[] = {
        {R"({"to":"red"})", "to"},
        {R"({"to":7})", "to"},
        {R"({})", "to"},
        {R"({"to":"green","too":1})", "too"},
        {R"({"to":"green","deadline":30})", "deadline"},
        {R"({"to":"green","deadline":"0s"})", "deadline"},
        {R"({"to":"green","max_failed":-1})", "max_failed"},
        {R"({"to":"green","max_failed":"101%"})", "max_failed"},
        {R"({"to":"green","dry_run":"yes"})", "dry_run"},
        {R"({"to":"green","pause":1})", "pause"},
        {R"({"to":"green","pause":true,"dry_run":true})", "pause"},
        {R"({"to":"green","reason":1})", "reason"},
        {R"({"to":"green","on_hold_timeout":"wait"})", "on_hold_timeout"},
    };
    api_bench bench;
    for (const auto& [body, field] : wrong) {
        const auto response = bench.post(body);
        EXPECT_EQ(problem_of(response), "400 urn:teal:problem:bad-field") << body;
        EXPECT_EQ(api_bench::at(response, "field"), "\"" + std::string(field) + "\"") << body;
    }
    for (const auto* body : {"", "[]", "{", "{}{}"}) {
        EXPECT_EQ(bench.post(body).status, 400u) << body;
    }
    EXPECT_EQ(bench.service->find(7), nullptr);
}

TEST(Api, C5_AbortPinAndCutAreThePolicies)
{
    for (const auto* policy : {"abort", "pin", "cut"}) {
        api_bench bench;
        const auto response =
            bench.post(R"({"to":"green","on_hold_timeout":")" + std::string(policy) + "\"}");
        EXPECT_EQ(response.status, 202u) << policy;
    }
    api_bench bench;
    EXPECT_EQ(bench.post(R"({"to":"green","on_hold_timeout":"wait"})").status, 400u);
}

TEST(Api, C1_ASecondSwitchGetsTheRunningOne)
{
    api_bench bench;
    bench.members[0]->stop_at = "prepare";
    bench.post(R"({"to":"green"})");
    const auto response = bench.post(R"({"to":"green"})");
    EXPECT_EQ(problem_of(response), "409 urn:teal:problem:switch-running");
    EXPECT_EQ(api_bench::json(response).at("switch").at("id"), 7);
    EXPECT_EQ(
        api_bench::json(bench.ask("GET", "/v1/status")).at("switch").at("phase"), "preparing");
}

TEST(Api, C14_APausedSwitchGoesOnByGo)
{
    api_bench bench;
    EXPECT_EQ(
        problem_of(bench.ask("POST", "/v1/switches/7/go")), "404 urn:teal:problem:no-such-switch");
    EXPECT_EQ(bench.post(R"({"to":"green","pause":true})").status, 202u);
    bench.settle();
    EXPECT_EQ(api_bench::at(bench.ask("GET", "/v1/switches/7"), "phase"), "\"paused\"");
    const auto response = bench.ask("POST", "/v1/switches/7/go");
    EXPECT_EQ(response.status, 202u);
    EXPECT_EQ(api_bench::at(response, "phase"), "\"holding\"");
    bench.settle();
    EXPECT_EQ(api_bench::at(bench.ask("GET", "/v1/switches/7"), "result"), "\"switched\"");
    EXPECT_EQ(
        problem_of(api_bench().post(R"({"to":"green","pause":true,"dry_run":true})")),
        "400 urn:teal:problem:bad-field");
}

TEST(Api, C14_GoIsForAPausedSwitchOnly)
{
    api_bench bench;
    bench.members[0]->stop_at = "prepare";
    bench.post(R"({"to":"green","pause":true})");
    const auto response = bench.ask("POST", "/v1/switches/7/go");
    EXPECT_EQ(problem_of(response), "409 urn:teal:problem:not-paused");
    EXPECT_EQ(api_bench::at(response, "detail"), "\"switch 7 is preparing\"");
}

TEST(Api, C10_ARefusedSwitchLinksItsReport)
{
    api_bench bench;
    for (auto& member : bench.members) {
        member->checks = {{"e1", false, "connection refused"}};
    }
    const auto response = bench.post(R"({"to":"green"})");
    EXPECT_EQ(problem_of(response), "422 urn:teal:problem:preflight");
    EXPECT_EQ(api_bench::at(response, "report"), "\"/v1/switches/7\"");
    EXPECT_EQ(api_bench::at(bench.ask("GET", "/v1/switches/7"), "result"), "\"refused\"");
}

TEST(Api, TheLiveColorIsAnswered200WithNoNewEpoch)
{
    api_bench bench;
    const auto response = bench.post(R"({"to":"blue"})");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(
        response.body, "{\"epoch\":4,\"live\":\"blue\",\"message\":\"blue is live already\"}\n");
}

TEST(Api, AnIdempotencyKeyGetsTheSameSwitchAgain)
{
    api_bench bench;
    const http_headers key{{"Idempotency-Key", "k1"}};
    EXPECT_EQ(bench.post(R"({"to":"green"})", key).status, 202u);
    bench.settle(); // switched: without the key this would be "stale epoch"
    const auto again = bench.post(R"({"to":"green"})", key);
    EXPECT_EQ(again.status, 202u);
    EXPECT_EQ(api_bench::header(again, "Location"), "/v1/switches/7");
    EXPECT_EQ(bench.post(R"({"to":"blue"})", key).status, 422u);
    EXPECT_EQ(bench.service->find(8), nullptr);
}

TEST(Api, AbortEndsWhatIsNotDecided)
{
    api_bench bench;
    bench.members[0]->stop_at = "hold";
    bench.post(R"({"to":"green"})");
    bench.settle();
    EXPECT_EQ(bench.ask("POST", "/v1/switches/7/abort").status, 202u);
    bench.settle();
    EXPECT_EQ(api_bench::at(bench.ask("GET", "/v1/switches/7"), "result"), "\"aborted\"");
    EXPECT_EQ(
        problem_of(bench.ask("POST", "/v1/switches/7/abort")), "409 urn:teal:problem:decided");
    EXPECT_EQ(
        problem_of(bench.ask("POST", "/v1/switches/9/abort")),
        "404 urn:teal:problem:no-such-switch");
}

TEST(Api, EventsFollowASwitchAndHonourLastEventId)
{
    api_bench bench;
    bench.post(R"({"to":"green"})");
    bench.settle();
    auto response = bench.ask("GET", "/v1/switches/7/events");
    ASSERT_TRUE(response.events);
    const auto first = bench.router->next_events(*response.events);
    for (const auto* phase : {"preparing", "holding", "writing", "committing", "draining"}) {
        const auto at = first.text.find("event: phase\ndata: {\"phase\":\"" + std::string(phase));
        EXPECT_NE(at, std::string::npos) << phase;
    }
    EXPECT_NE(first.text.find("event: report\ndata: {\"id\":7"), std::string::npos);
    EXPECT_FALSE(first.ended); // final, not drained
    const auto last = std::to_string(response.events->after);
    auto again = bench.ask("GET", "/v1/switches/7/events", {{"Last-Event-ID", last}});
    EXPECT_EQ(bench.router->next_events(*again.events).text, "");
    for (auto& member : bench.members) {
        member->drained(7);
    }
    bench.settle();
    const auto rest = bench.router->next_events(*again.events);
    EXPECT_TRUE(rest.text.starts_with("id: "));
    EXPECT_NE(rest.text.find("\"drain\":{\"done\":true"), std::string::npos);
    EXPECT_TRUE(rest.ended);
    EXPECT_EQ(bench.ask("GET", "/v1/switches/7/events", {{"Last-Event-ID", "x"}}).status, 400u);
}

TEST(Api, SessionsComeInPagesThatSurviveComingsAndGoings)
{
    api_bench bench;
    for (const auto* id : {"a", "b", "c", "d", "e"}) {
        session_snapshot one;
        one.id = id;
        one.held_ms = one.id == "c" ? 9.5 : 1;
        bench.members[one.id < "c" ? 0 : 1]->session_list.push_back(one);
    }
    const auto ids = [](const http_response& page) {
        std::string all;
        const auto body = api_bench::json(page);
        for (const auto& row : body.at("sessions").as_array()) {
            all += row.at("id").as_string();
        }
        return all;
    };
    const auto first = bench.ask("GET", "/v1/sessions?limit=2&sort=held");
    EXPECT_EQ(ids(first), "ca");
    EXPECT_EQ(api_bench::at(first, "total"), "5");
    bench.members[0]->session_list.erase(
        bench.members[0]->session_list.begin()); // "a", the cursor's own, goes
    const std::string next(api_bench::json(first).at("next").as_string());
    const auto second = bench.ask("GET", "/v1/sessions?limit=2&sort=held&cursor=" + next);
    EXPECT_EQ(ids(second), "bd");
    const std::string last(api_bench::json(second).at("next").as_string());
    const auto third = bench.ask("GET", "/v1/sessions?limit=2&sort=held&cursor=" + last);
    EXPECT_EQ(ids(third), "e");
    EXPECT_EQ(api_bench::at(third, "next"), "null");
    for (const auto* bad :
         {"limit=0", "limit=1001", "limit=x", "sort=name", "cursor=zz", "page=1"}) {
        EXPECT_EQ(
            problem_of(bench.ask("GET", std::string("/v1/sessions?") + bad)),
            "400 urn:teal:problem:bad-field")
            << bad;
    }
}

TEST(Api, FiltersSayWhichSessions)
{
    api_bench bench;
    auto& all = bench.members[0]->session_list;
    all.resize(4);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].id = "0-" + std::to_string(i);
        all[i].peer = "10.0.0." + std::to_string(i) + ":5";
        all[i].login = i < 2 ? "anna" : "bert";
        all[i].state = i == 3 ? "parked" : "active";
        all[i].color = "blue";
        all[i].endpoint = i == 0 ? "b1" : "b2";
        all[i].age_s = 60.0 * static_cast<double>(i);
    }
    const auto ids = [&](const std::string& query) {
        const auto page = api_bench::json(bench.ask("GET", "/v1/sessions?" + query));
        std::string text;
        for (const auto& one : page.at("sessions").as_array()) {
            text += std::string(one.at("id").as_string()) + " ";
        }
        EXPECT_EQ(page.at("total").as_int64(), std::count(text.begin(), text.end(), ' ')) << query;
        return text;
    };
    EXPECT_EQ(ids("login=anna"), "0-0 0-1 ");
    EXPECT_EQ(ids("endpoint=blue%2Fb1"), "0-0 ");
    EXPECT_EQ(ids("state=parked"), "0-3 ");
    EXPECT_EQ(ids("address=10.0.0.2"), "0-2 ");
    EXPECT_EQ(ids("address=10.0.0.0%2F31"), "0-0 0-1 ");
    EXPECT_EQ(ids("older_than=2m"), "0-2 0-3 ");
    EXPECT_EQ(ids("login=anna&older_than=1m"), "0-1 ");
    EXPECT_EQ(ids("login=nobody"), "");
    for (const auto* bad :
         {"endpoint=b1", "endpoint=red/b1", "state=asleep", "address=here", "older_than=5"}) {
        const auto response = bench.ask("GET", std::string("/v1/sessions?") + bad);
        EXPECT_EQ(problem_of(response), "400 urn:teal:problem:bad-field") << bad;
        EXPECT_EQ(
            api_bench::at(response, "field"),
            '"' + std::string(bad).substr(0, std::string_view(bad).find('=')) + '"');
    }
}

TEST(Api, DeleteClosesASession)
{
    api_bench bench;
    session_snapshot one;
    one.id = "s/1";
    bench.members[1]->session_list.push_back(one);
    EXPECT_EQ(bench.ask("DELETE", "/v1/sessions/s%2F1").status, 204u);
    EXPECT_EQ(
        problem_of(bench.ask("DELETE", "/v1/sessions/s%2F1")),
        "404 urn:teal:problem:no-such-session");
    EXPECT_EQ(
        bench.log.front(),
        "audit who=\"local 127.0.0.1:5\" what=disconnect session=s/1 epoch=4 result=done");
}

TEST(Api, HealthRoutesTellTheProcessNotTheBrokers)
{
    api_bench bench;
    EXPECT_EQ(bench.ask("GET", "/livez").status, 200u);
    const auto starting = bench.ask("GET", "/readyz");
    EXPECT_EQ(starting.status, 503u);
    EXPECT_EQ(starting.body, "starting\n");
    bench.service->set_ready(true);
    EXPECT_EQ(bench.ask("GET", "/readyz").status, 200u);
    EXPECT_EQ(bench.ask("GET", "/metrics").body, "teal_epoch 4\n");
}

TEST(Api, WhatIsNotThereIsSaidPlainly)
{
    api_bench bench;
    EXPECT_EQ(problem_of(bench.ask("GET", "/v2")), "404 urn:teal:problem:not-found");
    EXPECT_EQ(problem_of(bench.ask("GET", "no-slash")), "400 urn:teal:problem:bad-target");
    const auto wrong = bench.ask("DELETE", "/v1/switches");
    EXPECT_EQ(problem_of(wrong), "405 urn:teal:problem:method");
    EXPECT_EQ(api_bench::header(wrong, "Allow"), "POST, GET");
    EXPECT_EQ(
        bench.post("{\"to\":\"green\",\"reason\":\"" + std::string(65 * 1024, 'x') + "\"}").status,
        413u);
    EXPECT_EQ(bench.ask("GET", "/v1/members").status, 200u);
    EXPECT_EQ(bench.ask("GET", "/v1/pools").status, 200u);
}

TEST(Api, A2_WhatPeersAndBrokersSayIsValidJsonWhateverItsBytes)
{
    api_bench bench;
    session_snapshot odd;
    odd.id = "s1";
    odd.login = "caf\xE9\x9B";
    odd.peer = odd.endpoint = odd.version = "\xFF\xC2";
    bench.members[0]->session_list = {odd};
    bench.members[0]->state.endpoints.green[0].last_error = "Acc\xE8s refus\xE9";
    const auto row = api_bench::json(bench.ask("GET", "/v1/sessions")).at("sessions").at(0);
    EXPECT_EQ(row.at("login"), "caf\\xE9\\x9B");
    for (const auto* target : {"/v1/status", "/v1/pools", "/v1/members", "/caf\xE9"}) {
        EXPECT_NO_THROW(api_bench::json(bench.ask("GET", target))) << target;
    }
    EXPECT_NE(bench.ask("GET", "/v1/pools").body.find("Acc\\\\xE8s"), std::string::npos);
}

} // namespace
} // namespace control
