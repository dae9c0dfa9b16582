#pragma once

// Where one color ends and the other begins in some clients' broadcast subscriptions. A seam has a
// pair of wire subscriptions, the members that move from the old one to the new one, and the
// markers that have been read of the old one. switch.md "Seam, per pair of wire subscriptions":
// each event is answered with what the table says.
//
// Lifetime:   made at the commit. It ends when the old side is left.
// Invariants:
// (1) Only a marker, a lost side or seam_timeout joins it (M6). A best-effort seam joins when the
//     old color was quiet (B4). One that overlaps opens its new side at once and leaves the old one
//     when its time is over, unless the next switch has taken the old side up again (O3).
// (2) It opens the new side exactly once.

#include "broker/net/time.hpp"
#include "gateway/core/tables/wire_subscription.hpp"

#include <cstdint>
#include <vector>

namespace gateway {

enum class seam_state : std::uint8_t {
    joining,     // old color's stream to the clients, new color's kept
    joined,      // kept ones delivered, new color live, old color left
    forced,      // joined by seam_timeout, old color still subscribed
    overlapping, // both colors' to the clients for a while (O2)
};

// What ends it.
enum class seam_kind : std::uint8_t {
    markers,     // M3
    best_effort, // quiet (B4)
    overlap,     // the clock: an application answers late (O2)
};

// The steps for the owner of the two wire subscriptions, in this order.
struct seam_action {
    bool open_new = false;  // deliver the kept MESSAGEs to the members; then they are live
    bool leave_old = false; // the members leave the old wire subscription
    bool gap = false;       // something may be missing: counted
    bool operator==(const seam_action&) const = default;
};

class seam {
public:
    struct timing {
        net::duration seam_timeout{}, seam_quiet{}, marker_interval{}, drain_timeout{}, overlap{};
    };

    // new_wire: none where the new color is subscribed only behind this (design.md section 6.4,
    // backplane `shared` without a key): then a join leaves a gap.
    // best_effort: the old wire has no address or the barrier proves too little (B3). `awaited`:
    // one bit for each endpoint of the old color whose marker joins it (M1), by its index.
    seam(
        wire_id old_wire, wire_id new_wire, seam_kind kind, net::time_point now, const timing& t,
        control::switch_number made_by = 0, std::uint64_t awaited = 1) noexcept;

    void add(wire_member m) { members_.push_back(m); }

    // ---- events of the table
    // The marker of that endpoint was read; its link is lost and none will come. Both end the wait
    // for it alike, and the last one joins; what a lost endpoint had on its way counts as a gap.
    seam_action on_marker(unsigned endpoint = 0) noexcept;
    seam_action on_marker_lost(unsigned endpoint) noexcept;
    seam_action on_old_lost() noexcept;
    seam_action on_new_lost() noexcept;
    seam_action on_buffer_full() noexcept; // M10
    // M6, B4: `last_message` of the old wire; `reading`: the gateway reads the old link (its clock
    // stands otherwise).
    seam_action
    on_deadline(net::time_point now, net::time_point last_message, bool reading) noexcept;
    // O3: the old side is the next switch's standby, so no clock leaves it; that switch was aborted.
    void take_up() noexcept { next_check_ = net::never; }
    void put_back() noexcept { next_check_ = began_ + timing_.overlap; }
    // A client's UNSUBSCRIBE or end; true when it was the last member.
    bool remove(session_id session, std::uint32_t subscription) noexcept;
    // True when its markers are to be SENT now (M3: repeated until read).
    bool marker_due(net::time_point now) noexcept;
    // One of them could not be SENT yet.
    void repeat_soon(net::time_point now) noexcept { marker_at_ = now + timing_.marker_interval; }
    void send_marker_at(net::time_point when) noexcept { marker_at_ = when; }
    bool asked_again() const noexcept { return markers_ > 1; }

    net::time_point next_deadline() const noexcept;
    seam_state state() const noexcept { return state_; }
    seam_kind kind() const noexcept { return kind_; }
    bool best_effort() const noexcept { return kind_ == seam_kind::best_effort; }
    bool left() const noexcept { return left_; }
    bool has(session_id session, std::uint32_t subscription) const noexcept;
    std::uint64_t awaited() const noexcept { return awaited_; }
    // The switch whose report counts it: one of an earlier switch may join after the next was
    // ordered (M8).
    control::switch_number made_by() const noexcept { return made_by_; }
    wire_id old_wire() const noexcept { return old_; }
    wire_id new_wire() const noexcept { return new_; }
    const std::vector<wire_member>& members() const noexcept { return members_; }

private:
    seam_action force() noexcept;
    seam_action on_overlap_deadline() noexcept;
    bool breaks() const noexcept { return new_ == wire_id::none; }

    std::vector<wire_member> members_;
    std::uint64_t awaited_;
    wire_id old_, new_;
    timing timing_;
    net::time_point began_, progress_, marker_at_, next_check_;
    seam_state state_ = seam_state::joining;
    seam_kind kind_;
    bool left_ = false;
    bool lacks_ = false;        // joined without a marker whose endpoint is lost: a gap
    std::uint32_t markers_ = 0; // how often they were due
    control::switch_number made_by_;
};

} // namespace gateway
