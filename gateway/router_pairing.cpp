// Backplane `shared`: both colors bring the same MESSAGEs. SWITCH.md P1 to P4, DESIGN.md section
// 6.4. With a key (`switch.dedup`) they are paired, and each client gets one of each pair; without
// one the old color is left before the new one is subscribed. Stored subscriptions never have a
// consumer on both.

#include "gateway/router.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr std::size_t recent_max = 2048; // keys of one wire subscription, since the prepare order
constexpr std::string_view unkeyed = "dedup: messages without the header were not paired";
constexpr std::string_view overflowed = "dedup: more unmatched messages than are remembered";

wire_pair* find_pair(const wire_subscription& fresh, std::uint16_t tag) noexcept
{
    const auto at = std::ranges::find_if(
        fresh.pairs, [&](const wire_pair* p) { return p->new_wire == fresh.id && p->tag == tag; });
    return at == fresh.pairs.end() ? nullptr : *at;
}

} // namespace

// ---- MESSAGEs

// True: nothing more is to be done with it. Also called for every MESSAGE outside of a switch.
bool router::on_shared_message(
    link_record& l, wire_subscription& w, const stomp::frame_view& frame, framing as,
    time_point now)
{
    if (w.giving_back) {
        keep_to_give_back(w, frame, as);
        return true;
    }
    if (!w.broadcast) {
        return false;
    }
    // What comes behind the markers is the new color's to give (P1).
    const bool left = w.state == wire_state::leaving;
    const bool plain = !pairs() || (w.pairs.empty() && !in_switch() &&
                                    std::ranges::none_of(w.members, [](const wire_member& m) {
                                        return m.state == member_state::late;
                                    }));
    if (!left && plain) {
        return false;
    }
    if (left && pairs()) {
        switch_.tally.duplicates_dropped += w.members.size();
    }
    if ((left || !give_paired(w, frame, as, now)) && w.acknowledges) {
        l.core.acknowledge({.wire = w.id, .broker_ack = ack_of(frame, l.core.version())}, out_);
    }
    return true;
}

// False: nobody has it to acknowledge.
bool router::give_paired(
    wire_subscription& w, const stomp::frame_view& frame, framing as, time_point now)
{
    w.last_message = now;
    const auto key = settings_.pairing.key_of(frame);
    if (!key) { // not pairable: the color that is the clients' stream gives it
        switch_.note_counted(std::string{unkeyed});
    }
    std::vector<const wire_pair*> twins; // whose members have it already
    kept_message message;
    const auto shared = [&]() -> const kept_message& {
        if (!message.rest) {
            message = keep(w, frame, as);
        }
        return message;
    };
    bool used = false;
    for (std::size_t i = 0; key && i < w.pairs.size(); ++i) {
        wire_pair& pair = *w.pairs[i];
        auto verdict = pairing::verdict::deliver;
        if (pair.new_wire == w.id) {
            verdict = pair.core.on_new(*key);
            if (verdict == pairing::verdict::keep) {
                pair.core.keep(*key, shared());
                used = true;
            }
        } else {
            auto of_old = pair.core.on_old(*key);
            verdict = of_old.what;
            if (of_old.cancelled) {
                cancel_kept(pair, *of_old.cancelled);
            }
        }
        if (verdict == pairing::verdict::twin) {
            twins.push_back(&pair);
        }
        if (pair.core.overflowed()) {
            switch_.note_counted(std::string{overflowed});
        }
    }
    if (key && in_switch() && w.color() == shard_.live &&
        settings_.pairing.by == dedup_by::header) {
        if (!w.recent) {
            w.recent = std::make_unique<key_window>(recent_max);
        }
        w.recent->add(*key);
    }
    for (std::size_t i = 0; i < w.members.size(); ++i) {
        const wire_member m = w.members[i];
        client_session* s = find(m.session);
        if (s == nullptr || (m.state != member_state::live && m.state != member_state::late)) {
            continue;
        }
        if (has_twin(*s, w, m, twins, key.has_value())) {
            ++switch_.tally.duplicates_dropped;
        } else if (w.members.size() == 1 && !used) {
            deliver(*s, w, m, frame, as);
            used = true;
        } else {
            deliver_shared(*s, w, m, shared());
            used = true;
        }
    }
    bound_kept(w, now);
    return used;
}

// Whether that client has this MESSAGE from the other color, or will get it from there.
bool router::has_twin(
    client_session& s, const wire_subscription& w, const wire_member& m,
    const std::vector<const wire_pair*>& twins, bool keyed)
{
    if (m.state == member_state::live) {
        return std::ranges::any_of(twins, [&](const wire_pair* p) {
            return p->new_wire == w.id && p->tag == m.pair && m.pair != 0;
        });
    }
    const subscription* sub = s.journal.at(m.subscription);
    if (sub == nullptr || !keyed) {
        return true;
    }
    const auto pair = std::ranges::find_if(w.pairs, [&](const wire_pair* p) {
        return p->old_wire == w.id && p->new_wire == sub->wires[broker::other(w.color())];
    });
    return pair == w.pairs.end() || std::ranges::find(twins, *pair) != twins.end();
}

// The old color gave it: its kept twin is done with.
void router::cancel_kept(const wire_pair& pair, const kept_message& twin)
{
    wire_subscription* fresh = wire(pair.new_wire);
    if (fresh == nullptr) {
        return;
    }
    for (const wire_member& m : fresh->members) {
        if (m.pair == pair.tag) {
            ++(m.state == member_state::joining ? switch_.tally.duplicates_dropped
                                                : switch_.tally.standbys_discarded);
        }
    }
    link_record* l = link(fresh->link);
    if (fresh->acknowledges && l != nullptr && l->core.ready()) {
        l->core.acknowledge({.wire = fresh->id, .broker_ack = twin.broker_ack}, out_);
    }
}

// What the pairs of a new wire subscription keep is bounded like any seam's buffer. Before `held`
// the old color gives all of it in its own time; from there on M10 and S14 speak.
void router::bound_kept(wire_subscription& w, time_point now)
{
    for (std::size_t i = 0; i < w.pairs.size(); ++i) {
        wire_pair& pair = *w.pairs[i];
        if (pair.new_wire != w.id || pair.core.kept_bytes() <= settings_.seam_buffer) {
            continue;
        }
        if (in_switch() && switch_.phase != member_phase::held) {
            while (pair.core.kept_bytes() > settings_.seam_buffer) {
                cancel_kept(pair, pair.core.forget_oldest());
            }
            switch_.note_counted(std::string{overflowed});
            continue;
        }
        if (w.seams == 0) {
            switch_.unread.insert(w.link); // nothing is dropped; read_again() after the decision
            out_.read_link(w.link, false);
            continue;
        }
        for (std::size_t k = 0; k < seams_.size(); ++k) {
            if (!seams_[k]->left() && seams_[k]->new_wire() == w.id &&
                seams_[k]->old_wire() == pair.old_wire) {
                act(*seams_[k], seams_[k]->on_buffer_full(), now);
            }
        }
    }
}

// ---- pairs

// A subscription of a client got a wire subscription on that color: a standby's is paired with the
// old color's, and a live one that was made again takes its place in the pair (P2).
void router::pair_up(client_session& s, subscription& sub, color c)
{
    const auto waits = [&](const wire_member& m) {
        return m.session == s.id && m.subscription == sub.number &&
               (m.state == member_state::standby || m.state == member_state::joining);
    };
    wire_subscription* fresh = wire(sub.wires[c]);
    wire_subscription* old = wire(sub.wires[broker::other(c)]);
    if (!pairs() || !sub.broadcast) {
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
        pair->old_wire = from;
        old->pairs.push_back(pair);
    } else if (pair == nullptr) {
        pairs_.push_back(std::make_unique<wire_pair>());
        pair = pairs_.back().get();
        if (before != nullptr) {
            pair->core = before->core;
        }
        pair->old_wire = from;
        pair->new_wire = fresh->id;
        pair->tag = ++fresh->last_tag;
        pair->made_by = switch_.id;
        fresh->pairs.push_back(pair);
        if (old != nullptr) {
            old->pairs.push_back(pair);
            if (old->recent) { // of what came before, the new color may still bring a twin
                old->recent->for_each([&](pairing_key key) { pair->core.given_before(key); });
            }
        }
    }
    member->pair = pair->tag;
    settle_pairs(*fresh);
}

// P3: a SUBSCRIBE goes to the standby after the old color's RECEIPT, while the old link lives. So
// whatever the new color brings the old one brings too.
bool router::awaits_old(const client_session& s, const subscription& sub) const
{
    const auto old = tables_.wires.find(number(sub.wires[s.live]));
    return pairs() && old != tables_.wires.end() && old->second->state == wire_state::open;
}

// Members came, left or changed their state: a pair opens when nobody waits for it any more, and
// ends with its last member.
void router::settle_pairs(wire_subscription& w)
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

const wire_pair* router::pair_of(const wire_subscription& w, const wire_member& m) const noexcept
{
    return m.pair != 0 ? find_pair(w, m.pair) : nullptr;
}

// The members of that seam are off the old wire subscription.
void router::leave_pair(const seam& which)
{
    const wire_subscription* fresh = wire(which.new_wire());
    for (std::size_t i = 0; fresh != nullptr && i < fresh->pairs.size(); ++i) {
        wire_pair& pair = *fresh->pairs[i];
        if (pair.new_wire == fresh->id && pair.old_wire == which.old_wire()) {
            detach_old(pair);
            pair.core.leave_old();
        }
    }
}

// A wire subscription is gone, or left by everybody.
void router::leave_pairs(wire_subscription& w)
{
    for (wire_pair* pair : std::vector{w.pairs}) {
        if (pair->new_wire == w.id) {
            end_pair(*pair);
            continue;
        }
        detach_old(*pair);
        if (pair->core.is_open()) {
            pair->core.leave_old();
        }
    }
}

void router::detach_old(wire_pair& pair)
{
    if (wire_subscription* old = wire(pair.old_wire)) {
        std::erase(old->pairs, &pair);
    }
    pair.old_wire = wire_id::none;
}

void router::end_pair(wire_pair& pair)
{
    detach_old(pair);
    if (wire_subscription* fresh = wire(pair.new_wire)) {
        std::erase(fresh->pairs, &pair);
    }
    std::erase_if(pairs_, [&](const auto& one) { return one.get() == &pair; });
}

// Pairs whose old color was left and that nothing can be missing of any more. The next time that
// one ends.
time_point router::sweep_pairs(time_point now)
{
    time_point next = net::never;
    for (std::size_t i = pairs_.size(); i-- > 0;) {
        wire_pair& pair = *pairs_[i];
        if (!pair.core.is_open() || !pair.core.has_left()) {
            continue;
        }
        if (pair.core.done() || now >= pair.ends) {
            end_pair(pair);
        } else {
            next = std::min(next, pair.ends);
        }
    }
    return next;
}

void router::forget_recent()
{
    if (pairs()) {
        for (const auto& [id, w] : tables_.wires) {
            w->recent.reset();
        }
    }
}

// ---- without a key: break before make

// At commit: the clients' broadcast subscriptions stay where they are until their markers were
// read; then the old color is left, and only then the new one subscribed. What is SENT between is a
// gap.
void router::make_breaks(time_point now)
{
    const color old = broker::other(shard_.live);
    std::set<wire_id> open;
    for (const auto& one : seams_) {
        open.insert(one->old_wire());
    }
    for (const auto& [id, from] : tables_.wires) {
        if (from->color() != old || !from->broadcast || from->state == wire_state::leaving) {
            continue;
        }
        seam* made = nullptr;
        for (const wire_member& m : from->members) {
            client_session* s = find(m.session);
            const subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
            const bool behind =
                sub != nullptr && sub->held_back && s->pinned == 0 && sub->wires[old] == from->id;
            if (!behind || (open.contains(from->id) && in_seam(m))) {
                continue;
            }
            if (made == nullptr) {
                made = &seam_between(*from, nullptr, now);
            }
            add_to_seam(*made, *s, *sub);
        }
    }
}

bool router::in_seam(const wire_member& m) const
{
    return std::ranges::any_of(seams_, [&](const auto& one) {
        return !one->left() && one->has(m.session, m.subscription);
    });
}

// At commit, or when a pinned session is bound at last: what the new color is not asked for before
// the old one has given all.
void router::hold_back(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    for (const auto& sub : s.journal) {
        wire_subscription* from = wire(sub->wires[old]);
        if (from == nullptr) {
            // It was never subscribed there: whatever came in between lies in its queue.
            switch_.tally.stored_left_behind += sub->held_back && !sub->broadcast;
            sub->held_back = false;
        } else if (sub->broadcast) {
            sub->held_back = breaks_first();
        } else {
            sub->held_back = switch_.timing.strict_queue_order || settings_.shared_backplane;
            from->giving_back = settings_.shared_backplane && s.pinned == 0;
            from->last_message = from->giving_back ? now : from->last_message;
            // Its queue goes with the old link, and what is in it.
            switch_.tally.gaps += from->giving_back && sub->fleeting;
        }
    }
}

// ---- stored subscriptions

// Never two consumers of one session on one queue: the old color's deliveries that the client has
// not got yet go back to the queue with the old link, and only behind that the new color is
// subscribed.
bool router::gives_back(const client_session& s) const
{
    return settings_.shared_backplane && std::ranges::any_of(s.journal, [&](const auto& sub) {
               const auto old = tables_.wires.find(number(sub->wires[broker::other(s.live)]));
               return sub->held_back && !sub->broadcast &&
                      (old == tables_.wires.end() ||
                       old->second->giving_back); // a pinned one still gets
           });
}

// It goes back to the queue with its link, unacknowledged, unless the client needs it (feed()).
// Where there is no room for one, none behind it is kept: the order stays.
void router::keep_to_give_back(wire_subscription& w, const stomp::frame_view& frame, framing as)
{
    if (!w.overfull) {
        w.kept.push_back(keep(w, frame, as));
        w.kept_bytes += w.kept.back().rest->size();
        w.overfull = w.kept_bytes > settings_.seam_buffer;
    }
}

// A client that acknowledges by the dozen never comes to an end of what it has when nothing more
// comes. Where it acknowledged nothing for `linger` it gets what was to go back, one a sweep.
void router::feed(client_session& s, wire_subscription& w, time_point now)
{
    if (!w.giving_back || w.automatic || w.kept.empty() ||
        now - w.last_message < switch_.timing.linger || !s.ledger.has(w.id)) {
        return;
    }
    const kept_message next = std::move(w.kept.front());
    w.kept.erase(w.kept.begin());
    w.kept_bytes -= next.rest->size();
    deliver_shared(s, w, wire_member{w.members.front()}, next);
}

// The link of the session's own on the old color is gone: nothing of its stored subscriptions is
// there any more.
void router::release_held_back(client_session& s, color c, time_point now)
{
    if (c == s.live) {
        return;
    }
    bool any = false;
    for (const auto& sub : s.journal) {
        if (sub->held_back && !sub->broadcast && wire(sub->wires[c]) == nullptr) {
            sub->held_back = false;
            any = true;
        }
    }
    if (any) {
        at(now, due::session_retry, number(s.id));
    }
}

} // namespace gateway
