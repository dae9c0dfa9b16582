// How a wire subscription ends: refused, cancelled, lost with its link, or left by its last member.
// switch.md M1, M13, brokers.md H11, H20.

#include "gateway/core/routing/router.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace gateway {

// The broker refused this SUBSCRIBE: the client that asked gets the ERROR; who only replays it is
// told otherwise.
void router::on_wire_failed(
    wire_subscription& w, const broker::broker_error& why, time_point now)
{
    const color c = w.color();
    const wire_id id = w.id;
    const auto members = w.members;
    if (w.shared) {
        trials_.forget(*w.group, w.head->bytes(), now);
    }
    erase_wire(id, now);
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr) {
            continue;
        }
        if (c != s->live) {
            sub->wires[c] = wire_id::none;
            member_.standby_failed(*s, "SUBSCRIBE was refused: " + why.text, now);
            continue;
        }
        if (s->pinned != 0) { // S8: it is tried until pin_timeout
            sub->wires[c] = wire_id::none;
            at(now + pinned_retry, due::session_retry, number(s->id));
            continue;
        }
        forward_error(*s, why, sub->take_receipt());
        sub->wires[c] = wire_id::none;
        if (sub->confirmed) { // the client counts on it, and can not know that it is gone
            close_for_error(*s, why.text, now);
            continue;
        }
        // E1: it leaves the journal, or the next switch would say it again.
        s->journal.remove(sub->number);
        if (--s->open_subscribes == 0) {
            pump_later(*s);
        }
        at(now, due::session_retry, number(s->id)); // maybe the last one that was missing
    }
}

// brokers.md H20: the broker ended a subscription and keeps the link; it is subscribed again.
void router::on_wire_cancelled(wire_subscription& w, const std::string& why, time_point now)
{
    out_.log(1, name_of(w.group->at) + " cancelled a subscription: " + why);
    if (link_record* l = link(w.link)) {
        std::erase(l->wires, w.id);
    }
    for (const wire_member& m : w.members) { // T3: a stream that was deleted begins anew, if at all
        client_session* s = find(m.session);
        const subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub != nullptr && sub->stream) {
            sub->stream->given = {};
        }
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
        for (const session_id bound : seams_.keep_lost(w)) {
            if (client_session* s = find(bound); s != nullptr && c == s->live) {
                lost_link_of(*s, c, now);
            }
        }
        return;
    }
    const auto members = w.members;
    // E12: what had been tried is tried once more; what had not is its session's alone.
    const bool apart =
        was_open && w.shared && !trials_.doubt(*w.group, w.head->bytes(), now);
    erase_wire(id, now);
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr || sub->wires[c] != id) {
            continue;
        }
        sub->wires[c] = wire_id::none;
        sub->own_only |= apart; // tried again on a link of the session's own
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
            // T1: a stream goes on where it was.
            const bool missed = !sub->stream || sub->begins_anew(c);
            count_gap(*s, missed && (in_switch() || !switch_.draining.empty()));
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
    // A durable one ends only when its client says so with the header (H11: UNSUBSCRIBE deletes
    // the queue).
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
        if (w->state != wire_state::open) { // remembered from its last session on
            trials_.note_tried(*w->group, w->head->bytes(), now);
        }
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
