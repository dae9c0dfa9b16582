#pragma once

// One subscription at a broker, and the clients' subscriptions that it serves. design.md section 5
// (shared subscription); switch.md "Seam".

#include "broker/net/payload.hpp"
#include "gateway/core/pairing/overlap_notes.hpp"
#include "gateway/core/pairing/pair_marks.hpp"
#include "gateway/core/pairing/pairing.hpp"
#include "gateway/core/tables/share_group.hpp"
#include "gateway/memory/memory_budget.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gateway {

enum class member_state : std::uint8_t {
    live,      // gets every MESSAGE
    standby,   // prepared: gets nothing yet
    joining,   // from commit on: gets the kept MESSAGEs once its seam joins
    late,      // its seam is joined, forced or overlaps: MESSAGEs are delivered and counted
    rejoining, // bound again inside a color: gets nothing before its marker (M13)
};

struct wire_member {
    session_id session = session_id::none;
    std::uint32_t subscription = 0; // the session's number of it
    member_state state = member_state::live;
    bool outlived = false;  // late: a newer one of that color was live meanwhile (M8)
    bool behind = false;    // rejoining: it waits for the marker after the one that is on its way
    std::uint16_t pair = 0; // backplane `shared`: the tag of its pair, this being the new side

    bool is_of(session_id whose, std::uint32_t number_of) const noexcept
    {
        return session == whose && subscription == number_of;
    }
    bool same_client(const wire_member& other) const noexcept
    {
        return is_of(other.session, other.subscription);
    }
};

// Backplane `shared`: an old and a new wire subscription, and what both colors brought (P2).
struct wire_pair {
    wire_id old_wire = wire_id::none; // none: lost, and not made again yet
    wire_id new_wire = wire_id::none;
    std::uint16_t tag = 0; // marks its members on the new wire subscription
    control::switch_number made_by = 0;
    net::time_point ends = net::never; // a twin that has not arrived by then never arrives
    pair_marks marks;                  // P7
    held_bytes<held_kind::pairing> held;
    pairing core;

    // For which switch's report that was said of it; not again with each MESSAGE.
    control::switch_number said_overflow = 0, said_plain = 0;

    std::size_t kept_largest = 0; // of what was kept since nothing was
    // M10: one MESSAGE that is larger than the mark fills nothing by itself.
    bool kept_above(std::size_t mark) const noexcept
    {
        const std::size_t bytes = core.kept_bytes();
        return bytes - (kept_largest > mark ? std::min(kept_largest, bytes) : 0) > mark;
    }
};

// What both sides of a seam that overlaps know of it (O4, O5).
struct wire_overlap {
    explicit wire_overlap(const std::array<std::uint64_t, 2>& secret) noexcept : notes(secret) {}
    overlap_notes notes;
    held_bytes<held_kind::pairing> held;
    wire_id old_wire = wire_id::none;
    net::time_point soon_over; // from here on the time may be too short
    control::switch_number made_by = 0;
};

enum class wire_state : std::uint8_t {
    open, // SUBSCRIBE written, not answered
    confirmed,
    leaving, // UNSUBSCRIBE written
    lost,    // with its link, while seams still wait for the MESSAGEs that it kept
};

struct wire_subscription {
    wire_id id = wire_id::none;
    link_id link = link_id::none;
    share_group* group = nullptr;
    net::payload_ref head; // the SUBSCRIBE's header lines; key in group->wires where shared
    std::vector<wire_member> members;
    wire_state state = wire_state::open;
    bool addressed = false; // has an address of its own (switch.md B3)
    bool shared = false;
    bool broadcast = true;
    bool overlaps = false;      // O1
    bool answered_once = false; // O6: a standby's, and its first MESSAGE is the client's already
    bool acknowledges = false; // client-individual on the wire
    bool automatic = false;    // the client said auto: acknowledged when written
    bool durable = false;
    bool keeping = false; // M7: from this shard's `held` on
    // Stored, backplane `shared`: what comes is kept and not acknowledged; it goes back to the
    // queue with the link, but for what a client that waits for more before it acknowledges is fed
    // of it.
    bool giving_back = false;
    bool retired = false;     // joined: left when its session's link is, see run_drain()
    bool overfull = false;    // giving back, and what came behind the buffer's end was not kept
    bool opened_late = false; // a seam that waits for it was forced: nothing is kept any more
    std::uint32_t seams = 0;  // seams that wait for it as their new side
    control::switch_number late_of = 0; // whose seam left its members behind: what still comes counts there
    std::vector<kept_message> kept;
    std::size_t kept_bytes = 0;
    std::size_t kept_largest = 0; // of what was kept since kept_bytes was 0

    // Null: that subscription of the session is not served here.
    wire_member* member(session_id whose, std::uint32_t number_of) noexcept
    {
        const auto at = std::ranges::find_if(
            members, [&](const wire_member& m) { return m.is_of(whose, number_of); });
        return at == members.end() ? nullptr : &*at;
    }
    void remove_member(session_id whose, std::uint32_t number_of)
    {
        std::erase_if(members, [&](const wire_member& m) { return m.is_of(whose, number_of); });
    }
    // From here on no session joins it by its head.
    void unlist()
    {
        const auto at = group->wires.find(head->bytes());
        if (at != group->wires.end() && at->second == id) {
            group->wires.erase(at);
        }
    }

    void keep(kept_message message)
    {
        kept_bytes += message.rest->size();
        kept_largest = std::max(kept_largest, message.rest->size());
        kept.push_back(std::move(message));
    }
    // M10: one MESSAGE that is larger than the mark fills nothing by itself.
    bool kept_above(std::size_t mark) const noexcept
    {
        return kept_bytes - (kept_largest > mark ? std::min(kept_largest, kept_bytes) : 0) > mark;
    }
    std::shared_ptr<wire_overlap> overlap; // while it is one side of a seam that overlaps
    std::vector<wire_pair*> pairs;      // backplane `shared`: where this is one side; the router's
    control::switch_number said_unkeyed = 0; // for which switch's report that was said
    std::unique_ptr<twin_notes> recent; // given since the prepare order, for pairs made later
    std::uint16_t last_tag = 0;
    // linger, seam_quiet and "time without progress"; giving back: the last acknowledgement
    net::time_point last_message{};
    // S10, of the old color, stored: an ACK may still be on its way to the broker, or what the
    // broker sent for it on its way back, until it answered what was asked after the last one.
    bool maybe_on_its_way = true, asks_taken = false;
    broker::color color() const noexcept { return group->at.color; }
};

} // namespace gateway
