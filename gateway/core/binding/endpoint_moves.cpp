#include "gateway/core/binding/endpoint_moves.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

void endpoint_moves::drain(endpoint_ref where, bool on, time_point now)
{
    broker::pool& pool = pool_of(where.color);
    if (where.index >= pool.size() || pool.draining(where.index) == on) {
        return;
    }
    pool.set_draining(where.index, on);
    if (on) {
        at(now, due::moves);
        return;
    }
    // Sessions that have not left stay. Parked sessions may have found no other endpoint, so they
    // try again.
    std::erase_if(moves_, [&](const endpoint_move& m) {
        const bool back = m.from == where;
        if (back) {
            stay(m.sessions, now);
        }
        return back;
    });
    for (const session_id id : tables_.all_sessions()) {
        if (find(id)->parked) {
            at(now, due::session_retry, number(id));
        }
    }
}

void endpoint_moves::run(time_point now)
{
    lingering_.end_overdue(now);
    if (in_switch()) {
        return; // both ways out of it come back here
    }
    bool later = false;
    const broker::pool& pool = pool_of(shard_.live);
    for (std::size_t i = 0; i < pool.size(); ++i) {
        const endpoint_ref from{shard_.live, static_cast<std::uint16_t>(i)};
        if (pool.draining(i) && pool.sessions(i) > 0) {
            later |= std::ranges::find(moves_, from, &endpoint_move::from) == moves_.end() &&
                     !begins(from, now);
        }
    }
    go_on(now);
    if (later || !moves_.empty()) {
        at(now + drain_sweep, due::moves);
    }
}

// False: not now, or some are left there that this move does not take along.
bool endpoint_moves::begins(endpoint_ref from, time_point now)
{
    if (!pool_of(from.color).pick() || reads_a_pair(from)) {
        return false; // nowhere to go: they stay where they are
    }
    endpoint_move m{.from = from, .number = last_ + 1, .sessions = {}, .awaited = {}};
    bool others = false;
    for (const session_id id : tables_.all_sessions()) {
        client_session& s = *find(id);
        if (s.now().group == nullptr || s.now().group->at != from) {
            continue;
        }
        const bool bound = s.state == session_state::active || s.state == session_state::rebinding;
        if (s.pinned != 0 || s.state == session_state::connecting) { // nothing rides there yet
            subscriptions_.drop_new_wires(s, now);
            binder_.unbind(s, shard_.live, now);
            at(now, due::session_retry, number(id));
        } else if (bound && s.seams > 0) {
            return false; // what its seams keep is of that endpoint; each joins or is forced soon
        } else if (bound) {
            m.sessions.push_back(id);
        } else {
            others = true; // closing: it ends by itself
        }
    }
    if (m.sessions.empty()) {
        return !others;
    }
    for (const session_id id : m.sessions) {
        client_session& s = *find(id);
        s.moving = true;
        if (s.state == session_state::active) {
            s.parked_since = now;
            enter(s, session_state::rebinding, now);
        }
    }
    for (const auto& [id, l] : tables_.links) { // behind the last SEND (S2)
        if (l->at() == from && l->core.state() == broker::link_state::ready && !l->core.proven()) {
            links_.ask_barrier(*l, now);
            if (client_session* owner = find(l->owner)) {
                out_.read_link(l->core.id(), may_read(*owner, *l));
            }
        }
    }
    m.until = now + settings_.timing.receipt_timeout;
    last_ = m.number;
    moves_.push_back(std::move(m));
    return true;
}

// P2: a twin that is still owed arrives on the wire subscription that the pair knows. Each pair
// ends.
bool endpoint_moves::reads_a_pair(endpoint_ref from) const
{
    return std::ranges::any_of(tables_.wires, [&](const auto& w) {
        return w.second->group->at == from && !w.second->pairs.empty();
    });
}

void endpoint_moves::go_on(time_point now)
{
    for (std::size_t i = 0; i < moves_.size();) {
        endpoint_move& m = moves_[i];
        if (!m.marking && (now >= m.until || all_settled(m))) {
            send_markers(m, now);
        }
        if (m.marking) {
            leave_ready(m, now);
        }
        if (m.sessions.empty()) {
            out_.log(
                log_level::info, name_of(m.from) + " is drained: " + std::to_string(m.left) + " sessions move, " +
                       std::to_string(m.gaps) + " gaps, " + std::to_string(m.handed_back) +
                       " deliveries handed back");
            moves_.erase(moves_.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
}

// Sessions whose markers were read leave. A neighbour that does not read does not delay them.
void endpoint_moves::leave_ready(endpoint_move& m, time_point now)
{
    std::erase_if(m.awaited, [&](wire_id id) {
        const wire_subscription* w = wire(id);
        return w == nullptr || w->state != wire_state::confirmed;
    });
    std::vector<session_id> ready;
    std::erase_if(m.sessions, [&](session_id id) {
        const client_session* s = find(id);
        const bool waits = s != nullptr && s->moving && awaits_marker(m, *s, now);
        if (!waits && s != nullptr) {
            ready.push_back(id);
        }
        return !waits;
    });
    if (ready.empty()) {
        return;
    }
    // The others may have failed meanwhile: then it goes on where it is, and tries again.
    if (pool_of(m.from.color).pick()) {
        leave_endpoint(m, ready, now);
    } else {
        stay(ready, now);
        at(now + drain_sweep, due::moves);
    }
}

// As with a seam (M6): each MESSAGE and each marker that arrives is progress, and the clock stands
// for a session that does not take the messages before its marker; within drain_timeout.
bool endpoint_moves::awaits_marker(endpoint_move& m, const client_session& s, time_point now)
{
    bool waits = false, unread = false;
    time_point sign{};
    for (const auto& sub : s.journal) {
        const wire_subscription* w = wire(sub->wires[s.live]);
        if (w != nullptr && m.awaited.contains(w->id)) {
            waits = true;
            unread |= !reads(*w);
            sign = std::max({sign, w->last_message, w->group->last_marker});
        }
    }
    if (unread) {
        m.slow[s.id] = now + settings_.timing.seam_timeout;
    }
    const auto slow = m.slow.find(s.id);
    const time_point until = std::max(
        {m.until, slow == m.slow.end() ? m.until : slow->second,
         sign + settings_.timing.seam_timeout});
    return waits && now < std::min(until, m.give_up);
}

// Everything that they sent is proven and answered, and their SUBSCRIBEs are answered.
bool endpoint_moves::all_settled(const endpoint_move& m) const
{
    return std::ranges::all_of(m.sessions, [&](session_id id) {
        const client_session* s = find(id);
        return s == nullptr || !s->moving || (readiness_.settled(*s) && s->owed == 0);
    });
}

// Behind everything that was routed to a subscription with an address of its own. Elsewhere what
// is on its way is lost with the gap.
void endpoint_moves::send_markers(endpoint_move& m, time_point now)
{
    m.marking = true;
    m.until = now + settings_.timing.seam_timeout;
    m.give_up = now + settings_.timing.drain_timeout;
    for (const auto& [id, w] : tables_.wires) {
        if (w->group->at != m.from || !w->addressed || w->state != wire_state::confirmed ||
            !w->group->gives_markers() || w->members.empty()) {
            continue;
        }
        if (link_record* by = couriers_.pick(*w, m.from)) {
            send_mark(
                *by, w->id,
                write_marker(
                    w->id, w->group->at, {.what = marker_text::kind::move, .number = m.number}));
            m.awaited.insert(w->id);
        }
    }
}

void endpoint_moves::on_marker(wire_id read, std::uint64_t number_of, time_point now)
{
    for (endpoint_move& m : moves_) { // one of a move that was given up says nothing of the next
        if (number_of == m.number && m.awaited.erase(read) > 0) {
            at(now, due::moves);
        }
    }
}

void endpoint_moves::leave_endpoint(
    endpoint_move& m, const std::vector<session_id>& who, time_point now)
{
    for (const session_id id : who) {
        client_session* s = find(id);
        if (s == nullptr || !s->moving) {
            continue;
        }
        s->moving = false;
        if (s->state != session_state::rebinding) {
            continue; // closing
        }
        ++m.left;
        const bool lingers = lingering_.awaits_replies(*s);
        m.gaps += leave_subscriptions(*s, lingers, now);
        m.handed_back += s->ledger.drop_link(s->now().own);
        lingering_.leave_own_link(*s, lingers, now);
        binder_.unbind(*s, shard_.live, now);
        s->now().at = binding::phase::wanted;
        s->rare().wires_before = tables_.last_wire; // what it joins there brings nothing twice
        s->parked_since = now;
        at(now + settings_.park_timeout, due::session_park, number(id));
        at(now, due::session_retry, number(id));
    }
}

// M13: left first. Returns how many broadcast subscriptions miss what is sent until they are bound
// again.
std::size_t endpoint_moves::leave_subscriptions(client_session& s, bool lingers, time_point now)
{
    std::size_t gaps = 0;
    for (const auto& sub : s.journal) {
        wire_subscription* w = wire(sub->wires[s.live]);
        sub->wires[s.live] = wire_id::none;
        // M1: what others read there already may still have on its way what this one has had.
        sub->left_before = static_cast<wire_id>(tables_.last_wire);
        if (w == nullptr) {
            continue;
        }
        if ((sub->broadcast && sub->confirmed) || sub->begins_anew(s.live)) { // T2
            ++gaps;
            ++counters_.subscriptions_restored[restored::ok];
        }
        if (w->shared || lingers) {
            subscriptions_.drop_member(*w, s.id, sub->number, now, {});
        } else {
            subscriptions_.erase_wire(w->id, now); // its link leaves by DISCONNECT (brokers.md H11)
        }
    }
    return gaps;
}

// Nothing was left yet: bound where it is, it is active at once.
void endpoint_moves::stay(const std::vector<session_id>& who, time_point now)
{
    for (const session_id id : who) {
        client_session* s = find(id);
        if (s == nullptr || !std::exchange(s->moving, false)) {
            continue;
        }
        if (s->state == session_state::rebinding) {
            s->now().at = binding::phase::wanted;
            at(now, due::session_retry, number(id));
        }
    }
}

// C1: a switch takes them along from where they are.
void endpoint_moves::cancel(time_point now)
{
    for (const endpoint_move& m : std::exchange(moves_, {})) {
        stay(m.sessions, now);
    }
}

} // namespace gateway
