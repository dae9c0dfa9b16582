// Proves GET /status: the fields that scripts read, arrivals by time, the gateway's own apart, bad
// requests.

#include "broker/embedded/status.hpp"
#include "broker_fixture.hpp"

namespace embedded::testing {
namespace {

using stomp::command;

TEST(ArrivalLog, AnswersTheFirstAndLastAtOrAfterATime)
{
    arrival_log log;
    EXPECT_EQ(log.first_ns(std::nullopt), std::nullopt);
    EXPECT_EQ(log.last_ns(5), std::nullopt);
    const auto at = [](std::int64_t ns) { return net::time_point{std::chrono::nanoseconds{ns}}; };
    for (const std::int64_t ns : {10, 20, 20, 30}) {
        log.add(at(ns));
    }
    EXPECT_EQ(log.first_ns(std::nullopt), 10);
    EXPECT_EQ(log.first_ns(11), 20);
    EXPECT_EQ(log.first_ns(30), 30);
    EXPECT_EQ(log.first_ns(31), std::nullopt);
    EXPECT_EQ(log.last_ns(std::nullopt), 30);
    EXPECT_EQ(log.last_ns(30), 30);
    EXPECT_EQ(log.last_ns(31), std::nullopt);
}

TEST(ArrivalLog, KeepsTheLast)
{
    arrival_log log;
    const auto count = static_cast<std::int64_t>(arrival_log::arrivals_max) + 5;
    for (std::int64_t i = 1; i <= count; ++i) {
        log.add(net::time_point{std::chrono::nanoseconds{i}});
    }
    EXPECT_EQ(log.first_ns(std::nullopt), 1); // the first ever is remembered
    EXPECT_EQ(log.first_ns(0), 6);
    EXPECT_EQ(log.first_ns(count), count);
    EXPECT_EQ(log.last_ns(0), count);
}

class BrokerStatus : public BrokerFixture {};

TEST_F(BrokerStatus, SaysWhatScriptsRead)
{
    broker_options options = defaults();
    options.name = "blue \"1\"\n\xff";
    restart(options);
    client& c = connect();
    subscribe(c, "1", "/topic/a", {{"x-queue-name", "stomp-subscription-teal-1"}});
    subscribe(c, "2", "/queue/q", {{"ack", "client"}, {"prefetch-count", "1"}});
    subscribe(c, "3", "/topic/stomp-subscription-teal-probe");
    for (int i = 0; i < 3; ++i) {
        now += milliseconds{1};
        send(c, "/queue/q", "x");
    }
    send(c, "/amq/queue/stomp-subscription-teal-1", "m");
    say(c, command::ack, {{"id", "n-2-1"}});
    const std::string memory = std::to_string(core().stats().memory_bytes);
    EXPECT_GT(core().stats().memory_bytes, 0u);
    EXPECT_EQ(
        status_json(core(), std::nullopt),
        "{\"name\":\"blue "
        "\\\"1\\\"\\u000a\\u00ff\",\"connections\":1,\"subscriptions\":3,\"queues\":{\"q\":2},"
        "\"queues_left_out\":0,\"topic_backlog\":0,\"sent\":3,\"delivered\":2,\"acked\":1,"
        "\"first_arrival_ns\":1000001000000,\"last_arrival_ns\":1000003000000,\"redelivered\":0,"
        "\"dropped\":0,"
        "\"errors\":0,\"memory_bytes\":" +
            memory +
            ",\"gateway\":{\"sent\":1,\"delivered\":1,\"acked\":0,\"subscriptions\":1}}\n");
    const std::string later = status_json(core(), 1000002000000);
    EXPECT_NE(later.find("\"first_arrival_ns\":1000002000000,"), std::string::npos);
    const std::string never = status_json(core(), 1000003000001);
    EXPECT_NE(never.find("\"first_arrival_ns\":null,\"last_arrival_ns\":null,"), std::string::npos);
}

TEST_F(BrokerStatus, AnswersHttp)
{
    const auto status = [&](std::string_view line) {
        return answer_status(core(), std::string{line} + "\r\nHost: h\r\n\r\n").substr(9, 3);
    };
    EXPECT_EQ(status("GET /status HTTP/1.1"), "200");
    EXPECT_EQ(status("GET /status?since=17 HTTP/1.1"), "200");
    EXPECT_EQ(status("GET /status?since=x HTTP/1.1"), "400");
    EXPECT_EQ(status("GET /status?until=1 HTTP/1.1"), "400");
    EXPECT_EQ(status("GET /other HTTP/1.1"), "404");
    EXPECT_EQ(status("POST /status HTTP/1.1"), "405");
    EXPECT_EQ(status("GET"), "400");
    EXPECT_EQ(status("GET /status FTP/1.1"), "400");
    EXPECT_EQ(answer_status(core(), {}).substr(9, 3), "400");
    const std::string good = answer_status(core(), "GET /status HTTP/1.1\r\n\r\n");
    const std::string body = good.substr(good.find("\r\n\r\n") + 4);
    EXPECT_NE(
        good.find("Content-Length: " + std::to_string(body.size()) + "\r\n"), std::string::npos);
}

} // namespace
} // namespace embedded::testing
