// The hold: when a session is settled, when it is held, and when this shard may say so. SWITCH.md
// S1, S2, C8, M7.

#include "gateway/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

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
            enter(s, session_state::waiting, now);
            break;
        case session_state::active:
        case session_state::rebinding: // S5: it never waits for its bind in the hold
            enter(s, session_state::quiescing, now);
            if (!s.part) {
                join_switch(s, now);
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
    // S1, S2: one barrier per link of the old color on which anything was SENT, links being left
    // included. It goes out behind the last SEND: what waits for a SUBSCRIBE's RECEIPT was not
    // written and is carried now.
    for (const auto& [id, l] : links_) {
        if (l->at().color == live_ && l->core.state() == broker::link_state::ready &&
            !l->core.proven()) {
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

// What it sent is proven, its SUBSCRIBEs are answered, or the link in question is lost (SWITCH.md,
// "Session").
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
        return w != wires_.end() && w->second->state == wire_state::open &&
               s.over_outbox != backlog::over_wall;
    });
}

void router::try_hold(client_session& s, time_point now)
{
    if (s.state != session_state::quiescing || !settled(s)) {
        return;
    }
    if (!s.part->failed &&
        !(s.part->ready &&
          standby_complete(s))) { // C8: a failed one does not keep its shard from `held`
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
        return !sub->broadcast || !sub->confirmed || breaks_first() ||
               (w != wires_.end() && w->second->state == wire_state::confirmed);
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
    say(control::held{
        tally_.failures, lost_links_, {sent_through_[live_].begin(), sent_through_[live_].end()}});
}

// A session is gone: it does not count any more (C3).
void router::session_left_switch(client_session& s, time_point now)
{
    if (!in_switch() || !s.part) {
        return;
    }
    tally_.sessions_total -= s.part->counted;
    if (s.part->ordered) {
        if (!s.part->ready && !s.part->failed && phase_ <= member_phase::prepared) {
            --unprepared_;
        }
    }
    tally_.sessions_ready -= s.part->ready;
    if (s.part->failed) {
        --tally_.sessions_failed;
        std::erase_if(
            tally_.failures, [&](const auto& one) { return one.session == name_of(s.id); });
        note_numbers(now);
    }
    if (s.state == session_state::quiescing) {
        --unheld_;
    }
}

} // namespace gateway
