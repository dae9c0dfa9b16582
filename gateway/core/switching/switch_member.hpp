#pragma once

// This shard as a member of a switch. docs/switch.md has the rules. Its table "Session" and the
// rules C, S and M are implemented here, with one step per file:
//   prepare.cpp    every session gets a standby
//   hold.cpp       settled and held
//   commit.cpp     every session moves
//   abort.cpp      or every session stays
//   pin.cpp        sessions that a switch gave up: pinned or cut
//   drain.cpp      what the old color still owes
//   held_back.cpp  backplane `shared`: what is subscribed only after the old color was left
// gateway/core/readiness says when this shard is prepared and held, and reports its numbers.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Only this class changes the phase of a switch_state, and only on a command, or when it waits
//     for nothing any more.
// (2) No session resumes before the decision is known (S7), nor on a standby that is not ready
//     (S6).

#include "broker/dial_pacer.hpp"
#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/endings.hpp"
#include "gateway/core/binding/endpoint_moves.hpp"
#include "gateway/core/binding/lingering_links.hpp"
#include "gateway/core/links/link_table.hpp"
#include "gateway/core/markers/backplane_survey.hpp"
#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/messages/receipts.hpp"
#include "gateway/core/messages/send_accounts.hpp"
#include "gateway/core/messages/to_client.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

#include <cstddef>
#include <string>

namespace gateway {

class switch_member : workbench {
public:
    switch_member(
        shard_state& shard, link_table& links, send_accounts& sends, receipts& receipts,
        to_client& to_client, couriers& couriers, cluster_survey& survey,
        backplane_survey& backplane, wire_pairing& pairing, wire_subscriptions& subscriptions,
        seam_table& seams, readiness& readiness, lingering_links& lingering, binder& binder,
        endings& endings, endpoint_moves& moves) noexcept
        : workbench(shard), links_(links), sends_(sends), receipts_(receipts),
          to_client_(to_client), couriers_(couriers), survey_(survey), backplane_(backplane),
          pairing_(pairing), subscriptions_(subscriptions), seams_(seams), readiness_(readiness),
          lingering_(lingering), binder_(binder), endings_(endings), moves_(moves)
    {
    }

    // ---- the coordinator
    void on_command(const control::command& command, time_point now);

    // ---- preparing
    // P9: no answer was to be had, or it came when the colors had been taken for separate.
    void check_backplane(time_point now);
    void on_late_backplane(time_point now);
    void join_switch(client_session& s, time_point now); // it came after the order
    void on_bound(client_session& s, time_point now);

    // ---- after the decision
    void unpin(client_session& s, time_point now);
    void unpin_overdue(client_session& s, time_point now);
    void run_drain(time_point now);
    void doubt_receipts(time_point now);

    // ---- backplane `shared`: stored subscriptions, and all where there is no key
    void keep_to_give_back(wire_subscription& w, const stomp::frame_view& frame, framing as);
    void release_held_back(client_session& s, color c, time_point now);

private:
    void on_prepare(const control::prepare& order, time_point now);
    void begin_standby(client_session& s, time_point now);

    void on_hold(time_point now);
    void give_up(bool cut, time_point now);

    void on_commit(const control::commit& order, time_point now);
    void move(client_session& s, time_point now);
    void drop_gaps(client_session& s, time_point now);
    void resume(client_session& s, time_point now);
    void pin_session(client_session& s, time_point now);
    void cut_session(client_session& s, time_point now);

    void on_abort(const control::abort_switch& order, time_point now);
    void note_unready(const client_session& s);
    void release_standby(client_session& s, time_point now);
    void read_again();

    void fail_all(const std::string& why, time_point now);
    bool drained(client_session& s, time_point now);
    bool is_on_its_way(wire_subscription& w, time_point now);
    std::ptrdiff_t left_on(const link_record& own) const;
    void end_stored(client_session& s, subscription& sub, time_point now);
    void finish_drain(client_session& s, time_point now);
    bool has_retired(const client_session& s);
    bool leave_retired(link_record& own, time_point now);

    void hold_back(client_session& s, time_point now);
    bool gives_back(const client_session& s) const;
    void feed(client_session& s, wire_subscription& w, time_point now);


    // Own links of the old color are left at 4000 a second, and not ahead of the others' markers
    // for longer than that: leaving one costs as much as its marker.
    static constexpr std::size_t leaves_at_once = 16;
    static constexpr auto leave_pause = std::chrono::milliseconds{4};
    static constexpr auto leave_behind_markers = std::chrono::milliseconds{50};

    link_table& links_;
    send_accounts& sends_;
    receipts& receipts_;
    to_client& to_client_;
    couriers& couriers_;
    cluster_survey& survey_;
    backplane_survey& backplane_;
    wire_pairing& pairing_;
    wire_subscriptions& subscriptions_;
    seam_table& seams_;
    readiness& readiness_;
    lingering_links& lingering_;
    binder& binder_;
    endings& endings_;
    endpoint_moves& moves_;
};

} // namespace gateway
