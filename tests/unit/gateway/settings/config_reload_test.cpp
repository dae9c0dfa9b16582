// What a reload finds changed, key by key, when each change counts, and what the process runs with behind it
// (outside.md A13).

#include "gateway/settings/config_values.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace gateway {
namespace {

const std::string minimal = R"(listeners:
  - bind: 127.0.0.1:8080
brokers:
  blue: { endpoints: [ { url: "stomp://b:1", name: b1 }, { url: "stomp://b:2", name: b2 } ] }
  green: { endpoints: [ "stomp://g:1" ] }
)";

config parsed(const std::string& text)
{
    auto result = parse_config(text, "teal.yaml");
    if (!result) {
        for (const auto& error : result.error()) {
            ADD_FAILURE() << to_string(error);
        }
        return {};
    }
    return *result;
}

using changes = std::vector<config_difference>;

changes between(const std::string& running, const std::string& loaded)
{
    return differences(parsed(running), parsed(loaded));
}

TEST(ConfigReload, A13_ASameFileChangesNothing)
{
    EXPECT_EQ(between(minimal, minimal), changes{});
    EXPECT_EQ(between(minimal, minimal + "limits: { clients: 100000 }\n"), changes{})
        << "a default that is written out";
    EXPECT_EQ(merged(parsed(minimal), parsed(minimal)), parsed(minimal));
}

TEST(ConfigReload, A13_EachChangeSaysWhenItCounts)
{
    EXPECT_EQ(
        between(
            minimal + "limits: { clients: 5 }\nthreads: 2\nheart_beat: { client: 5s }\n",
            minimal + "limits: { clients: 6 }\nthreads: 3\nlog: { level: debug }\n"),
        (changes{
            {"limits.clients", "5", "6", applies::at_once},
            {"heart_beat.client", "5s", "10s", applies::to_new},
            {"threads", "2", "3", applies::restart},
            {"log.level", "info", "debug", applies::at_once}}));
}

TEST(ConfigReload, A13_WhatNeedsARestartStaysAsItRuns)
{
    const auto running = parsed(minimal + "threads: 2\nlimits: { clients: 5 }\n");
    const auto loaded =
        parsed(minimal + "threads: 3\nlimits: { clients: 6 }\nadmin: { bind: 127.0.0.1:9 }\n");
    const auto next = merged(running, loaded);
    EXPECT_EQ(next.threads, 2u);
    EXPECT_EQ(next.admin.binds.at(0).port, 8081);
    EXPECT_EQ(next.limits.clients, 6u);
    EXPECT_EQ(
        differences(next, loaded),
        (changes{
            {"admin.bind", "127.0.0.1:8081", "127.0.0.1:9", applies::restart},
            {"threads", "2", "3", applies::restart}}))
        << "still to be told";
}

// Every key that is found changed and does not need a restart is taken, and no other.
TEST(ConfigReload, A13_WhatIsSaidIsWhatIsDone)
{
    const auto running = parsed(minimal);
    const auto loaded = parsed(R"(listeners:
  - { bind: "127.0.0.1:8080", path: /stomp, allowed_origins: ["*"], frames: binary }
brokers:
  blue: { endpoints: [ { url: "stomp://b:1", name: b1, weight: 2 } ], health: { interval: 5s } }
  green: { endpoints: [ "stomp://g:1" ], dialect: plain }
  multiplex: dedicated
  dialect: artemis
  backplane: separate
  links_per_key: 8
  broadcast: ["/news/**"]
  mark_sessions: false
  prefetch: 10
  auth_recheck: 2m
  connect_rate: 50/s
  park_timeout: 2m
initial_color: green
switch: { prepare_timeout: 61s, hold_timeout: 3s, pause_timeout: 16m, on_hold_timeout: pin, max_failed: 2%, on_refused: close, pin_timeout: 1m,
          drain_timeout: 31s, linger: 2s, queue_order: strict, seam_timeout: 2s, seam_quiet: 51ms,
          overlap: 6s, receipt_timeout: 3s, trial_timeout: 2s, marker_interval: 101ms }
store: { path: other.state }
limits: { clients: 5, clients_per_address: 6, handshake_timeout: 7s, connect_timeout: 8s,
          frame_before_connect: 9KiB, frame: 10MiB, headers: 11, header_line: 12KiB, broker_frame: 65KiB, subscriptions: 13,
          transactions: 14, transaction_bytes: 15MiB, client_outbox: 16KiB, client_stall: 17s, client_carry: 18KiB,
          seam_buffer: 19KiB, broker_outbox: 20KiB, links_per_login: 24, buffered_total: 21%, http_head: 22KiB, idle_ping: 23s,
          tls_handshake_share: 25%, tls_handshakes_per_address: 26 }
drain: { delay: 6s, pace: 7/s, timeout: 61s }
heart_beat: { client: 11s, broker: 12s }
threads: 3
log: { level: warning, format: json }
)");
    const auto found = differences(running, loaded);
    EXPECT_GT(found.size(), 60u);
    changes left = found;
    std::erase_if(left, [](const auto& one) { return one.when != applies::restart; });
    const auto still = differences(merged(running, loaded), loaded);
    EXPECT_EQ(still, left);
    std::vector<std::string> keys;
    for (const auto& one : still) {
        keys.push_back(one.key);
    }
    EXPECT_EQ(
        keys, (std::vector<std::string>{
                  "listeners[127.0.0.1:8080].path", "brokers.green.dialect", "brokers.multiplex",
                  "brokers.dialect", "brokers.backplane", "initial_color", "switch.dedup",
                  "store.path", "threads"}));
}

TEST(ConfigReload, A13_TheKeysThatNeedARestartCanBeAskedFor)
{
    EXPECT_EQ(
        restart_keys(),
        (std::vector<std::string>{
            "listeners", "admin.bind", "admin.mode", "admin.group", "admin.open_metrics",
            "brokers.blue.dialect", "brokers.green.dialect", "brokers.multiplex", "brokers.dialect",
            "brokers.backplane", "initial_color", "switch.dedup", "store", "threads"}));
}

TEST(ConfigReload, A13_EndpointsKeepTheirPlaces)
{
    const auto running = parsed(minimal);
    const auto loaded = parsed(R"(listeners:
  - bind: 127.0.0.1:8080
brokers:
  blue: { endpoints: [ { url: "stomp://b:3", name: b1 }, { url: "stomp://b:2", name: b2, weight: 7 } ] }
  green: { endpoints: [ "stomp://g:1" ] }
)");
    EXPECT_EQ(
        differences(running, loaded),
        (changes{
            {"brokers.blue.endpoints[b1].url", "stomp://b:1", "stomp://b:3", applies::at_once},
            {"brokers.blue.endpoints[b2].weight", "1", "7", applies::at_once}}));
    auto next = merged(running, loaded);
    const auto& blue = next.brokers.colors.blue.endpoints;
    ASSERT_EQ(blue.size(), 3u);
    EXPECT_EQ(blue[0].url, "stomp://b:1");
    EXPECT_TRUE(blue[0].removed);
    EXPECT_EQ(blue[0].name, "stomp://b:1 (removed)") << "b1 is another one now";
    EXPECT_EQ(blue[1].weight, 7u);
    EXPECT_FALSE(blue[1].removed);
    EXPECT_EQ(blue[2].name, "b1");
    EXPECT_EQ(differences(next, loaded), changes{});
    next = merged(next, running); // and back
    ASSERT_EQ(next.brokers.colors.blue.endpoints.size(), 3u);
    EXPECT_EQ(next.brokers.colors.blue.endpoints[0].name, "b1");
    EXPECT_FALSE(next.brokers.colors.blue.endpoints[0].removed);
    EXPECT_TRUE(next.brokers.colors.blue.endpoints[2].removed);
    EXPECT_EQ(differences(next, running), changes{});
}

TEST(ConfigReload, A13_AListenerComesAndGoesByARestart)
{
    const std::string two = R"(listeners:
  - bind: 127.0.0.1:8090
  - { bind: "127.0.0.1:8080", allowed_origins: ["*"] }
)" + minimal.substr(minimal.find("brokers:"));
    const auto found = between(minimal, two);
    const auto key = [&](const char* name) {
        return std::ranges::find(found, name, &config_difference::key);
    };
    ASSERT_NE(key("listeners[127.0.0.1:8090].bind"), found.end());
    EXPECT_EQ(key("listeners[127.0.0.1:8090].bind")->when, applies::restart);
    EXPECT_EQ(key("listeners[127.0.0.1:8090].frames")->when, applies::restart);
    EXPECT_EQ(key("listeners[127.0.0.1:8080].allowed_origins")->when, applies::to_new);
    const auto next = merged(parsed(minimal), parsed(two));
    ASSERT_EQ(next.listeners.size(), 1u);
    EXPECT_EQ(next.listeners[0].allowed_origins, std::vector<std::string>{"*"});
}

TEST(ConfigReload, A13_ASecretIsComparedAndNotShown)
{
    const auto with = [](const std::string& value) {
        return parsed(
            R"(listeners:
  - bind: 127.0.0.1:8080
brokers:
  blue: { endpoints: [ "ws://b:1/ws" ], health: { headers: { Authorization: "Basic )" +
            value + R"(" } } }
  green: { endpoints: [ "stomp://g:1" ] }
)");
    };
    const auto one = with("b25l");
    for (const auto& value : values_of(one)) {
        EXPECT_EQ(value.text.find("b25l"), std::string::npos) << value.key;
    }
    EXPECT_EQ(
        differences(one, with("dHdv")),
        (changes{{"brokers.blue.health.headers.Authorization", "***", "***", applies::at_once}}));
}

} // namespace
} // namespace gateway
