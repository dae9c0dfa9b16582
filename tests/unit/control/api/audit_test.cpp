// Each change that the API was asked for and did not make leaves one line of the audit, with who and why;
// one that it made leaves none of its own beside the service's.

#include "tests/unit/control/api/api_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <unistd.h>

namespace {

using namespace control_test;

std::vector<std::string> audits(const api_bench& bench)
{
    std::vector<std::string> lines;
    std::ranges::copy_if(bench.log, std::back_inserter(lines), [](const auto& line) {
        return line.starts_with("audit ");
    });
    return lines;
}

// A file with a token of each role.
struct token_bench {
    token_bench()
    {
        char path[] = "/tmp/teal-audit-XXXXXX";
        const int file = ::mkstemp(path);
        const std::string lines = "viewer viewer-token-0000\noperator operator-token-00\n";
        EXPECT_EQ(::write(file, lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
        ::close(file);
        name = path;
        control::api_options options;
        options.tokens = std::get<control::token_file>(control::token_file::open(name));
        bench = std::make_unique<api_bench>(std::move(options));
    }
    ~token_bench() { ::unlink(name.c_str()); }
    std::string name;
    std::unique_ptr<api_bench> bench;
};

constexpr auto to_green = R"({"to":"green","reason":"release 7"})";

TEST(ApiAudit, AStaleEpochIsOneLine)
{
    api_bench bench;
    bench.ask("POST", "/v1/switches", {{"If-Match", "\"3\""}}, to_green);
    EXPECT_EQ(
        audits(bench),
        (std::vector<std::string>{
            "audit who=\"local 127.0.0.1:5\" what=switch target=\"POST /v1/switches\" from=blue "
            "to=green reason=\"release 7\" epoch=4 result=refused status=412 detail=\"The epoch has "
            "moved on: epoch is 4, asked for \\\"3\\\"\""}));
}

TEST(ApiAudit, WhoeverMayNotAndWhoeverIsNobodyAreNamed)
{
    token_bench with_tokens;
    api_bench& bench = *with_tokens.bench;
    bench.ask("POST", "/v1/switches", {{"If-Match", "\"4\""}}, to_green);
    bench.ask("POST", "/v1/drain", {{"Authorization", "Bearer wrong"}});
    bench.ask(
        "DELETE", "/v1/sessions/0-1", {{"Authorization", "Bearer viewer-token-0000"}});
    bench.ask("GET", "/v1/status"); // asks for no change
    EXPECT_EQ(
        audits(bench),
        (std::vector<std::string>{
            "audit who=\"no token, 127.0.0.1:5\" what=switch target=\"POST /v1/switches\" epoch=4 "
            "result=refused status=401 detail=\"A token is needed: Authorization: Bearer TOKEN\"",
            "audit who=\"wrong token, 127.0.0.1:5\" what=drain_self target=\"POST /v1/drain\" epoch=4 "
            "result=refused status=401 detail=\"A token is needed: Authorization: Bearer TOKEN\"",
            "audit who=\"viewer token of line 1, 127.0.0.1:5\" what=disconnect "
            "target=\"DELETE /v1/sessions/0-1\" epoch=4 result=refused status=403 detail=\"This token "
            "may not do that: needs operator, is viewer\""}));
}

TEST(ApiAudit, AStrangerWhoAsksAgainAndAgainDoesNotFillTheLog)
{
    token_bench with_tokens;
    for (int i = 0; i < 1000; ++i) {
        with_tokens.bench->ask("POST", "/v1/switches", {}, to_green);
    }
    EXPECT_EQ(audits(*with_tokens.bench).size(), 20u);
}

TEST(ApiAudit, WhatTheServiceSaysIsNotSaidAgain)
{
    api_bench bench;
    bench.ask("DELETE", "/v1/sessions/none");
    bench.ask("POST", "/v1/endpoints/blue/none/drain");
    const auto lines = audits(bench);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines[0].find("what=disconnect session=none"), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("result=no_such_endpoint"), std::string::npos) << lines[1];
}

TEST(ApiAudit, AForeignPageIsNoOne)
{
    api_bench bench;
    bench.ask("POST", "/v1/drain", {{"Origin", "http://evil.example"}});
    const auto lines = audits(bench);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("who=\"unknown, 127.0.0.1:5\""), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("status=403"), std::string::npos) << lines[0];
}

} // namespace
