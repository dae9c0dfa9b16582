#pragma once

// Wire subscriptions: made, shared, confirmed, left. One of them serves all sessions of an identity
// that subscribed with the same header lines.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) The last member that leaves ends its wire subscription.
// (2) A session that moves joins none that other sessions read before its move (M13).

#include "gateway/core/links/link_table.hpp"
#include "gateway/core/links/share_groups.hpp"
#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/markers/rejoin_markers.hpp"
#include "gateway/core/messages/receipts.hpp"
#include "gateway/core/subscriptions/marker_trials.hpp"
#include "gateway/core/subscriptions/subscribe_trials.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"

namespace gateway {

class wire_subscriptions : workbench {
public:
    wire_subscriptions(
        shard_state& shard, link_table& links, share_groups& groups, receipts& receipts,
        cluster_survey& survey, rejoin_markers& fences, subscribe_trials& trials, marker_trials&
        marker_trials, wire_pairing& pairing) noexcept
        : workbench(shard), links_(links), groups_(groups), receipts_(receipts),
          survey_(survey), fences_(fences), trials_(trials), marker_trials_(marker_trials),
          pairing_(pairing)
    {
    }

    // ---- subscribe.cpp
    bool subscribe(client_session& s, subscription& sub, color c, member_state as, time_point now);
    void on_confirmed(wire_subscription& w, time_point now);

    // ---- leave.cpp
    void drop_member(
        wire_subscription& w, session_id session, std::uint32_t number, time_point now,
        std::string_view receipt);
    void
    drop_member(wire_subscription& w, session_id session, std::uint32_t number_of, time_point now)
    {
        drop_member(w, session, number_of, now, {});
    }
    void leave_wire(
        wire_subscription& w, session_id session, std::string_view receipt,
        time_point now);
    void erase_wire(wire_id id, time_point now);
    void drop_new_wires(client_session& s, time_point now);
    void drop_standby_wires(client_session& s, time_point now);
    void trim_kept(wire_subscription& w);

private:
    // ---- subscribe.cpp
    bool may_join(
        const client_session& s, const subscription& sub, const wire_subscription& w,
        member_state as) const;
    wire_subscription* to_join(
        const client_session& s, const subscription& sub, const share_group& g, color c,
        member_state as) const;
    wire_subscription& make_wire(
        client_session& s, subscription& sub, link_record& l, member_state as, time_point now);
    link_record*
    shared_link(client_session& s, subscription& sub, color c, time_point now);

    link_table& links_;
    share_groups& groups_;
    receipts& receipts_;
    cluster_survey& survey_;
    rejoin_markers& fences_;
    subscribe_trials& trials_;
    marker_trials& marker_trials_;
    wire_pairing& pairing_;
};

} // namespace gateway
