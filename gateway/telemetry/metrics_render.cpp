// The page of /metrics: one function a subject, each naming its metrics beside the counters they
// come from.

#include "gateway/telemetry/log.hpp"
#include "gateway/telemetry/metrics.hpp"
#include "gateway/telemetry/metrics_page.hpp"

#include <boost/version.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <ranges>

namespace gateway {

using namespace metric_text;

namespace {

void clients(page& p, const totals& sum, const control_counters& control)
{
    const auto listeners = std::min(control.listeners.size(), listeners_counted + 1);
    const auto name = [&](std::size_t i) -> std::string_view {
        return i < listeners_counted ? std::string_view{control.listeners[i]} : "other";
    };
    p.begin("teal_client_connections", G, "Connections of clients.");
    for (std::size_t i = 0; i < listeners; ++i) {
        p.value({{"listener", name(i)}}, sum([i](const auto& s) {
                    return s.listeners[i].connections;
                }));
    }
    p.single(
        "teal_client_connections_limit", G, "limits.clients as it is in force.",
        control.clients_limit);
    p.begin(
        "teal_client_connections_accepted_total", C, "Connections of clients that were accepted.");
    for (std::size_t i = 0; i < listeners; ++i) {
        p.value(
            {{"listener", name(i)}}, sum([i](const auto& s) { return s.listeners[i].accepted; }));
    }
    p.begin(
        "teal_client_connections_rejected_total", C,
        "Connections of clients that were turned away.");
    for (std::size_t i = 0; i < listeners; ++i) {
        for_each<reject_reason>([&](reject_reason r, std::string_view reason) {
            p.value({{"listener", name(i)}, {"reason", reason}}, sum([&](const auto& s) {
                        return s.listeners[i].rejected[r];
                    }));
        });
    }
    p.begin(
        "teal_client_tls_handshakes_total", C, "TLS handshakes of clients that were completed.");
    for (std::size_t i = 0; i < listeners; ++i) {
        p.value({{"listener", name(i)}}, sum([i](const auto& s) {
                    return s.listeners[i].tls_handshakes;
                }));
    }
    p.single(
        "teal_client_tls_handshakes_waiting", G,
        "Clients whose TLS handshake may not begin yet (limits.tls_handshake_share).",
        sum([](const auto& s) { return s.tls_waiting; }));
    p.begin(
        "teal_client_accept_rests_total", C,
        "Times that a listener could not accept and waited, for lack of descriptors, say.");
    for (std::size_t i = 0; i < listeners; ++i) {
        p.value({{"listener", name(i)}}, sum([i](const auto& s) { return s.listeners[i].rests; }));
    }
    p.single(
        "teal_client_handshake_duration_seconds", H, "From a client's accept to its CONNECTED.",
        sum([](const auto& s) { return s.handshake_duration; }));
    p.begin("teal_client_disconnects_total", C, "Clients that are gone, and whose doing it was.");
    for_each<disconnect_reason>([&](disconnect_reason r, std::string_view reason) {
        p.value({{"initiator", initiator_of(r)}, {"reason", reason}}, sum([r](const auto& s) {
                    return s.disconnects[r];
                }));
    });
    p.single(
        "teal_slow_consumer_disconnects_total", C, "Clients closed because they did not read.",
        sum([](const auto& s) { return s.disconnects[disconnect_reason::slow_consumer]; }));
    p.begin("teal_sessions", G, "STOMP sessions by the color they are bound to.");
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        for_each<session_label>([&](session_label l, std::string_view state) {
            p.value({{"color", color}, {"state", state}}, sum([&](const auto& s) {
                        return s.sessions[c][l];
                    }));
        });
    });
    p.begin(
        "teal_parked_until_timestamp_seconds", G,
        "When the first of a color's parked clients is closed (brokers.park_timeout); 0: none is "
        "parked.");
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        p.value({{"color", color}}, control.parked_until[c]);
    });
}

void frames(page& p, const totals& sum, const control_counters& control)
{
    p.begin("teal_frames_total", C, "STOMP frames and heart-beats on the wire.");
    for_each<side>([&](side s, std::string_view side_name) {
        for_each<direction>([&](direction d, std::string_view dir) {
            // Clients' commands go from clients to brokers, brokers' the other way.
            const bool to_brokers = (s == side::client) == (d == direction::in);
            counter others = 0;
            for_each<frame_kind>([&](frame_kind k, std::string_view command) {
                const counter n = sum([&](const auto& of) { return of.frames[s][d][k]; });
                const bool of_clients = k <= frame_kind::disconnect;
                if (k == frame_kind::other ||
                    (k != frame_kind::heart_beat && of_clients != to_brokers)) {
                    others += n;
                } else {
                    p.value({{"side", side_name}, {"dir", dir}, {"command", command}}, n);
                }
            });
            if (d == direction::in) { // what it sends is its own choice
                p.value({{"side", side_name}, {"dir", dir}, {"command", "OTHER"}}, others);
            }
        });
    });
    p.begin("teal_bytes_total", C, "Bytes on the wire, without TCP's own.");
    for_each<side>([&](side s, std::string_view side_name) {
        for_each<direction>([&](direction d, std::string_view dir) {
            p.value({{"side", side_name}, {"dir", dir}}, sum([&](const auto& n) {
                        return n.bytes[s][d];
                    }));
        });
    });
    p.begin("teal_frame_errors_total", C, "Frames that were refused.");
    for_each<side>([&](side s, std::string_view side_name) {
        for_each<frame_error>([&](frame_error e, std::string_view reason) {
            p.value({{"side", side_name}, {"reason", reason}}, sum([&](const auto& n) {
                        return n.frame_errors[s][e];
                    }));
        });
    });
    p.single(
        "teal_sockjs_frames_altered_total", C,
        "Frames to SockJS clients in which bytes that are no UTF-8 became '?'.",
        sum([](const auto& n) { return n.sockjs_altered; }));
    p.begin("teal_forward_duration_seconds", H, "How long one frame in 64 stayed in the gateway.");
    for_each<direction>([&](direction d, std::string_view dir) {
        p.value({{"dir", dir}}, sum([d](const auto& n) { return n.forward_duration[d]; }));
    });
    const auto by_side = [&](const char* name, MetricType type, const char* help, auto member) {
        p.begin(name, type, help);
        for_each<side>([&](side s, std::string_view side_name) {
            p.value({{"side", side_name}}, sum([&](const auto& n) { return (n.*member)[s]; }));
        });
    };
    p.begin(
        "teal_buffered_bytes", G,
        "Bytes of peers that are held; limits.buffered_total bounds their sum.");
    for_each<held_kind>([&](held_kind k, std::string_view kind) {
        p.value({{"side", side_of(k)}, {"kind", kind}}, sum([k](const auto& n) {
                    return n.held[k];
                }));
    });
    p.single(
        "teal_buffered_bytes_limit", G, "limits.buffered_total as it is in force.",
        control.buffered_limit);
    by_side(
        "teal_backpressure_pauses_total", C, "Times a peer was left unread.",
        &shard_counters::backpressure_pauses);
    by_side(
        "teal_heartbeat_timeouts_total", C, "Peers that were silent for too long.",
        &shard_counters::heart_beat_timeouts);
    p.single(
        "teal_event_loop_lag_seconds", H,
        "One turn of a shard's loop, from wake-up to the end of its flush.",
        sum([](const auto& n) { return n.event_loop_lag; }));
    p.begin("teal_syscalls_total", C, "System calls of the data path.");
    for_each<syscall>([&](syscall c, std::string_view call) {
        p.value({{"call", call}}, sum([c](const auto& n) { return n.syscalls[c]; }));
    });
}

void parts(page& p, const control_counters& control)
{
    p.single(
        "teal_store_writable", G, "0 while color and epoch cannot be stored: no switch can begin.",
        control.store_writable ? 1.0 : 0.0);
    p.begin(
        "teal_shard_last_turn_age_seconds", G,
        "How long ago each shard's loop made its last turn; an idle one makes one each second.");
    double oldest = 0;
    for (std::size_t i = 0; i < control.turn_ages.size(); ++i) {
        if (i < shards_counted) {
            p.value({{"shard", std::to_string(i)}}, control.turn_ages[i]);
        } else {
            oldest = std::max(oldest, control.turn_ages[i]);
        }
    }
    if (control.turn_ages.size() > shards_counted) {
        p.value({{"shard", "other"}}, oldest);
    }
    for (const auto& one : control.limits) {
        p.single(one.metric, G, one.key, one.value);
    }
}

void administration(page& p, const control_counters& control)
{
    p.begin("teal_build_info", G, "What runs here.");
    p.value(
        {{"version", TEAL_VERSION},
         {"boost", BOOST_LIB_VERSION},
         {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
         {"compiler", __VERSION__}},
        1.0);
    p.single(
        "teal_config_last_reload_successful", G, "0 after a reload that was refused.",
        control.reload_ok ? 1.0 : 0.0);
    p.single(
        "teal_config_last_reload_success_timestamp_seconds", G,
        "When a configuration was last taken.", control.last_reload);
    p.begin("teal_admin_requests_total", C, "Requests to the admin API.");
    for (const auto& [key, n] : control.admin_requests) {
        p.value(
            {{"route", key.first},
             {"code", key.second == 0 ? "other" : std::to_string(key.second)}},
            n);
    }
    p.single(
        "teal_admin_auth_failures_total", C, "Requests without a valid token.",
        control.auth_failures);
    p.single(
        "teal_process_pauses_total", C, "Times in which this process did not run.", control.pauses);
    p.single(
        "teal_process_paused_seconds_total", C, "How long this process did not run.",
        control.paused_seconds);
    p.begin(
        "teal_tls_certificate_expiry_timestamp_seconds", G,
        "When a certificate that is in use expires, or one above it in its file.");
    for (const auto& one : control.certificates) {
        p.value({{"used_by", one.used_by}, {"file", one.file}}, one.expires);
    }
    p.begin("teal_log_messages_total", C, "Lines of the log.");
    const auto written = log::counts();
    for (std::size_t i = 0; i < control::log_level_names.size(); ++i) {
        p.value({{"level", control::log_level_names[i]}}, written[i]);
    }
    p.single(
        "teal_log_dropped_total", C, "Lines that the log's reader did not take in time.",
        log::dropped());
    p.single(
        "teal_log_suppressed_total", C, "Lines that were one too many of their kind.",
        log::suppressed());
}

} // namespace

std::string
render_metrics(const std::vector<shard_counters>& shards, const control_counters& control)
{
    page p;
    const totals sum{shards};
    administration(p, control);
    parts(p, control);
    clients(p, sum, control);
    frames(p, sum, control);
    endpoints(p, sum, control);
    brokers(p, sum, control);
    switches(p, sum, control);
    logins_and_trials(p, sum);
    process_metrics(p);
    return p.text();
}

} // namespace gateway
