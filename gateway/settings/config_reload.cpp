// What a reload changes, and what the process runs with behind it.

#include "gateway/settings/config_values.hpp"

#include <algorithm>
#include <map>

namespace gateway {

namespace {

// Listeners are the same where they are bound to the same.
listener_config merged(const listener_config& running, const listener_config& loaded)
{
    listener_config m = loaded;
    m.bind = running.bind;
    m.protocol = running.protocol;
    m.socket_file = running.socket_file;
    m.paths = running.paths;
    m.sockjs_paths = running.sockjs_paths;
    m.cookie_needed = running.cookie_needed;
    m.proxy_protocol = running.proxy_protocol;
    m.reuse_port = running.reuse_port;
    if (m.tls.has_value() != running.tls.has_value()) {
        m.tls = running.tls;
    }
    return m;
}

bool same_place(const endpoint_config& a, const endpoint_config& b)
{
    return a.url == b.url;
}

std::vector<endpoint_config>
merged(const std::vector<endpoint_config>& running, std::vector<endpoint_config> loaded)
{
    std::vector<endpoint_config> all;
    for (const auto& one : running) {
        const auto at = std::ranges::find_if(
            loaded, [&](const endpoint_config& other) { return same_place(one, other); });
        if (at != loaded.end()) {
            all.push_back(std::move(*at));
            loaded.erase(at);
        } else {
            all.push_back(one);
            all.back().removed = true;
            all.back().name = one.url + " (removed)"; // the name may be another's now
        }
    }
    std::ranges::move(loaded, std::back_inserter(all));
    return all;
}

// A whole listener comes and goes by a restart.
applies when_it_is_new(const config_value& one)
{
    return one.key.starts_with("listeners[") ? applies::restart : one.when;
}

} // namespace

std::vector<config_difference> differences(const config& running, const config& loaded)
{
    const auto before = values_of(running);
    std::map<std::string_view, const config_value*> left;
    for (const auto& one : before) {
        left.emplace(one.key, &one);
    }
    std::vector<config_difference> all;
    for (const auto& one : values_of(loaded)) {
        const auto at = left.find(one.key);
        if (at == left.end()) {
            if (!one.text.empty()) {
                all.push_back({one.key, {}, one.text, when_it_is_new(one)});
            }
            continue;
        }
        const config_value& was = *at->second;
        left.erase(at);
        if (was.text != one.text || was.secret != one.secret) {
            all.push_back({one.key, was.text, one.text, one.when});
        }
    }
    for (const auto& one : before) { // in their order
        if (left.contains(one.key) && !one.text.empty()) {
            all.push_back({one.key, one.text, {}, when_it_is_new(one)});
        }
    }
    return all;
}

std::vector<std::string> restart_keys()
{
    std::vector<std::string> keys{"listeners"};
    for (const auto& one : values_of({})) {
        const bool store = one.key.starts_with("store.");
        const std::string key = store ? "store" : one.key;
        if (one.when == applies::restart && keys.back() != key) {
            keys.push_back(key);
        }
    }
    return keys;
}

config merged(const config& running, const config& loaded)
{
    config m = loaded;
    m.listeners.clear();
    for (const auto& one : running.listeners) {
        const auto at = std::ranges::find(
            loaded.listeners, one.bind.text, [](const auto& l) { return l.bind.text; });
        m.listeners.push_back(at == loaded.listeners.end() ? one : merged(one, *at));
    }
    m.admin.binds = running.admin.binds;
    m.admin.socket_file = running.admin.socket_file;
    m.admin.open_metrics = running.admin.open_metrics;
    for (const auto color : broker::colors) {
        auto& to = m.brokers.colors[color];
        const auto& from = running.brokers.colors[color];
        to.endpoints = merged(from.endpoints, std::move(to.endpoints));
        to.dialect = from.dialect;
    }
    m.brokers.multiplex = running.brokers.multiplex;
    m.brokers.dialect = running.brokers.dialect;
    m.brokers.backplane = running.brokers.backplane;
    m.initial_color = running.initial_color;
    m.switching.dedup = running.switching.dedup;
    m.store = running.store;
    m.threads = running.threads;
    return m;
}

} // namespace gateway
