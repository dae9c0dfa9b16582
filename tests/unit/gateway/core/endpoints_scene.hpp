#pragma once

// One shard whose colors have several endpoints. Each client is bound to the endpoint that has the
// fewest: with two of blue, client 1 is at b1 (publish link 1) and client 2 at b2 (publish link 2);
// their first broadcast subscriptions are s1 on link 3 and s2 on link 4.

#include "tests/support/several_endpoints.hpp"
#include "tests/unit/gateway/core/switch_scene.hpp"

namespace testing_support {

class RouterOfSeveral : public RouterSwitch {
protected:
    explicit RouterOfSeveral(gateway::shard_settings settings) : RouterSwitch(std::move(settings))
    {
    }
    explicit RouterOfSeveral(endpoint_counts counts) : RouterOfSeveral(several_endpoints(counts)) {}

    // One client for each destination, which it subscribes to once all have come.
    void subscribers(const std::vector<std::string>& destinations)
    {
        std::vector<session_id> all;
        for (std::size_t i = 0; i < destinations.size(); ++i) {
            all.push_back(client());
        }
        for (std::size_t i = 0; i < destinations.size(); ++i) {
            says(all[i], "SUBSCRIBE id:1 destination:" + destinations[i]);
        }
        skip_effects();
    }
    void drains(control::endpoint_ref where, bool on = true)
    {
        router.drain_endpoint(where, on, now);
        work();
    }
    // So often that it counts as down.
    void fails_its_probes(control::endpoint_ref which)
    {
        for (unsigned i = 0; i < broker::pool_settings{}.fall; ++i) {
            router.on_probe(which, false, "connection refused", now);
        }
    }

    const control::endpoint_ref b1{color::blue, 0}, b2{color::blue, 1}, g1{color::green, 0},
        g2{color::green, 1};
};

} // namespace testing_support
