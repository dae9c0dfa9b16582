// This shard as a member of a switch. SWITCH.md is the law: the numbers in the comments are its rules.

#include "gateway/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

constexpr auto drain_sweep = std::chrono::milliseconds{20};

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace

void router::on_command(const control::command& command, time_point now)
{
    const bool begins = std::holds_alternative<control::prepare>(command.what);
    if (begins ? in_switch() : command.id != switch_) {
        return; // C2
    }
    if (begins) {
        switch_ = command.id;
    }
    std::visit(overloaded{
                   [&](const control::prepare& order) { on_prepare(order, now); },
                   [&](const control::hold&) { on_hold(now); },
                   [&](const control::pin&) {}, // C5, S8: pinning and cutting are not built yet
                   [&](const control::cut&) {},
                   [&](const control::commit& order) { on_commit(order, now); },
                   [&](const control::abort_switch& order) { on_abort(order, now); },
               },
        command.what);
    run_later(now);
}

void router::say(decltype(control::report::what) what)
{
    out_.report({.id = switch_, .from = settings_.shard, .what = std::move(what)});
}

void router::on_prepare(const control::prepare& order, time_point now)
{
    from_ = live_;
    to_ = order.to;
    timing_ = order.settings;
    dry_run_ = order.dry_run;
    pacer_.set_rate(std::max(1.0, order.connect_rate));
    tally_ = {};
    doubted_ = false;
    lost_links_ = 0;
    unprepared_ = 0;
    phase_ = member_phase::preparing;
    BOOST_ASSERT(to_ != live_);
    for (const auto& [id, l] : links_) {
        if (l->at().color == live_) {
            tally_.accepted += l->core.count_open();
        }
    }
    // C3: those that had their CONNECTED when the order came, rebinding and parked ones included.
    for (const session_id id : all_sessions()) {
        client_session* s = find(id);
        if (s != nullptr && s->connected && !s->closing()) {
            ++tally_.sessions_total;
            ++unprepared_;
            begin_standby(*s, now);
            if (s->part->failed) {
                continue;
            }
            s->part->ordered = true;
            unprepared_ -= s->part->ready;
        }
    }
    say(control::progress{tally_.sessions_ready, tally_.sessions_failed, tally_.sessions_total});
    check_prepared(now);
}

void router::begin_standby(client_session& s, time_point now)
{
    if (!s.part) {
        s.part = std::make_unique<switch_part>();
    }
    switch_part& part = *s.part;
    part.ordered = part.ready = part.failed = part.live_lost = false;
    part.lost = 0;
    part.held_at = part.resumed_at = {};
    binding& b = s.bindings[to_];
    part.adopted = b.at == binding::phase::draining;
    if (part.adopted) { // S10: what lingers there is taken up again, with new wire subscriptions (M9)
        b.at = binding::phase::wanted;
        draining_.erase(s.id);
        link_record* own = link(b.own);
        if (own != nullptr && own->core.leaving()) {
            b.own = link_id::none;
        }
    }
    // M8: prepared only when the seams of the switch before are joined or forced; act() goes on then.
    if (s.seams == 0) {
        advance(s, to_, now);
    }
}

void router::standby_ready(client_session& s, time_point now)
{
    if (!s.part || s.part->ready || s.part->failed || !in_switch()) {
        return;
    }
    s.part->ready = true;
    ++tally_.sessions_ready;
    if (s.part->ordered) {
        --unprepared_;
    }
    note_numbers(now);
    try_hold(s, now);
    check_prepared(now);
}

void router::standby_failed(client_session& s, const std::string& why, time_point now)
{
    if (!s.part || s.part->failed || !in_switch()) {
        return;
    }
    switch_part& part = *s.part;
    const binding& b = s.bindings[to_];
    const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{to_, 0};
    tally_.sessions_ready -= part.ready;
    const bool counted = part.ordered ? !part.ready : true;
    part.failed = true;
    part.ready = false;
    ++tally_.sessions_failed;
    if (counted && phase_ <= member_phase::prepared && unprepared_ > 0) {
        --unprepared_;
    }
    const auto failed = failure(s, where, why);
    if (tally_.failures.size() < 100) {
        tally_.failures.push_back(failed);
    }
    at(now, due::session_retry, number(s.id)); // releases what was prepared, outside of any loop
    if (phase_ == member_phase::held && s.state == session_state::held) {
        say(control::unheld{failed});
        return;
    }
    say(control::failed{{failed}});
    at(now, due::numbers);
}

void router::standby_lost(client_session& s, time_point now)
{
    if (!s.part || s.part->failed || !in_switch()) {
        return;
    }
    switch_part& part = *s.part;
    binding& b = s.bindings[to_];
    b.at = binding::phase::wanted;
    const bool was_ready = part.ready;
    tally_.sessions_ready -= was_ready;
    part.ready = false;
    if (s.state == session_state::held) {
        if (phase_ == member_phase::held) { // the decision may be under way: the coordinator judges (C6)
            const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{to_, 0};
            say(control::unheld{failure(s, where, "the standby was lost")});
            return;
        }
        enter(s, session_state::quiescing, now);
        ++unheld_;
    }
    if (was_ready && part.ordered && phase_ <= member_phase::prepared) {
        ++unprepared_;
    }
    if (was_ready && ++part.lost > 1) { // S9: dialled once more; lost again it is failed
        part.ready = false;
        standby_failed(s, "the standby was lost twice", now);
        return;
    }
    at(now, due::session_retry, number(s.id));
}

void router::check_prepared(time_point now)
{
    if (phase_ != member_phase::preparing || unprepared_ > 0) {
        return;
    }
    // S2: a barrier at the end of preparing, so that few are open at the hold.
    for (const auto& [id, l] : links_) {
        if (l->at().color == live_) {
            ask_barrier(*l, now);
        }
    }
    phase_ = member_phase::prepared;
    say(control::prepared{current_tally()});
}

void router::on_hold(time_point now)
{
    if (phase_ != member_phase::prepared) {
        return;
    }
    phase_ = member_phase::holding;
    unheld_ = 0;
    awaited_.clear();
    for (const session_id id : all_sessions()) {
        client_session& s = *find(id);
        switch (s.state) {
        case session_state::connecting: // S7; its attempt is dropped
            unbind(s, s.live, now);
            s.parked = false;
            enter(s, session_state::waiting, now);
            break;
        case session_state::active:
        case session_state::rebinding: // S5: it never waits for its bind in the hold
            enter(s, session_state::quiescing, now);
            if (!s.part) {
                begin_standby(s, now);
            }
            s.part->held_at = now;
            ++unheld_;
            break;
        case session_state::waiting:
        case session_state::closing: break;
        case session_state::quiescing:
        case session_state::held: BOOST_ASSERT_MSG(false, "hold while holding"); break;
        }
    }
    // S1, S2: one barrier per link of the old color on which anything was SENT, links being left included. It goes
    // out behind the last SEND: what waits for a SUBSCRIBE's RECEIPT was not written and is carried now.
    for (const auto& [id, l] : links_) {
        if (l->at().color == live_ && l->core.state() == broker::link_state::ready && !l->core.proven()) {
            awaited_.insert(l->core.id());
            ask_barrier(*l, now);
            if (client_session* s = find(l->owner)) {
                out_.read_link(l->core.id(), may_read(*s, *l));
            }
        }
    }
    for (const session_id id : all_sessions()) {
        if (client_session* s = find(id)) {
            try_hold(*s, now);
        }
    }
    check_held(now);
}

// What it sent is proven, its SUBSCRIBEs are answered, or the link in question is lost (SWITCH.md, "Session").
bool router::settled(const client_session& s) const
{
    const binding& b = s.now();
    const auto unproven = [&](link_id id, bool own) {
        const auto at = links_.find(number(id));
        if (at == links_.end() || at->second->core.state() != broker::link_state::ready) {
            return false;
        }
        const broker::link& l = at->second->core;
        if (own && s.over_outbox == backlog::over_wall) {
            return false; // S17
        }
        return own ? !l.proven() : s.last_send_link == id && l.proven_up_to() < s.last_send;
    };
    if (unproven(b.own, true) || (b.publish != b.own && unproven(b.publish, false))) {
        return false;
    }
    return std::ranges::none_of(s.journal, [&](const auto& sub) {
        const auto w = wires_.find(number(sub->wires[s.live]));
        return w != wires_.end() && w->second->state == wire_state::open && s.over_outbox != backlog::over_wall;
    });
}

void router::try_hold(client_session& s, time_point now)
{
    if (s.state != session_state::quiescing || !settled(s)) {
        return;
    }
    if (!s.part->failed && !(s.part->ready && standby_complete(s))) { // C8: a failed one does not keep its shard from `held`
        return;
    }
    if (s.over_outbox == backlog::over_wall) {
        if (link_record* own = link(s.now().own); own != nullptr && !own->core.proven()) {
            tally_.fence_best_effort = true;
            awaited_.erase(own->core.id());
        }
    }
    enter(s, session_state::held, now);
    --unheld_;
    check_held(now);
}

// S9, M7: it has every broadcast subscription that some broker confirmed to the client.
bool router::standby_complete(const client_session& s) const
{
    return std::ranges::all_of(s.journal, [&](const auto& sub) {
        const auto w = wires_.find(number(sub->wires[to_]));
        return !sub->broadcast || !sub->confirmed || (w != wires_.end() && w->second->state == wire_state::confirmed);
    });
}

void router::check_held(time_point now)
{
    if (phase_ != member_phase::holding || unheld_ > 0 || !awaited_.empty()) {
        return;
    }
    phase_ = member_phase::held;
    for (const auto& [id, w] : wires_) { // M7
        if (w->color() == to_ && w->broadcast) {
            w->keeping = true;
        }
    }
    note_numbers(now);
    say(control::held{tally_.failures, lost_links_, {sent_through_[live_].begin(), sent_through_[live_].end()}});
}

// A session is gone: it does not count any more (C3).
void router::session_left_switch(client_session& s, time_point now)
{
    if (!in_switch() || !s.part) {
        return;
    }
    if (s.part->ordered) {
        tally_.sessions_total -= tally_.sessions_total > 0;
        if (!s.part->ready && !s.part->failed && phase_ <= member_phase::prepared) {
            --unprepared_;
        }
    }
    tally_.sessions_ready -= s.part->ready;
    if (s.part->failed) {
        --tally_.sessions_failed;
        std::erase_if(tally_.failures, [&](const auto& one) { return one.session == name_of(s.id); });
        note_numbers(now);
    }
    if (s.state == session_state::quiescing) {
        --unheld_;
    }
}

void router::on_commit(const control::commit& order, time_point now)
{
    if (phase_ != member_phase::held) {
        return;
    }
    const color old = live_;
    live_ = to_;
    epoch_ = order.epoch;
    sent_through_[live_].clear();
    drain_until_ = now + timing_.drain_timeout;
    for (const endpoint_ref one : order.endpoints) {
        if (one.color == old) {
            sent_through_[old].insert(one);
        }
    }
    phase_ = member_phase::steady; // every session moves within this call: nothing observes the time between
    tally_.sessions_moved = 0;
    const auto everyone = all_sessions();
    for (const session_id id : everyone) {
        client_session& s = *find(id);
        BOOST_ASSERT(s.state != session_state::quiescing && s.state != session_state::active && s.state != session_state::rebinding);
        if (s.state == session_state::held) {
            move(s, now);
        }
    }
    make_seams(now);
    read_again();
    for (const session_id id : everyone) {
        if (client_session* s = find(id); s != nullptr && s->state != session_state::closing) {
            resume(*s, now);
        }
    }
    tally_.sessions_total = tally_.sessions_moved + tally_.sessions_failed;
    at(now, due::seams);
    at(now + timing_.receipt_timeout, due::receipts, switch_);
    at(now + drain_sweep, due::drain);
    // Links of the old color that no session is bound to are left.
    std::vector<share_group*> unused;
    for (const auto& [key, g] : groups_) {
        if (g->bindings == 0) {
            unused.push_back(g.get());
        }
    }
    for (share_group* g : unused) {
        release_group(*g, now);
    }
    say(control::adopted{current_tally()});
    tally_.held_us.clear();
    note_numbers(now);
}

// held|commit: onto the standby that is ready, else rebinding on the new color (S6).
void router::move(client_session& s, time_point now)
{
    const color old = s.live;
    switch_part& part = *s.part;
    --counters_.sessions[old][session_label::held];
    s.live = live_;
    ++counters_.sessions[s.live][session_label::held];
    part.resumed_at = now;
    part.owed_old = s.owed;
    part.carried = true;
    tally_.held_us.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - part.held_at).count()));
    counters_.session_pause.observe(now - part.held_at);
    if (!part.ready) {
        // S8 pins here; until that is built the old binding is given up and what lies between is a gap.
        tally_.gaps += s.journal.size();
        for (const auto& sub : s.journal) {
            if (wire_subscription* w = wire(sub->wires[old])) {
                drop_member(*w, s.id, sub->number, now);
            }
            sub->wires[old] = wire_id::none;
        }
        unbind(s, old, now);
        return;
    }
    ++tally_.sessions_moved;
    drop_gaps(s, now);
    s.bindings[old].at = binding::phase::draining;
    s.bindings[s.live].at = binding::phase::ready;
    draining_.insert(s.id);
}

// Broadcast subscriptions that the standby does not have, and stored ones that wait for the old color.
void router::drop_gaps(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    for (const auto& sub : s.journal) {
        if (sub->broadcast && wire(sub->wires[s.live]) == nullptr) {
            if (wire_subscription* w = wire(sub->wires[old])) {
                drop_member(*w, s.id, sub->number, now);
            }
            sub->wires[old] = wire_id::none;
            tally_.gaps += sub->confirmed;
        }
        sub->held_back = !sub->broadcast && timing_.strict_queue_order && wire(sub->wires[old]) != nullptr;
    }
}

void router::resume(client_session& s, time_point now)
{
    switch (s.state) {
    case session_state::waiting:
        --counters_.sessions[s.live][session_label::waiting];
        s.live = live_;
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
        if (s.now().at != binding::phase::ready) {
            enter(s, session_state::rebinding, now);
            at(now, due::session_retry, number(s.id));
            return;
        }
        enter(s, session_state::active, now);
        advance(s, s.live, now); // stored ones, and what no broker has answered yet (S15), with the link they need
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
    out_.log(1, "switch " + std::to_string(switch_) + " aborted: " + order.reason);
    phase_ = member_phase::steady;
    awaited_.clear();
    for (const session_id id : all_sessions()) {
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
                at(now, due::session_retry, number(id)); // S15: SUBSCRIBEs that the hold kept from being written
                pump_later(*s);
            } else {
                s->now().at = binding::phase::wanted;
                enter(*s, session_state::rebinding, now);
                at(now, due::session_retry, number(id));
            }
            break;
        }
        default: break;
        }
    }
    read_again();
    say(control::released{current_tally()});
}

// Whom the switch waited for when it was given up, and what for: an operator wants to know which endpoint it was.
void router::note_unready(const client_session& s)
{
    if (!s.part || s.part->ready || s.part->failed || tally_.failures.size() >= 100) {
        return;
    }
    const binding& b = s.bindings[to_];
    const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{to_, 0};
    const bool linked = b.group != nullptr && b.group->known.barrier != broker::barrier_kind::unknown &&
        (link(b.own) == nullptr || link(b.own)->core.ready()) && link(b.publish) != nullptr;
    tally_.failures.push_back(failure(s, where,
        s.seams > 0 ? "its seams of the switch before are still open"
            : linked ? name_of(where) + " did not answer SUBSCRIBE"
                     : name_of(where) + " did not answer CONNECT"));
}

// Links that were not read because the seam buffers between `held` and the decision were full.
void router::read_again()
{
    for (const link_id id : std::exchange(unread_, {})) {
        if (const link_record* l = link(id)) {
            const client_session* owner = find(l->owner);
            out_.read_link(id, owner == nullptr || may_read(*owner, *l));
        }
    }
}

void router::drop_standby_wires(client_session& s, time_point now)
{
    for (const auto& sub : s.journal) {
        wire_subscription* w = wire(sub->wires[to_]);
        const bool standby = w != nullptr && std::ranges::any_of(w->members, [&](const wire_member& m) {
            return m.session == s.id && m.subscription == sub->number && m.state == member_state::standby;
        });
        if (!standby) {
            continue; // M9: the old side of a seam that still joins is no standby's
        }
        sub->wires[to_] = wire_id::none;
        drop_member(*w, s.id, sub->number, now);
    }
}

void router::release_standby(client_session& s, time_point now)
{
    if (!s.part) {
        return;
    }
    if (s.live != to_) {
        drop_standby_wires(s, now);
        if (s.part->adopted && s.bindings[to_].group != nullptr) { // S10: given back to draining
            s.bindings[to_].at = binding::phase::draining;
            draining_.insert(s.id);
            at(now, due::drain);
            return;
        }
        unbind(s, to_, now);
    }
    s.part.reset();
}

// What the old binding lingers for; true: nothing any more.
bool router::drained(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    const bool over = now >= drain_until_;
    // M6: a forced seam's old color stays until its marker; what still comes there is delivered.
    bool done = s.seams == 0 && s.forced_seams == 0 && (!s.part || s.part->owed_old == 0) && (over || s.ledger.count(old) == 0);
    for (const auto& sub : s.journal) {
        wire_subscription* w = wire(sub->wires[old]);
        if (w == nullptr || sub->broadcast) {
            continue;
        }
        // Stored: blue lingers until it gave nothing for `linger` while nothing of it was unacknowledged.
        const bool quiet = now - w->last_message >= timing_.linger && s.ledger.count(w->link) == 0;
        if (!quiet && !over) {
            done = false;
            continue;
        }
        if (!quiet) {
            ++tally_.stored_left_behind;
        }
        sub->wires[old] = wire_id::none;
        erase_wire(w->id); // the link leaves by DISCONNECT: nothing is unsubscribed (HAZARDS.md H11)
        if (sub->held_back) {
            sub->held_back = false;
            replay(s, s.now(), s.live, now);
        }
    }
    return over || done;
}

void router::finish_drain(client_session& s, time_point now)
{
    const color old = broker::other(s.live);
    const auto unacknowledged = s.ledger.count(old);
    tally_.handed_back += unacknowledged;
    if (s.part) {
        for (const auto& receipt : std::exchange(s.part->receipts, {})) {
            send_receipt(s, receipt);
        }
        if (!in_switch()) {
            s.part.reset();
        }
    }
    unbind(s, old, now);
}

void router::run_drain(time_point now)
{
    for (auto next = draining_.begin(); next != draining_.end();) {
        const session_id id = *next++;
        client_session* s = find(id);
        if (s == nullptr || s->bindings[broker::other(s->live)].at != binding::phase::draining) {
            draining_.erase(id);
        } else if (drained(*s, now)) {
            draining_.erase(id);
            finish_drain(*s, now);
        }
    }
    if (!draining_.empty()) {
        at(now + drain_sweep, due::drain);
    } else if (!in_switch()) {
        note_numbers(now);
    }
}

// S13: what the old color did not answer in time is in doubt; the new color's receipts go on.
void router::doubt_receipts(time_point now)
{
    if (doubted_) {
        return;
    }
    doubted_ = true;
    for (const auto& [id, l] : links_) {
        if (l->at().color == live_) {
            continue;
        }
        l->core.owed().for_each([&](broker::owed_answer& owed) {
            if ((owed.kind == broker::owed_kind::send || owed.kind == broker::owed_kind::commit) && !owed.doubted) {
                owed.doubted = true;
                tally_.in_doubt += owed.counted;
            }
        });
    }
    for (const session_id id : all_sessions()) {
        if (client_session* s = find(id); s != nullptr && s->part) {
            s->part->owed_old = 0;
            for (const auto& receipt : std::exchange(s->part->receipts, {})) {
                send_receipt(*s, receipt);
            }
        }
    }
    at(now, due::drain);
    note_numbers(now);
}

void router::note_numbers(time_point now)
{
    if (!numbers_due_) {
        numbers_due_ = true;
        at(now + drain_sweep, due::numbers);
    }
}

} // namespace gateway
