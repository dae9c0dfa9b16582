// The part of /metrics that is about brokers: endpoints, links, logins.

#include "gateway/telemetry/metrics.hpp"
#include "gateway/telemetry/metrics_page.hpp"

#include <algorithm>

namespace gateway::metric_text {

namespace {

// A value for each endpoint; those behind the first ones share the label "other".
template <class Value>
void by_endpoint(page& p, const control_counters& control, Value value_of)
{
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        const auto& endpoints = control.endpoints[c];
        std::uint64_t others = 0;
        for (std::size_t i = 0; i < endpoints.size(); ++i) {
            if (i < endpoints_counted) {
                p.value({{"color", color}, {"endpoint", endpoints[i].name}}, value_of(c, i));
            } else {
                others += value_of(c, i);
            }
        }
        if (endpoints.size() > endpoints_counted) {
            p.value({{"color", color}, {"endpoint", "other"}}, others);
        }
    });
}

} // namespace

void endpoints(page& p, const totals& sum, const control_counters& control)
{
    const auto count = [&](auto picked) {
        for_each<broker::color>([&](broker::color c, std::string_view color) {
            p.value(
                {{"color", color}},
                static_cast<std::uint64_t>(std::ranges::count_if(control.endpoints[c], picked)));
        });
    };
    p.begin("teal_broker_endpoints", G, "Endpoints that are configured.");
    count([](const endpoint_numbers&) { return true; });
    p.begin("teal_broker_endpoints_healthy", G, "Endpoints that answer.");
    count(&endpoint_numbers::healthy);
    p.begin("teal_broker_endpoints_draining", G, "Endpoints that an operator drains.");
    count(&endpoint_numbers::draining);
    p.begin("teal_endpoint_up", G, "1 where an endpoint answers; of \"other\" how many do.");
    by_endpoint(p, control, [&](broker::color c, std::size_t i) -> std::uint64_t {
        return control.endpoints[c][i].healthy;
    });
    const auto probes = [&](auto counts) {
        return [&sum, counts](broker::color c, std::size_t i) {
            // The last count is of all endpoints without a label: once, in the first of them.
            return i > endpoints_counted ? counter{0} : sum([&](const auto& n) {
                return (n.probes[c].*counts)[i];
            });
        };
    };
    p.begin("teal_endpoint_probes_total", C, "Times an endpoint was asked whether it answers.");
    by_endpoint(p, control, probes(&probe_counters::made));
    p.begin("teal_endpoint_probe_failures_total", C, "Times that it did not answer.");
    by_endpoint(p, control, probes(&probe_counters::failed));
}

void brokers(page& p, const totals& sum, const control_counters& control)
{
    p.begin("teal_broker_connections", G, "Links to brokers.");
    by_endpoint(p, control, [&](broker::color c, std::size_t i) {
        return control.endpoints[c][i].links;
    });
    p.begin(
        "teal_broker_connect_duration_seconds", H,
        "From the dial of a link until it had reached that phase.");
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
    for_each<broker::color>([&](broker::color c, std::string_view color) {
        p.value({{"color", color}}, sum([c](const auto& n) { return n.skipped.messages(c); }));
    });
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

} // namespace gateway::metric_text
