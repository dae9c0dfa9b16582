// The keys of `listeners`.

#include "gateway/settings/config_loader.hpp"
#include "gateway/settings/value_text.hpp"

#include <algorithm>
#include <array>

namespace gateway {
namespace {

constexpr std::size_t listeners_max = 16;

} // namespace

void loader::listeners(section& root)
{
    const auto items = root.items("listeners");
    if (items.empty()) {
        root.error("listeners", "at least one listener is needed");
    }
    if (items.size() > listeners_max) {
        root.error("listeners", "more than " + std::to_string(listeners_max) + " listeners");
        return;
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        listener({document_, items[i], "listeners[" + std::to_string(i) + "]", items[i].Mark()});
    }
}

void loader::listener(section at)
{
    listener_config l;
    at.take_as("bind", l.bind, parse_bind, "HOST:PORT or unix:PATH");
    if (!at.has("bind")) {
        at.error("bind", "is needed");
    }
    socket_file(at, l);
    at.take_word(
        "protocol", l.protocol,
        {{"websocket", client_protocol::websocket}, {"stomp", client_protocol::stomp}});
    websocket_only(at, l);
    paths(at, "path", l.paths);
    sockjs(at, l);
    origins(at, l.allowed_origins);
    trusted_proxies(at, l.trusted_proxies);
    at.take_word(
        "frames", l.frames,
        {{"auto", client_frames::automatic},
         {"text", client_frames::text},
         {"binary", client_frames::binary}});
    forward_headers(at, l.forward_headers);
    proxy_protocol(at, l);
    at.take("reuse_port", l.reuse_port);
    if (at.has("tls")) {
        listener_tls(at.child("tls"), l);
    }
    at.finish();
    for (const auto& other : config_.listeners) {
        const bool picked =
            !l.bind.is_unix() && l.bind.port == 0; // the system picks: never the same
        if (other.bind == l.bind && !l.bind.text.empty() && !picked) {
            at.error("bind", l.bind.text + " is bound by another listener");
        }
    }
    config_.listeners.push_back(std::move(l));
}

// What is about a handshake or about WebSocket messages.
void loader::websocket_only(section& at, const listener_config& l)
{
    if (l.protocol == client_protocol::websocket) {
        return;
    }
    for (const auto* key :
         {"path", "allowed_origins", "frames", "forward_headers", "sockjs", "sockjs_path",
          "cookie_needed"}) {
        if (at.has(key)) {
            at.error(
                key, "is for protocol: websocket; plain STOMP has no handshake and no messages");
        }
    }
}

void loader::socket_file(section& at, listener_config& out)
{
    auto& file = out.socket_file;
    at.take_as("mode", file.mode, parse_file_mode, "an octal number from 0000 to 0777");
    at.take_as("owner", file.owner, user_number, "the name or the number of a user of this system");
    at.take_as(
        "group", file.group, group_number, "the name or the number of a group of this system");
    for (const auto* key : {"mode", "owner", "group"}) {
        if (at.has(key) && !out.bind.is_unix() && !out.bind.text.empty()) {
            at.error(key, "is for a unix socket (bind: unix:PATH)");
        }
    }
}

void loader::proxy_protocol(section& at, listener_config& out)
{
    at.take_word(
        "proxy_protocol", out.proxy_protocol,
        {{"any", proxy_versions::any},
         {"off", proxy_versions::none},
         {"false", proxy_versions::none},
         {"true", proxy_versions::any},
         {"v1", proxy_versions::v1},
         {"v2", proxy_versions::v2}});
    if (out.proxy_protocol != proxy_versions::none && !at.has("trusted_proxies") &&
        !is_local(out.bind) && !out.bind.text.empty()) {
        at.error(
            "proxy_protocol",
            "trusted_proxies is needed, which names who may say where clients come from, unless "
            "bind is a loopback address or a unix socket");
    }
    const bool heard =
        out.protocol == client_protocol::websocket || out.proxy_protocol != proxy_versions::none;
    if (at.has("trusted_proxies") && !heard) {
        at.error("trusted_proxies", "says nothing with protocol: stomp and without proxy_protocol");
    }
}

void loader::origins(section& at, std::vector<std::string>& out)
{
    at.take("allowed_origins", out);
    for (const auto& origin : out) {
        if (!is_origin_pattern(origin)) {
            at.error(
                "allowed_origins",
                shown(origin) +
                    " is not allowed: must be \"*\", \"null\", https://example.com, "
                    "https://*.example.com or another scheme's like capacitor://localhost");
        }
    }
}

void loader::forward_headers(section& at, std::vector<std::string>& out)
{
    // Headers that the gateway itself writes in a handshake with a broker, or that belong to one
    // hop.
    static constexpr std::array<std::string_view, 8> own_headers{
        "host",           "upgrade",           "connection", "origin",
        "content-length", "transfer-encoding", "te",         "trailer"};
    at.take("forward_headers", out);
    for (const auto& name : out) {
        const auto folded = lower_case(name);
        if (!is_header_name(name) || folded.starts_with("sec-websocket-") ||
            std::find(own_headers.begin(), own_headers.end(), folded) != own_headers.end()) {
            at.error("forward_headers", shown(name) + " cannot be forwarded");
        }
    }
}

void loader::paths(section& at, std::string_view key, std::vector<std::string>& out)
{
    if (at.find(key).IsSequence()) {
        at.take(key, out);
        if (out.empty()) {
            at.error(key, "at least one path is needed");
        }
    } else if (at.has(key)) {
        out.resize(1);
        at.take(key, out.front());
    }
    for (const auto& path : out) {
        if (!is_http_path(path)) {
            at.error(key, "must begin with / and have no query, fragment or space");
        }
    }
}

// `sockjs_path` says where, and alone it says that there is SockJS; else it is beneath each `path`.
void loader::sockjs(section& at, listener_config& out)
{
    bool on = at.has("sockjs_path");
    at.take("sockjs", on);
    std::vector<std::string> where = out.paths;
    paths(at, "sockjs_path", where);
    at.take("cookie_needed", out.cookie_needed);
    if (!on && at.has("cookie_needed")) {
        at.error("cookie_needed", "is for sockjs: true");
    }
    if (!on && at.has("sockjs_path")) {
        at.error("sockjs_path", "is for sockjs: true");
    }
    for (auto& path : where) {
        if (path.ends_with('/')) {
            path.pop_back();
        }
        if (on) {
            out.sockjs_paths.push_back(path);
        }
    }
}

void loader::trusted_proxies(section& at, std::vector<net::address_range>& out)
{
    std::vector<std::string> texts;
    at.take("trusted_proxies", texts);
    for (const auto& text : texts) {
        if (const auto range = net::parse_address_range(text)) {
            out.push_back(*range);
        } else {
            at.error(
                "trusted_proxies",
                shown(text) +
                    " is not allowed: must be an address, a block like 10.0.0.0/8, or unix");
        }
    }
}

} // namespace gateway
