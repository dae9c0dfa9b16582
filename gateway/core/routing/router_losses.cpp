// A link is lost: what rode on it is bound again, what is unproven is in doubt, and neighbours are
// not to blame. design.md section 5 (a neighbour's fault); switch.md B2, S3 and the column "link
// lost".

#include "gateway/core/routing/router.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

namespace {

// Rungs of the trial below the one that cost the link (B2).
broker::trial_rung next_rung(broker::trial_rung r)
{
    const bool sends = r == broker::trial_rung::absent_queue || r == broker::trial_rung::own_queue;
    return sends ? broker::trial_rung::transaction : broker::trial_rung::nothing;
}

// The gateway's own doing: what the broker said before did not end the link.
bool ended_by_us(std::string_view why) noexcept
{
    return why == broker::broker_was_silent || why.starts_with("malformed");
}

} // namespace

void router::on_link_lost(link_id id, std::string_view why, time_point now)
{
    give_up_link(id, why, now);
    run_later(now);
}

// Its connection is gone, or is taken for that.
void router::give_up_link(link_id id, std::string_view why, time_point now)
{
    lose_link(id, why, !ended_by_us(why), now);
}

void router::lose_link(link_id id, std::string_view why, bool by_broker, time_point now)
{
    link_record* l = link(id);
    if (l == nullptr) {
        return;
    }
    share_group& g = *l->group;
    ++g.links; // keeps the group until its sessions were told
    const color c = g.at.color;
    const auto before = l->core.state();
    const bool was_leaving = l->core.leaving();
    std::string text{why};
    if (!l->core.last_error().empty()) {
        text += " (" + l->core.last_error() + ")";
    }
    if (!was_leaving) {
        out_.log(
            before == broker::link_state::ready && l->core.role() != link_role::scratch ? 2 : 1,
            "link to " + name_of(g.at) + " lost: " + text);
    }
    if (before == broker::link_state::dialling || before == broker::link_state::connecting) {
        if (g.refused.empty() && l->core.role() != link_role::recheck) {
            pool_of(c).on_dial_failed(g.at.index, text, now);
            g.back_off = next_back_off(g.back_off);
            g.retry_at = now + g.back_off;
        }
    } else if (before == broker::link_state::trying && !was_leaving) {
        g.rung = next_rung(l->core.rung()); // B2: the link is dialled again without that rung
    } else if (
        before == broker::link_state::ready && !was_leaving &&
        l->core.role() != link_role::scratch) { // which has a pace of its own
        note_death(*l, now);
    }
    doubt_disconnect(*l);
    const bool role_publishes = l->core.role() == link_role::publish && !was_leaving;
    l->core.on_lost(by_broker && !was_leaving);
    const bool known = l->core.role() != link_role::scratch && on_news(id, now); // E5: who is told is none of those that are bound again
    settle_owed(*l, now);
    if (role_publishes && !known) {
        blame(*l, now);
    }
    const auto role = l->core.role();
    const auto wires = l->wires;
    const auto users = l->users;
    const auto owner = l->owner;
    const bool on_old_color =
        in_switch() && c == shard_.live && before == broker::link_state::ready && !l->core.proven();
    if (on_old_color) {
        ++switch_.lost_links; // S3: what is unproven there may still arrive
        switch_.tally.fence_best_effort = true;
        name_unproven(*l);
    }
    erase_link(id, now);
    for (const wire_id w : wires) {
        if (wire_subscription* lost = wire(w)) {
            lose_wire(*lost, now);
        }
    }
    if (role == link_role::scratch) {
        trials_.on_lost(g, id, now);
    } else if (before == broker::link_state::ready && !was_leaving) {
        seams_.on_endpoint_lost(g, now);
    }
    moves_.look_again(now); // not waited for any longer
    const bool lingered = lingering_.on_lost(id);
    if (client_session* s = find(owner); s != nullptr && !lingered) {
        binding& b = s->bindings[c];
        if (b.own == id) { // SENDs that were to move there stay where they are for now
            b.own = link_id::none;
            b.moving = false;
        }
        b.publish = b.publish == id ? link_id::none : b.publish;
        s->ledger.drop_link(id); // it comes again from the broker, redelivered
        member_.release_held_back(*s, c, now);
        lost_link_of(*s, c, now);
    }
    for (const session_id user : users) {
        if (client_session* s = find(user)) {
            s->bindings[c].publish = link_id::none;
            s->bindings[c].moving = false;
            lost_link_of(*s, c, now);
        }
    }
    wake(g, now);
    --g.links;
    drop_if_unused(g);
    member_.check_prepared(now);
    member_.check_held(now);
}

// What dies as soon as it is up would be dialled as fast as the broker lets it in: a session's own
// link for what the session has on it, a shared one for all who share it.
void router::note_death(const link_record& l, time_point now)
{
    share_group& g = *l.group;
    if (l.core.role() == link_role::own) {
        short_lives_.on_death(l.owner, g.at.color, now - l.up, now);
        return;
    }
    if (now - l.up >= soon_after_up) {
        g.died_soon = false;
        g.back_off = {};
        return;
    }
    if (std::exchange(g.died_soon, true)) { // the first is dialled again at once
        g.back_off = next_back_off(g.back_off);
        g.retry_at = std::max(g.retry_at, now + g.back_off);
    }
}

// S13: a DISCONNECT's receipt stands for everything before it; where SENDs are in doubt it is not
// answered.
void router::doubt_disconnect(const link_record& l)
{
    const auto doubt = [&](session_id id) {
        client_session* s = find(id);
        if (s != nullptr && s->closing() && s->last_send_link == l.core.id() &&
            s->last_send > l.core.proven_up_to()) {
            s->rare().disconnect_receipt.clear();
        }
    };
    doubt(l.owner);
    std::ranges::for_each(l.users, doubt);
}

// S3: whose SENDs may still arrive.
void router::name_unproven(const link_record& l)
{
    const auto name = [&](session_id id) {
        const client_session* s = find(id);
        if (s != nullptr && s->last_send_link == l.core.id() &&
            s->last_send > l.core.proven_up_to()) {
            name_counted(control::counted_cause::fence, id);
        }
    };
    name(l.owner);
    std::ranges::for_each(l.users, name);
}

// design.md section 5: a session that had an unproven SEND on a shared link that died is a suspect;
// suspect in two deaths, it publishes on a link of its own from then on.
void router::blame(link_record& l, time_point)
{
    for (const session_id user : l.users) {
        client_session* s = find(user);
        if (s != nullptr && s->last_send_link == l.core.id() &&
            s->last_send > l.core.proven_up_to() && ++s->suspected >= 2 && !s->on_own) {
            s->on_own = true;
            out_.log(
                1, "session " + name_of(s->id) +
                       " had open SENDs on two links that died: it gets a link of its own");
        }
    }
}

void router::lost_link_of(client_session& s, color c, time_point now)
{
    if (c != s.live) {
        if (s.bindings[c].at == binding::phase::draining) {
            at(now, due::drain);
        } else if (s.bindings[c].at != binding::phase::none) {
            member_.standby_lost(s, now);
        }
        return;
    }
    binding& b = s.now();
    s.rare().wires_before = tables_.last_wire; // M13
    switch (s.state) {
    case session_state::active: enter(s, session_state::rebinding, now); [[fallthrough]];
    case session_state::connecting:
    case session_state::rebinding:
        b.at = binding::phase::wanted;
        if (!s.parked && s.state == session_state::rebinding) {
            s.parked_since = now;
            at(now + settings_.park_timeout, due::session_park, number(s.id));
        }
        at(now, due::session_retry, number(s.id)); // the group's back-off paces the dials
        return;
    case session_state::quiescing:
    case session_state::held:
        if (s.part) {
            s.part->live_lost = true;
        }
        b.at = binding::phase::wanted;
        member_.try_hold(s, now);
        return;
    case session_state::closing: at(now, due::session_close, number(s.id)); return;
    case session_state::waiting: return;
    }
}

} // namespace gateway
