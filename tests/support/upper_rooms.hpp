#pragma once

// The rooms of a shard from `links` to `readiness`, without the router: for tests that make one part
// of a shard themselves and call it. Each knows only those before it.

#include "gateway/core/links/session_links.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "tests/support/room_scene.hpp"

namespace testing_support {

class UpperRoomTest : public RoomTest {
protected:
    explicit UpperRoomTest(gateway::shard_settings settings = several_endpoints({1, 1}))
        : RoomTest(std::move(settings))
    {
    }

    // From here on a switch from blue to green runs.
    void begins(control::switch_number id, gateway::member_phase phase)
    {
        shard.switching.id = id;
        shard.switching.phase = phase;
        shard.switching.timing = {
            .linger = 1s,
            .seam_timeout = 1s,
            .seam_quiet = 50ms,
            .receipt_timeout = 2s,
            .marker_interval = 100ms,
            .drain_timeout = 30s,
            .pin_timeout = 5min,
            .overlap = 5s};
    }
    // What was reported to the coordinator since the last call.
    lines reported()
    {
        auto all = log.take();
        std::erase_if(all, [](const auto& line) { return !line.starts_with("report "); });
        return all;
    }

    gateway::session_links session_links{shard, quotas, links, groups};
    gateway::to_client to_client{shard};
    gateway::receipts receipts{shard};
    gateway::couriers couriers{shard, links, groups};
    gateway::cluster_survey survey{shard, couriers};
    gateway::rejoin_markers fences{shard, couriers};
    gateway::subscribe_trials trials{shard, links, couriers, survey};
    gateway::marker_trials marker_trials{shard, couriers, trials};
    gateway::wire_pairing pairing{shard, to_client, couriers, survey};
    gateway::wire_subscriptions subscriptions{shard,  links,  groups,        receipts, survey,
                                              fences, trials, marker_trials, pairing};
    gateway::seam_table seams{shard, to_client, couriers, survey, pairing, subscriptions};
    gateway::readiness readiness{shard, links, survey, pairing, seams};
};

} // namespace testing_support
