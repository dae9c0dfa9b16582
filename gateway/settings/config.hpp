#pragma once

// What teal.yaml says, as plain values: one member per key of the configuration, with the key's
// default.
//
// Threading:  plain values. They are loaded on the control thread and copied to the shards.
// Lifetime:   a reload makes a new one. The running one is kept when the new one has errors.
// Invariants:
// (1) A config that load_config() returned is complete and consistent: every number is in its
//     range, names are unique, both colors have an endpoint, and no key needs a part that is not
//     built.
// Units:      durations in milliseconds, sizes in bytes, rates per second.

#include "broker/color.hpp"
#include "broker/dialect.hpp"
#include "broker/net/address_range.hpp"
#include "broker/net/tls/settings.hpp"
#include "control/protocol/log_level.hpp"
#include "control/protocol/switch_request.hpp"
#include "gateway/settings/dedup.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

using std::chrono::milliseconds;

// HOST:PORT or unix:PATH.
struct bind_address {
    std::string host;       // without brackets; empty for a unix socket
    std::uint16_t port = 0; // 0: the system picks one
    std::string unix_path;  // empty for TCP
    std::string text;       // as written
    bool is_unix() const noexcept { return !unix_path.empty(); }
    bool operator==(const bind_address&) const = default;
};
// A unix socket, 127.0.0.0/8, ::1 or localhost: reachable from this machine only.
bool is_local(const bind_address& address);

// The kind of WebSocket messages that clients get.
enum class client_frames : std::uint8_t {
    automatic, // binary to a client whose frames, CONNECT included, were all binary; else as `text`
    text,      // as they came from a ws:// broker; else text where it is valid UTF-8
    binary,    // all of them
};

// What the clients of a listener speak.
enum class client_protocol : std::uint8_t {
    websocket, // STOMP over WebSocket
    stomp,     // plain STOMP
};

// Which PROXY headers a listener demands in front of a client's bytes.
enum class proxy_versions : std::uint8_t {
    none, // no header: the peer is the client
    v1,
    v2,
    any, // either
};

// Whose the file of a unix socket is. Not set: as the process's umask and user make it.
struct socket_file_config {
    std::optional<unsigned> mode; // of rwxrwxrwx; to connect one must be allowed to write
    std::optional<unsigned> owner, group;
    bool operator==(const socket_file_config&) const = default;
};

struct listener_config {
    bind_address bind;
    client_protocol protocol = client_protocol::websocket;
    socket_file_config socket_file; // where bind is unix:PATH
    std::vector<std::string> paths{"/ws"};
    std::vector<std::string> allowed_origins; // empty: the same origin; "*": any
    // Proxies whose PROXY header is believed, and X-Forwarded-Host and -Proto in the origin check.
    std::vector<net::address_range> trusted_proxies;
    proxy_versions proxy_protocol = proxy_versions::none;
    std::vector<std::string> forward_headers; // handshake headers said again to ws:// brokers
    std::vector<std::string> sockjs_paths; // SockJS beneath each; no slash at the end; empty: none
    bool cookie_needed = false;            // SockJS's for balancers that stick to JSESSIONID
    client_frames frames = client_frames::automatic;
    bool reuse_port = false;
    std::optional<tls::server_settings> tls; // not set: plain
    bool operator==(const listener_config&) const = default;
};

// Whether `peer` (net::peer_address) may say who its client is. Without trusted_proxies only where
// nobody but this machine can connect.
bool may_proxy(const listener_config& at, std::string_view peer) noexcept;

struct admin_config {
    std::vector<bind_address> binds{{"127.0.0.1", 8081, {}, "127.0.0.1:8081"}};
    socket_file_config socket_file; // of the unix sockets among them
    std::string tokens_file;        // empty: none
    bool open_metrics = false;      // /metrics asks for no token
    bool all_local() const;         // nobody else's machine reaches it
    bool by_tcp() const;
    bool operator==(const admin_config&) const = default;
};

enum class endpoint_scheme : std::uint8_t {
    stomp,  // plain STOMP over TCP
    stomps, // the same within TLS
    ws,     // STOMP over WebSocket
    wss,    // the same within TLS
};
std::string_view to_string(endpoint_scheme s) noexcept;
constexpr bool by_websocket(endpoint_scheme s) noexcept
{
    return s == endpoint_scheme::ws || s == endpoint_scheme::wss;
}
constexpr bool within_tls(endpoint_scheme s) noexcept
{
    return s == endpoint_scheme::stomps || s == endpoint_scheme::wss;
}

struct endpoint_config {
    endpoint_scheme scheme = endpoint_scheme::stomp;
    std::string host; // without brackets
    std::uint16_t port = 0;
    std::string path; // ws and wss: "/..."; else empty
    unsigned weight = 1;
    std::string name; // "H:P" where none was given; unique in its color
    std::string url;  // as written
    // A reload has left it out: nobody goes there any more, and its place stays (control::endpoint_ref).
    bool removed = false;
    bool operator==(const endpoint_config&) const = default;
};

struct health_config {
    milliseconds interval{2'000};
    unsigned rise = 2, fall = 3;
    std::string login, passcode_file; // empty: none
    // Of the request that asks a ws:// endpoint: header lines, and another path than the endpoint's.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string path; // empty: the endpoint's
    bool operator==(const health_config&) const = default;
};

enum class multiplex_mode : std::uint8_t {
    shared,    // sessions of one identity share links
    dedicated, // one link per session
};
enum class backplane_kind : std::uint8_t {
    separate, // blue and green are different message worlds
    shared,   // both deliver the same messages
    automatic // each switch finds it out, where a marker can be tried (P9)
};

// How the gateway says to applications who a client is (S19).
struct identity_config {
    std::string header;      // of the handshake
    std::string secret_file; // with what proves that the gateway said it
    bool operator==(const identity_config&) const = default;
};

struct color_config {
    std::vector<endpoint_config> endpoints;
    std::optional<identity_config> identity; // not set: it says nothing
    tls::client_settings tls; // towards its stomps:// and wss:// endpoints
    health_config health;
    std::optional<broker::dialect> dialect; // where it differs from brokers.dialect
    bool operator==(const color_config&) const = default;
};

struct brokers_config {
    broker::per_color<color_config> colors;
    multiplex_mode multiplex = multiplex_mode::shared;
    broker::dialect dialect = broker::dialect::automatic;
    backplane_kind backplane = backplane_kind::automatic;
    unsigned links_per_key = 4;
    std::vector<std::string> broadcast{"/topic/**", "/exchange/**"};
    unsigned prefetch = 100;
    bool mark_sessions = true; // teal-session and teal-reason towards ws:// endpoints
    bool x_forwarded = true;   // X-Forwarded-For, -Proto and -Host in handshakes with them
    std::string origin = "strip"; // towards them: strip, preserve, or what is said instead
    milliseconds auth_recheck{60'000};
    unsigned connect_rate = 500; // links dialled per second, per process
    milliseconds park_timeout{60'000};
    bool tells_place() const noexcept; // applications are told where clients are
    broker::dialect dialect_of(broker::color c) const noexcept
    {
        return c == broker::color::blue ? colors.blue.dialect.value_or(dialect)
                                        : colors.green.dialect.value_or(dialect);
    }
    bool operator==(const brokers_config& o) const
    {
        return colors.blue == o.colors.blue && colors.green == o.colors.green &&
               multiplex == o.multiplex && dialect == o.dialect && backplane == o.backplane &&
               links_per_key == o.links_per_key && broadcast == o.broadcast &&
               prefetch == o.prefetch && mark_sessions == o.mark_sessions &&
               x_forwarded == o.x_forwarded && origin == o.origin &&
               auth_recheck == o.auth_recheck && connect_rate == o.connect_rate &&
               park_timeout == o.park_timeout;
    }
};

enum class stored_order : std::uint8_t {
    relaxed, // green is subscribed at commit
    strict,  // green is subscribed when blue has given all
};

// What makes two messages of two colors one, where brokers.backplane is shared: there `auto` is what
// a file says that says nothing.
struct dedup_config {
    dedup_by by = dedup_by::nothing;
    std::string header; // its name
    bool operator==(const dedup_config&) const = default;
};

struct switch_config {
    milliseconds prepare_timeout{60'000}; // longest time without progress
    milliseconds hold_timeout{2'000};
    milliseconds pause_timeout{900'000}; // of a switch that waits for go
    control::hold_policy on_hold_timeout = control::hold_policy::abort;
    control::failure_limit max_failed;
    control::refused_policy on_refused = control::refused_policy::fail;
    milliseconds pin_timeout{300'000};
    milliseconds drain_timeout{30'000};
    milliseconds linger{1'000};
    stored_order queue_order = stored_order::relaxed;
    milliseconds seam_timeout{1'000}; // time without progress
    milliseconds seam_quiet{50};
    milliseconds overlap{5'000}; // at most drain_timeout
    milliseconds receipt_timeout{2'000};
    milliseconds trial_timeout{1'000};
    milliseconds marker_interval{100};
    dedup_config dedup;
    bool operator==(const switch_config&) const = default;
};
// What the members of a switch need of it.
control::prepare_settings timing_of(const switch_config& c) noexcept;

struct store_config {
    std::string path = "teal.state"; // loaded: made absolute or relative to the working directory
    bool operator==(const store_config&) const = default;
};

// A size, or a part of the memory that this process may use.
struct memory_mark {
    std::size_t bytes = 0; // 0: see percent
    unsigned percent = 25;
    std::size_t of(std::size_t memory_bytes) const noexcept
    {
        return bytes != 0 ? bytes : memory_bytes / 100 * percent;
    }
    bool operator==(const memory_mark&) const = default;
};

struct limits_config {
    std::size_t clients = 100'000;
    std::size_t clients_per_address = 0; // 0: no limit
    milliseconds handshake_timeout{10'000};
    milliseconds connect_timeout{10'000};
    std::size_t frame_before_connect = 64 * 1024;
    std::size_t frame = 4 * 1024 * 1024;
    std::size_t headers = 100;
    std::size_t header_line = 10 * 1024;
    std::size_t broker_frame = 64 * 1024 * 1024; // a larger MESSAGE is skipped
    std::size_t subscriptions = 1024;
    std::size_t transactions = 16;
    std::size_t transaction_bytes = 4 * 1024 * 1024;
    std::size_t client_outbox = 1024 * 1024;
    milliseconds client_stall{10'000};
    std::size_t client_carry = 256 * 1024;
    std::size_t seam_buffer = 1024 * 1024;
    std::size_t broker_outbox = 1024 * 1024;
    std::size_t links_per_login = 0; // 0: a quarter of the descriptors
    memory_mark buffered_total;
    std::size_t http_head = 32 * 1024;
    unsigned tls_handshake_share = 50;           // percent of a shard's time
    std::size_t tls_handshakes_per_address = 32; // under way, a shard
    milliseconds idle_ping{30'000}; // 0: clients without heart-beats may be silent for ever
    bool operator==(const limits_config&) const = default;
};

struct heart_beat_config {
    milliseconds client{10'000}, broker{10'000}; // 0: none
    bool operator==(const heart_beat_config&) const = default;
};

using control::log_level;
enum class log_format : std::uint8_t { text, json };
struct log_config {
    log_level level = log_level::info;
    log_format format = log_format::text;
    bool operator==(const log_config&) const = default;
};

// This gateway's own way out, before it stops.
struct drain_config {
    milliseconds delay{5'000};    // not ready, and serving still: balancers stop sending clients
    unsigned pace = 500;          // clients sent away a second
    milliseconds timeout{60'000}; // behind the delay; who is left then is closed at once
    bool operator==(const drain_config&) const = default;
};

struct config {
    std::vector<listener_config> listeners;
    admin_config admin;
    brokers_config brokers;
    broker::color initial_color = broker::color::blue;
    switch_config switching; // the key is `switch`
    store_config store;
    limits_config limits;
    drain_config drain;
    heart_beat_config heart_beat;
    unsigned threads = 0; // 0: one per core
    log_config log;
    std::string file;      // as given
    std::string directory; // of the file; its paths are relative to this
    bool operator==(const config&) const = default;
};

// One error: where it is, which key, and which values are allowed.
struct config_error {
    std::string file;
    int line = 0, column = 0; // from 1; 0: the file as a whole
    std::string path;         // "brokers.green.helth"; may be empty
    std::string sentence;
    bool operator==(const config_error&) const = default;
};
std::string to_string(const config_error& e); // file:line:column: path: sentence

using config_result = boost::system::result<config, std::vector<config_error>>;

// What is allowed and will hardly be meant: one sentence each, with the path of its key.
std::vector<std::string> warnings_of(const config& c);

// All errors, not only the first (at most 100). Files that the configuration names must be
// readable.
config_result load_config(const std::string& path);
// The same for text that stands for `file`.
config_result parse_config(std::string_view text, const std::string& file);

} // namespace gateway
