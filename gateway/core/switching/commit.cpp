// The way out of the hold by which every session moves. switch.md S5 to S8, S10, S15.

#include "gateway/core/switching/switch_member.hpp"
#include "gateway/core/tables/session_table.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

void switch_member::on_commit(const control::commit& order, time_point now)
{
    if (switch_.phase != member_phase::held) {
        return;
    }
    const color old = shard_.live;
    // B3: asked while the old groups are there; the report keeps it when the drain has left them.
    const control::tally before = readiness_.current_tally();
    switch_.tally.fence_best_effort = before.fence_best_effort;
    switch_.tally.fence_written = before.fence_written;
    switch_.committed = true;
    shard_.live = switch_.to;
    shard_.epoch = order.epoch;
    shard_.sent_through[shard_.live].clear();
    // One that lingered there from before counts anew (M1).
    for (const auto& [id, l] : tables_.links) {
        l->used = l->used && l->at().color != shard_.live;
    }
    switch_.drain_until = now + switch_.timing.drain_timeout;
    switch_.leave_from = now + leave_behind_markers;
    for (const endpoint_ref one : order.endpoints) {
        if (one.color == old && one.index < pool_of(old).size()) {
            shard_.sent_through[old].insert(one);
        }
    }
    // Every session moves within this call, so nothing observes the time between.
    switch_.phase = member_phase::steady;
    switch_.tally.sessions_moved = 0;
    const auto everyone = tables_.all_sessions();
    for (const session_id id : everyone) {
        client_session& s = *find(id);
        BOOST_ASSERT(
            next_step(s.state, session_event::commit, {}).result != session_result::illegal);
        if (s.state == session_state::held) {
            move(s, now);
        } else if (s.closing() && s.part) { // it was ready, and does not move
            switch_.tally.sessions_ready -= std::exchange(s.part->ready, false);
        }
    }
    seams_.make(now);
    if (breaks_first()) {
        seams_.make_breaks(now);
    }
    if (shares_backplane() && settings_.pairing.by == dedup_by::content) {
        switch_.note_counted("dedup: content"); // P4
    }
    pairing_.forget_recent();
    read_again();
    for (const session_id id : everyone) {
        if (client_session* s = find(id); s != nullptr && s->state != session_state::closing) {
            resume(*s, now);
        }
    }
    switch_.tally.sessions_total = switch_.tally.sessions_moved + switch_.tally.sessions_pinned +
                                   switch_.tally.sessions_failed;
    switch_.tally.sessions_ready =
        std::min(switch_.tally.sessions_ready, switch_.tally.sessions_total); // some closed
    at(now, due::seams);
    at(now + switch_.timing.receipt_timeout, due::receipts, switch_.id);
    at(now + drain_sweep, due::drain);
    // Links of the old color that no session is bound to are left.
    std::vector<share_group*> unused;
    for (const auto& [key, g] : tables_.groups) {
        if (g->bindings == 0) {
            unused.push_back(g.get());
        }
    }
    for (share_group* g : unused) {
        binder_.release_group(*g, now);
    }
    readiness_.say(control::adopted{readiness_.current_tally()});
    switch_.tally.held_us.clear();
    note_numbers(now);
    at(now, due::moves); // M13: of an endpoint that was drained meanwhile
}

// held|commit: onto the standby that is ready, else rebinding on the new color (S6).
void switch_member::move(client_session& s, time_point now)
{
    const color old = s.live;
    switch_part& part = *s.part;
    s.live = shard_.live;
    part.resumed_at = now;
    part.owed_old = s.owed;
    part.carried = true;
    switch_.tally.held_us.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - part.held_at).count()));
    counters_.session_pause.observe(now - part.held_at);
    if (!part.ready) {
        switch_.cut && !part.excused ? cut_session(s, now) : pin_session(s, now);
        return;
    }
    ++switch_.tally.sessions_moved;
    if (std::exchange(s.pinned, 0) != 0) { // S8: back on what it never left
        for (const auto& sub : s.journal) {
            if (wire_subscription* w = wire(sub->wires[old])) {
                subscriptions_.drop_member(*w, s.id, sub->number, now, {});
            } else { // never bound there: what was stored meanwhile lies in its queue
                count_left_behind(s, !sub->broadcast && sub->confirmed);
            }
            sub->wires[old] = wire_id::none;
            sub->held_back = false;
        }
        binder_.unbind(s, old, now);
        s.bindings[s.live].at = binding::phase::ready;
        return;
    }
    drop_gaps(s, now);
    s.bindings[old].at = binding::phase::draining;
    s.bindings[s.live].at = binding::phase::ready;
    switch_.draining.insert(s.id);
}

// Broadcast subscriptions that the standby does not have, and stored ones that wait for the old
// color.
void switch_member::drop_gaps(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    for (const auto& sub : s.journal) {
        const bool breaks = breaks_first() && !sub->overlaps &&
                            wire(sub->wires[old]) != nullptr; // see seams_.make_breaks()
        // T2: separate brokers have separate streams; in one world it may not have begun yet.
        const bool anew =
            sub->stream && sub->confirmed && (!shares_backplane() || sub->begins_anew(s.live));
        if (anew) {
            ++switch_.tally.streams_anew;
            name_counted(control::counted_cause::stream_anew, s.id);
        }
        if (sub->broadcast && !breaks && wire(sub->wires[s.live]) == nullptr) {
            if (wire_subscription* w = wire(sub->wires[old])) {
                subscriptions_.drop_member(*w, s.id, sub->number, now, {});
            }
            sub->wires[old] = wire_id::none;
            count_gap(s, sub->confirmed);
        }
    }
    hold_back(s, now);
}

void switch_member::resume(client_session& s, time_point now)
{
    const session_step step = next_step(
        s.state, session_event::commit,
        {.close_wanted = s.close_wanted.has_value(),
         .standby_ready = s.now().at == binding::phase::ready});
    if (step.result == session_result::ends) {
        endings_.close(s, *s.close_wanted, "closed while a switch held it");
        endings_.end_session(s, now);
        return;
    }
    if (!step.moves()) {
        return;
    }
    if (step.to == session_state::connecting) {
        s.live = shard_.live;
    } else if (step.to == session_state::active && s.pinned != 0) {
        unpin(s, now); // what it sent was not proven in time; it is there all the same
    }
    enter(s, step.to, now);
    if (step.to == session_state::active) {
        binder_.advance(
            s, s.live,
            now); // stored ones, and what no broker has answered yet (S15), with the link they need
        pump_later(s);
    } else if (step.to == session_state::rebinding) {
        at(now, due::session_retry, number(s.id));
    } else if (s.connect_seen()) {
        binder_.advance(s, s.live, now);
    } else {
        out_.resume_client(s.id);
    }
}

// Links that were not read because the seam buffers between `held` and the decision were full.
void switch_member::read_again()
{
    for (const link_id id : std::exchange(switch_.unread, {})) {
        if (const link_record* l = link(id)) {
            const client_session* owner = find(l->owner);
            out_.read_link(id, owner == nullptr || may_read(*owner, *l));
        }
    }
}

} // namespace gateway
