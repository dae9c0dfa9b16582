// Both ways out of the hold: every session moves, or stays. SWITCH.md S5 to S8, S10, S15.

#include "gateway/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

void router::on_commit(const control::commit& order, time_point now)
{
    if (switch_.phase != member_phase::held) {
        return;
    }
    const color old = shard_.live;
    // B3: asked while the old groups are there; the report keeps it when the drain has left them.
    switch_.tally.fence_best_effort = current_tally().fence_best_effort;
    switch_.committed = true;
    shard_.live = switch_.to;
    shard_.epoch = order.epoch;
    shard_.sent_through[shard_.live].clear();
    for (auto& [id, l] : tables_.links) { // one that lingered there from before counts anew (M1)
        l->used = l->used && l->at().color != shard_.live;
    }
    switch_.drain_until = now + switch_.timing.drain_timeout;
    switch_.leave_from = now + leave_behind_markers;
    for (const endpoint_ref one : order.endpoints) {
        if (one.color == old && one.index < pool_of(old).size()) {
            shard_.sent_through[old].insert(one);
        }
    }
    switch_.phase = member_phase::steady; // every session moves within this call: nothing observes
                                          // the time between
    switch_.tally.sessions_moved = 0;
    const auto everyone = tables_.all_sessions();
    for (const session_id id : everyone) {
        client_session& s = *find(id);
        BOOST_ASSERT(
            s.state != session_state::quiescing && s.state != session_state::active &&
            s.state != session_state::rebinding);
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
    if (settings_.shared_backplane && settings_.pairing.by == dedup_by::content) {
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
        release_group(*g, now);
    }
    say(control::adopted{current_tally()});
    switch_.tally.held_us.clear();
    note_numbers(now);
    at(now, due::moves); // M13: of an endpoint that was drained meanwhile
}

// held|commit: onto the standby that is ready, else rebinding on the new color (S6).
void router::move(client_session& s, time_point now)
{
    const color old = s.live;
    switch_part& part = *s.part;
    --counters_.sessions[old][session_label::held];
    s.live = shard_.live;
    ++counters_.sessions[s.live][session_label::held];
    part.resumed_at = now;
    part.owed_old = s.owed;
    part.carried = true;
    switch_.tally.held_us.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - part.held_at).count()));
    counters_.session_pause.observe(now - part.held_at);
    if (!part.ready) {
        switch_.cut ? cut_session(s, now) : pin_session(s, now);
        return;
    }
    ++switch_.tally.sessions_moved;
    if (std::exchange(s.pinned, 0) != 0) { // S8: back on what it never left
        for (const auto& sub : s.journal) {
            if (wire_subscription* w = wire(sub->wires[old])) {
                drop_member(*w, s.id, sub->number, now);
            } else { // never bound there: what was stored meanwhile lies in its queue
                switch_.tally.stored_left_behind += !sub->broadcast && sub->confirmed;
            }
            sub->wires[old] = wire_id::none;
            sub->held_back = false;
        }
        unbind(s, old, now);
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
void router::drop_gaps(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    for (const auto& sub : s.journal) {
        const bool breaks =
            breaks_first() && wire(sub->wires[old]) != nullptr; // see seams_.make_breaks()
        if (sub->broadcast && !breaks && wire(sub->wires[s.live]) == nullptr) {
            if (wire_subscription* w = wire(sub->wires[old])) {
                drop_member(*w, s.id, sub->number, now);
            }
            sub->wires[old] = wire_id::none;
            switch_.tally.gaps += sub->confirmed;
        }
    }
    hold_back(s, now);
}

void router::resume(client_session& s, time_point now)
{
    switch (s.state) {
    case session_state::waiting:
        --counters_.sessions[s.live][session_label::waiting];
        s.live = shard_.live;
        ++counters_.sessions[s.live][session_label::waiting];
        enter(s, session_state::connecting, now);
        if (s.connect_seen) {
            advance(s, s.live, now);
        } else {
            out_.resume_client(s.id);
        }
        return;
    case session_state::held:
        if (s.close_wanted) {
            close(s, *s.close_wanted, "closed while a switch held it");
            end_session(s, now);
            return;
        }
        if (s.pinned != 0 && s.now().at == binding::phase::ready) {
            unpin(s, now); // what it sent was not proven in time; it is there all the same
        }
        if (s.now().at != binding::phase::ready) {
            enter(s, session_state::rebinding, now);
            at(now, due::session_retry, number(s.id));
            return;
        }
        enter(s, session_state::active, now);
        advance(
            s, s.live,
            now); // stored ones, and what no broker has answered yet (S15), with the link they need
        pump_later(s);
        return;
    default: return;
    }
}

void router::on_abort(const control::abort_switch& order, time_point now)
{
    if (!in_switch()) {
        return;
    }
    out_.log(1, "switch " + std::to_string(switch_.id) + " aborted: " + order.reason);
    switch_.phase = member_phase::steady;
    switch_.awaited.clear();
    pairing_.forget_recent();
    survey_.stop();
    if (seams_.empty()) {
        couriers_.release(now);
    }
    for (const session_id id : tables_.all_sessions()) {
        client_session* s = find(id);
        if (s == nullptr) {
            continue;
        }
        note_unready(*s);
        release_standby(*s, now);
        switch (s->state) {
        case session_state::waiting:
            enter(*s, session_state::connecting, now);
            s->connect_seen ? void(advance(*s, s->live, now)) : out_.resume_client(id);
            break;
        case session_state::quiescing:
        case session_state::held: {
            if (s->close_wanted) {
                close(*s, *s->close_wanted, "closed while a switch held it");
                end_session(*s, now);
                break;
            }
            // S6: resumes on links that are alive and have the journal.
            const bool alive = s->now().at == binding::phase::ready && !s->now().moving;
            const bool journal = std::ranges::all_of(s->journal, [&](const auto& sub) {
                return !sub->confirmed || sub->held_back || wire(sub->wires[s->live]) != nullptr;
            });
            if (alive && journal) {
                enter(*s, session_state::active, now);
                at(now, due::session_retry,
                   number(id)); // S15: SUBSCRIBEs that the hold kept from being written
                pump_later(*s);
            } else {
                s->now().at = binding::phase::wanted;
                enter(*s, session_state::rebinding, now);
                at(now, due::session_retry, number(id));
            }
            break;
        }
        case session_state::rebinding: at(now, due::session_retry, number(id)); break;
        default: break;
        }
    }
    read_again();
    say(control::released{current_tally()});
    at(now, due::moves);
}

// Whom the switch waited for when it was given up, and what for: an operator wants to know which
// endpoint it was.
void router::note_unready(const client_session& s)
{
    if (!s.part || s.part->ready || s.part->failed || switch_.tally.failures.size() >= 100) {
        return;
    }
    const binding& b = s.bindings[switch_.to];
    const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{switch_.to, 0};
    const bool linked =
        b.group != nullptr && b.group->known.barrier != broker::barrier_kind::unknown &&
        (link(b.own) == nullptr || link(b.own)->core.ready()) && link(b.publish) != nullptr;
    switch_.tally.failures.push_back(failure(
        s, where,
        s.seams > 0 ? "its seams of the switch before are still open"
        : linked    ? name_of(where) + " did not answer SUBSCRIBE"
                    : name_of(where) + " did not answer CONNECT"));
}

// Links that were not read because the seam buffers between `held` and the decision were full.
void router::read_again()
{
    for (const link_id id : std::exchange(switch_.unread, {})) {
        if (const link_record* l = link(id)) {
            const client_session* owner = find(l->owner);
            out_.read_link(id, owner == nullptr || may_read(*owner, *l));
        }
    }
}

void router::drop_standby_wires(client_session& s, time_point now)
{
    for (const auto& sub : s.journal) {
        wire_subscription* w = wire(sub->wires[switch_.to]);
        const bool standby =
            w != nullptr && std::ranges::any_of(w->members, [&](const wire_member& m) {
                return m.session == s.id && m.subscription == sub->number &&
                       m.state == member_state::standby;
            });
        if (!standby) {
            continue; // M9: the old side of a seam that still joins is no standby's
        }
        sub->wires[switch_.to] = wire_id::none;
        drop_member(*w, s.id, sub->number, now);
    }
}

void router::release_standby(client_session& s, time_point now)
{
    if (!s.part) {
        return;
    }
    if (s.live != switch_.to) {
        drop_standby_wires(s, now);
        if (s.part->adopted &&
            s.bindings[switch_.to].group != nullptr) { // S10: given back to draining
            s.bindings[switch_.to].at = binding::phase::draining;
            switch_.draining.insert(s.id);
            at(now, due::drain);
            return;
        }
        unbind(s, switch_.to, now);
    }
    for (const auto& receipt : std::exchange(s.part->receipts, {})) { // S13: nothing is left to
        send_receipt(s, receipt);                                     // wait for
    }
    s.part.reset();
}

} // namespace gateway
