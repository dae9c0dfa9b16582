#pragma once

// A move inside a color, when an endpoint is drained. switch.md M13: a session leaves first and is
// bound again afterwards, and the gap is counted. All sessions of the endpoint move together. Their
// SENDs are carried, and a barrier proves the earlier ones. Each session leaves when a marker was
// read that follows everything routed to its subscriptions. Then it is bound like a session that
// lost a link.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Each step has a bound, and none needs the endpoint to answer.
// (2) No session moves within a switch: the switch takes it along from where it is (C1).

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/lingering_links.hpp"
#include "gateway/core/links/link_table.hpp"
#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace gateway {

class endpoint_moves : workbench {
public:
    endpoint_moves(
        shard_state& shard, link_table& links, couriers& couriers, wire_subscriptions&
        subscriptions, readiness& readiness, lingering_links& lingering, binder& binder)
        noexcept
        : workbench(shard), links_(links), couriers_(couriers), subscriptions_(subscriptions),
          readiness_(readiness), lingering_(lingering), binder_(binder)
    {
    }

    // Drained (on) or taken back.
    void drain(endpoint_ref where, bool on, time_point now);
    void run(time_point now);
    // A link was lost, or its barrier was answered.
    void look_again(time_point now)
    {
        if (!moves_.empty()) {
            at(now, due::moves);
        }
    }
    void on_marker(wire_id read, std::uint64_t number_of, time_point now);
    void cancel(time_point now); // a switch was ordered

private:
    // The sessions of one drained endpoint on their way to others.
    struct endpoint_move {
        endpoint_ref from;
        std::uint64_t number = 0;
        std::vector<session_id> sessions;
        std::set<wire_id> awaited;             // whose marker was not read yet
        bool marking = false;                  // every earlier SEND is proven or in doubt
        time_point until{};                    // of this step
        time_point give_up{};                  // for a client that keeps its marker from being read
        std::map<session_id, time_point> slow; // such a one: until when its marker may come
        std::size_t left = 0, gaps = 0, handed_back = 0;
    };
    bool begins(endpoint_ref from, time_point now);
    bool reads_a_pair(endpoint_ref from) const;
    void go_on(time_point now);
    bool all_settled(const endpoint_move& m) const;
    void send_markers(endpoint_move& m, time_point now);
    void leave_ready(endpoint_move& m, time_point now);
    bool awaits_marker(endpoint_move& m, const client_session& s, time_point now);
    void leave_endpoint(endpoint_move& m, const std::vector<session_id>& who, time_point now);
    std::size_t leave_subscriptions(client_session& s, bool lingers, time_point now);
    void stay(const std::vector<session_id>& who, time_point now);

    link_table& links_;
    couriers& couriers_;
    wire_subscriptions& subscriptions_;
    readiness& readiness_;
    lingering_links& lingering_;
    binder& binder_;
    std::vector<endpoint_move> moves_;
    std::uint64_t last_ = 0;
};

} // namespace gateway
