// The keys of teal.yaml, section by section: what each may be, and what must fit together. Those of
// listeners and of brokers have files of their own.

#include "broker/own_headers.hpp"
#include "gateway/settings/config_loader.hpp"
#include "gateway/settings/value_text.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>

namespace gateway {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t admin_binds_max = 8;
constexpr std::size_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;

} // namespace

config_result loader::run(std::string_view text)
{
    const auto node = document_.parse(text);
    if (!node) {
        return std::move(document_.errors());
    }
    section root{document_, *node, {}, node->Mark()};
    listeners(root);
    admin(root.child("admin"));
    brokers(root.child("brokers"));
    switching(root.child("switch"));
    store(root.child("store"));
    limits(root.child("limits"));
    drain(root.child("drain"));
    rest(root);
    root.finish();
    auto& errors = document_.errors();
    if (!errors.empty()) {
        // By place; of one place in the order in which they were found. (A stable sort calls what clang
        // knows as deprecated.)
        std::multimap<std::pair<int, int>, config_error> sorted;
        for (auto& one : errors) {
            sorted.emplace(std::pair{one.line, one.column}, std::move(one));
        }
        errors.clear();
        for (auto& [place, one] : sorted) {
            errors.push_back(std::move(one));
        }
        return std::move(errors);
    }
    return std::move(config_);
}

void loader::file(section& at, std::string_view key, std::string& out)
{
    if (!at.has(key)) {
        return;
    }
    at.take(key, out);
    if (out.empty()) {
        return; // reported
    }
    out = resolve(out);
    std::error_code ignored;
    if (std::filesystem::is_directory(out, ignored) || !std::ifstream{out}.is_open()) {
        at.error(key, shown(out) + " cannot be read");
    }
}

// One address, or a list of them.
void loader::admin_binds(section& at)
{
    auto& a = config_.admin;
    std::vector<std::string> texts;
    if (at.find("bind").IsSequence()) {
        at.take("bind", texts);
        if (texts.empty() || texts.size() > admin_binds_max) {
            at.error("bind", "must be 1 to " + std::to_string(admin_binds_max) + " addresses");
        }
    } else if (at.has("bind")) {
        at.take("bind", texts.emplace_back());
    }
    if (!texts.empty()) {
        a.binds.clear();
    }
    for (const auto& text : texts) {
        const auto bind = parse_bind(text);
        if (!bind) {
            at.error("bind", shown(text) + " is not allowed: must be HOST:PORT or unix:PATH");
            continue;
        }
        const bool picked = !bind->is_unix() && bind->port == 0; // the system picks: never the same
        if (!picked && std::ranges::find(a.binds, *bind) != a.binds.end()) {
            at.error("bind", bind->text + " stands there twice");
        } else if (!picked && std::ranges::any_of(config_.listeners, [&](const auto& l) {
                       return l.bind == *bind;
                   })) {
            at.error("bind", bind->text + " is bound by a listener");
        }
        a.binds.push_back(*bind);
    }
}

void loader::admin(section at)
{
    auto& a = config_.admin;
    admin_binds(at);
    at.take_as("mode", a.socket_file.mode, parse_file_mode, "an octal number from 0000 to 0777");
    at.take_as(
        "group", a.socket_file.group, group_number,
        "the name or the number of a group of this system");
    for (const auto* key : {"mode", "group"}) {
        if (at.has(key) && std::ranges::none_of(a.binds, &bind_address::is_unix)) {
            at.error(key, "is for a unix socket (bind: unix:PATH)");
        }
    }
    file(at, "tokens_file", a.tokens_file);
    at.take("open_metrics", a.open_metrics);
    at.refuse("tls");
    at.finish();
    if (!a.all_local() && !at.has("tokens_file")) {
        at.error(
            "bind",
            "tokens_file is needed unless admin.bind is a loopback address or a unix socket");
    }
    if (at.has("open_metrics") && !at.has("tokens_file")) {
        at.error("open_metrics", "says nothing without tokens_file");
    }
}

void loader::switching(section at)
{
    auto& s = config_.switching;
    at.take("prepare_timeout", s.prepare_timeout, 100ms, 24h);
    at.take("hold_timeout", s.hold_timeout, 10ms, 1h);
    at.take("pause_timeout", s.pause_timeout, 100ms, 24h);
    at.take_word(
        "on_hold_timeout", s.on_hold_timeout,
        {{"abort", control::hold_policy::abort},
         {"pin", control::hold_policy::pin},
         {"cut", control::hold_policy::cut}});
    at.take_as(
        "max_failed", s.max_failed, control::failure_limit_from,
        "a number of sessions, or a percentage like 0.1%");
    at.take_word(
        "on_refused", s.on_refused,
        {{"fail", control::refused_policy::fail},
         {"pin", control::refused_policy::pin},
         {"close", control::refused_policy::close}});
    at.take("pin_timeout", s.pin_timeout, 0s, 24h);
    at.take("drain_timeout", s.drain_timeout, 0s, 24h);
    at.take("linger", s.linger, 0s, 1h);
    at.take_word(
        "queue_order", s.queue_order,
        {{"relaxed", stored_order::relaxed}, {"strict", stored_order::strict}});
    at.take("seam_timeout", s.seam_timeout, 10ms, 1h);
    at.take("seam_quiet", s.seam_quiet, 0s, 1h);
    at.take("overlap", s.overlap, 0s, 1h);
    at.take("receipt_timeout", s.receipt_timeout, 10ms, 1h);
    at.take("trial_timeout", s.trial_timeout, 10ms, 1h);
    at.take("marker_interval", s.marker_interval, 10ms, 1min);
    dedup(at, s.dedup);
    at.finish();
}

void loader::dedup(section& at, dedup_config& out)
{
    // A header that a broker or the gateway sets itself is never the same on both colors.
    static constexpr std::array<std::string_view, 8> no_keys{
        "destination", "subscription", "message-id",  "ack",
        "receipt",     "transaction",  "redelivered", "timestamp"};
    static constexpr std::string_view by_header = "header ";
    const bool shared = config_.brokers.backplane != backplane_kind::separate; // or may be
    std::string text = shared ? "auto" : "off";
    at.take("dedup", text);
    if (text == "auto") {
        out.by = shared ? dedup_by::automatic : dedup_by::nothing;
    } else if (text == "content") {
        out.by = dedup_by::content;
    } else if (text.starts_with(by_header)) {
        out.header = text.substr(by_header.size());
        out.by = dedup_by::header;
        if (!is_header_name(out.header)) {
            at.error("dedup", shown(out.header) + " is no name of a header");
        } else if (
            std::ranges::find(no_keys, out.header) != no_keys.end() ||
            broker::is_own_header(out.header) || out.header.starts_with("content-")) {
            at.error("dedup", "the header " + shown(out.header) + " is no key of a message");
        }
    } else if (text != "off") {
        at.error(
            "dedup",
            shown(text) + " is not allowed: must be auto, off, content or \"header NAME\"");
    }
    if (out.by != dedup_by::nothing && !shared) {
        at.error(
            "dedup", "needs brokers.backplane: shared or auto; otherwise no message comes twice");
    }
}

void loader::store(section at)
{
    bool ignored = true;
    at.take_word<bool>(
        "kind", ignored, {{"file", true}, {"etcd", false, false}, {"kubernetes", false, false}});
    at.take("path", config_.store.path);
    config_.store.path = resolve(config_.store.path);
    for (const auto* key : {"endpoints", "prefix", "tls", "configmap", "namespace"}) {
        at.refuse(key); // keys of the other kinds
    }
    at.finish();
}

void loader::limits(section at)
{
    auto& l = config_.limits;
    at.take_count("clients", l.clients, 1, 10'000'000);
    at.take_count("clients_per_address", l.clients_per_address, 0, 10'000'000);
    at.take("handshake_timeout", l.handshake_timeout, 100ms, 1h);
    at.take("connect_timeout", l.connect_timeout, 100ms, 1h);
    at.take_as(
        "tls_handshake_share", l.tls_handshake_share,
        [](std::string_view text) {
            const auto share = parse_percent(text);
            return share && *share >= 1 && *share <= 100 ? share : std::nullopt;
        },
        "a percentage of a thread's time from 1% to 100%");
    at.take_count("tls_handshakes_per_address", l.tls_handshakes_per_address, 1, 1'000'000);
    at.take("idle_ping", l.idle_ping, 0s, 24h);
    at.take_size("http_head", l.http_head, 1 * KiB, 1 * MiB);
    at.take_size("frame_before_connect", l.frame_before_connect, 1 * KiB, 1 * GiB);
    at.take_size("frame", l.frame, 1 * KiB, 1 * GiB);
    at.take_count("headers", l.headers, 8, 10'000);
    at.take_size("header_line", l.header_line, 256, 1 * MiB);
    at.take_size("broker_frame", l.broker_frame, 64 * KiB, 1 * GiB);
    at.take_count("subscriptions", l.subscriptions, 1, 1'000'000);
    at.take_count("transactions", l.transactions, 0, 10'000);
    at.take_size("transaction_bytes", l.transaction_bytes, 0, 1 * GiB);
    at.take_size("client_outbox", l.client_outbox, 16 * KiB, 1 * GiB);
    at.take("client_stall", l.client_stall, 100ms, 1h);
    at.take_size("client_carry", l.client_carry, 16 * KiB, 1 * GiB);
    at.take_size("seam_buffer", l.seam_buffer, 0, 1 * GiB);
    at.take_size("broker_outbox", l.broker_outbox, 16 * KiB, 1 * GiB);
    at.take_count("links_per_login", l.links_per_login, 0, 10'000'000);
    at.take_as(
        "buffered_total", l.buffered_total, parse_memory_mark,
        "a percentage of the memory like 25%, or a size");
    at.finish();
    if (l.frame_before_connect > l.frame) {
        at.error("frame_before_connect", "is larger than limits.frame");
    }
    if (l.header_line > l.frame) {
        at.error("header_line", "is larger than limits.frame");
    }
}

void loader::drain(section at)
{
    auto& d = config_.drain;
    at.take("delay", d.delay, 0s, 1h);
    at.take_as("pace", d.pace, parse_rate, "a number of clients per second like 500/s");
    at.take("timeout", d.timeout, 0s, 24h);
    at.finish();
}

void loader::rest(section& root)
{
    root.take_as("initial_color", config_.initial_color, broker::color_from, "blue or green");
    auto beats = root.child("heart_beat");
    beats.take("client", config_.heart_beat.client, 0s, 1h);
    beats.take("broker", config_.heart_beat.broker, 0s, 1h);
    beats.finish();
    root.take_as(
        "threads", config_.threads,
        [](std::string_view text) -> std::optional<unsigned> {
            const auto n = parse_count(text);
            return text == "auto"                ? std::optional{0U}
                   : n && *n >= 1 && *n <= 1'024 ? std::optional{static_cast<unsigned>(*n)}
                                                 : std::nullopt;
        },
        "auto, or a number from 1 to 1024");
    auto log = root.child("log");
    log.take_word(
        "level", config_.log.level,
        {{"debug", log_level::debug},
         {"info", log_level::info},
         {"warning", log_level::warning},
         {"error", log_level::error}});
    log.take_word(
        "format", config_.log.format, {{"text", log_format::text}, {"json", log_format::json}});
    log.finish();
}

config_result parse_config(std::string_view text, const std::string& file)
{
    return loader{file}.run(text);
}

} // namespace gateway
