#pragma once

// Backplane `shared` with a key (`switch.dedup`): both colors bring the same MESSAGEs, and each
// client gets one of each pair. switch.md P1 to P8, design.md section 6.4. The class pairing finds
// twins. This class knows which wire subscriptions are a pair, decides what becomes of a MESSAGE,
// and sends the marks between which contents are compared (wire_pairing_marks.cpp).
//
// Threading:  belongs to one shard.
// Lifetime:   a pair is made with its standby's subscription. It ends with the last member on its
//             new side, or after the seam once no twin can be missing any more (P2).
// Invariants:
// (1) A wire subscription's `pairs` are those in which it is one side.
// (2) A pair opens when no member waits for it any more. Its seam leaves it.
// (3) At most one mark of a pair is on its way, and every wait for one has an end (P7).

#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/messages/to_client.hpp"

#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

class wire_pairing : workbench {
public:
    wire_pairing(
        shard_state& shard, to_client& to_client, couriers& couriers, cluster_survey&
        survey) noexcept
        : workbench(shard), to_client_(to_client), couriers_(couriers), survey_(survey)
    {
    }

    bool pairs() const noexcept
    {
        return shares_backplane() && settings_.pairing.by != dedup_by::nothing;
    }

    bool any() const noexcept { return !pairs_.empty(); }

    // True: nothing more is to be done with it. Also called for every MESSAGE outside of a switch.
    bool on_message(
        link_record& l, wire_subscription& w, const stomp::frame_view& frame, framing as,
        time_point now);

    void pair_up(client_session& s, subscription& sub, color c);
    bool awaits_old(const client_session& s, const subscription& sub) const;
    bool knows(const wire_subscription& fresh, wire_id old) const; // exactly what is on its way
    void settle(wire_subscription& w);
    static const wire_pair* pair_of(const wire_subscription& w, const wire_member& m) noexcept;
    // Its seam is over. `by_markers`: it was joined, and by its markers alone.
    void leave_pair(wire_id old_wire, wire_id new_wire, bool by_markers);
    void leave_pairs(wire_subscription& w);
    time_point sweep(time_point now);
    void forget_recent();

    // ---- marks (P7)
    bool marks() const noexcept { return pairs() && settings_.pairing.marks(); }
    void mark_new(time_point now);
    bool marking() const; // `prepared` waits for it
    bool marked(wire_id old, const wire_subscription& fresh) const; // `held` does
    void on_seam(const wire_subscription& from, const wire_subscription& to, time_point now);
    void on_new_lost(wire_id fresh); // while its seams are joining
    bool holds_markers(wire_id old, wire_id fresh) const; // the seam's own
    void on_mark(wire_subscription& w, const marker_text& mark, time_point now);
    time_point run_marks(time_point now);
    bool any_on_way() const;
    std::size_t open_windows(control::switch_number of) const;

private:
    // By which link the first marks of a round ride, for each endpoint and identity.
    using couriers_of_round = std::map<std::pair<endpoint_ref, std::uint64_t>, link_id>;

    void begin_marks(wire_pair& pair, couriers_of_round& together, time_point now);
    void
    ask_mark(wire_pair& pair, window_mark which, couriers_of_round& together, time_point now);
    void send_marks(wire_pair& pair, couriers_of_round& together, time_point now);
    void on_mark_read(wire_pair& pair, time_point now);
    void tell_marked(const wire_pair& pair, time_point now);
    void give_up_marks(wire_pair& pair, time_point now);
    void note_old_marked(const wire_pair& pair);
    void shut(wire_pair& pair, time_point now);
    void forget_marks(wire_pair& pair);
    time_point mark_until(const wire_pair& pair) const;
    template <class Visit>
    void each_member(const wire_pair& pair, Visit visit) const;
    void count(wire_pair& pair);
    void note_plain(wire_pair& pair);
    void note_overflow(wire_pair& pair);
    control::session_names whose(const wire_pair& pair) const;
    control::session_names whose(const wire_subscription& w) const;
    bool awaits_marks(const wire_pair& pair) const noexcept;

    void take_stock(wire_pair& pair);
    void remember(wire_subscription& w, const twin_key& key);
    bool give(wire_subscription& w, const stomp::frame_view& frame, framing as, time_point now);
    bool has_lost_new(const wire_pair& pair) const;
    bool sent_with_epoch(const stomp::frame_view& frame, control::epoch_number which) const;
    static bool has_twin(
        client_session& s, const wire_subscription& w, const wire_member& m,
        const std::vector<const wire_pair*>& twins, bool keyed);
    void cancel_kept(const wire_pair& pair, const kept_message& twin);
    void bound_kept(wire_subscription& w);
    void detach_old(wire_pair& pair);
    void end_pair(wire_pair& pair);

    to_client& to_client_;
    couriers& couriers_;
    cluster_survey& survey_;
    std::map<std::uint64_t, wire_pair*> marked_; // by the number of the mark on its way
    std::uint64_t last_mark_ = 0;
    std::vector<std::unique_ptr<wire_pair>> pairs_;
};

template <class Visit>
void wire_pairing::each_member(const wire_pair& pair, Visit visit) const
{
    const wire_subscription* fresh = wire(pair.new_wire);
    for (std::size_t i = 0; fresh != nullptr && i < fresh->members.size(); ++i) {
        if (fresh->members[i].pair == pair.tag) {
            visit(fresh->members[i].session);
        }
    }
}

} // namespace gateway
