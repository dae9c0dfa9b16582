// A reload by the API, and the configuration as it shows it (outside.md A13).

#include "tests/unit/control/api/api_bench.hpp"

#include <gtest/gtest.h>

namespace control {
namespace {

using control_test::api_bench;

struct reload_bench : api_bench {
    reload_bench()
    {
        service->set_configuration(
            {.reload =
                 [this](bool only_tell, const configuration_hooks::answered& done) {
                     asked.push_back(only_tell);
                     done(answer);
                 },
             .show =
                 [] {
                     return std::vector<std::pair<std::string, std::string>>{
                         {"limits.clients", "5"}, {"threads", "auto"}};
                 }});
    }
    std::vector<bool> asked;
    reload_answer answer;
};

TEST(ApiConfiguration, A13_AReloadSaysWhatChangesAndWhen)
{
    reload_bench bench;
    bench.answer.changes = {
        {"limits.clients", "5", "6", "at once", false},
        {"threads", "2", "3", "by a restart", true}};
    bench.answer.warnings = {"drain.timeout: too short"};
    const auto response = bench.ask("POST", "/v1/reload");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(
        response.body,
        R"({"result":"applied","changes":[{"key":"limits.clients","from":"5","to":"6","applies":"at once"},)"
        R"({"key":"threads","from":"2","to":"3","applies":"by a restart"}],"restart":["threads"],)"
        R"("warnings":["drain.timeout: too short"]})"
        "\n");
    EXPECT_EQ(
        bench.log.back(),
        "audit who=\"local 127.0.0.1:5\" what=reload epoch=4 changes=2 errors=0 result=applied");
}

TEST(ApiConfiguration, A13_ADryRunChangesNothingAndIsNoAuditLine)
{
    reload_bench bench;
    bench.answer.result = reload_result::would_apply;
    EXPECT_EQ(bench.ask("POST", "/v1/reload", {}, R"({"dry_run":true})").status, 200u);
    EXPECT_EQ(bench.asked, std::vector<bool>{true});
    EXPECT_TRUE(bench.log.empty());
    EXPECT_EQ(bench.ask("POST", "/v1/reload", {}, R"({"dry_run":false})").status, 200u);
    for (const auto* bad : {"[]", "{", R"({"dry_run":1})", R"({"dry":true})"}) {
        const auto response = bench.ask("POST", "/v1/reload", {}, bad);
        EXPECT_EQ(response.status, 400u) << bad;
        EXPECT_EQ(api_bench::at(response, "field"), "\"dry_run\"") << bad;
    }
    EXPECT_EQ(bench.asked, (std::vector<bool>{true, false}));
}

TEST(ApiConfiguration, A13_WhatWaitsForASwitchIs202AndABadFile422)
{
    reload_bench bench;
    bench.answer = {reload_result::waits, {}, {}, {}, 7};
    const auto waits = bench.ask("POST", "/v1/reload");
    EXPECT_EQ(waits.status, 202u);
    EXPECT_EQ(api_bench::at(waits, "switch"), "7");
    bench.answer = {reload_result::refused, {}, {"f:1:2: a: wrong", "f:2:2: b: wrong"}, {}, 0};
    const auto refused = bench.ask("POST", "/v1/reload");
    EXPECT_EQ(refused.status, 422u);
    EXPECT_EQ(api_bench::at(refused, "type"), "\"urn:teal:problem:bad-configuration\"");
    EXPECT_EQ(api_bench::at(refused, "detail"), "\"f:1:2: a: wrong (and 1 more)\"");
    EXPECT_EQ(api_bench::at(refused, "errors"), R"(["f:1:2: a: wrong","f:2:2: b: wrong"])");
    EXPECT_EQ(
        bench.log.back(),
        "audit who=\"local 127.0.0.1:5\" what=reload epoch=4 changes=0 errors=2 result=refused");
}

TEST(ApiConfiguration, A13_ShowsEveryKey)
{
    reload_bench bench;
    const auto response = bench.ask("GET", "/v1/config");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.body, "{\"values\":{\"limits.clients\":\"5\",\"threads\":\"auto\"}}\n");
    EXPECT_EQ(bench.ask("POST", "/v1/config").status, 405u);
}

} // namespace
} // namespace control
