#pragma once

// The labels of /metrics: one enum each. names<E> has the label's values in the enum's order.

#include "broker/color.hpp"
#include "broker/stomp/error.hpp"
#include "broker/stomp/frame.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

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

constexpr frame_error error_of(stomp::errc what) noexcept
{
    switch (what) {
    case stomp::errc::frame_too_large: return frame_error::size;
    case stomp::errc::bad_header:
    case stomp::errc::bad_content_length:
    case stomp::errc::too_many_headers:
    case stomp::errc::header_line_too_long: return frame_error::headers;
    case stomp::errc::bad_escape: return frame_error::escape;
    case stomp::errc::unexpected_body: return frame_error::state;
    case stomp::errc::unknown_command:
    case stomp::errc::missing_nul:
    case stomp::errc::stray_bytes: break;
    }
    return frame_error::parse;
}

// What a link has reached; each counts from the dial.
enum class dial_phase : std::uint8_t { tcp, tls, websocket, stomp };
template <>
inline constexpr std::array<std::string_view, 4> names<dial_phase>{
    "tcp", "tls", "websocket", "stomp"};

enum class dial_failure : std::uint8_t {
    resolve,  // its name is not known
    refused,  // no TCP connection
    tls,      // its certificate, or ours
    timeout,  // limits.connect_timeout
    upgrade,  // the answer to the WebSocket upgrade
    login,    // ERROR to CONNECT
    protocol, // what came is no STOMP
    closed,   // ended by the broker before its CONNECTED
};
template <>
inline constexpr std::array<std::string_view, 8> names<dial_failure>{
    "resolve", "refused", "tls", "timeout", "upgrade", "login", "protocol", "closed"};

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
    paused, // C14
    holding,
    writing,
    committing,
    joining,
    draining,
    aborting,
    total
};
template <>
inline constexpr std::array<std::string_view, 9> names<switch_span>{
    "preparing", "paused",   "holding",  "writing", "committing",
    "joining",   "draining", "aborting", "total"};

} // namespace gateway
