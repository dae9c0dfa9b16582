// The configuration was loaded again: what a running shard takes of it. docs/switch.md S16, docs/outside.md
// A13.

#include "gateway/core/routing/router.hpp"

#include <utility>

namespace gateway {

void router::reload(shard_settings loaded, time_point now)
{
    auto& running = shard_.settings;
    const auto endpoints_before = running.endpoints;
    // What was drawn or found out when the process started, and what needs a restart.
    loaded.shared = running.shared;
    loaded.shared_backplane = running.shared_backplane;
    loaded.finds_backplane = running.finds_backplane;
    loaded.dialects = running.dialects;
    loaded.pairing = running.pairing;
    loaded.gateway_id = running.gateway_id;
    loaded.secrets = running.secrets;
    loaded.shard = running.shard;
    running = std::move(loaded);

    links_.set_dial_rate(running.connect_rate);
    for (const color c : broker::colors) {
        pool_of(c).reload(running.endpoints[c], running.health[c], now);
        for (std::size_t i = 0; i < running.endpoints[c].size(); ++i) {
            const bool was = i < endpoints_before[c].size() && endpoints_before[c][i].removed;
            if (running.endpoints[c][i].removed !=
                was) { // its sessions move, as from a drained one
                moves_.drain({c, static_cast<std::uint16_t>(i)}, !was, now);
            }
        }
    }
    at(now, due::probes);
    for (const session_id id : tables_.all_sessions()) {
        const client_session& s = *find(id);
        if (s.parked) { // its time may be another now, and a new endpoint may take it
            at(s.parked_since + running.park_timeout, due::session_park, number(id));
            at(now, due::session_retry, number(id));
        }
    }
    run_later(now);
}

} // namespace gateway
