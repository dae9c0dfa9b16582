#pragma once

// The settings that the cores of a shard need from the configuration, as plain values.

#include "broker/color.hpp"
#include "broker/net/time.hpp"
#include "broker/pool.hpp"
#include "broker/secrets.hpp"
#include "broker/dialect.hpp"
#include "control/protocol/switch_messages.hpp"
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
    bool shared;                   // brokers.multiplex
    bool shared_backplane; // both colors bring the same messages (P1 to P4)
    bool finds_backplane;  // whether they do is found out by each switch (P9)
    pairing_rule pairing;          // when two of them are twins
    std::size_t links_per_key;
    std::size_t links_per_login; // this shard's part; 0: no limit
    std::vector<std::string> broadcast;
    bool mark_sessions; // O7
    std::vector<std::string> identity_headers; // in lower case; no client says one (S19)
    unsigned prefetch;
    double connect_rate; // this shard's part
    net::duration auth_recheck, park_timeout, connect_timeout, trial_timeout, client_stall;
    net::duration client_heart_beat, broker_heart_beat;
    // What a switch brings along (S16) and what is done without one: leaving, endpoints, parking.
    control::prepare_settings timing;
    std::size_t subscriptions, transactions, transaction_bytes;
    std::size_t client_outbox, client_carry, seam_buffer, broker_outbox;
    std::string gateway_id; // the process's, random: in the ids of clients' SENDs (P5)
    broker::secrets secrets; // the process's
    std::uint32_t shard = 0; // member number
};

struct config;
// This shard's part of the configuration, which has the defaults. `secrets` are the process's.
shard_settings shard_settings_of(
    const config& c, unsigned shards, std::uint32_t shard, const broker::secrets& secrets);

} // namespace gateway
