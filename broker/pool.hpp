#pragma once

// The endpoints of one color as one shard sees them: which are healthy, which one to pick, and when
// to try one that is down.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) While an endpoint is down only its probe dials it. So the retries of many sessions never
//     become a storm.
// (2) An endpoint of weight 0 is picked only while no other endpoint is healthy.
// (3) A drained endpoint is never picked. Its probe goes on, so that its health is known when it is
//     taken back.

#include "broker/net/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace broker {

struct pool_endpoint {
    std::string name; // "g1" or "host:port"
    std::string url;
    unsigned weight = 1;
    bool websocket = false; // ws:// or wss://: always one link a session
    bool removed = false;   // by a reload: nobody is to go there, and its place stays
};

struct pool_settings {
    net::duration interval = std::chrono::seconds{2}; // health.interval
    unsigned rise = 2, fall = 3;
};

class pool {
public:
    pool(std::vector<pool_endpoint> endpoints, pool_settings settings);
    // REQUIRES: at least as many as before, in their places. New ones are healthy until something fails.
    void reload(std::vector<pool_endpoint> endpoints, pool_settings settings, net::time_point now);

    // ---- events
    void on_dial_failed(std::size_t index, std::string why, net::time_point now);
    void on_dial_succeeded(std::size_t index) noexcept; // a CONNECTED came
    void on_probe(std::size_t index, bool ok, std::string why, net::time_point now);
    void on_bound(std::size_t index) noexcept { ++states_[index].sessions; }
    void on_unbound(std::size_t index) noexcept { --states_[index].sessions; }
    // An operator's order; it does not outlive the process.
    void set_draining(std::size_t index, bool on) noexcept { states_[index].draining = on; }

    // ---- questions
    // Where the next session goes: the healthy endpoint with the fewest sessions for its weight;
    // nullopt: none.
    std::optional<std::size_t> pick() const noexcept;
    bool healthy(std::size_t index) const noexcept { return states_[index].healthy; }
    bool draining(std::size_t index) const noexcept { return states_[index].draining; }
    bool any_healthy() const noexcept;
    // Endpoints whose probe is due; each is asked once and answered by on_probe.
    std::vector<std::size_t> take_due_probes(net::time_point now);
    net::time_point next_probe() const noexcept;

    std::size_t size() const noexcept { return endpoints_.size(); }
    const pool_endpoint& at(std::size_t index) const noexcept { return endpoints_[index]; }
    std::uint64_t sessions(std::size_t index) const noexcept { return states_[index].sessions; }
    const std::string& last_error(std::size_t index) const noexcept
    {
        return states_[index].last_error;
    }

private:
    struct state {
        std::uint64_t sessions = 0;
        std::string last_error;
        net::time_point next_probe{};
        net::duration back_off{};
        unsigned failures = 0, successes = 0;
        bool healthy = true; // until something fails: a start does not wait for probes
        bool probing = false;
        bool draining = false;
    };
    void fail(state& s, std::string why, net::time_point now);

    std::vector<pool_endpoint> endpoints_;
    std::vector<state> states_;
    pool_settings settings_;
};

} // namespace broker
