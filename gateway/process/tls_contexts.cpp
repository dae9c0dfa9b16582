#include "gateway/process/tls_contexts.hpp"

#include <sys/stat.h>

namespace gateway {

namespace {

std::string key_of(const config& c, std::size_t listener)
{
    return "listeners[" + std::to_string(listener) + "].tls (" + c.listeners[listener].bind.text +
           ")";
}

std::string key_of(broker::color c)
{
    return "brokers." + std::string{to_string(c)} + ".tls";
}

bool has(const color_config& c, endpoint_scheme scheme)
{
    for (const auto& e : c.endpoints) {
        if (e.scheme == scheme) {
            return true;
        }
    }
    return false;
}

// Both or none: stomps:// and wss:// endpoints of one color have one certificate.
void open_color(
    const config& c, broker::color which, tls_contexts& into, std::vector<std::string>& failures)
{
    const auto& color = c.brokers.colors[which];
    tls_contexts::of_color made;
    const auto open = [&](endpoint_scheme scheme, tls::inside what, auto& to) {
        if (!has(color, scheme)) {
            return true;
        }
        auto opened = tls::client_context::open(color.tls, what);
        if (!opened) {
            failures.push_back(key_of(which) + ": " + opened.error());
            return false;
        }
        to = *std::move(opened);
        return true;
    };
    if (color.identity) {
        auto secret = tls::shared_secret::open(color.identity->secret_file);
        if (!secret) {
            failures.push_back(
                "brokers." + std::string{to_string(which)} + ".identity: " + secret.error());
            return;
        }
        made.identity = *std::move(secret);
    }
    if (open(endpoint_scheme::stomps, tls::inside::stomp, made.stomps) &&
        open(endpoint_scheme::wss, tls::inside::http, made.wss)) {
        into.brokers[which] = std::move(made);
    }
}

void note_file(const std::string& path, std::string& seen)
{
    struct stat found{};
    if (path.empty()) {
        return;
    }
    seen += path;
    if (::stat(path.c_str(), &found) == 0) {
        for (const auto number :
             {static_cast<long long>(found.st_ino), static_cast<long long>(found.st_size),
              static_cast<long long>(found.st_mtim.tv_sec),
              static_cast<long long>(found.st_mtim.tv_nsec)}) {
            seen += " " + std::to_string(number);
        }
    }
    seen += "\n";
}

} // namespace

opened_tls open_tls(const config& c, const tls_contexts& before)
{
    opened_tls all;
    auto made = std::make_shared<tls_contexts>(before);
    made->listeners.resize(c.listeners.size());
    for (std::size_t i = 0; i < c.listeners.size(); ++i) {
        const auto& l = c.listeners[i];
        if (!l.tls) {
            continue;
        }
        auto opened = tls::server_context::open(
            *l.tls, l.protocol == client_protocol::stomp ? tls::inside::stomp : tls::inside::http);
        if (opened) {
            made->listeners[i] = *std::move(opened);
        } else {
            all.failures.push_back(key_of(c, i) + ": " + opened.error());
        }
    }
    for (const auto color : broker::colors) {
        open_color(c, color, *made, all.failures);
    }
    all.contexts = std::move(made);
    return all;
}

std::vector<certificate_numbers> tls_contexts::certificates(const config& c) const
{
    std::vector<certificate_numbers> all;
    const auto add = [&](const std::string& used_by, const auto& context) {
        if (context != nullptr) {
            for (const auto& one : context->expiries()) {
                all.push_back({used_by, one.file, static_cast<double>(one.at)});
            }
        }
    };
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        add(c.listeners[i].bind.text, listeners[i]);
    }
    for (const auto color : broker::colors) {
        const auto& of = brokers[color];
        add(std::string{to_string(color)}, of.stomps ? of.stomps : of.wss);
    }
    return all;
}

std::string tls_files_seen(const config& c)
{
    std::string seen;
    for (const auto& l : c.listeners) {
        if (l.tls) {
            for (const auto& one : l.tls->certificates) {
                note_file(one.certificate, seen);
                note_file(one.key, seen);
            }
            note_file(l.tls->client_ca, seen);
            note_file(l.tls->client_crl, seen);
        }
    }
    for (const auto color : broker::colors) {
        const auto& of = c.brokers.colors[color].tls;
        note_file(of.ca, seen);
        note_file(of.own.certificate, seen);
        note_file(of.own.key, seen);
        if (const auto& identity = c.brokers.colors[color].identity) {
            note_file(identity->secret_file, seen);
        }
    }
    return seen;
}

} // namespace gateway
