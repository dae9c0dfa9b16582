// How a wire subscription is left. docs/switch.md M1, M13; docs/brokers.md H11.

#include "gateway/core/subscriptions/wire_subscriptions.hpp"


#include <boost/assert.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gateway {

// Drops what was prepared on the new color and is of no use, because a part of it is missing.
void wire_subscriptions::drop_new_wires(client_session& s, time_point now)
{
    for (const auto& sub : s.journal) {
        if (wire_subscription* w = wire(sub->wires[s.live])) {
            drop_member(*w, s.id, sub->number, now);
        }
        sub->wires[s.live] = wire_id::none;
    }
}

// One client's subscription leaves; the last one out leaves the wire. `receipt`: the client's, for
// its UNSUBSCRIBE.
void wire_subscriptions::drop_member(
    wire_subscription& w, session_id session, std::uint32_t number_of, time_point now,
    std::string_view receipt)
{
    w.remove_member(session, number_of);
    pairing_.settle(w);
    client_session* s = find(session);
    if (!w.members.empty()) {
        if (w.keeping && !in_switch() && std::ranges::none_of(w.members, [](const auto& m) {
                return m.state == member_state::joining;
            })) {
            trim_kept(w); // the pinned session that it was kept for is gone
        }
        if (s != nullptr) {
            receipts_.answer_receipt(*s, receipt); // leaving takes effect before its RECEIPT is queued
        }
        return;
    }
    leave_wire(w, session, receipt, now);
}

void wire_subscriptions::leave_wire(
    wire_subscription& w, session_id session, std::string_view receipt, time_point now)
{
    survey_.look_again(now); // M2: another is asked instead
    marker_trials_.pass_on_trial(*w.group, w.id, now);
    pairing_.leave_pairs(w);
    client_session* s = find(session);
    link_record* l = link(w.link);
    if (l == nullptr || !l->core.ready() || w.state == wire_state::leaving) {
        if (s != nullptr) {
            receipts_.answer_receipt(*s, receipt);
        }
        if (w.state != wire_state::leaving) {
            erase_wire(w.id, now);
        }
        return;
    }
    if (w.shared) { // never joined again: wire ids are not reused
        w.unlist();
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
            receipts_.answer_receipt(
                *s,
                receipt); // nothing of it is delivered from here on: that is all there is to answer
        }
    }
}

void wire_subscriptions::erase_wire(wire_id id, time_point now)
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
        w->unlist();
    }
    pairing_.leave_pairs(*w);
    share_group& g = *w->group;
    marker_trials_.pass_on_trial(g, id, now);
    const bool kept_its_group = w->state == wire_state::lost;
    tables_.wires.erase(number(id));
    if (kept_its_group) {
        --g.links;
        links_.drop_if_unused(g);
    }
}

void wire_subscriptions::trim_kept(wire_subscription& w)
{
    pairing_.settle(w);
    if (w.seams == 0) {
        w.kept.clear();
        w.kept.shrink_to_fit();
        w.kept_bytes = w.kept_largest = 0;
        w.keeping = false;
    }
}

void wire_subscriptions::drop_standby_wires(client_session& s, time_point now)
{
    for (const auto& sub : s.journal) {
        wire_subscription* w = wire(sub->wires[switch_.to]);
        const wire_member* m = w == nullptr ? nullptr : w->member(s.id, sub->number);
        if (m == nullptr || m->state != member_state::standby) {
            continue; // M9: the old side of a seam that still joins is no standby's
        }
        sub->wires[switch_.to] = wire_id::none;
        drop_member(*w, s.id, sub->number, now, {});
    }
}

} // namespace gateway
