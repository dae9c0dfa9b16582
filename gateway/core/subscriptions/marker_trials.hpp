#pragma once

// The trial of an identity's first marker at an endpoint: whether a private message reaches the queue
// of a subscription (B1). It rides where no other session can be hurt by its refusal (E14).
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
