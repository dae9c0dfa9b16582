// Wire subscriptions: who shares one, when it counts as confirmed, and how it is left.

#include "gateway/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <cstdio>

namespace gateway {

// Whether what still comes on that wire subscription is nothing that the session had before.
bool router::may_join(
    const client_session& s, const subscription& sub, const wire_subscription& w,
    member_state as) const
{
    if (pairing_.pairs() && as == member_state::joining) {
        return false; // S8: its old color has given what this one may still have on its way
    }
    if (number(w.id) <= number(sub.left_before)) {
        return false; // break before make: the same
    }
    // P1: what is on its way here was SENT before the old color's SUBSCRIBE, and has no twin there.
    if (pairing_.pairs() && as == member_state::standby &&
        number(sub.wires[broker::other(w.color())]) > number(w.id)) {
        return false;
    }
    // M8: the one that a forced seam still reads is never taken up again. M9: nor is what other
    // sessions read there yet a standby's: an open seam may have on its way what this one got.
    return std::ranges::none_of(w.members, [&](const wire_member& m) {
        return (m.session == s.id && m.subscription == sub.number) ||
               (as == member_state::standby && m.state != member_state::standby);
    });
}

// Puts the subscription onto a wire subscription of that color. False: its link or its turn is not
// there yet; the session was put in line. REQUIRES: the binding's links are asked for.
bool router::subscribe(
    client_session& s, subscription& sub, color c, member_state as, time_point now)
{
    binding& b = s.bindings[c];
    share_group& g = *b.group;
    const bool shared = sub.shareable && !sub.own_only && !g.dedicated;
    wire_subscription* w = nullptr;
    link_record* l = nullptr;
    if (shared) {
        const auto at = g.wires.find(sub.head->bytes());
        if (at != g.wires.end() && may_join(s, sub, *wire(at->second), as)) {
            w = wire(at->second);
        } else if (l = pick_subscribe(g, c, now); l == nullptr) {
            return wait_turn(g, s, b, now);
        }
    } else {
        l = link(b.own);
        if (l == nullptr || !l->core.ready()) {
            return false; // on_up of the own link goes on
        }
    }
    if (w == nullptr) {
        auto made = std::make_unique<wire_subscription>();
        w = made.get();
        do { // H10, H11: never said twice
            w->id = static_cast<wire_id>(++tables_.last_wire);
        } while (l->core.says(w->id));
        w->link = l->core.id();
        w->group = &g;
        w->head = sub.head;
        w->shared = shared;
        w->broadcast = sub.broadcast;
        w->acknowledges = sub.acknowledges();
        w->automatic = sub.mode == ack_mode::automatic;
        w->durable = sub.durable;
        w->keeping = c != shard_.live && switch_.phase == member_phase::held;
        w->last_message = now;
        std::string head{sub.head->bytes()};
        if (sub.broadcast && g.known.marker != broker::tried::no && g.known.receipts()) {
            // DESIGN.md section 6.4: an address of its own from its first SUBSCRIBE on.
            w->addressed = true;
            head += "x-queue-name:" + address_of(w->id) + "\n";
        }
        tables_.wires.emplace(number(w->id), std::move(made));
        // H11: RabbitMQ names a durable queue by the subscription's id, so that the client finds it
        // again, with or without a gateway. An id that is another wire's here stays untold.
        std::string_view name = sub.durable && sub.named ? sub.client_id : std::string_view{};
        if (const auto same = broker::parse_wire_id(name);
            same && std::ranges::find(l->wires, *same) != l->wires.end()) {
            name = {};
        }
        l->wires.push_back(w->id);
        if (shared) {
            g.wires.erase(
                w->head->bytes()); // the key is a view into its own wire subscription's head
            g.wires.emplace(w->head->bytes(), w->id);
        }
        ++l->open_subscribes;
        l->core.subscribe(w->id, head, sub.ack_on_wire(), out_, name);
        if (!g.known.receipts()) { // B4: nothing will answer
            at(now + settings_.seam_quiet, due::wire_confirm, number(w->id));
        }
    }
    sub.wires[c] = w->id;
    sub.newest[c] = static_cast<std::uint32_t>(number(w->id));
    sub.head = w->head; // equal text: kept once for all who share it
    const wire_member member{.session = s.id, .subscription = sub.number, .state = as};
    if (as == member_state::live && marker_fences::rejoins(s, sub, *w)) {
        fences_.add(*w, member, now);
    } else {
        w->members.push_back(member);
    }
    w->keeping |= as == member_state::joining;
    pairing_.pair_up(s, sub, c);
    if (w->state == wire_state::confirmed) {
        on_confirmed(*w, now);
    }
    return true;
}

// A broker answered: every member whose client waits gets its RECEIPT, and goes to the standby from
// now on (S9).
void router::on_confirmed(wire_subscription& w, time_point now)
{
    if (w.state == wire_state::leaving) {
        return;
    }
    w.state = wire_state::confirmed;
    const color c = w.color();
    share_group& g = *w.group;
    // B1: tried on the identity's first broadcast SUBSCRIBE.
    if (w.addressed && g.known.marker == broker::tried::unknown &&
        g.marker_trial == wire_id::none) {
        couriers_.try_marker(w, now);
    }
    if (w.addressed && survey_.asked() && in_switch() && c == shard_.live) { // M2: it came later
        survey_.ask_about(w, now);
        survey_.look_again(now);
    }
    const auto members = w.members;
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr) {
            continue;
        }
        sub->afresh = false;
        const bool first = !sub->confirmed;
        if (first) {
            sub->confirmed = true;
            --s->open_subscribes;
            answer_receipt(*s, sub->take_receipt());
            if (s->open_subscribes == 0) {
                pump_later(*s);
            }
        }
        const binding& b = s->bindings[c];
        if (b.at == binding::phase::wanted) {
            at(now, due::session_retry, number(s->id)); // maybe the last one that was missing
        } else if ((first || pairing_.pairs()) && in_switch() && s->part && c == s->live) {
            at(now, due::session_retry, number(s->id)); // M7: the standby gets it too
        }
        if (s->state == session_state::quiescing) {
            at(now, due::session_retry, number(s->id));
        }
    }
}

// The broker refused this SUBSCRIBE: the client that asked gets the ERROR; who only replays it is
// told otherwise.
void router::on_wire_failed(wire_subscription& w, const std::string& why, time_point now)
{
    const color c = w.color();
    const auto members = w.members;
    erase_wire(w.id, now);
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr) {
            continue;
        }
        sub->wires[c] = wire_id::none;
        if (c != s->live) {
            member_.standby_failed(*s, "SUBSCRIBE was refused: " + why, now);
            continue;
        }
        if (s->pinned != 0) { // S8: it is tried until pin_timeout
            at(now + pinned_retry, due::session_retry, number(s->id));
            continue;
        }
        const std::string receipt = sub->receipt ? *sub->receipt : std::string{};
        if (in_switch() && s->state != session_state::active &&
            s->state != session_state::rebinding) {
            s->close_wanted = disconnect_reason::broker_error;
            continue;
        }
        fail_client(*s, why, receipt, disconnect_reason::broker_error, now);
    }
}

// HAZARDS.md H20: the broker ended a subscription and keeps the link; it is subscribed again.
void router::on_wire_cancelled(wire_subscription& w, const std::string& why, time_point now)
{
    out_.log(1, name_of(w.group->at) + " cancelled a subscription: " + why);
    if (link_record* l = link(w.link)) {
        std::erase(l->wires, w.id);
    }
    lose_wire(w, now);
}

// The wire subscription is gone with its link, or by the broker's doing.
void router::lose_wire(wire_subscription& w, time_point now)
{
    const color c = w.color();
    const wire_id id = w.id;
    const bool was_open = w.state == wire_state::open;
    seams_.on_wire_lost(id, now);
    if (wire(id) == nullptr) {
        return; // left with its last seam: everybody on it has moved
    }
    if (w.seams > 0) {
        seams_.keep_lost(w, now);
        return;
    }
    const auto members = w.members;
    const bool shared = w.shared;
    erase_wire(id, now);
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr || sub->wires[c] != id) {
            continue;
        }
        sub->wires[c] = wire_id::none;
        sub->own_only |= was_open && shared; // tried again on a link of the session's own
        if (pool_of(c).size() > 2) {
            // M1: what a third node routed may come to another's subscription behind the marker
            // that marker_fences would wait for. Those who lost theirs share a new one.
            sub->left_before = static_cast<wire_id>(tables_.last_wire);
        }
        if (m.state == member_state::standby) {
            member_.standby_lost(*s, now);
            continue;
        }
        if (c == s->live) { // M13: left, then bound again inside of its color; the gap is counted
            switch_.tally.gaps += in_switch() || !switch_.draining.empty();
            ++counters_.subscriptions_restored[restored::ok];
            lost_link_of(*s, c, now);
        }
    }
}

// One client's subscription leaves; the last one out leaves the wire. `receipt`: the client's, for
// its UNSUBSCRIBE.
void router::drop_member(
    wire_subscription& w, session_id session, std::uint32_t number_of, time_point now,
    std::string_view receipt)
{
    std::erase_if(w.members, [&](const wire_member& m) {
        return m.session == session && m.subscription == number_of;
    });
    pairing_.settle(w);
    client_session* s = find(session);
    if (!w.members.empty()) {
        if (w.keeping && !in_switch() && std::ranges::none_of(w.members, [](const auto& m) {
                return m.state == member_state::joining;
            })) {
            seams_.trim_kept(w); // the pinned session that it was kept for is gone
        }
        if (s != nullptr) {
            answer_receipt(*s, receipt); // leaving takes effect before its RECEIPT is queued
        }
        return;
    }
    leave_wire(w, session, receipt, now);
}

void router::leave_wire(
    wire_subscription& w, session_id session, std::string_view receipt, time_point now)
{
    survey_.look_again(now); // M2: another is asked instead
    couriers_.pass_on_trial(*w.group, w.id, now);
    pairing_.leave_pairs(w);
    client_session* s = find(session);
    link_record* l = link(w.link);
    if (l == nullptr || !l->core.ready() || w.state == wire_state::leaving) {
        if (s != nullptr) {
            answer_receipt(*s, receipt);
        }
        if (w.state != wire_state::leaving) {
            erase_wire(w.id, now);
        }
        return;
    }
    if (w.shared) { // never joined again: wire ids are not reused
        if (const auto at = w.group->wires.find(w.head->bytes());
            at != w.group->wires.end() && at->second == w.id) {
            w.group->wires.erase(at);
        }
    }
    const bool open = w.state == wire_state::open;
    w.state = wire_state::leaving;
    // A durable one ends only when its client says so with the header (OPERATIONS: UNSUBSCRIBE
    // deletes the queue).
    l->core.unsubscribe(w.id, w.durable, session, receipt, out_);
    if (!receipt.empty() && l->core.can().receipts() && s != nullptr) {
        ++s->owed;
    }
    if (!l->core.can().receipts()) {
        l->open_subscribes -= open;
        erase_wire(w.id, now);
        if (s != nullptr) {
            answer_receipt(
                *s,
                receipt); // nothing of it is delivered from here on: that is all there is to answer
        }
    }
}

void router::erase_wire(wire_id id, time_point now)
{
    wire_subscription* w = wire(id);
    if (w == nullptr) {
        return;
    }
    if (link_record* l = link(w->link)) {
        std::erase(l->wires, id);
    }
    if (w->shared) {
        if (const auto at = w->group->wires.find(w->head->bytes());
            at != w->group->wires.end() && at->second == id) {
            w->group->wires.erase(at);
        }
    }
    pairing_.leave_pairs(*w);
    share_group& g = *w->group;
    couriers_.pass_on_trial(g, id, now);
    const bool kept_its_group = w->state == wire_state::lost;
    tables_.wires.erase(number(id));
    if (kept_its_group) {
        --g.links;
        drop_if_unused(g);
    }
}

} // namespace gateway
