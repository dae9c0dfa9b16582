// The hold: when a session is settled, when it is held, and when this shard may say so. switch.md
// S1, S2, C8, M7.

#include "gateway/core/switching/switch_member.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

void shard_member::on_hold(time_point now)
{
    if (switch_.phase != member_phase::prepared) {
        return;
    }
    switch_.phase = member_phase::holding;
    switch_.hold_began = now;
    switch_.unheld = 0;
    switch_.awaited.clear();
    for (const session_id id : tables_.all_sessions()) {
        client_session& s = *find(id);
        switch (s.state) {
        case session_state::connecting: // S7; its attempt is dropped
            actions_.unbind(s, s.live, now);
            actions_.enter(s, session_state::waiting, now);
            break;
        case session_state::active:
        case session_state::rebinding: // S5: it never waits for its bind in the hold
            actions_.enter(s, session_state::quiescing, now);
            if (!s.part) {
                join_switch(s, now);
            }
            s.part->held_at = now;
            ++switch_.unheld;
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
    for (const auto& [id, l] : tables_.links) {
        // E4: a link that is mute behind an ERROR is lost before the hold would end by it.
        if (l->core.searching() && switch_.timing.hold_timeout > net::duration{}) {
            l->core.hurry(now + switch_.timing.hold_timeout / 2);
            actions_.ask_barrier(*l, now);
        }
        if (l->at().color == shard_.live && l->core.state() == broker::link_state::ready &&
            !l->core.proven()) {
            switch_.awaited.insert(l->core.id());
            actions_.ask_barrier(*l, now);
            if (client_session* s = find(l->owner)) {
                out_.read_link(l->core.id(), may_read(*s, *l));
            }
        }
    }
    for (const session_id id : tables_.all_sessions()) {
        if (client_session* s = find(id)) {
            try_hold(*s, now);
        }
    }
    check_held(now);
}

// What it sent is proven, its SUBSCRIBEs are answered, or the link in question is lost (switch.md,
// "Session").
bool shard_member::settled(const client_session& s) const
{
    const binding& b = s.now();
    const auto unproven = [&](link_id id, bool own) {
        const link_record* of = link(id);
        if (of == nullptr || of->core.state() != broker::link_state::ready) {
            return false;
        }
        const broker::link& l = of->core;
        if (own && s.over_outbox == backlog::over_wall) {
            return false; // S17
        }
        return own ? !l.proven() : s.last_send_link == id && l.proven_up_to() < s.last_send;
    };
    if (unproven(b.own, true) || (b.publish != b.own && unproven(b.publish, false))) {
        return false;
    }
    return std::ranges::none_of(s.journal, [&](const auto& sub) {
        const wire_subscription* w = wire(sub->wires[s.live]);
        return w != nullptr && w->state == wire_state::open && s.over_outbox != backlog::over_wall;
    });
}

void shard_member::try_hold(client_session& s, time_point now)
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
            switch_.tally.fence_best_effort = true;
            name_counted(control::counted_cause::fence, s.id);
            switch_.awaited.erase(own->core.id());
        }
    }
    actions_.enter(s, session_state::held, now);
    --switch_.unheld;
    check_held(now);
}

// S9, M7: it has every broadcast subscription that some broker confirmed to the client; P7: behind
// marks of its own.
bool shard_member::standby_complete(const client_session& s) const
{
    return std::ranges::all_of(s.journal, [&](const auto& sub) {
        const wire_subscription* w = wire(sub->wires[switch_.to]);
        return !sub->broadcast || !sub->confirmed || breaks_first() ||
               (w != nullptr && w->state == wire_state::confirmed &&
                parts_.pairing.marked(sub->wires[s.live], *w));
    });
}

void shard_member::check_held(time_point now)
{
    if (switch_.phase != member_phase::holding || switch_.unheld > 0 || !switch_.awaited.empty()) {
        return;
    }
    switch_.phase = member_phase::held;
    for (const auto& [id, w] : tables_.wires) { // M7
        if (w->color() == switch_.to && w->broadcast) {
            w->keeping = true;
        }
    }
    note_numbers(now);
    say(control::held{
        switch_.tally.failures,
        switch_.lost_links,
        {shard_.sent_through[shard_.live].begin(), shard_.sent_through[shard_.live].end()}});
}

// A session is gone: it does not count any more (C3).
void shard_member::session_left_switch(client_session& s, time_point now)
{
    if (!in_switch() || !s.part) {
        return;
    }
    switch_.tally.sessions_total -= s.part->counted;
    if (s.part->ordered) {
        if (!s.part->ready && !s.part->failed && switch_.phase <= member_phase::prepared) {
            --switch_.unprepared;
        }
    }
    switch_.tally.sessions_ready -= s.part->ready;
    if (s.part->failed) {
        --switch_.tally.sessions_failed;
        std::erase_if(
            switch_.tally.failures, [&](const auto& one) { return one.session == name_of(s.id); });
        note_numbers(now);
    }
    if (s.state == session_state::quiescing) {
        --switch_.unheld;
    }
}

} // namespace gateway
