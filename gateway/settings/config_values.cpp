// Every key with its text, and when a change of it counts.

#include "gateway/settings/config_values.hpp"

#include "gateway/settings/config_words.hpp"
#include "gateway/settings/value_text.hpp"

#include <algorithm>

namespace gateway {

namespace {

using words::rate;
using words::text;

constexpr std::string_view hidden = "***";

// Collects the values of one section after the other.
class list {
public:
    std::vector<config_value> all;

    void in(std::string section) { section_ = std::move(section); }
    void add(std::string_view key, std::string value, applies when)
    {
        all.push_back({section_ + std::string{key}, std::move(value), when});
    }
    void add(std::string_view key, std::string_view value, applies when)
    {
        add(key, std::string{value}, when);
    }
    void add(std::string_view key, const char* value, applies when)
    {
        add(key, std::string{value}, when);
    }
    void at_once(std::string_view key, milliseconds value)
    {
        add(key, text_of(value), applies::at_once);
    }
    void to_new(std::string_view key, milliseconds value)
    {
        add(key, text_of(value), applies::to_new);
    }
    void count(std::string_view key, std::uint64_t value, applies when = applies::at_once)
    {
        add(key, std::to_string(value), when);
    }
    void size(std::string_view key, std::size_t value, applies when = applies::at_once)
    {
        add(key, text_of_size(value), when);
    }
    void secret(std::string_view key, const std::string& value)
    {
        add(key, hidden, applies::at_once);
        all.back().secret = value;
    }

private:
    std::string section_;
};

void add_protocol(list& to, const tls::protocol_settings& protocol)
{
    to.add("min_version", text(protocol.min_version), applies::to_new);
    to.add("ciphers", protocol.ciphers, applies::to_new);
    to.add("ciphersuites", protocol.ciphersuites, applies::to_new);
}

std::string octal(const std::optional<unsigned>& mode)
{
    std::string text;
    for (unsigned rest = mode.value_or(0), n = 0; mode && n < 4; ++n) {
        text.insert(text.begin(), static_cast<char>('0' + (rest >> (3 * n)) % 8));
    }
    return text;
}

void add_admin(list& to, const admin_config& a)
{
    std::vector<std::string> binds;
    for (const auto& one : a.binds) {
        binds.push_back(one.text);
    }
    to.add("bind", binds.size() == 1 ? binds.front() : text(binds), applies::restart);
    to.add("mode", octal(a.socket_file.mode), applies::restart);
    to.add(
        "group", a.socket_file.group ? std::to_string(*a.socket_file.group) : "", applies::restart);
    to.add("open_metrics", text(a.open_metrics), applies::restart);
}

void add_listener(list& to, const listener_config& l)
{
    const std::string section = "listeners[" + l.bind.text + "].";
    const auto number = [](const std::optional<unsigned>& value) {
        return value ? std::to_string(*value) : std::string{};
    };
    std::vector<std::string> proxies;
    for (const auto& range : l.trusted_proxies) {
        proxies.push_back(text(range));
    }
    to.in(section);
    to.add("bind", l.bind.text, applies::restart);
    to.add(
        "protocol", l.protocol == client_protocol::stomp ? "stomp" : "websocket", applies::restart);
    to.add("mode", octal(l.socket_file.mode), applies::restart);
    to.add("owner", number(l.socket_file.owner), applies::restart);
    to.add("group", number(l.socket_file.group), applies::restart);
    to.add("path", text(l.paths), applies::restart);
    to.add("sockjs", text(!l.sockjs_paths.empty()), applies::restart);
    to.add("sockjs_path", text(l.sockjs_paths), applies::restart);
    to.add("cookie_needed", text(l.cookie_needed), applies::restart);
    to.add("allowed_origins", text(l.allowed_origins), applies::to_new);
    to.add("trusted_proxies", text(proxies), applies::to_new);
    to.add("frames", text(l.frames), applies::at_once);
    to.add("forward_headers", text(l.forward_headers), applies::to_new);
    to.add("proxy_protocol", text(l.proxy_protocol), applies::restart);
    to.add("reuse_port", text(l.reuse_port), applies::restart);
    to.add("tls", l.tls ? "on" : "off", applies::restart);
    if (!l.tls) {
        return;
    }
    for (std::size_t i = 0; i < l.tls->certificates.size(); ++i) {
        to.in(section + "tls.certificates[" + std::to_string(i) + "].");
        to.add("certificate", l.tls->certificates[i].certificate, applies::to_new);
        to.add("key", l.tls->certificates[i].key, applies::to_new);
    }
    to.in(section + "tls.");
    to.add("client_ca", l.tls->client_ca, applies::to_new);
    to.add("client_crl", l.tls->client_crl, applies::to_new);
    to.add("client_certificate", text(l.tls->clients), applies::to_new);
    add_protocol(to, l.tls->protocol);
}

void add_color(list& to, std::string_view name, const color_config& c)
{
    const std::string section = "brokers." + std::string{name} + ".";
    for (const auto& e : c.endpoints) {
        if (!e.removed) {
            to.in(section + "endpoints[" + e.name + "].");
            to.add("url", e.url, applies::at_once);
            to.count("weight", e.weight);
        }
    }
    to.in(section + "tls.");
    to.add("ca", c.tls.ca, applies::to_new);
    to.add("certificate", c.tls.own.certificate, applies::to_new);
    to.add("key", c.tls.own.key, applies::to_new);
    to.add("server_name", c.tls.server_name, applies::to_new);
    to.add("insecure_skip_verify", text(!c.tls.verify), applies::to_new);
    add_protocol(to, c.tls.protocol);
    to.in(section + "health.");
    to.at_once("interval", c.health.interval);
    to.count("rise", c.health.rise);
    to.count("fall", c.health.fall);
    to.add("login", c.health.login, applies::at_once);
    to.add("passcode_file", c.health.passcode_file, applies::at_once);
    for (const auto& [header, value] : c.health.headers) {
        to.secret("headers." + header, value);
    }
    to.add("path", c.health.path, applies::at_once);
    to.in(section + "identity.");
    to.add("header", c.identity ? c.identity->header : "", applies::to_new);
    to.add("secret_file", c.identity ? c.identity->secret_file : "", applies::to_new);
    to.in(section);
    to.add("dialect", c.dialect ? text(*c.dialect) : "", applies::restart);
}

void add_brokers(list& to, const brokers_config& b)
{
    add_color(to, "blue", b.colors.blue);
    add_color(to, "green", b.colors.green);
    to.in("brokers.");
    to.add(
        "multiplex", b.multiplex == multiplex_mode::shared ? "shared" : "dedicated",
        applies::restart);
    to.add("dialect", text(b.dialect), applies::restart);
    to.add("backplane", text(b.backplane), applies::restart);
    to.count("links_per_key", b.links_per_key, applies::to_new);
    to.add("broadcast", text(b.broadcast), applies::to_new);
    to.add("mark_sessions", text(b.mark_sessions), applies::to_new);
    to.add("x_forwarded", text(b.x_forwarded), applies::to_new);
    to.add("origin", b.origin, applies::to_new);
    to.count("prefetch", b.prefetch, applies::to_new);
    to.to_new("auth_recheck", b.auth_recheck);
    to.add("connect_rate", rate(b.connect_rate), applies::at_once);
    to.at_once("park_timeout", b.park_timeout);
}

void add_switch(list& to, const switch_config& s)
{
    to.in("switch.");
    to.at_once("prepare_timeout", s.prepare_timeout);
    to.at_once("hold_timeout", s.hold_timeout);
    to.at_once("pause_timeout", s.pause_timeout);
    to.add("on_hold_timeout", control::to_string(s.on_hold_timeout), applies::at_once);
    to.add("max_failed", text(s.max_failed), applies::at_once);
    to.add("on_refused", text(s.on_refused), applies::at_once);
    to.at_once("pin_timeout", s.pin_timeout);
    to.at_once("drain_timeout", s.drain_timeout);
    to.at_once("linger", s.linger);
    to.add(
        "queue_order", s.queue_order == stored_order::strict ? "strict" : "relaxed",
        applies::at_once);
    to.at_once("seam_timeout", s.seam_timeout);
    to.at_once("seam_quiet", s.seam_quiet);
    to.at_once("overlap", s.overlap);
    to.at_once("receipt_timeout", s.receipt_timeout);
    to.at_once("trial_timeout", s.trial_timeout);
    to.at_once("marker_interval", s.marker_interval);
    to.add("dedup", text(s.dedup), applies::restart);
}

void add_limits(list& to, const limits_config& l)
{
    to.in("limits.");
    to.count("clients", l.clients);
    to.count("clients_per_address", l.clients_per_address);
    to.to_new("handshake_timeout", l.handshake_timeout);
    to.to_new("connect_timeout", l.connect_timeout);
    to.size("frame_before_connect", l.frame_before_connect);
    to.size("frame", l.frame);
    to.count("headers", l.headers);
    to.size("header_line", l.header_line);
    to.size("broker_frame", l.broker_frame, applies::to_new);
    to.count("subscriptions", l.subscriptions);
    to.count("transactions", l.transactions);
    to.size("transaction_bytes", l.transaction_bytes);
    to.size("client_outbox", l.client_outbox);
    to.at_once("client_stall", l.client_stall);
    to.size("client_carry", l.client_carry);
    to.size("seam_buffer", l.seam_buffer);
    to.size("broker_outbox", l.broker_outbox, applies::to_new);
    to.count("links_per_login", l.links_per_login);
    to.add("buffered_total", text(l.buffered_total), applies::at_once);
    to.add("tls_handshake_share", std::to_string(l.tls_handshake_share) + "%", applies::at_once);
    to.count("tls_handshakes_per_address", l.tls_handshakes_per_address);
    to.size("http_head", l.http_head, applies::to_new);
    to.to_new("idle_ping", l.idle_ping);
}

void add_rest(list& to, const config& c)
{
    to.in("drain.");
    to.at_once("delay", c.drain.delay);
    to.add("pace", rate(c.drain.pace), applies::at_once);
    to.at_once("timeout", c.drain.timeout);
    to.in("heart_beat.");
    to.to_new("client", c.heart_beat.client);
    to.to_new("broker", c.heart_beat.broker);
    to.in("");
    to.add("threads", c.threads == 0 ? "auto" : std::to_string(c.threads), applies::restart);
    to.in("log.");
    to.add("level", control::to_string(c.log.level), applies::at_once);
    to.add("format", c.log.format == log_format::json ? "json" : "text", applies::at_once);
}

} // namespace

std::string_view to_string(applies when) noexcept
{
    switch (when) {
    case applies::at_once: return "at once";
    case applies::to_new: return "to new ones";
    case applies::restart: return "by a restart";
    }
    return "";
}

std::vector<config_value> values_of(const config& c)
{
    list all;
    for (const auto& l : c.listeners) {
        add_listener(all, l);
    }
    all.in("admin.");
    add_admin(all, c.admin);
    all.add("tokens_file", c.admin.tokens_file, applies::at_once);
    add_brokers(all, c.brokers);
    all.in("");
    all.add("initial_color", broker::to_string(c.initial_color), applies::restart);
    add_switch(all, c.switching);
    all.in("store.");
    all.add("path", c.store.path, applies::restart);
    add_limits(all, c.limits);
    add_rest(all, c);
    return std::move(all.all);
}

} // namespace gateway
