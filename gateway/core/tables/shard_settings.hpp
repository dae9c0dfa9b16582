#pragma once

// The settings that the cores of a shard need from the configuration, as plain values.

#include "broker/color.hpp"
#include "broker/net/time.hpp"
#include "broker/pool.hpp"
#include "broker/secrets.hpp"
#include "broker/trial.hpp"
#include "gateway/core/pairing/pairing_rule.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gateway {

struct shard_settings {
    broker::per_color<std::vector<broker::pool_endpoint>> endpoints;
    broker::per_color<broker::pool_settings> health;
    broker::per_color<broker::dialect> dialects;
    bool shared = true;            // brokers.multiplex
    bool shared_backplane = false; // both colors bring the same messages (P1 to P4)
    pairing_rule pairing;          // when two of them are twins
    std::size_t links_per_key = 4;
    std::size_t links_per_login = 0; // this shard's part; 0: no limit
    std::vector<std::string> broadcast{"/topic/**", "/exchange/**"};
    unsigned prefetch = 100;
    double connect_rate = 500; // this shard's part
    net::duration auth_recheck = std::chrono::seconds{60};
    net::duration park_timeout = std::chrono::seconds{60};
    net::duration connect_timeout = std::chrono::seconds{10};
    net::duration trial_timeout = std::chrono::seconds{1};
    net::duration receipt_timeout = std::chrono::seconds{2};
    net::duration client_stall = std::chrono::seconds{10};
    net::duration client_heart_beat = std::chrono::seconds{10},
                  broker_heart_beat = std::chrono::seconds{10};
    net::duration seam_quiet = std::chrono::milliseconds{50};
    net::duration seam_timeout = std::chrono::seconds{1};
    net::duration drain_timeout = std::chrono::seconds{30};
    std::size_t subscriptions = 1024;
    std::size_t transactions = 16;
    std::size_t transaction_bytes = 4 * 1024 * 1024;
    std::size_t client_outbox = 1024 * 1024;
    std::size_t client_carry = 256 * 1024;
    std::size_t seam_buffer = 1024 * 1024;
    std::size_t broker_outbox = 1024 * 1024;
    std::string gateway_id; // the process's, random: in the ids of clients' SENDs (P5)
    broker::secrets secrets; // the process's
    std::uint32_t shard = 0; // member number
};

struct config;
// This shard's part of the configuration. `secrets` are the process's.
shard_settings shard_settings_of(
    const config& c, unsigned shards, std::uint32_t shard, const broker::secrets& secrets);

} // namespace gateway
