#pragma once

// What the secret files of a process hold: the TLS contexts of each listener and towards each color's
// brokers, and the secrets that it shares with applications.
//
// Threading:  immutable once made; the control thread makes them, shards read them.
// Lifetime:   shared. Connections keep what they have of one that was replaced.

#include "broker/color.hpp"
#include "broker/net/tls/context.hpp"
#include "broker/net/tls/shared_secret.hpp"
#include "gateway/settings/config.hpp"
#include "gateway/telemetry/metrics.hpp"

#include <memory>
#include <string>
#include <vector>

namespace gateway {

struct tls_contexts {
    struct of_color {
        std::shared_ptr<const tls::client_context> stomps, wss; // null: no endpoint needs it
        std::shared_ptr<const tls::shared_secret> identity;     // null: it is told no users (S19)
    };
    // By the configuration's order; null: it is plain.
    std::vector<std::shared_ptr<const tls::server_context>> listeners;
    broker::per_color<of_color> brokers;

    const std::shared_ptr<const tls::client_context>&
    towards(broker::color c, endpoint_scheme scheme) const noexcept
    {
        return scheme == endpoint_scheme::wss ? brokers[c].wss : brokers[c].stomps;
    }
    // When the certificates expire.
    std::vector<certificate_numbers> certificates(const config& c) const;
};

struct opened_tls {
    std::shared_ptr<const tls_contexts> contexts;
    std::vector<std::string> failures; // sentences that begin with the key and name a file
};
// Reads all files. What cannot be used keeps what `before` has of it, a listener or a color as a
// whole: a certificate never stands beside the key of another.
opened_tls open_tls(const config& c, const tls_contexts& before);

// The files that open_tls() reads, and what tells one version of each from the next.
std::string tls_files_seen(const config& c);

} // namespace gateway
