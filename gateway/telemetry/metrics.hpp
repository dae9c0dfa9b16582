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
#include "broker/stomp/frame.hpp"
#include "control/protocol/switch_messages.hpp"
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
enum class switch_result : std::uint8_t; // control/record/switch_record.hpp
} // namespace control

namespace gateway {

inline constexpr std::size_t series_max = 1500;
inline constexpr std::size_t listeners_counted = 4;  // more share the label "other"
inline constexpr std::size_t endpoints_counted = 32; // a color; more share the label "other"
// Routes x status codes; more are counted as "other".
inline constexpr std::size_t admin_series_max = 80;

// ---- labels: one enum each; names<E> has the label's values in the enum's order

template <class E>
inline constexpr int names = 0;

enum class side : std::uint8_t { client, broker };
template <>
inline constexpr std::array<std::string_view, 2> names<side>{"client", "broker"};

enum class direction : std::uint8_t { in, out }; // seen from the gateway
template <>
inline constexpr std::array<std::string_view, 2> names<direction>{"in", "out"};

template <>
inline constexpr std::array<std::string_view, 2> names<broker::color>{"blue", "green"};

// stomp::command in its order, then what is no command.
enum class frame_kind : std::uint8_t {
    connect,
    stomp,
    send,
    subscribe,
    unsubscribe,
    ack,
    nack,
    begin,
    commit,
    abort,
    disconnect,
    connected,
    message,
    receipt,
    error,
    heart_beat, // a lone EOL
    other,      // an unknown command
};
template <>
inline constexpr std::array<std::string_view, 17> names<frame_kind>{
    "CONNECT", "STOMP",   "SEND",   "SUBSCRIBE", "UNSUBSCRIBE", "ACK",
    "NACK",    "BEGIN",   "COMMIT", "ABORT",     "DISCONNECT",  "CONNECTED",
    "MESSAGE", "RECEIPT", "ERROR",  "HEARTBEAT", "OTHER"};
constexpr frame_kind kind_of(stomp::command c) noexcept
{
    return c == stomp::command::unknown ? frame_kind::other : static_cast<frame_kind>(c);
}
static_assert(kind_of(stomp::command::error) == frame_kind::error);

enum class reject_reason : std::uint8_t {
    limit,     // limits.clients
    ip_limit,  // limits.clients_per_address
    origin,    // 403
    handshake, // a bad upgrade request
    timeout,   // limits.handshake_timeout
    draining,  // this gateway is on its way out
    overload,  // limits.buffered_total, or no descriptor left
    proxy,     // not from a proxy that is trusted, or without its PROXY header
    tls,       // its handshake failed
};
template <>
inline constexpr std::array<std::string_view, 9> names<reject_reason>{
    "limit", "ip_limit", "origin", "handshake", "timeout", "draining", "overload", "proxy", "tls"};

// Why a client's connection ended; initiator_of() says whose doing it was.
enum class disconnect_reason : std::uint8_t {
    disconnect,      // client: DISCONNECT, or a close frame
    reset,           // client: FIN or RST without either
    protocol_error,  // gateway: malformed WebSocket or STOMP
    limit,           // gateway: a limit of limits.*
    connect_timeout, // gateway: no CONNECT in time
    heart_beat,      // gateway: the client was silent
    slow_consumer,   // gateway: limits.client_stall, 8 x client_outbox, buffered_total
    park_timeout,    // gateway: no broker for brokers.park_timeout
    drained,         // gateway: it goes away
    admin,           // gateway: DELETE /v1/sessions/{id}
    switch_cut,      // gateway: a switch closed it
    broker_refused,  // broker: CONNECT was answered with ERROR or EOF
    broker_error,    // broker: ERROR for this session
};
template <>
inline constexpr std::array<std::string_view, 13> names<disconnect_reason>{
    "disconnect", "reset",          "protocol_error", "limit",   "connect_timeout",
    "heart_beat", "slow_consumer",  "park_timeout",   "drained", "admin",
    "switch_cut", "broker_refused", "broker_error"};
constexpr std::string_view initiator_of(disconnect_reason r) noexcept
{
    return r <= disconnect_reason::reset        ? "client"
           : r <= disconnect_reason::switch_cut ? "gateway"
                                                : "broker";
}

enum class session_label : std::uint8_t {
    connecting,
    active,
    waiting,
    quiescing,
    held,
    rebinding,
    pinned,
    parked,
    closing,
};
template <>
inline constexpr std::array<std::string_view, 9> names<session_label>{
    "connecting", "active", "waiting", "quiescing", "held",
    "rebinding",  "pinned", "parked",  "closing"};

enum class frame_error : std::uint8_t { parse, size, headers, escape, state, utf8 };
template <>
inline constexpr std::array<std::string_view, 6> names<frame_error>{"parse",  "size",  "headers",
                                                                    "escape", "state", "utf8"};

enum class dial_phase : std::uint8_t { tcp, websocket, stomp };
template <>
inline constexpr std::array<std::string_view, 3> names<dial_phase>{"tcp", "websocket", "stomp"};

enum class dial_failure : std::uint8_t {
    resolve,
    refused,
    timeout,
    upgrade,
    login,
    protocol,
    closed
};
template <>
inline constexpr std::array<std::string_view, 7> names<dial_failure>{
    "resolve", "refused", "timeout", "upgrade", "login", "protocol", "closed"};

enum class syscall : std::uint8_t { read, write, epoll_wait, epoll_ctl, accept, connect, close };
template <>
inline constexpr std::array<std::string_view, 7> names<syscall>{
    "read", "write", "epoll_wait", "epoll_ctl", "accept", "connect", "close"};

enum class stale_ack : std::uint8_t {
    dropped,    // its link is gone: swallowed, its RECEIPT answered
    routed_old, // sent to the link of its delivery, on the old color
};
template <>
inline constexpr std::array<std::string_view, 2> names<stale_ack>{"dropped", "routed_old"};

// The bytes that are held for peers (memory_budget.hpp). Together they are limited by
// limits.buffered_total.
enum class held_kind : std::uint8_t {
    client_input,  // HTTP heads, parts of frames, bytes that are carried
    client_outbox, // on their way to clients, but shared bytes
    broker_input,  // parts of brokers' frames
    broker_outbox, // on their way to brokers
    shared,        // MESSAGEs and heads that several owners refer to, each once: in outboxes,
                   // kept for seams, in journals
    sessions,      // frames that are kept to be said again: CONNECTs, subscriptions
    frames,        // frames that wait for a SUBSCRIBE, a bind or a COMMIT
    deliveries,    // not acknowledged yet
    receipts,      // that are owed, and those that wait for others
    pairing,       // notes about messages that both colors bring
    errors,        // ERRORs kept until it is known whose they are
    log,           // lines that the log's reader has not taken
};
template <>
inline constexpr std::array<std::string_view, 12> names<held_kind>{
    "client_input", "client_outbox", "broker_input", "broker_outbox", "shared", "sessions", "frames",
    "deliveries",   "receipts",      "pairing",      "errors",        "log"};

constexpr std::string_view side_of(held_kind k) noexcept
{
    return k == held_kind::broker_input || k == held_kind::broker_outbox ? "broker"
           : k == held_kind::log                                        ? "gateway"
                                                                        : "client";
}

enum class restored : std::uint8_t { ok, failed };
template <>
inline constexpr std::array<std::string_view, 2> names<restored>{"ok", "failed"};

enum class switch_ending : std::uint8_t { switched, aborted, refused };
template <>
inline constexpr std::array<std::string_view, 3> names<switch_ending>{
    "switched", "aborted", "refused"};

enum class switch_span : std::uint8_t {
    preparing,
    holding,
    writing,
    committing,
    joining,
    draining,
    aborting,
    total
};
template <>
inline constexpr std::array<std::string_view, 8> names<switch_span>{
    "preparing", "holding", "writing", "committing", "joining", "draining", "aborting", "total"};

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
    by<broker::color, by<session_label, gauge>> sessions;

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

    // Switches.
    histogram<pause_bounds> session_pause; // per session, from hold to resume
    gauge held_bytes = 0;                  // carried for held sessions
    counter switch_client_disconnects = 0; // must stay 0: clients that a switch closed
    counter possibly_duplicated = 0;       // must stay 0: SENDs sent again after an unknown outcome
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

    std::vector<certificate_numbers> certificates;
    bool reload_ok = true;
    double last_reload = 0; // of the last that was good; seconds since 1970
    std::map<std::pair<std::string, int>, counter> admin_requests; // route pattern and status code
    counter auth_failures = 0;
    counter pauses = 0;        // times in which this process did not run (N3)
    double paused_seconds = 0; // all of them

    // A route is a pattern of the API ("/v1/switches/{id}"), never a path that somebody asked for.
    void count_request(std::string_view route, int status);
    // Adds the numbers of a switch whose report is final. REQUIRES: called once a switch.
    void count_switch(broker::color to, control::switch_result result, const control::tally& final_numbers);
};

// The page in Prometheus's text format 0.0.4, sums over the shards; process_* of this process are
// read now.
std::string
render_metrics(const std::vector<shard_counters>& shards, const control_counters& control);

} // namespace gateway
