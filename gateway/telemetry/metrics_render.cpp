// The page of /metrics: one function a subject, each naming its metrics beside the counters they
// come from.

#include "gateway/telemetry/log.hpp"
#include "gateway/telemetry/metrics.hpp"
#include "gateway/telemetry/metrics_page.hpp"

#include <boost/version.hpp>

#include <algorithm>

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
}

void frames(page& p, const totals& sum, const control_counters& control)
{
    p.begin("teal_frames_total", C, "STOMP frames and heart-beats on the wire.");
    for_each<side>([&](side s, std::string_view side_name) {
        for_each<direction>([&](direction d, std::string_view dir) {
            for_each<frame_kind>([&](frame_kind k, std::string_view command) {
                p.value(
                    {{"side", side_name}, {"dir", dir}, {"command", command}},
                    sum([&](const auto& n) { return n.frames[s][d][k]; }));
            });
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

void brokers(page& p, const totals& sum, const control_counters& control)
{
    p.begin("teal_broker_connections", G, "Links to brokers.");
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        const auto& endpoints = control.endpoints[c];
        std::uint64_t others = 0;
        for (std::size_t i = 0; i < endpoints.size(); ++i) {
            if (i < endpoints_counted) {
                p.value({{"color", color}, {"endpoint", endpoints[i].name}}, endpoints[i].links);
            } else {
                others += endpoints[i].links;
            }
        }
        if (endpoints.size() > endpoints_counted) {
            p.value({{"color", color}, {"endpoint", "other"}}, others);
        }
    });
    const auto count_endpoints = [&](bool endpoint_numbers::* what) {
        for_each<broker::color>([&](broker::color c, std::string_view color) {
            const auto& endpoints = control.endpoints[c];
            p.value(
                {{"color", color}},
                static_cast<std::uint64_t>(std::count_if(
                    endpoints.begin(), endpoints.end(), [&](const auto& e) { return e.*what; })));
        });
    };
    p.begin("teal_broker_endpoints_healthy", G, "Endpoints that answer.");
    count_endpoints(&endpoint_numbers::healthy);
    p.begin("teal_broker_endpoints_draining", G, "Endpoints that an operator drains.");
    count_endpoints(&endpoint_numbers::draining);
    p.begin("teal_broker_connect_duration_seconds", H, "Dialling a link, by phase.");
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        for_each<dial_phase>([&](dial_phase d, std::string_view phase) {
            p.value({{"color", color}, {"phase", phase}}, sum([&](const auto& n) {
                        return n.connect_duration[c][d];
                    }));
        });
    });
    p.begin("teal_broker_connect_failures_total", C, "Links that could not be dialled.");
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        for_each<dial_failure>([&](dial_failure f, std::string_view reason) {
            p.value({{"color", color}, {"reason", reason}}, sum([&](const auto& n) {
                        return n.connect_failures[c][f];
                    }));
        });
    });
    p.begin("teal_broker_error_frames_total", C, "ERROR frames from brokers.");
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        p.value({{"color", color}}, sum([c](const auto& n) { return n.error_frames[c]; }));
    });
    p.begin("teal_broker_messages_skipped_total", C, "MESSAGEs larger than limits.broker_frame.");
    const skipped_messages skipped = sum.skipped();
    for (const auto& e : skipped.entries()) {
        p.value({{"color", to_string(e.from)}, {"destination", e.destination}}, e.messages);
    }
    p.begin(
        "teal_broker_errors_unnamed_total", C,
        "ERROR frames from brokers that no client was told of, as nobody could be named.");
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        p.value({{"color", color}}, sum([c](const auto& n) { return n.errors_unnamed[c]; }));
    });
}

void logins_and_trials(page& p, const totals& sum)
{
    p.single(
        "teal_login_limited_sessions", G,
        "Sessions that wait because their login has limits.links_per_login links.",
        sum([](const auto& n) { return n.login_waits; }));
    p.single(
        "teal_login_limited_total", C, "Sessions that had to wait for limits.links_per_login.",
        sum([](const auto& n) { return n.login_limited; }));
    p.single(
        "teal_subscribes_refused_total", C,
        "SUBSCRIBEs that a broker refused on the link where they were tried.",
        sum([](const auto& n) { return n.subscribes_refused; }));
}

void switches(page& p, const totals& sum, const control_counters& control)
{
    p.begin("teal_pool_active", G, "1 for the color that is live.");
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        p.value({{"color", color}}, c == control.live ? 1.0 : 0.0);
    });
    p.single("teal_epoch", G, "Grows by one when a switch commits.", control.epoch);
    p.single(
        "teal_switch_in_progress", G, "1 while the coordinator is not steady.",
        control.switch_in_progress ? 1.0 : 0.0);
    p.single(
        "teal_switch_started_timestamp_seconds", G, "When the last switch began; 0: never.",
        control.switch_started);
    p.single(
        "teal_switch_last_success_timestamp_seconds", G, "When a switch last committed; 0: never.",
        control.last_success);
    p.begin("teal_switches_total", C, "Switches by their end.");
    for_each<broker::color>([&](broker::color c, std::string_view to) {
        for_each<switch_ending>([&](switch_ending r, std::string_view result) {
            p.value({{"to", to}, {"result", result}}, control.switches[c][r]);
        });
    });
    p.begin("teal_switch_duration_seconds", H, "Switches by phase.");
    for_each<switch_span>([&](switch_span s, std::string_view phase) {
        p.value({{"phase", phase}}, control.switch_duration[s]);
    });
    p.single(
        "teal_switch_session_pause_seconds", H, "How long a session was held, from hold to resume.",
        sum([](const auto& n) { return n.session_pause; }));
    p.begin("teal_switch_sessions_total", C, "Sessions that took part in switches.");
    p.value({{"result", "moved"}}, control.moved);
    p.value({{"result", "pinned"}}, control.pinned);
    p.value({{"result", "failed"}}, control.failed);
    p.single(
        "teal_switch_held_bytes", G, "Bytes carried for held sessions.",
        sum([](const auto& n) { return n.held_bytes; }));
    p.begin("teal_seams_total", C, "Seams by how they were closed.");
    p.value({{"result", "joined"}}, control.seams_joined);
    p.value({{"result", "forced"}}, control.seams_forced);
    p.value({{"result", "best_effort"}}, control.seams_best_effort);
    p.single(
        "teal_receipts_in_doubt_total", C, "SENDs whose outcome is not known.",
        control.receipts_in_doubt);
    p.single(
        "teal_switch_sends_accepted_total", C,
        "SENDs that switches account for; the sum of teal_switch_sends_total.",
        control.sends_accepted);
    p.begin("teal_switch_sends_total", C, "What had become of them when the report was final.");
    p.value({{"outcome", "confirmed"}}, control.sends_confirmed);
    p.value({{"outcome", "unconfirmed"}}, control.sends_unconfirmed);
    p.value({{"outcome", "open"}}, control.sends_open);
    p.value({{"outcome", "refused"}}, control.sends_refused);
    p.value({{"outcome", "in_doubt"}}, control.sends_in_doubt);
    p.single(
        "teal_switch_frames_lost_total", C,
        "Accepted SENDs that nothing accounts for; must stay 0.", control.frames_lost);
    p.single(
        "teal_switch_client_disconnects_total", C, "Clients closed by a switch; must stay 0.",
        sum([](const auto& n) { return n.switch_client_disconnects; }));
    p.single(
        "teal_switch_frames_possibly_duplicated_total", C,
        "SENDs sent again after an unknown outcome; must stay 0.",
        sum([](const auto& n) { return n.possibly_duplicated; }));
    p.begin("teal_switch_stale_acks_total", C, "ACK and NACK for deliveries of the old color.");
    for_each<stale_ack>([&](stale_ack a, std::string_view action) {
        p.value({{"action", action}}, sum([a](const auto& n) { return n.stale_acks[a]; }));
    });
    p.begin(
        "teal_switch_subscriptions_restored_total", C, "Subscriptions replayed on another link.");
    for_each<restored>([&](restored r, std::string_view result) {
        p.value(
            {{"result", result}}, sum([r](const auto& n) { return n.subscriptions_restored[r]; }));
    });
}

void administration(page& p, const control_counters& control)
{
    p.begin("teal_build_info", G, "What runs here.");
    p.value(
        {{"version", TEAL_VERSION}, {"boost", BOOST_LIB_VERSION}, {"compiler", __VERSION__}}, 1.0);
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
    clients(p, sum, control);
    frames(p, sum, control);
    brokers(p, sum, control);
    switches(p, sum, control);
    logins_and_trials(p, sum);
    process_metrics(p);
    return p.text();
}

} // namespace gateway
