// Which links a session needs on a color, and how it gets them: connect, standby, rebind, park and
// leave are one function, advance(), that looks at what is missing and asks for it. It never ends a
// session.

#include "gateway/core/routing/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

constexpr auto dial_again_own = std::chrono::seconds{1};

} // namespace

bool router::choose_endpoint(client_session& s, binding& b, color c, time_point)
{
    const auto index = pool_of(c).pick();
    if (!index) {
        return false;
    }
    b.group = &group_for(*s.who, {c, static_cast<std::uint16_t>(*index)});
    ++b.group->bindings;
    pool_of(c).on_bound(*index);
    return true;
}

bool router::needs_own(const client_session& s) const
{
    return s.on_own || s.replies || std::ranges::any_of(s.journal, [](const auto& sub) {
               return !sub->shareable || sub->own_only;
           });
}

bool router::advance(client_session& s, color c, time_point now)
{
    binding& b = s.bindings[c];
    if (s.who == nullptr || b.at == binding::phase::draining || s.state == session_state::waiting) {
        return false; // S7: an attempt that the hold dropped may still come up
    }
    if (c == s.live && s.moving) {
        return false; // M13: left first, then bound
    }
    // S8: a switch back finds what a pinned session has there as its standby.
    if (c == s.live && s.pinned != 0 && in_switch()) {
        return false;
    }
    // S15: nothing more is subscribed on the old color in the hold, whatever link comes up.
    if (c == s.live && (s.state == session_state::quiescing || s.state == session_state::held)) {
        return false;
    }
    // A link that was dialled for a standby may come up after the abort: nothing is bound for it
    // any more.
    if (c != s.live && (!in_switch() || !s.part || s.part->failed)) {
        return false;
    }
    if (b.at == binding::phase::none) {
        b.at = binding::phase::wanted;
    }
    if (b.group != nullptr && b.at == binding::phase::wanted && b.own == link_id::none &&
        b.publish == link_id::none && !pool_of(c).healthy(b.group->at.index) &&
        (pool_of(c).pick() || std::ranges::all_of(s.journal, [&](const auto& sub) {
             return wire(sub->wires[c]) == nullptr;
         }))) {
        unbind(
            s, c, now); // another endpoint answers, or none: then it parks until a probe finds one
        b.at = binding::phase::wanted;
    }
    if (b.group == nullptr && !choose_endpoint(s, b, c, now)) {
        if (c == s.live) {
            park(s, now);
        } else {
            member_.standby_failed(
                s, "no endpoint of " + std::string{to_string(c)} + " answers", now);
        }
        return false;
    }
    if (!bind_links(s, b, c, now) || !replay(s, b, c, now)) {
        return false;
    }
    if (b.at == binding::phase::wanted) {
        b.at = binding::phase::ready;
        on_bound(s, c, now);
    }
    return true;
}

// D3: a session that is up and needs a link of its own waits no longer than for a broker.
bool router::may_have_own(share_group& g, client_session& s, time_point now)
{
    const bool waited = s.awaits_quota;
    if (quotas_.admits(g, s, 1, now)) {
        return true;
    }
    if (!waited) {
        s.rare().quota_by = now + settings_.park_timeout;
    }
    if (s.state == session_state::active && now >= s.rare().quota_by) {
        shard_.later.refusals.push_back({s.id, g.at.color, std::string{login_quotas::over_quota}});
    } else {
        at(std::max(now + dial_again_own, s.rare().quota_by), due::session_retry, number(s.id));
    }
    return false;
}

bool router::bind_links(client_session& s, binding& b, color, time_point now)
{
    share_group& g = *b.group;
    if (!g.refused.empty()) {
        shard_.later.refusals.push_back({s.id, g.at.color, g.refused, g.refused_by});
        return false;
    }
    if (g.known.barrier ==
        broker::barrier_kind::unknown) { // B1: one link tries, the others wait for it
        const bool own = g.dedicated;
        const auto role = own ? link_role::own : link_role::publish;
        if (g.trial == link_id::none && may_dial(g, s, now, role) &&
            quotas_.admits(g, s, own ? 1 : 2, now)) {
            g.trial = dial(g, role, own ? s.id : session_id::none, now).core.id();
            if (own) {
                b.own = b.publish = g.trial;
            }
        }
        wait_in(g, s, b);
        return false;
    }
    link_record* own = link(b.own);
    if ((g.dedicated || needs_own(s)) && own == nullptr) {
        if (!may_dial(g, s, now, link_role::own) || !may_have_own(g, s, now)) {
            return false;
        }
        own = &dial(g, link_role::own, s.id, now);
        b.own = own->core.id();
    }
    if (g.dedicated) {
        b.publish = b.own;
        return own->core.ready();
    }
    link_record* publish = link(b.publish);
    if (publish == nullptr || publish->core.leaving()) {
        publish = pick_publish(g, s, now);
        if (publish == nullptr) {
            wait_in(g, s, b);
            return false;
        }
        b.publish = publish->core.id();
        publish->users.push_back(s.id);
    }
    if (own != nullptr && own->core.ready()) {
        move_to_own(s, b, now);
    }
    if (g.at.color == s.live) {
        quotas_.forget(s); // nothing is missing
    }
    return own == nullptr || own->core.ready();
}

// The journal on that color: for a standby the broadcast subscriptions that some broker confirmed
// (S9) and no stored one, which would take messages at once (H25);
// all of them for the live color. True when each has a confirmed wire subscription.
bool router::replay(client_session& s, binding& b, color c, time_point now)
{
    const bool standby = c != s.live;
    bool complete = true;
    for (const auto& sub : s.journal) {
        if (standby && (!sub->broadcast || !sub->confirmed || breaks_first())) {
            continue;
        }
        if (standby && pairing_.awaits_old(s, *sub)) { // P3; on_confirmed() comes back
            complete = false;
            continue;
        }
        if (sub->wires[c] == wire_id::none) {
            if (!standby && sub->held_back) {
                continue; // queue_order: strict, the old color still gives
            }
            const bool behind_old =
                s.pinned != 0 && sub->broadcast && wire(sub->wires[broker::other(c)]) != nullptr;
            const auto as = standby      ? member_state::standby
                            : behind_old ? member_state::joining // S8
                                         : member_state::live;
            if (!subscribe(s, *sub, c, as, now)) {
                complete = false;
                if (b.queued) {
                    break; // in line for a turn: what comes behind keeps its order
                }
                continue;
            }
        }
        const wire_subscription* w = wire(sub->wires[c]);
        complete &= w != nullptr && w->state == wire_state::confirmed;
    }
    return complete;
}

void router::on_bound(client_session& s, color c, time_point now)
{
    if (c != s.live) {
        member_.standby_ready(s, now);
        return;
    }
    s.parked = false;
    if (s.state == session_state::connecting) {
        share_group& g = *s.now().group;
        s.version = *s.who->negotiated;
        s.connected = true;
        auto& frame = out_.scratch().begin(stomp::command::connected);
        frame.raw("version", to_string(s.version));
        const auto ms = std::to_string(
            std::chrono::duration_cast<std::chrono::milliseconds>(settings_.client_heart_beat)
                .count());
        frame.raw("heart-beat", ms + "," + ms).raw("session", name_of(s.id));
        std::string head{frame.bytes()};
        head += g.connected_head;
        head += '\n';
        ++counters_.frames[side::client][direction::out][frame_kind::connected];
        out_.write_client(s.id, head, std::string_view{}, framing::text);
        out_.client_up(s.id, s.version, s.rare().client_heart_beat);
        s.rare_part.reset();
        enter(s, session_state::active, now);
        pump_later(s);
        shard_.later.bound.push_back(s.id);
    } else if (s.state == session_state::rebinding) {
        if (!s.leaving) {
            s.rare_part.reset();
        }
        enter(s, session_state::active, now);
        pump_later(s);
        shard_.later.bound.push_back(s.id);
    }
}

void router::on_refused(
    client_session& s, color c, const std::string& why, const broker::broker_error* error,
    time_point now)
{
    const endpoint_ref where =
        s.bindings[c].group != nullptr ? s.bindings[c].group->at : endpoint_ref{c, 0};
    if (c != s.live) {
        member_.standby_failed(s, name_of(where) + " refused: " + why, now);
        return;
    }
    if (s.pinned != 0) { // S8: it is tried until pin_timeout
        drop_new_wires(s, now);
        unbind(s, c, now);
        at(now + pinned_retry, due::session_retry, number(s.id));
        return;
    }
    switch (s.state) {
    case session_state::connecting:
    case session_state::rebinding: // an authentication ERROR is final
    case session_state::active:    // a link of its own beside shared ones was refused
        if (error == nullptr) {
            fail_client(s, why, {}, disconnect_reason::broker_refused, now);
            return;
        }
        forward_error(s, *error, {}); // E8: as the broker said it
        close(s, disconnect_reason::broker_refused, why);
        end_session(s, now);
        return;
    default: return;
    }
}

void router::move_to_own(client_session& s, binding& b, time_point now)
{
    if (b.publish == b.own) {
        return;
    }
    link_record* publish = link(b.publish);
    // design.md section 5: its SENDs use the own link after a barrier on the publish link.
    if (publish != nullptr && s.last_send_link == b.publish &&
        publish->core.proven_up_to() < s.last_send && publish->core.ready()) {
        b.moving = true;
        ask_barrier(*publish, now);
        return;
    }
    if (publish != nullptr) {
        std::erase(publish->users, s.id);
    }
    b.publish = b.own;
    b.moving = false;
    pump_later(s);
}

void router::park(client_session& s, time_point now)
{
    if ((s.state != session_state::connecting && s.state != session_state::rebinding) ||
        s.pinned != 0) {
        return;
    }
    if (!s.parked) {
        s.parked = true;
        s.parked_since = now;
        at(now + settings_.park_timeout, due::session_park, number(s.id));
    }
}

// What was prepared on the new color and is no use, as something of it is missing.
void router::drop_new_wires(client_session& s, time_point now)
{
    for (const auto& sub : s.journal) {
        if (wire_subscription* w = wire(sub->wires[s.live])) {
            drop_member(*w, s.id, sub->number, now);
        }
        sub->wires[s.live] = wire_id::none;
    }
}

} // namespace gateway
