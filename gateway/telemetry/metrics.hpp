#pragma once

// The numbers of /metrics: plain counters that a shard adds to, and the text that Prometheus reads.
// contract.md "Metrics" has the rules for names and labels.
//
// Threading:  a shard_counters has one writer, its shard. The control thread gets copies of it by
//             value and calls render_metrics(). Nothing here is atomic: an increment takes 4 ns,
//             and 19 ns in a shared counter.
// Lifetime:   counters live as long as their shard. They are never bound to a session, because sums
//             would go down when it ends.
// Invariants:
// (1) The configuration bounds the number of series, below series_max. No label has a value that a
//     client or a broker can choose.
// (2) Every series that is known in advance is there from the start, with 0.

#include "broker/color.hpp"
#include "control/protocol/switch_messages.hpp"
#include "gateway/telemetry/metric_labels.hpp"
#include "gateway/telemetry/skipped_messages.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace control {
struct switch_record;
} // namespace control

namespace gateway {

inline constexpr std::size_t series_max = 1500;
inline constexpr std::size_t listeners_counted = 4;  // more share the label "other"
inline constexpr std::size_t endpoints_counted = 32; // a color; more share the label "other"
inline constexpr std::size_t shards_counted = 32;    // more share the label "other"
// Routes x status codes; more are counted as "other".
inline constexpr std::size_t admin_series_max = 80;

// ---- shapes

// One value per enumerator.
template <class E, class T>
struct by {
    std::array<T, names<E>.size()> values{};
    constexpr T& operator[](E e) noexcept { return values[static_cast<std::size_t>(e)]; }
    constexpr const T& operator[](E e) const noexcept
    {
        return values[static_cast<std::size_t>(e)];
    }
};

struct pause_bounds { // how long clients wait: 1 ms to 30 s
    static constexpr std::array seconds{.001, .0025, .005, .01, .025, .05, .1,
                                        .25,  .5,    1.,   2.5, 5.,   10., 30.};
};
struct forward_bounds { // how long a frame stays here: 25 us to 50 ms
    static constexpr std::array seconds{25e-6, 50e-6, 1e-4, 25e-5, 5e-4, .001,
                                        .0025, .005,  .01,  .025,  .05};
};

template <class Bounds>
struct histogram {
    // Not cumulative; the last one counts what is above all bounds.
    std::array<std::uint64_t, Bounds::seconds.size() + 1> counts{};
    double sum_seconds = 0;

    void observe(std::chrono::nanoseconds span) noexcept
    {
        const double s = std::chrono::duration<double>{span}.count();
        std::size_t i = 0;
        while (i < Bounds::seconds.size() && s > Bounds::seconds[i]) {
            ++i;
        }
        ++counts[i];
        sum_seconds += s;
    }
};

using counter = std::uint64_t; // grows only
using gauge = std::uint64_t;   // the present value

// ---- what a shard counts

struct listener_counters {
    gauge connections = 0;
    counter accepted = 0;
    counter rests = 0; // accept() failed, and the listener waits for a moment (N1)
    by<reject_reason, counter> rejected;
    counter tls_handshakes = 0; // that were completed
};

// How often each endpoint was asked whether it answers. The last one stands for all endpoints from
// the one on that has no label of its own.
struct probe_counters {
    std::array<counter, endpoints_counted + 1> made{}, failed{};
    void count(std::size_t endpoint, bool answered) noexcept
    {
        const std::size_t at = endpoint < endpoints_counted ? endpoint : endpoints_counted;
        ++made[at];
        failed[at] += !answered;
    }
};

struct shard_counters {
    // Clients. The fifth listener_counters stands for all listeners from the fifth on.
    std::array<listener_counters, listeners_counted + 1> listeners{};
    listener_counters& listener(std::size_t index) noexcept
    {
        return listeners[index < listeners_counted ? index : listeners_counted];
    }
    gauge tls_waiting = 0;                      // clients whose handshake may not begin yet
    histogram<pause_bounds> handshake_duration; // accept to CONNECTED
    by<disconnect_reason, counter> disconnects;
    by<broker::color, by<session_label, gauge>> sessions; // as /v1/status counts them

    // Frames and bytes on the wire, both sides.
    by<side, by<direction, by<frame_kind, counter>>> frames;
    by<side, by<direction, counter>> bytes;
    by<side, by<frame_error, counter>> frame_errors;
    counter sockjs_altered = 0; // frames of which SockJS could not carry each byte
    by<direction, histogram<forward_bounds>>
        forward_duration;           // one frame in 64: read to handed to the socket
    by<held_kind, gauge> held;      // limits.buffered_total counts these
    by<side, counter> backpressure_pauses;
    by<side, counter> heart_beat_timeouts;
    // One turn of the loop, from its wake-up to the end of its flush.
    histogram<forward_bounds> event_loop_lag;
    by<syscall, counter> syscalls;

    // Brokers.
    by<broker::color, by<dial_phase, histogram<pause_bounds>>> connect_duration;
    by<broker::color, by<dial_failure, counter>> connect_failures;
    by<broker::color, counter> error_frames;
    skipped_messages skipped;
    by<broker::color, counter> errors_unnamed; // of which nobody was told (E2)
    by<broker::color, probe_counters> probes;

    // Switches.
    histogram<pause_bounds> session_pause; // per session, from hold to resume
    gauge held_bytes = 0;                  // carried for held sessions
    counter switch_client_disconnects = 0; // must stay 0: clients that a switch closed
    gauge login_waits = 0;     // sessions that wait for limits.links_per_login
    counter login_limited = 0; // sessions that had to
    counter subscribes_refused = 0; // tried on a scratch link, and the broker said no
    by<stale_ack, counter> stale_acks;
    by<restored, counter> subscriptions_restored;
};

// ---- what the control thread counts

struct endpoint_numbers {
    std::string name; // as configured
    gauge links = 0;  // of all shards
    bool healthy = false;
    bool draining = false; // by an operator's order
    bool removed = false;  // a reload has left it out
};

// A limit of the configuration: the name of its metric, which ends in _limit, _limit_bytes or
// _limit_seconds, and its key.
struct limit_number {
    const char* metric;
    const char* key;
    double value;
};

// A certificate of ours, as it is in use: the listener's bind or the color, and the file.
struct certificate_numbers {
    std::string used_by, file;
    double expires = 0; // seconds since 1970
};

struct control_counters {
    std::vector<std::string> listeners; // their bind, in the configuration's order
    broker::per_color<std::vector<endpoint_numbers>> endpoints;
    gauge clients_limit = 0; // limits.clients as it is in force
    gauge buffered_limit = 0; // limits.buffered_total in bytes
    std::vector<limit_number> limits; // the others
    std::vector<double> turn_ages;    // of each shard: seconds since its last turn
    bool store_writable = true;
    // When the first of a color's parked clients is closed; seconds since 1970; 0: none is parked.
    by<broker::color, double> parked_until;

    broker::color live = broker::color::blue;
    control::epoch_number epoch = 0;
    bool switch_in_progress = false;
    double switch_started = 0, last_success = 0; // seconds since 1970; 0: never
    by<broker::color, by<switch_ending, counter>> switches;
    by<switch_span, histogram<pause_bounds>> switch_duration;
    counter moved = 0, pinned = 0, failed = 0; // sessions
    counter seams_joined = 0, seams_forced = 0, seams_best_effort = 0;
    counter receipts_in_doubt = 0;
    // SENDs of final reports; accepted is the sum of the others.
    counter sends_accepted = 0, sends_confirmed = 0, sends_unconfirmed = 0, sends_open = 0,
            sends_refused = 0, sends_in_doubt = 0;
    counter frames_lost = 0; // must stay 0: accepted SENDs that the final report cannot account for
    // SENDs that it accounts for twice, and MESSAGEs of applications that clients got from both colors.
    counter possibly_duplicated = 0;

    std::vector<certificate_numbers> certificates;
    bool reload_ok = true;
    double last_reload = 0; // of the last that was good; seconds since 1970
    std::map<std::pair<std::string, int>, counter> admin_requests; // route pattern and status code
    counter auth_failures = 0;
    counter pauses = 0;        // times in which this process did not run (N3)
    double paused_seconds = 0; // all of them

    // A route is a pattern of the API ("/v1/switches/{id}"), never a path that somebody asked for.
    void count_request(std::string_view route, int status);
    // Adds the numbers of a switch whose report is final, and then of its drain. REQUIRES: each is
    // called once a switch.
    void count_switch(const control::switch_record& record, net::time_point now);
    void count_drain(const control::switch_record& record, net::time_point now);
};

// The page in Prometheus's text format 0.0.4, sums over the shards; process_* of this process are
// read now.
std::string
render_metrics(const std::vector<shard_counters>& shards, const control_counters& control);

} // namespace gateway
