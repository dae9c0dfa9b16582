// Sessions that a switch gave up: pinned to what they have on the old color until they are bound on
// the new one, or cut off from it. switch.md C5, C8, S8.

#include "gateway/core/switching/switch_member.hpp"

#include <algorithm>

namespace gateway {

// C5: sessions that did not settle by hold_timeout are counted as failed, and this shard says
// `held`. The fence is given up for SENDs that are unproven.
void switch_member::give_up(bool cut, time_point now)
{
    if (switch_.phase != member_phase::holding) {
        return; // its `held` crossed the order
    }
    switch_.cut = cut;
    for (const session_id id : tables_.all_sessions()) {
        client_session& s = *find(id);
        if (s.state != session_state::quiescing) {
            continue;
        }
        const bool proven = readiness_.settled(s);
        if (!proven) {
            switch_.tally.fence_best_effort = true;
            name_counted(control::counted_cause::fence, s.id);
        }
        if (!s.part->failed) {
            const binding& b = s.bindings[switch_.to];
            const endpoint_ref where =
                b.group != nullptr ? b.group->at : endpoint_ref{switch_.to, 0};
            readiness_.note_failed(
                s, readiness_.failure(
                       s, where,
                       proven ? "its standby was not ready within hold_timeout"
                              : "what it sent was not proven within hold_timeout"));
        }
        enter(s, session_state::held, now);
        --switch_.unheld;
    }
    if (!switch_.awaited.empty()) { // links of sessions that are gone or closing
        switch_.tally.fence_best_effort = true;
        switch_.awaited.clear();
    }
    readiness_.check_held(now);
}

// S8: the commit makes it rebinding on the new color; what it has on the old one stays for what it
// receives, and what it sends is carried. REQUIRES: s.live is the new color already.
void switch_member::pin_session(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    s.bindings[old].at = binding::phase::draining;
    switch_.draining.insert(s.id);
    if (s.part->failed && !s.part->excused) {
        --switch_.tally.sessions_failed;
    }
    s.part->failed = false;
    ++switch_.tally.sessions_pinned;
    name_counted(control::counted_cause::pinned, s.id);
    s.pinned = switch_.id;
    s.pin_until = now + switch_.timing.pin_timeout;
    if (s.part->excused && switch_.timing.on_refused == control::refused_policy::close) {
        s.pin_until = now + closing_pace * ++switch_.closings; // S18
    }
    at(s.pin_until, due::session_pin, number(s.id));
    for (const auto& sub : s.journal) {
        // Of those that are there already the seam is made at once; the others miss what is sent
        // there before they are.
        const wire_subscription* to = wire(sub->wires[s.live]);
        const bool there = to != nullptr && to->state == wire_state::confirmed;
        count_gap(s, sub->broadcast && sub->confirmed && !there);
    }
    hold_back(s, now);
}

// Bound at last: a seam as always (S8).
void switch_member::unpin(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    if (std::exchange(s.pinned, 0) == switch_.id && !in_switch()) {
        --switch_.tally.sessions_pinned;
        ++switch_.tally.sessions_moved;
        control::session_names whose;
        whose.add(name_of(s.id));
        switch_.note_counted("pinned to the old color for a while", std::move(whose));
    }
    s.pin_until = now + switch_.timing.drain_timeout; // from here on it drains like any other
    for (const auto& sub : s.journal) {
        wire_subscription* to = wire(sub->wires[s.live]);
        if (to == nullptr) {
            continue;
        }
        wire_member* member = to->member(s.id, sub->number);
        const bool in_seam = seams_.has(to->id, s.id, sub->number);
        if (member == nullptr || member->state != member_state::joining || in_seam) {
            continue;
        }
        if (wire_subscription* from = wire(sub->wires[old])) {
            seams_.add(seams_.between(*from, to, now), s, *sub);
        } else {
            seams_.hand_over(s, *to, *member);
        }
        subscriptions_.trim_kept(*to);
    }
    if (shares_backplane()) {
        hold_back(s, now);
        if (breaks_first()) {
            seams_.make_breaks(now);
        }
    }
    at(now, due::seams);
    at(now, due::drain);
    note_numbers(now);
}

void switch_member::unpin_overdue(client_session& s, time_point now)
{
    if (s.pinned == 0 || now < s.pin_until) {
        return;
    }
    if (in_switch() && switch_.to != s.live) { // a switch back is on its way, which finds it ready
        at(now + pinned_retry, due::session_pin, number(s.id));
        return;
    }
    if (s.pinned == switch_.id) {
        --switch_.tally.sessions_pinned;
        ++switch_.tally.sessions_failed;
        name_counted(control::counted_cause::failed, s.id);
    }
    s.pinned = 0;
    endings_.fail_client(
        s,
        s.part && s.part->excused
            ? s.part->refused + "; connect again with a new login"
            : "not bound to " + std::string{to_string(s.live)} + " within switch.pin_timeout",
        {}, disconnect_reason::switch_cut, now);
}

// `cut`: what it has on the old color is given up at once; what lies between is a gap.
void switch_member::cut_session(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    switch_.tally.sessions_failed += !s.part->failed;
    name_counted(control::counted_cause::failed, s.id);
    s.part->failed = true;
    for (const auto& sub :
         s.journal) { // those that are there already: seams_.make() counts them
        count_gap(s, sub->broadcast && sub->confirmed && wire(sub->wires[s.live]) == nullptr);
        count_left_behind(s, !sub->broadcast && sub->confirmed); // nobody drains it
        if (wire_subscription* w = wire(sub->wires[old])) {
            subscriptions_.drop_member(*w, s.id, sub->number, now, {});
        }
        sub->wires[old] = wire_id::none;
    }
    binder_.unbind(s, old, now);
}

} // namespace gateway
