#include "gateway/core/tables/shard_settings.hpp"

#include "gateway/settings/config.hpp"
#include "gateway/settings/value_text.hpp"

namespace gateway {

shard_settings shard_settings_of(
    const config& c, unsigned shards, std::uint32_t shard, const broker::secrets& secrets)
{
    shard_settings s{};
    for (const auto color : broker::colors) {
        for (const auto& e : c.brokers.colors[color].endpoints) {
            s.endpoints[color].push_back(
                {.name = e.name,
                 .url = e.url,
                 .weight = e.weight,
                 .websocket = by_websocket(e.scheme),
                 .removed = e.removed});
        }
        const auto& health = c.brokers.colors[color].health;
        s.health[color] = {.interval = health.interval, .rise = health.rise, .fall = health.fall};
        s.dialects[color] = c.brokers.dialect_of(color);
        if (const auto& identity = c.brokers.colors[color].identity) {
            s.identity_headers.push_back(lower_case(identity->header));
        }
    }
    s.shared = c.brokers.multiplex == multiplex_mode::shared;
    s.shared_backplane = c.brokers.backplane == backplane_kind::shared;
    s.finds_backplane = c.brokers.backplane == backplane_kind::automatic;
    s.pairing = {
        .by = c.switching.dedup.by, .header = c.switching.dedup.header, .secret = {}};
    s.links_per_key = c.brokers.links_per_key;
    s.links_per_login = (c.limits.links_per_login + shards - 1) / shards;
    s.broadcast = c.brokers.broadcast;
    s.mark_sessions = c.brokers.mark_sessions;
    s.prefetch = c.brokers.prefetch;
    s.connect_rate = static_cast<double>(c.brokers.connect_rate) / shards;
    s.auth_recheck = c.brokers.auth_recheck;
    s.park_timeout = c.brokers.park_timeout;
    s.connect_timeout = c.limits.connect_timeout;
    s.trial_timeout = c.switching.trial_timeout;
    s.timing = timing_of(c.switching);
    s.client_stall = c.limits.client_stall;
    s.client_heart_beat = c.heart_beat.client;
    s.broker_heart_beat = c.heart_beat.broker;
    s.subscriptions = c.limits.subscriptions;
    s.transactions = c.limits.transactions;
    s.transaction_bytes = c.limits.transaction_bytes;
    s.client_outbox = c.limits.client_outbox;
    s.client_carry = c.limits.client_carry;
    s.seam_buffer = c.limits.seam_buffer;
    s.broker_outbox = c.limits.broker_outbox;
    s.secrets = secrets;
    s.shard = shard;
    return s;
}

} // namespace gateway
