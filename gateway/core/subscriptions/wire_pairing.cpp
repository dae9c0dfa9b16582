// Which wire subscriptions are a pair, from the standby on until nothing can be missing of it.
// switch.md P2, P3.

#include "gateway/core/subscriptions/wire_pairing.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

namespace {

wire_pair* find_pair(const wire_subscription& fresh, std::uint16_t tag) noexcept
{
    const auto at = std::ranges::find_if(
        fresh.pairs, [&](const wire_pair* p) { return p->new_wire == fresh.id && p->tag == tag; });
    return at == fresh.pairs.end() ? nullptr : *at;
}

} // namespace

// A subscription of a client got a wire subscription on that color: a standby's is paired with the
// old color's, and a live one that was made again takes its place in the pair (P2).
void wire_pairing::pair_up(client_session& s, subscription& sub, color c)
{
    const auto waits = [&](const wire_member& m) {
        return m.is_of(s.id, sub.number) &&
               (m.state == member_state::standby || m.state == member_state::joining);
    };
    wire_subscription* fresh = wire(sub.wires[c]);
    wire_subscription* old = wire(sub.wires[broker::other(c)]);
    if (!pairs() || !sub.broadcast || sub.overlaps) {
        return;
    }
    if (std::ranges::none_of(fresh->members, waits)) {
        std::swap(fresh, old);
    }
    if (fresh == nullptr) {
        return;
    }
    const auto member = std::ranges::find_if(fresh->members, waits);
    if (member == fresh->members.end()) {
        return; // M8: the old side of a seam is no standby's
    }
    const wire_id from = old != nullptr ? old->id : wire_id::none;
    wire_pair* before = member->pair != 0 ? find_pair(*fresh, member->pair) : nullptr;
    const auto same = std::ranges::find_if(fresh->pairs, [&](const wire_pair* p) {
        return p->new_wire == fresh->id && p->old_wire == from && !p->core.is_open();
    });
    wire_pair* pair = same != fresh->pairs.end() ? *same : nullptr;
    if (pair == nullptr && before != nullptr && before->old_wire == wire_id::none) {
        pair = before; // its old side was lost: this is the same stream again
        forget_marks(*pair);
        if (marks()) {
            pair->core.unmark(); // what was marked there is no more
        }
        pair->old_wire = from;
        old->pairs.push_back(pair);
    } else if (pair == nullptr) {
        pairs_.push_back(std::make_unique<wire_pair>());
        pair = pairs_.back().get();
        pair->held = held_bytes<held_kind::pairing>{&shard_.budget};
        if (before != nullptr) {
            pair->core = before->core;
            if (marks()) {
                pair->core.unmark();
            }
        }
        pair->old_wire = from;
        pair->new_wire = fresh->id;
        pair->tag = ++fresh->last_tag;
        pair->made_by = switch_.id;
        fresh->pairs.push_back(pair);
        if (old != nullptr) {
            old->pairs.push_back(pair);
            if (old->recent) { // of what came before, the new color may still bring a twin
                old->recent->for_each([&](const twin_key& key) { pair->core.given_before(key); });
            }
        }
    }
    member->pair = pair->tag;
    settle(*fresh);
}

// P4: without marks only a pair that was made with the new color's SUBSCRIBE knows which MESSAGEs
// the old color has given since, and whose twins are on their way. One that is made later would keep
// such a twin, and deliver it once more and late.
bool wire_pairing::knows(const wire_subscription& fresh, wire_id old) const
{
    const bool exact = !pairs() || !fresh.broadcast || settings_.pairing.by == dedup_by::header ||
                       (marks() && fresh.addressed);
    return exact || std::ranges::any_of(fresh.pairs, [&](const wire_pair* p) {
               return p->new_wire == fresh.id && p->old_wire == old && !p->core.is_open();
           });
}

// P3: a SUBSCRIBE goes to the standby after the old color's RECEIPT, while the old link lives. So
// whatever the new color brings the old one brings too.
bool wire_pairing::awaits_old(const client_session& s, const subscription& sub) const
{
    const wire_subscription* old = wire(sub.wires[s.live]);
    return pairs() && !sub.overlaps && old != nullptr && old->state == wire_state::open;
}

// Members came, left or changed their state: a pair opens when nobody waits for it any more, and
// ends with its last member.
void wire_pairing::settle(wire_subscription& w)
{
    for (std::size_t i = w.pairs.size(); i-- > 0;) {
        wire_pair& pair = *w.pairs[i];
        if (pair.new_wire != w.id) {
            continue;
        }
        bool any = false, waiting = false;
        for (const wire_member& m : w.members) {
            any |= m.pair == pair.tag;
            waiting |= m.pair == pair.tag &&
                       (m.state == member_state::standby || m.state == member_state::joining);
        }
        if (!any) {
            end_pair(pair);
        } else if (!waiting && !pair.core.is_open()) {
            pair.core.open();
            pair.ends = switch_.drain_until;
            if (pair.old_wire == wire_id::none) {
                pair.core.leave_old();
            }
        }
    }
}

const wire_pair* wire_pairing::pair_of(const wire_subscription& w, const wire_member& m) noexcept
{
    return m.pair != 0 ? find_pair(w, m.pair) : nullptr;
}

// The members of that seam are off the old wire subscription.
void wire_pairing::leave_pair(wire_id old_wire, wire_id new_wire, bool by_markers)
{
    const wire_subscription* fresh = wire(new_wire);
    for (std::size_t i = 0; fresh != nullptr && i < fresh->pairs.size(); ++i) {
        wire_pair& pair = *fresh->pairs[i];
        if (pair.new_wire == fresh->id && pair.old_wire == old_wire) {
            const bool all_read = by_markers && pair.marks.read == window_mark::oc; // P7: up to Oc
            detach_old(pair);
            pair.core.leave_old(all_read);
        }
    }
}

// A wire subscription is gone, or left by everybody.
void wire_pairing::leave_pairs(wire_subscription& w)
{
    for (wire_pair* pair : std::vector{w.pairs}) {
        if (pair->new_wire == w.id) {
            end_pair(*pair);
            continue;
        }
        detach_old(*pair);
        if (pair->core.is_open()) {
            pair->core.leave_old();
        } else if (marks()) { // it is bound and marked again
            forget_marks(*pair);
            pair->core.unmark();
        }
    }
}

void wire_pairing::detach_old(wire_pair& pair)
{
    if (wire_subscription* old = wire(pair.old_wire)) {
        std::erase(old->pairs, &pair);
    }
    pair.old_wire = wire_id::none;
}

void wire_pairing::end_pair(wire_pair& pair)
{
    count(pair);
    forget_marks(pair);
    detach_old(pair);
    if (wire_subscription* fresh = wire(pair.new_wire)) {
        std::erase(fresh->pairs, &pair);
    }
    std::erase_if(pairs_, [&](const auto& one) { return one.get() == &pair; });
}

// Pairs whose old color was left and that nothing can be missing of any more. The next time that
// one ends.
time_point wire_pairing::sweep(time_point now)
{
    time_point next = net::never;
    for (std::size_t i = pairs_.size(); i-- > 0;) {
        wire_pair& pair = *pairs_[i];
        if (!pair.core.is_open() || !pair.core.has_left()) {
            continue;
        }
        if (marks()) {
            shut(pair, now);
            count(pair);
        }
        if (pair.core.done() || now >= pair.ends) {
            end_pair(pair);
        } else {
            next = std::min(next, pair.ends);
        }
    }
    return next;
}

void wire_pairing::forget_recent()
{
    if (pairs()) {
        for (const auto& [id, w] : tables_.wires) {
            w->recent.reset();
        }
    }
}

} // namespace gateway
