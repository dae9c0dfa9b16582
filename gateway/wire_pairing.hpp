#pragma once

// Backplane `shared` with a key (`switch.dedup`): both colors bring the same MESSAGEs, and each
// client gets one of each pair. SWITCH.md P1 to P4, DESIGN.md section 6.4. Twins are found by
// pairing; here is which wire subscriptions are a pair, and what becomes of a MESSAGE.
//
// Threading:  belongs to one shard.
// Lifetime:   a pair is made with its standby's subscription and ends with the last member on its
//             new side, or behind the seam once nothing can be missing of it (P2).
// Invariants:
// (1) A wire subscription's `pairs` are those in which it is one side.
// (2) A pair opens when no member waits for it any more, and is left by its seam.

#include "gateway/seam.hpp"
#include "gateway/shard_actions.hpp"

#include <memory>
#include <vector>

namespace gateway {

class wire_pairing : shard_part {
public:
    wire_pairing(shard_state& shard, shard_actions& actions) noexcept
        : shard_part(shard), actions_(actions)
    {
    }

    bool pairs() const noexcept
    {
        return settings_.shared_backplane && settings_.pairing.by != dedup_by::nothing;
    }

    // True: nothing more is to be done with it. Also called for every MESSAGE outside of a switch.
    bool on_message(
        link_record& l, wire_subscription& w, const stomp::frame_view& frame, framing as,
        time_point now);

    void pair_up(client_session& s, subscription& sub, color c);
    bool awaits_old(const client_session& s, const subscription& sub) const;
    void settle(wire_subscription& w);
    static const wire_pair* pair_of(const wire_subscription& w, const wire_member& m) noexcept;
    void leave_pair(const seam& which);
    void leave_pairs(wire_subscription& w);
    time_point sweep(time_point now);
    void forget_recent();

private:
    bool give(wire_subscription& w, const stomp::frame_view& frame, framing as, time_point now);
    static bool has_twin(
        client_session& s, const wire_subscription& w, const wire_member& m,
        const std::vector<const wire_pair*>& twins, bool keyed);
    void cancel_kept(const wire_pair& pair, const kept_message& twin);
    void bound_kept(wire_subscription& w, time_point now);
    void detach_old(wire_pair& pair);
    void end_pair(wire_pair& pair);

    shard_actions& actions_;
    std::vector<std::unique_ptr<wire_pair>> pairs_;
};

} // namespace gateway
