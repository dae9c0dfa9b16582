// Proves when a run counts as passed, and that the JSON has the keys that scripts read.

#include "tests/load/run_result.hpp"

#include <gtest/gtest.h>

namespace load {
namespace {

using namespace std::chrono_literals;

run_result good()
{
    run_result r;
    r.clients = 10;
    r.judged.sent = r.judged.received = r.judged.expected = 100;
    r.latency.add(2ms);
    r.sending = 15s;
    return r;
}

TEST(RunResult, PassesOnlyWhenEveryGuaranteeHeld)
{
    EXPECT_TRUE(good().passed());
    run_result r = good();
    r.judged.sent = 0;
    EXPECT_FALSE(r.passed());
    r = good();
    r.disconnected = 1;
    EXPECT_FALSE(r.passed());
    r = good();
    r.errors = 1;
    EXPECT_FALSE(r.passed());
    for (const fault f : {fault::lost, fault::duplicated, fault::reordered}) {
        r = good();
        r.judged.faults[static_cast<std::size_t>(f)] = 1;
        EXPECT_FALSE(r.passed()) << to_string(f);
    }
    r = good();
    r.judged.redelivered = r.judged.queue_reordered = r.judged.unconfirmed = r.skipped = 1;
    EXPECT_TRUE(r.passed()); // counted, not promised
}

TEST(RunResult, SaysWhenItWasItselfTheBottleneck)
{
    run_result r = good();
    EXPECT_FALSE(r.bottleneck());
    EXPECT_EQ(to_table(r).find("was the bottleneck"), std::string::npos);
    r.cpu_share = 0.96;
    EXPECT_TRUE(r.bottleneck());
    EXPECT_NE(to_table(r).find("teal-load itself was the bottleneck"), std::string::npos);
    r.cpu_share = 0;
    r.own_lag.add(25ms);
    EXPECT_TRUE(r.bottleneck());
}

TEST(RunResult, JsonHasTheKeysThatScriptsRead)
{
    run_result r = good();
    r.judged.faults[static_cast<std::size_t>(fault::lost)] = 3;
    r.judged.examples.push_back({fault::lost, {1, stream_kind::common}, 7, 2});
    r.reasons.push_back("client 1: ERROR \"no\"\n\xff");
    r.timeline.push_back({5, 6, 1ms, 2ms});
    const std::string json = to_json(r);
    EXPECT_TRUE(json.starts_with(
        R"({"clients":10,"sent":100,"received":100,"expected":100,"disconnected":0,"lost":3,)"
        R"("duplicated":0,"reordered":0,"redelivered":0,"errors":0,)"))
        << json;
    EXPECT_NE(
        json.find(R"("latency_ms":{"p50":2.000,"p99":2.000,"p999":2.000,"max":2.000})"),
        std::string::npos);
    EXPECT_NE(
        json.find(R"("silence_ms":{"p50":0.000,"max":0.000},"bottleneck":false)"),
        std::string::npos);
    EXPECT_NE(json.find(R"("seconds":15.000,"passed":false)"), std::string::npos);
    EXPECT_NE(
        json.find("lost: publisher 1, stream s, number 7, subscription of client 2"),
        std::string::npos);
    EXPECT_NE(json.find(R"(ERROR \"no\"\u000a\u00ff)"), std::string::npos);
    EXPECT_NE(
        json.find(R"({"sent":5,"received":6,"latency_max_ms":1.000,"silence_max_ms":2.000})"),
        std::string::npos);
}

} // namespace
} // namespace load
