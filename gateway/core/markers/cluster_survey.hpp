#pragma once

// Finds out which endpoints of the live color are one message world. At the end of preparing it
// sends a marker from each endpoint to each other one. The result says which markers join a seam.
// switch.md M1, M2.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Every question ends: it is answered, or trial_timeout has passed since it could be SENT.
// (2) Two endpoints between which a marker did not arrive in time count as side by side until one
//     arrives.

#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/markers/message_worlds.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

class cluster_survey : workbench {
public:
    cluster_survey(shard_state& shard, couriers& couriers) noexcept
        : workbench(shard), couriers_(couriers)
    {
    }

    void begin() noexcept { asked_ = false; } // a switch was ordered
    void ask(time_point now);                 // all that this shard reads; once a switch
    void ask_about(const wire_subscription& to, time_point now);
    bool asked() const noexcept { return asked_; }
    bool open() const noexcept { return !questions_.empty(); } // `prepared` waits for it
    void go_on(time_point now);
    void look_again(time_point now); // a link came up, or a subscription went
    void stop() noexcept { questions_.clear(); }

    void on_marker(endpoint_ref from, endpoint_ref read_at, time_point now);
    // P9: a marker from one color did not arrive at the other.
    void none_came(endpoint_ref from, endpoint_ref at) { worlds_.none_came(from, at); }
    void forget(endpoint_ref which) { worlds_.forget(which); } // it may have joined another cluster

    // Whether both are one broker, as far as the markers say.
    std::optional<bool> one_world(endpoint_ref a, endpoint_ref b) const
    {
        return worlds_.one(a, b);
    }
    // P7: the endpoints of both colors whose messages come to `w`, one bit for each by its index.
    // `dark`: there is one of which that is not known, or from which nothing can be SENT.
    broker::per_color<std::uint64_t>
    mark_endpoints(const wire_subscription& w, bool& dark, time_point now);
    // True unless they are known to be two worlds: a marker from one did not arrive at the other.
    bool may_be_one_world(endpoint_ref a, endpoint_ref b) const
    {
        return worlds_.one(a, b).value_or(true);
    }

    // The markers that join a seam whose old side is `w`: one bit for each endpoint, by its index.
    std::uint64_t awaited_markers(const wire_subscription& w, bool& best_effort, time_point now);

private:
    // Whether a marker SENT at one endpoint of a color arrives at a subscription at another.
    struct world_question {
        endpoint_ref from, at;
        std::string host; // of the subscriptions at `at`
        wire_id to;       // one of them
        time_point until;
        link_id asked = link_id::none;
    };
    bool both_colors() const noexcept { return shares_backplane() && settings_.pairing.marks(); }
    void ask_from(color c, const wire_subscription& to, time_point now);
    bool is_asked(endpoint_ref from, endpoint_ref where, std::string_view host) const;
    wire_subscription* sample_at(endpoint_ref where, std::string_view host);

    couriers& couriers_;
    message_worlds worlds_;
    std::vector<world_question> questions_;
    bool asked_ = false;
};

} // namespace gateway
