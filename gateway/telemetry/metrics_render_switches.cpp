// The part of /metrics that is about switches.

#include "gateway/telemetry/metrics.hpp"
#include "gateway/telemetry/metrics_page.hpp"

namespace gateway::metric_text {

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
        "SENDs that a report accounts for twice, and MESSAGEs of applications that clients got from "
        "both colors; must stay 0 with brokers.",
        control.possibly_duplicated);
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

} // namespace gateway::metric_text
