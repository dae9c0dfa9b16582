#pragma once

// Tries an identity's first marker at an endpoint: does a private message reach the queue of a
// subscription (B1)? The trial rides where its refusal can hurt no other session (E14).
//
// Threading:  belongs to one shard.

#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/subscriptions/subscribe_trials.hpp"

namespace gateway {

class marker_trials : workbench {
public:
    marker_trials(shard_state& shard, couriers& couriers, subscribe_trials& trials) noexcept
        : workbench(shard), couriers_(couriers), trials_(trials)
    {
    }

    void try_marker(wire_subscription& w, time_point now);
    void pass_on_trial(share_group& g, wire_id tried, time_point now);
    void end_trial(wire_id tried, time_point now);

private:
    couriers& couriers_;
    subscribe_trials& trials_;
};

} // namespace gateway
