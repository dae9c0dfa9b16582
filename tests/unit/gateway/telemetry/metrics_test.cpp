// Proves that /metrics has the names and labels that charts and alerts use, from the first moment
// and with 0; that its numbers are the sums over the shards; and that nothing can make the number
// of series grow past its bound.

#include "control/record/switch_record.hpp"
#include "gateway/telemetry/metrics.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace gateway {
namespace {

using namespace std::chrono_literals;

// Every series of the page with its value's text.
std::map<std::string, std::string> series_of(const std::string& page)
{
    std::map<std::string, std::string> out;
    std::istringstream in{page};
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with('#')) {
            const auto space = line.rfind(' ');
            EXPECT_TRUE(out.emplace(line.substr(0, space), line.substr(space + 1)).second)
                << "twice: " << line;
        }
    }
    return out;
}

control_counters small_control()
{
    control_counters c;
    c.listeners = {"127.0.0.1:8080"};
    c.endpoints.blue = {{"b1", 3, true, false}};
    c.endpoints.green = {{"g1", 0, false, true}};
    return c;
}

TEST(Metrics, KnownSeriesAreThereWithZeroBeforeAnythingHappened)
{
    const auto page = series_of(render_metrics({shard_counters{}}, small_control()));
    for (const auto* name : {
             "teal_switch_frames_lost_total",
             "teal_switch_client_disconnects_total",
             "teal_switch_frames_possibly_duplicated_total",
             "teal_client_connections{listener=\"127.0.0.1:8080\"}",
             "teal_client_connections_accepted_total{listener=\"127.0.0.1:8080\"}",
             "teal_client_connections_rejected_total{listener=\"127.0.0.1:8080\",reason="
             "\"origin\"}",
             "teal_client_accept_rests_total{listener=\"127.0.0.1:8080\"}",
             "teal_process_pauses_total",
             "teal_process_paused_seconds_total",
             "teal_client_disconnects_total{initiator=\"client\",reason=\"reset\"}",
             "teal_client_disconnects_total{initiator=\"gateway\",reason=\"slow_consumer\"}",
             "teal_client_disconnects_total{initiator=\"broker\",reason=\"broker_refused\"}",
             "teal_sessions{color=\"green\",state=\"held\"}",
             "teal_endpoint_probe_failures_total{color=\"blue\",endpoint=\"b1\"}",
             "teal_frames_total{side=\"client\",dir=\"in\",command=\"SEND\"}",
             "teal_frames_total{side=\"client\",dir=\"in\",command=\"OTHER\"}",
             "teal_frames_total{side=\"broker\",dir=\"out\",command=\"SEND\"}",
             "teal_frames_total{side=\"broker\",dir=\"out\",command=\"HEARTBEAT\"}",
             "teal_bytes_total{side=\"broker\",dir=\"in\"}",
             "teal_frame_errors_total{side=\"client\",reason=\"escape\"}",
             "teal_forward_duration_seconds_count{dir=\"in\"}",
             "teal_broker_connections{color=\"green\",endpoint=\"g1\"}",
             "teal_broker_connect_duration_seconds_count{color=\"blue\",phase=\"stomp\"}",
             "teal_broker_connect_failures_total{color=\"green\",reason=\"refused\"}",
             "teal_switches_total{to=\"green\",result=\"switched\"}",
             "teal_switch_duration_seconds_count{phase=\"holding\"}",
             "teal_switch_session_pause_seconds_bucket{le=\"0.001\"}",
             "teal_switch_session_pause_seconds_bucket{le=\"+Inf\"}",
             "teal_switch_sessions_total{result=\"moved\"}",
             "teal_seams_total{result=\"forced\"}",
             "teal_switch_stale_acks_total{action=\"routed_old\"}",
             "teal_syscalls_total{call=\"write\"}",
             "teal_admin_auth_failures_total",
         }) {
        ASSERT_TRUE(page.contains(name)) << name;
        EXPECT_EQ(page.at(name), "0") << name;
    }
    EXPECT_EQ(page.at("teal_pool_active{color=\"blue\"}"), "1");
    EXPECT_EQ(page.at("teal_pool_active{color=\"green\"}"), "0");
    EXPECT_EQ(page.at("teal_broker_connections{color=\"blue\",endpoint=\"b1\"}"), "3");
    EXPECT_EQ(page.at("teal_broker_endpoints{color=\"blue\"}"), "1");
    EXPECT_EQ(page.at("teal_broker_endpoints_healthy{color=\"blue\"}"), "1");
    EXPECT_EQ(page.at("teal_endpoint_up{color=\"blue\",endpoint=\"b1\"}"), "1");
    EXPECT_EQ(page.at("teal_endpoint_up{color=\"green\",endpoint=\"g1\"}"), "0");
    EXPECT_EQ(page.at("teal_parked_until_timestamp_seconds{color=\"blue\"}"), "0");
    EXPECT_EQ(page.at("teal_store_writable"), "1");
    EXPECT_EQ(page.at("teal_broker_endpoints_draining{color=\"blue\"}"), "0");
    EXPECT_EQ(page.at("teal_broker_endpoints_draining{color=\"green\"}"), "1");
    EXPECT_EQ(page.at("teal_config_last_reload_successful"), "1");
}

TEST(Metrics, FamiliesHaveTypesAndPrometheusNames)
{
    std::istringstream in{render_metrics({shard_counters{}}, small_control())};
    std::size_t families = 0;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("# TYPE ")) {
            continue;
        }
        ++families;
        std::istringstream words{line.substr(7)};
        std::string name, type;
        words >> name >> type;
        EXPECT_TRUE(name.starts_with("teal_") || name.starts_with("process_")) << name;
        EXPECT_EQ(name.ends_with("_total"), type == "counter") << name;
        EXPECT_TRUE(type != "histogram" || name.ends_with("_seconds")) << name;
    }
    EXPECT_GT(families, 50U);
}

TEST(Metrics, ValuesAreSumsOverTheShards)
{
    std::vector<shard_counters> shards(2);
    shards[0].frames[side::client][direction::in][kind_of(stomp::command::send)] = 5;
    shards[1].frames[side::client][direction::in][kind_of(stomp::command::send)] = 7;
    shards[0].sessions[broker::color::blue][session_label::active] = 10;
    shards[1].sessions[broker::color::blue][session_label::active] = 20;
    shards[0].listener(0).connections = 1;
    shards[1].listener(0).connections = 2;
    shards[1].switch_client_disconnects = 1;
    shards[0].disconnects[disconnect_reason::slow_consumer] = 4;
    const auto page = series_of(render_metrics(shards, small_control()));
    EXPECT_EQ(page.at("teal_frames_total{side=\"client\",dir=\"in\",command=\"SEND\"}"), "12");
    EXPECT_EQ(page.at("teal_sessions{color=\"blue\",state=\"active\"}"), "30");
    EXPECT_EQ(page.at("teal_client_connections{listener=\"127.0.0.1:8080\"}"), "3");
    EXPECT_EQ(page.at("teal_switch_client_disconnects_total"), "1");
    EXPECT_EQ(page.at("teal_slow_consumer_disconnects_total"), "4");
}

TEST(Metrics, HistogramsAreCumulativeOverShards)
{
    std::vector<shard_counters> shards(2);
    shards[0].session_pause.observe(1ms); // a value at its bound belongs to that bucket
    shards[0].session_pause.observe(3ms);
    shards[1].session_pause.observe(60s);
    const auto page = series_of(render_metrics(shards, small_control()));
    const std::string bucket = "teal_switch_session_pause_seconds_bucket{le=\"";
    EXPECT_EQ(page.at(bucket + "0.001\"}"), "1");
    EXPECT_EQ(page.at(bucket + "0.0025\"}"), "1");
    EXPECT_EQ(page.at(bucket + "0.005\"}"), "2");
    EXPECT_EQ(page.at(bucket + "30\"}"), "2");
    EXPECT_EQ(page.at(bucket + "+Inf\"}"), "3");
    EXPECT_EQ(page.at("teal_switch_session_pause_seconds_count"), "3");
    EXPECT_NEAR(std::stod(page.at("teal_switch_session_pause_seconds_sum")), 60.004, 1e-9);
}

TEST(Metrics, NumberOfSeriesIsBoundedWhateverIsConfiguredAndAsked)
{
    control_counters c;
    for (int i = 0; i < 16; ++i) {
        c.listeners.push_back("127.0.0.1:" + std::to_string(8000 + i));
    }
    for (int i = 0; i < 256; ++i) {
        c.endpoints.blue.push_back({"b" + std::to_string(i), 1, true});
        c.endpoints.green.push_back({"g" + std::to_string(i), 1, true});
    }
    for (int i = 0; i < 10'000; ++i) {
        c.count_request("/v1/x" + std::to_string(i), 200 + i % 300);
    }
    std::vector<shard_counters> shards(64);
    c.turn_ages.assign(shards.size(), 0.5);
    c.turn_ages[40] = 7;
    for (auto& s : shards) {
        for (std::size_t i = 0; i < 256; ++i) {
            s.probes[broker::color::blue].count(i, i % 2 == 0);
        }
        for (int i = 0; i < 10'000; ++i) { // what brokers and clients name becomes no label
            s.skipped.count(broker::color::blue, "/topic/" + std::to_string(i));
        }
        for (std::size_t i = 0; i < 16; ++i) {
            ++s.listener(i).accepted;
        }
    }
    const auto page = series_of(render_metrics(shards, c));
    EXPECT_LT(page.size(), series_max);
    EXPECT_EQ(
        page.at("teal_client_connections_accepted_total{listener=\"other\"}"),
        std::to_string(64 * 12));
    EXPECT_EQ(
        page.at("teal_broker_connections{color=\"blue\",endpoint=\"other\"}"),
        std::to_string(256 - 32));
    EXPECT_EQ(page.at("teal_shard_last_turn_age_seconds{shard=\"other\"}"), "7");
    EXPECT_EQ(
        page.at("teal_endpoint_up{color=\"blue\",endpoint=\"other\"}"), std::to_string(256 - 32));
    EXPECT_EQ(page.at("teal_endpoint_probes_total{color=\"blue\",endpoint=\"b31\"}"), "64");
    EXPECT_EQ(page.at("teal_endpoint_probe_failures_total{color=\"blue\",endpoint=\"b31\"}"), "64");
    EXPECT_EQ(
        page.at("teal_endpoint_probe_failures_total{color=\"blue\",endpoint=\"other\"}"),
        std::to_string(64 * 112));
    EXPECT_EQ(
        page.at("teal_broker_messages_skipped_total{color=\"blue\"}"), std::to_string(64 * 10'000));
    EXPECT_EQ(
        page.at("teal_admin_requests_total{route=\"other\",code=\"other\"}"),
        std::to_string(10'000 - 80));
}

TEST(Metrics, LabelValuesCannotBreakThePage)
{
    auto c = small_control();
    c.listeners = {"unix:/a\"b\\c\nd"};
    const auto page = render_metrics({shard_counters{}}, c);
    EXPECT_NE(page.find("listener=\"unix:/a\\\"b\\\\c\\nd\""), std::string::npos);
}

// Prepared for 1 s, held for 2 s, written for 1 s, joined after 1 s more, and drained for 1 s.
control::switch_record switched_record(const control::tally& numbers, net::time_point began)
{
    using control::switch_phase;
    control::switch_record record;
    record.to = broker::color::green;
    record.result = control::switch_result::switched;
    record.members = {numbers};
    record.started = began;
    record.final_since = began + 5s;
    for (const auto& [phase, at] :
         {std::pair{switch_phase::preparing, 0s}, std::pair{switch_phase::holding, 1s},
          std::pair{switch_phase::writing, 3s}, std::pair{switch_phase::committing, 4s},
          std::pair{switch_phase::joining, 4s}, std::pair{switch_phase::draining, 5s},
          std::pair{switch_phase::done, 6s}}) {
        record.phase = phase;
        record.note_phase(began + at);
    }
    return record;
}

TEST(Metrics, ASwitchIsAccountedFor)
{
    auto c = small_control();
    control::tally n;
    n.sessions_moved = 9;
    n.sessions_failed = 1;
    n.seams_joined = 18;
    n.accepted = 10;
    n.confirmed = 6;
    n.unconfirmed = 1;
    n.held = 2;
    n.in_doubt = 1;
    n.overlap_twins = 3;
    const net::time_point t0{1s};
    auto record = switched_record(n, t0);
    c.count_switch(record, t0 + 9s);
    c.count_drain(record, t0 + 9s);
    EXPECT_EQ(c.frames_lost, 0U);
    EXPECT_EQ(c.possibly_duplicated, 3U);
    n.confirmed = 5; // one is nowhere
    record = switched_record(n, t0);
    record.to = broker::color::blue;
    c.count_switch(record, t0 + 9s);
    n.confirmed = 8; // two are there twice
    c.count_switch(switched_record(n, t0), t0 + 9s);
    const auto page = series_of(render_metrics({}, c));
    EXPECT_EQ(page.at("teal_switch_frames_lost_total"), "1");
    EXPECT_EQ(page.at("teal_switch_frames_possibly_duplicated_total"), "11");
    for (const auto& [phase, sum, count] :
         {std::tuple{"preparing", "3", "3"}, {"holding", "6", "3"}, {"writing", "3", "3"},
          {"committing", "0", "3"}, {"joining", "3", "3"}, {"draining", "1", "1"},
          {"aborting", "0", "0"}, {"total", "15", "3"}}) {
        const std::string at = std::string{"{phase=\""} + phase + "\"}";
        EXPECT_EQ(page.at("teal_switch_duration_seconds_sum" + at), sum) << phase;
        EXPECT_EQ(page.at("teal_switch_duration_seconds_count" + at), count) << phase;
    }
    EXPECT_EQ(page.at("teal_receipts_in_doubt_total"), "3");
    EXPECT_EQ(page.at("teal_switch_sends_accepted_total"), std::to_string(c.sends_accepted));
    EXPECT_EQ(page.at("teal_switch_sends_total{outcome=\"in_doubt\"}"), "3");
    EXPECT_EQ(page.at("teal_switch_sessions_total{result=\"moved\"}"), "27");
    EXPECT_EQ(page.at("teal_seams_total{result=\"joined\"}"), "54");
    EXPECT_EQ(page.at("teal_switches_total{to=\"green\",result=\"switched\"}"), "2");
}

TEST(Metrics, TheProcessIsMeasured)
{
    const auto page = series_of(render_metrics({}, small_control()));
    EXPECT_GT(std::stod(page.at("process_resident_memory_bytes")), 1e6);
    EXPECT_GE(std::stod(page.at("process_threads")), 1);
    EXPECT_GE(std::stod(page.at("process_open_fds")), 3);
    EXPECT_GT(std::stod(page.at("process_max_fds")), 3);
    EXPECT_GT(std::stod(page.at("process_start_time_seconds")), 1.6e9);
    EXPECT_GE(std::stod(page.at("process_cpu_seconds_total")), 0);
}

} // namespace
} // namespace gateway
