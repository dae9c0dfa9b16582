#pragma once

// The seams of a shard: where one color ends and the other begins in each client's broadcast
// subscriptions. switch.md "Seam" and M1 to M12. The class seam decides. This class carries its
// decisions out on wire subscriptions and their members, and SENDs the markers that a seam waits
// for.
//
// Threading:  belongs to one shard.
// Lifetime:   a seam is made at the commit, or when a pinned session is bound at last. Only run()
//             takes it out, so that no loop loses its place.
// Invariants:
// (1) A client's subscription is in at most one seam whose old color is not left.
// (2) session.seams counts its joining seams, forced_seams those that were forced and are not left.
//     wire.seams counts the joining seams that wait for the wire subscription as their new side.

#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/messages/to_client.hpp"
#include "gateway/core/seams/seam.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

#include <memory>
#include <vector>

namespace gateway {

class seam_table : workbench {
public:
    seam_table(
        shard_state& shard, to_client& to_client, couriers& couriers, cluster_survey&
        survey, wire_pairing& pairing, wire_subscriptions& subscriptions)
        noexcept
        : workbench(shard), to_client_(to_client), couriers_(couriers), survey_(survey),
          pairing_(pairing), subscriptions_(subscriptions)
    {
    }

    // ---- where they begin
    void make(time_point now);        // at the commit
    void make_breaks(time_point now); // the same where the old color is left first
    // `to`: null where the new color is subscribed behind this (backplane `shared` without a key).
    seam& between(const wire_subscription& from, wire_subscription* to, time_point now);
    void add(seam& which, client_session& s, const subscription& sub);
    // The client gets the kept MESSAGEs and reads the new color from here on.
    void hand_over(client_session& s, wire_subscription& w, wire_member& m);

    // ---- O3: a switch back while they overlap. What is still open on `to` is the standby's at once.
    void take_up(color to);
    void put_back(color to, time_point now); // that switch was aborted

    // ---- events
    void run(time_point now); // clocks and markers; takes out finished seams
    void on_marker(wire_id old, unsigned from, control::switch_number joins, time_point now);
    void on_endpoint_lost(const share_group& g, time_point now);
    void on_wire_lost(wire_id id, time_point now);
    void on_buffer_full(wire_id fresh, time_point now);         // M10: all of its pairs
    void on_buffer_full(const noted_full& pair, time_point now); // that one
    void on_old_marked(const noted_mark& pair, time_point now);  // P7
    // Lost with its link while seams still wait for the MESSAGEs that it kept.
    std::vector<session_id> keep_lost(wire_subscription& w);
    void leave(session_id session, std::uint32_t number_of, time_point now);

    // ---- numbers
    void count_open(); // at the prepare order: those that no earlier report is kept for
    time_point next_deadline() const noexcept;
    bool empty() const noexcept { return seams_.empty(); }
    std::size_t size() const noexcept { return seams_.size(); }
    bool joining() const noexcept; // any
    bool any_made_by(control::switch_number id) const noexcept;
    bool has(wire_id fresh, session_id session, std::uint32_t number_of) const noexcept;

private:
    void act(seam& which, const seam_action& what, time_point now);
    void open_new(seam& which, const std::vector<wire_member>& members, time_point now);
    void leave_old(seam& which, const std::vector<wire_member>& members, time_point now);
    void send_markers(time_point now);
    void begin_overlap(const seam& which, time_point now);
    void forget_overlap(const seam& which, time_point now);
    void end_overlap(wire_subscription& old, client_session& s, std::uint32_t number_of);
    bool waits_for_marks(const seam& one) const;
    static time_point last_sign(const seam& one, const wire_subscription* old);
    void
    release_lost(wire_subscription& w, const std::vector<wire_member>& members, time_point now);
    void retire_wire(wire_subscription& w, time_point now);
    bool in_seam(const wire_member& m) const;

    std::vector<std::unique_ptr<seam>> seams_;
    to_client& to_client_;
    couriers& couriers_;
    cluster_survey& survey_;
    wire_pairing& pairing_;
    wire_subscriptions& subscriptions_;
};

} // namespace gateway
