// Seams that overlap: for a while an application's clients get both colors' MESSAGEs. docs/switch.md
// O2 to O5.

#include "gateway/core/seams/seam_table.hpp"

#include <algorithm>
#include <memory>

namespace gateway {

// Both sides are of one session: an application's links are never shared (B4).
void seam_table::begin_overlap(const seam& which, time_point now)
{
    wire_subscription* fresh = wire(which.new_wire());
    wire_subscription* old = wire(which.old_wire());
    if (fresh == nullptr || old == nullptr) {
        return;
    }
    auto both = std::make_shared<wire_overlap>(settings_.pairing.secret);
    both->held = held_bytes<held_kind::pairing>{&shard_.budget};
    both->old_wire = old->id;
    both->made_by = which.made_by();
    both->soon_over = now + switch_.timing.overlap * 3 / 4; // O5
    fresh->overlap = old->overlap = std::move(both);
}

// Its time is over, or one side is lost.
void seam_table::forget_overlap(const seam& which, time_point now)
{
    const auto notes_of = [&](const wire_subscription* w) {
        return w != nullptr && w->overlap && w->overlap->old_wire == which.old_wire();
    };
    for (const wire_id side : {which.old_wire(), which.new_wire()}) {
        if (wire_subscription* w = wire(side); notes_of(w)) {
            w->overlap.reset();
        }
    }
    for (const wire_member& m : which.members()) { // O3: lost with its link after it was taken up
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        for (const color c : broker::colors) {
            if (sub != nullptr && sub->wires[c] == which.old_wire()) {
                sub->wires[c] = wire_id::none;
                at(now, due::session_retry, number(s->id));
            }
        }
    }
}

// O3: they go on delivering as they did, and no clock leaves them any more.
void seam_table::take_up(color to)
{
    for (const auto& one : seams_) {
        const wire_subscription* old = wire(one->old_wire());
        if (one->left() || one->state() != seam_state::overlapping || old == nullptr ||
            old->color() != to || old->state == wire_state::leaving) {
            continue;
        }
        for (const wire_member& m : one->members()) {
            client_session* s = find(m.session);
            subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
            if (sub != nullptr && sub->wires[to] == wire_id::none) {
                sub->wires[to] = old->id;
                one->take_up();
            }
        }
    }
}

void seam_table::put_back(color to, time_point now)
{
    for (const auto& one : seams_) {
        if (one->left() || one->state() != seam_state::overlapping) {
            continue;
        }
        for (const wire_member& m : one->members()) {
            client_session* s = find(m.session);
            subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
            if (sub != nullptr && sub->wires[to] == one->old_wire()) {
                sub->wires[to] = wire_id::none;
                one->put_back();
                at(now, due::seams);
            }
        }
    }
}

// O3, at the commit of the switch back: what was its old side is the new one now.
void seam_table::end_overlap(wire_subscription& old, client_session& s, std::uint32_t number_of)
{
    for (const auto& one : seams_) {
        if (!one->left() && one->old_wire() == old.id && one->has(s.id, number_of)) {
            one->remove(s.id, number_of);
            --s.forced_seams;
            if (wire_subscription* fresh = wire(one->new_wire())) {
                fresh->overlap.reset();
            }
        }
    }
    old.overlap.reset();
}

} // namespace gateway
