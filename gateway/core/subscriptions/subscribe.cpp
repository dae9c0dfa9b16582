// A client's subscription is put onto a wire subscription, and confirmed.

#include "broker/own_headers.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

// Whether that wire subscription will deliver nothing that the session has had before.
bool wire_subscriptions::may_join(
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
        return m.is_of(s.id, sub.number) ||
               (as == member_state::standby && m.state != member_state::standby);
    });
}

// A shared wire subscription that is there already and that it may join; null: it gets one of its
// own. P4: where contents are compared without marks, a standby joins what its own old wire
// subscription is paired with, and nothing else.
wire_subscription* wire_subscriptions::to_join(
    const client_session& s, const subscription& sub, const share_group& g, color c,
    member_state as) const
{
    const auto at = g.wires.find(sub.head->bytes());
    wire_subscription* newest = at == g.wires.end() ? nullptr : wire(at->second);
    const wire_subscription* old = wire(sub.wires[broker::other(c)]);
    if (newest == nullptr || as != member_state::standby || old == nullptr ||
        pairing_.knows(*newest, old->id)) {
        return newest != nullptr && may_join(s, sub, *newest, as) ? newest : nullptr;
    }
    for (const wire_pair* pair : old->pairs) {
        wire_subscription* w = wire(pair->new_wire);
        if (w != nullptr && w->group == &g && w->shared && w->head->bytes() == sub.head->bytes() &&
            pairing_.knows(*w, old->id) && may_join(s, sub, *w, as)) {
            return w;
        }
    }
    return nullptr;
}

// A shared link that may carry it now. Null: its turn or its trial is not over; it is asked again.
link_record* wire_subscriptions::shared_link(client_session& s, subscription& sub, color c, time_point now)
{
    using found = subscribe_trials::verdict;
    binding& b = s.bindings[c];
    share_group& g = *b.group;
    const auto at = g.wires.find(sub.head->bytes());
    const found known =
        at != g.wires.end() && wire(at->second)->state == wire_state::confirmed
            ? found::tried
            : trials_.known(g, sub.head->bytes(), now);
    link_record* l = nullptr;
    if (known == found::tried) {
        l = groups_.pick_subscribe(g, c, now);
        if (l != nullptr) {
            l->untried = session_id::none;
        }
    } else if (c == s.live && (known == found::refused || s.tries_apart)) {
        sub.own_only = true; // E13: the broker's answer there is its client's
        this->at(now, due::session_retry, number(s.id));
        return nullptr;
    } else {
        // E10: where it would ride with another session's it is tried elsewhere first.
        bool waits = known == found::no_link;
        l = groups_.pick_untried(g, s, waits);
        if (l != nullptr) {
            l->untried = s.id;
        } else if (!waits) {
            trials_.ask(g, sub.head, s.id, now);
            return nullptr;
        } else {
            groups_.pick_subscribe(g, c, now); // it may have to be dialled
        }
    }
    if (l == nullptr) {
        groups_.wait_turn(g, s, b, now);
    }
    return l;
}

// SUBSCRIBE, on that link.
wire_subscription& wire_subscriptions::make_wire(
    client_session& s, subscription& sub, link_record& l, member_state as, time_point now)
{
    share_group& g = *l.group;
    const color c = g.at.color;
    const bool shared = sub.shareable && !sub.own_only && !g.dedicated;
    auto made = std::make_unique<wire_subscription>();
    wire_subscription* const w = made.get();
    do { // H10, H11: never said twice
        w->id = static_cast<wire_id>(++tables_.last_wire);
    } while (l.core.says(w->id));
    w->link = l.core.id();
    w->group = &g;
    w->head = sub.head;
    w->shared = shared;
    w->broadcast = sub.broadcast;
    w->overlaps = sub.overlaps;
    w->answered_once =
        as == member_state::standby && sub.overlaps && is_answered_once(sub.head->bytes());
    w->acknowledges = sub.acknowledges();
    w->automatic = sub.mode == ack_mode::automatic;
    w->durable = sub.durable;
    w->keeping = c != shard_.live && switch_.phase == member_phase::held;
    w->last_message = now;
    std::string head = sub.stream ? head_behind(sub.head->bytes(), *sub.stream, c) // T1
                                  : std::string{sub.head->bytes()};
    if (sub.broadcast && g.known.marker != broker::tried::no && g.known.receipts()) {
        // design.md section 6.4: an address of its own from its first SUBSCRIBE on, which
        // nobody else can read (K1). The first header of a name counts.
        w->addressed = true;
        add_address(head, w->id);
    }
    if (const std::string mark = session_mark(g, s.id); !mark.empty()) { // O7
        head.append(broker::session_header).append(":").append(mark).append("\n");
        head.append(broker::reason_header).append(":");
        const bool moves = as != member_state::live || !switch_.draining.empty();
        head.append(!sub.confirmed ? "client" : moves ? "switch" : "rebind").append("\n");
    }
    tables_.wires.add(number(w->id), std::move(made));
    // H11: RabbitMQ names a durable queue by the subscription's id, so that the client finds it
    // again, with or without a gateway. An id that is another wire's here stays untold.
    std::string_view name = sub.durable && sub.named ? sub.client_id : std::string_view{};
    if (const auto same = broker::parse_wire_id(name);
        same && std::ranges::find(l.wires, *same) != l.wires.end()) {
        name = {};
    }
    l.wires.push_back(w->id);
    if (shared) {
        g.wires.erase(w->head->bytes()); // the key is a view into its own wire subscription's head
        g.wires.emplace(w->head->bytes(), w->id);
    }
    ++l.open_subscribes;
    l.core.subscribe(w->id, head, sub.ack_on_wire(), out_, name);
    if (!g.known.receipts()) { // B4: nothing will answer
        at(now + settings_.timing.seam_quiet, due::wire_confirm, number(w->id));
    }
    return *w;
}

// Puts the subscription onto a wire subscription of that color. False: its link or its turn is not
// there yet; the session was put in line. REQUIRES: the binding's links are asked for.
bool wire_subscriptions::subscribe(
    client_session& s, subscription& sub, color c, member_state as, time_point now)
{
    binding& b = s.bindings[c];
    share_group& g = *b.group;
    const bool shared = sub.shareable && !sub.own_only && !g.dedicated;
    wire_subscription* w = nullptr;
    link_record* l = nullptr;
    if (shared) {
        w = to_join(s, sub, g, c, as);
        if (w != nullptr) {
            if (link_record* by = link(w->link); by != nullptr && groups_.is_risked(*by, s)) {
                return groups_.wait_turn(g, s, b, now); // E10: it may be lost for what is open there
            }
        } else if (l = shared_link(s, sub, c, now); l == nullptr) {
            return false;
        }
    } else {
        l = link(b.own);
        if (l == nullptr || !l->core.ready()) {
            return false; // on_up of the own link goes on
        }
    }
    if (w == nullptr) {
        w = &make_wire(s, sub, *l, as, now);
    }
    sub.wires[c] = w->id;
    sub.newest[c] = static_cast<std::uint32_t>(number(w->id));
    sub.head = w->head; // equal text: kept once for all who share it
    const wire_member member{.session = s.id, .subscription = sub.number, .state = as};
    if (as == member_state::live && rejoin_markers::rejoins(s, sub, *w)) {
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
void wire_subscriptions::on_confirmed(wire_subscription& w, time_point now)
{
    if (w.state == wire_state::leaving) {
        return;
    }
    const color c = w.color();
    share_group& g = *w.group;
    if (w.state == wire_state::open && w.broadcast && !g.dedicated) {
        trials_.note_tried(g, w.head->bytes(), now);
    }
    w.state = wire_state::confirmed;
    // B1: tried on the identity's first broadcast SUBSCRIBE.
    if (w.addressed && g.known.marker == broker::tried::unknown &&
        g.marker_trial == wire_id::none) {
        marker_trials_.try_marker(w, now);
    }
    if (w.addressed && survey_.asked() && in_switch() &&
        (c == shard_.live || pairing_.marks())) { // M2: it came later
        survey_.ask_about(w, now);
        survey_.look_again(now);
    }
    if (in_switch() && survey_.asked() && pairing_.marks()) {
        at(now, due::worlds); // P7
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
            receipts_.answer_receipt(*s, sub->take_receipt());
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

} // namespace gateway
