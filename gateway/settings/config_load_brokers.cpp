// The section `brokers`: colors, endpoints, health, and how links are shared.

#include "gateway/settings/config_loader.hpp"
#include "gateway/settings/value_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace gateway {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t endpoints_max = 256; // a color

bool asked_by_http(const color_config& of)
{
    return std::ranges::any_of(
        of.endpoints, [](const endpoint_config& one) { return by_websocket(one.scheme); });
}

// Headers that the gateway itself writes in a handshake with a broker, or that belong to one hop.
bool is_of_the_handshake(std::string_view folded)
{
    static constexpr std::array<std::string_view, 10> own_headers{
        "host", "upgrade", "connection", "content-length",   "transfer-encoding",
        "te",   "trailer", "keep-alive", "proxy-connection", "expect"};
    return folded.starts_with("sec-websocket-") ||
           std::ranges::find(own_headers, folded) != own_headers.end();
}

} // namespace

void loader::brokers(section at)
{
    auto& b = config_.brokers;
    for (const auto c : broker::colors) {
        const auto key = to_string(c);
        if (!at.has(key)) {
            at.error(key, "is needed: both colors are");
        } else {
            color(at.child(key), c);
        }
    }
    at.take_word(
        "multiplex", b.multiplex,
        {{"shared", multiplex_mode::shared}, {"dedicated", multiplex_mode::dedicated}});
    dialect(at, b.dialect);
    at.take_word(
        "backplane", b.backplane,
        {{"auto", backplane_kind::automatic},
         {"separate", backplane_kind::separate},
         {"shared", backplane_kind::shared}});
    at.take_count("links_per_key", b.links_per_key, 1, 64);
    at.take("broadcast", b.broadcast);
    at.take_count("prefetch", b.prefetch, 1, 65'535);
    at.take("mark_sessions", b.mark_sessions);
    at.take("x_forwarded", b.x_forwarded);
    origin(at, b.origin);
    at.take("auth_recheck", b.auth_recheck, 1s, 24h);
    at.take_as(
        "connect_rate", b.connect_rate,
        [](std::string_view text) {
            const auto rate = parse_rate(text);
            return rate && *rate >= 1 && *rate <= 1'000'000 ? rate : std::nullopt;
        },
        "a rate from 1/s to 1000000/s, like 500/s");
    at.take("park_timeout", b.park_timeout, 0s, 24h);
    at.finish();
}

void loader::color(section at, broker::color c)
{
    auto& out = config_.brokers.colors[c];
    endpoints(at, c);
    if (at.has("tls")) {
        broker_tls(at.child("tls"), out);
        if (std::ranges::none_of(
                out.endpoints, [](const auto& e) { return within_tls(e.scheme); })) {
            at.error("tls", "says nothing without a stomps:// or wss:// endpoint in this color");
        }
    }
    health(at.child("health"), out);
    if (at.has("dialect")) {
        dialect(at, out.dialect.emplace());
    }
    if (at.has("identity")) {
        identity(at.child("identity"), out);
        if (!asked_by_http(out)) {
            at.error("identity", "needs a ws:// or wss:// endpoint in this color");
        }
    }
    at.finish();
}

void loader::endpoints(section& at, broker::color c)
{
    const auto items = at.items("endpoints");
    if (items.empty()) {
        at.error("endpoints", "at least one endpoint is needed");
    }
    if (items.size() > endpoints_max) {
        at.error("endpoints", "more than " + std::to_string(endpoints_max) + " endpoints");
        return;
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto path = at.path_of("endpoints") + '[' + std::to_string(i) + ']';
        endpoint(items[i], path, config_.brokers.colors[c].endpoints);
    }
}

void loader::endpoint(
    const YAML::Node& item, const std::string& path, std::vector<endpoint_config>& known)
{
    static constexpr std::string_view allowed =
        "stomp://HOST:PORT or ws://HOST:PORT/PATH, or stomps:// or wss:// within TLS";
    std::optional<endpoint_config> e;
    const auto parse = [&](std::string_view url, const YAML::Mark& at, const std::string& where) {
        e = parse_endpoint_url(url);
        if (!e) {
            document_.error(
                at, where, shown(url) + " is not allowed: must be " + std::string{allowed});
        }
    };
    if (item.IsScalar()) {
        parse(item.Scalar(), item.Mark(), path);
    } else {
        section at{document_, item, path, item.Mark()};
        std::string url;
        at.take("url", url);
        if (!at.has("url")) {
            at.error("url", "is needed");
        } else if (!url.empty()) {
            parse(url, at.mark_of("url"), at.path_of("url"));
        }
        endpoint_config ignored;
        auto& out = e ? *e : ignored;
        at.take_count("weight", out.weight, 0, 1000);
        if (at.has("name")) {
            at.take("name", out.name);
            if (!is_endpoint_name(out.name)) {
                at.error(
                    "name",
                    shown(out.name) +
                        " is not allowed: must be 1 to 64 letters, digits, '.', '_' or '-'");
            }
        }
        at.finish();
    }
    if (!e) {
        return;
    }
    for (const auto& other : known) {
        if (lower_case(other.host) == lower_case(e->host) && other.port == e->port) {
            document_.error(item.Mark(), path, e->url + " is in this color twice");
        } else if (other.name == e->name) {
            document_.error(item.Mark(), path, "the name " + e->name + " is in this color twice");
        }
    }
    known.push_back(std::move(*e));
}

void loader::health(section at, color_config& of)
{
    health_config& out = of.health;
    at.take("interval", out.interval, 100ms, 1h);
    at.take_count("rise", out.rise, 1, 100);
    at.take_count("fall", out.fall, 1, 100);
    at.take("login", out.login);
    file(at, "passcode_file", out.passcode_file);
    health_request(at, out);
    at.finish();
    if (at.has("passcode_file") && !at.has("login")) {
        at.error("passcode_file", "login is needed as well");
    }
    for (const auto* key : {"headers", "path"}) {
        if (at.has(key) && !asked_by_http(of)) {
            at.error(
                key,
                "needs a ws:// or wss:// endpoint in this color: others are not asked by HTTP");
        }
    }
}

void loader::health_request(section& at, health_config& out)
{
    at.take_fields("headers", out.headers);
    for (const auto& [name, value] : out.headers) {
        if (!is_header_name(name) || is_of_the_handshake(lower_case(name))) {
            at.error("headers", shown(name) + " cannot be said in a handshake");
        }
    }
    at.take("path", out.path);
    if (!out.path.empty() && !is_http_path(out.path)) {
        at.error("path", "must begin with / and have no query, fragment or space");
    }
}

// S19: the header is the gateway's own. Clients could say it if it was in forward_headers, too.
void loader::identity(section at, color_config& of)
{
    auto& out = of.identity.emplace();
    out.header = "X-Teal-User";
    at.take("header", out.header);
    const auto folded = lower_case(out.header);
    if (!is_header_name(out.header) || is_of_the_handshake(folded) || folded == "origin" ||
        folded == "cookie" || folded == "authorization" || folded.starts_with("x-forwarded-")) {
        at.error(
            "header", shown(out.header) + " is not allowed: a name of its own like X-Teal-User");
    }
    for (const auto& l : config_.listeners) {
        for (const auto& name : l.forward_headers) {
            if (lower_case(name) == folded) {
                at.error(
                    "header", shown(out.header) + " is in forward_headers of " + l.bind.text +
                                  ": clients could say it");
            }
        }
    }
    for (const auto& [name, value] : of.health.headers) {
        if (lower_case(name) == folded) {
            at.error("header", shown(out.header) + " is in health.headers, which prove nothing");
        }
    }
    if (!at.has("secret_file")) {
        at.error("secret_file", "is needed");
    }
    file(at, "secret_file", out.secret_file);
    at.finish();
}

void loader::origin(section& at, std::string& out)
{
    at.take("origin", out);
    if (out != "strip" && out != "preserve" &&
        (out == "*" || out.find("://*") != out.npos || !is_origin_pattern(out))) {
        at.error(
            "origin", shown(out) + " is not allowed: must be strip, preserve, or an origin like "
                                   "https://example.com");
    }
}

void loader::dialect(section& at, broker::dialect& out)
{
    at.take_word(
        "dialect", out,
        {{"auto", broker::dialect::automatic},
         {"rabbitmq", broker::dialect::rabbitmq},
         {"artemis", broker::dialect::artemis},
         {"activemq", broker::dialect::activemq},
         {"spring", broker::dialect::spring},
         {"plain", broker::dialect::plain}});
}

} // namespace gateway
