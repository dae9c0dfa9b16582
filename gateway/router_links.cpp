// A link's life: dialled in turn, tried, answering, lost; and whose fault an ERROR is.

#include "gateway/router.hpp"

#include <algorithm>

namespace gateway {

namespace {

// Rungs of the trial below the one that cost the link (B2).
broker::trial_rung next_rung(broker::trial_rung r)
{
    return r == broker::trial_rung::absent_queue ? broker::trial_rung::transaction : broker::trial_rung::nothing;
}

constexpr auto group_back_off_first = std::chrono::milliseconds{20};
constexpr auto group_back_off_most = std::chrono::seconds{2};

} // namespace

link_record* router::link(link_id id) noexcept
{
    const auto at = links_.find(number(id));
    return at == links_.end() ? nullptr : at->second.get();
}

link_record& router::dial(share_group& g, link_role role, session_id owner, time_point now)
{
    const auto id = static_cast<link_id>(++last_link_);
    const identity& who = *g.who;
    const auto ms = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(settings_.broker_heart_beat).count());
    auto record = std::make_unique<link_record>(broker::link_order{
        .id = id,
        .role = role,
        // HAZARDS.md H16: another broker must agree on what the client was told.
        .accept_version = who.negotiated ? std::string{to_string(*who.negotiated)} : who.accept_version,
        .connect_head = who.connect_head,
        .heart_beat = ms + "," + ms,
        .known = g.known,
        .rung = g.rung,
        .trial_timeout = settings_.trial_timeout,
    });
    record->group = &g;
    record->owner = owner;
    ++g.links;
    if (role == link_role::publish) {
        g.publish.push_back(id);
    } else if (role == link_role::subscribe) {
        g.subscribe.push_back(id);
    }
    auto& made = *record;
    links_.emplace(number(id), std::move(record));
    pacer_.want(number(id), dial_class_of(g.at.color));
    at(now, due::dials);
    return made;
}

void router::run_dials(time_point now)
{
    while (const auto id = pacer_.take(now)) {
        link_record* l = link(static_cast<link_id>(*id));
        if (l == nullptr || l->dialled_out) {
            continue;
        }
        l->dialled_out = true;
        l->dialled = now;
        l->expires = now + settings_.connect_timeout;
        at(l->expires, due::link_connect, *id);
        const identity& who = *l->group->who;
        out_.dial({.link = l->core.id(),
                   .at = l->at(),
                   .version = who.negotiated.value_or(who.highest),
                   .handshake_headers = &who.handshake});
    }
    if (pacer_.waiting() > 0) {
        at(pacer_.next(), due::dials);
    }
}

void router::on_link_open(link_id id, time_point now)
{
    if (link_record* l = link(id)) {
        l->core.on_open(now, out_);
    }
    run_later(now);
}

void router::on_link_frame(link_id id, const stomp::frame_view& frame, framing as, time_point now)
{
    if (link_record* l = link(id)) {
        ++counters_.frames[side::broker][direction::in][kind_of(frame.command)];
        on_event(*l, l->core.on_frame(frame, now, out_), &frame, as, now);
    }
    run_later(now);
}

void router::on_event(
    link_record& l, broker::link_event event, const stomp::frame_view* frame, framing as, time_point now)
{
    using kind = broker::link_event::kind;
    schedule(l);
    switch (event.what) {
    case kind::nothing:
    case kind::swallowed: return;
    case kind::up: on_up(l, now); return;
    case kind::answered:
        tally_.unconfirmed += event.silent_proven;
        on_answered(l, event.owed, now);
        return;
    case kind::message:
        if (wire_subscription* w = wire(event.wire); w != nullptr && w->link == l.core.id()) {
            on_message(l, *w, *frame, as, now);
        }
        return;
    case kind::reply: on_reply(l, *frame, as); return;
    case kind::left: return; // read to EOF
    case kind::refused:
    case kind::failed:
    case kind::cancelled:
    case kind::error:
        ++counters_.error_frames[l.at().color];
        on_broker_error(l, event, *frame, now);
        return;
    }
}

void router::on_up(link_record& l, time_point now)
{
    share_group& g = *l.group;
    const color c = g.at.color;
    const link_id id = l.core.id();
    counters_.connect_duration[c][dial_phase::stomp].observe(now - l.dialled);
    if (!pool_of(c).healthy(g.at.index)) { // sooner than its probe said: who is parked need not wait for more
        for (const session_id parked : all_sessions()) {
            at(now, due::session_retry, number(parked));
        }
    }
    pool_of(c).on_dial_succeeded(g.at.index);
    g.back_off = {};
    g.retry_at = {};
    if (l.core.role() == link_role::recheck) {
        leave(l, now);
        return;
    }
    identity& who = *g.who;
    if (who.negotiated && *who.negotiated != l.core.version()) {
        g.refused = "it speaks STOMP " + std::string{to_string(l.core.version())} + ", the clients STOMP " +
            std::string{to_string(*who.negotiated)};
    } else if (!who.negotiated) {
        who.negotiated = l.core.version();
    }
    if (g.trial == id) {
        g.trial = link_id::none;
        g.known.barrier = l.core.can().barrier;
        g.connected_head = l.core.connected_head();
        g.dedicated |= !g.known.receipts() || *who.negotiated == stomp::version::v10; // B4
        g.subscribe_window = g.connected_head.find("server:teal-broker") != std::string::npos ? 64 : 1;
        if (settings_.auth_recheck > net::duration{} && !g.dedicated) {
            g.prove_at = now + settings_.auth_recheck;
            at(g.prove_at, due::group_proof);
        }
        if (!g.known.receipts()) {
            out_.log(2, name_of(g.at) + " answers no receipts: one link per session, fence and seams best effort");
        }
    }
    ++g.links; // keeps the group while its sessions go on
    if (client_session* owner = find(l.owner)) {
        advance(*owner, c, now);
    }
    wake(g, now);
    --g.links;
    drop_if_unused(g);
}

void router::on_answered(link_record& l, const broker::owed_answer& owed, time_point now)
{
    using broker::owed_kind;
    client_session* s = find(owed.session);
    const color c = l.at().color;
    switch (owed.kind) {
    case owed_kind::send:
    case owed_kind::commit:
        tally_.confirmed += owed.counted;
        tally_.in_doubt -= owed.counted && owed.doubted;
        [[fallthrough]];
    case owed_kind::acknowledge:
    case owed_kind::unsubscribe:
        if (owed.kind == owed_kind::unsubscribe) {
            erase_wire(owed.wire);
        }
        if (s == nullptr || owed.client_receipt.empty()) {
            return;
        }
        --s->owed;
        if (s->part && c != s->live && s->part->owed_old > 0 && !owed.doubted) {
            send_receipt(*s, owed.client_receipt);
            if (--s->part->owed_old == 0) {
                for (const auto& later : std::exchange(s->part->receipts, {})) {
                    send_receipt(*s, later);
                }
            }
        } else if (c == s->live) {
            answer_receipt(*s, owed.client_receipt);
        } else {
            send_receipt(*s, owed.client_receipt);
        }
        if (s->closing()) {
            finish_closing(*s, now);
        }
        return;
    case owed_kind::subscribe:
        --l.open_subscribes;
        if (wire_subscription* w = wire(owed.wire)) {
            on_confirmed(*w, now);
        }
        wake_turns(*l.group, now);
        return;
    case owed_kind::barrier: {
        const auto users = l.users; // copies: a session may move on
        const auto owner = l.owner;
        const link_id id = l.core.id();
        if (l.core.proven()) {
            awaited_.erase(id);
        }
        for (const session_id user : users) {
            if (client_session* one = find(user)) {
                if (one->now().moving) {
                    move_to_own(*one, one->now(), now);
                }
                if (one->closing()) {
                    finish_closing(*one, now);
                } else {
                    try_hold(*one, now);
                }
            }
        }
        if (client_session* one = find(owner)) {
            one->closing() ? finish_closing(*one, now) : try_hold(*one, now);
        }
        check_held(now);
        return;
    }
    case owed_kind::trial_routed:
    case owed_kind::trial_received:
    case owed_kind::leave: return;
    }
}

void router::ask_barrier(link_record& l, time_point now)
{
    l.core.barrier(now, out_);
    schedule(l);
}

void router::leave(link_record& l, time_point now)
{
    const bool unborn = l.core.state() == broker::link_state::dialling || l.core.state() == broker::link_state::connecting;
    l.core.leave(now, out_);
    if (unborn) {
        erase_link(l.core.id(), now);
        return;
    }
    schedule(l);
    l.expires = now + settings_.connect_timeout; // read to EOF, but not for ever
    at(l.expires, due::link_connect, number(l.core.id()));
}

void router::erase_link(link_id id, time_point now)
{
    link_record* l = link(id);
    share_group& g = *l->group;
    awaited_.erase(id);
    std::erase(g.publish, id);
    std::erase(g.subscribe, id);
    if (g.trial == id) {
        g.trial = link_id::none;
        if (!g.waiting.empty()) {
            for (const session_id waiting : std::exchange(g.waiting, {})) {
                if (client_session* s = find(waiting)) {
                    s->bindings[g.at.color].queued = false;
                    at(now, due::session_retry, number(waiting));
                }
            }
        }
    }
    links_.erase(number(id));
    --g.links;
    drop_if_unused(g);
}

void router::on_link_lost(link_id id, std::string_view why, time_point now)
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
        out_.log(before == broker::link_state::ready ? 2 : 1, "link to " + name_of(g.at) + " lost: " + text);
    }
    if (before == broker::link_state::dialling || before == broker::link_state::connecting) {
        if (g.refused.empty() && l->core.role() != link_role::recheck) {
            pool_of(c).on_dial_failed(g.at.index, text, now);
            g.back_off = g.back_off == net::duration{} ? net::duration{group_back_off_first}
                                                       : std::min<net::duration>(g.back_off * 3 / 2, group_back_off_most);
            g.retry_at = now + g.back_off;
        }
    } else if (before == broker::link_state::trying && !was_leaving) {
        g.rung = next_rung(l->core.rung()); // B2: the link is dialled again without that rung
    }
    doubt_disconnect(*l);
    l->core.on_lost();
    settle_owed(*l, now);
    blame(*l, now);
    const auto wires = l->wires;
    const auto users = l->users;
    const auto owner = l->owner;
    const bool on_old_color = in_switch() && c == live_ && before == broker::link_state::ready && !l->core.proven();
    if (on_old_color) {
        ++lost_links_; // S3: what is unproven there may still arrive
        tally_.fence_best_effort = true;
    }
    erase_link(id, now);
    for (const wire_id w : wires) {
        if (wire_subscription* lost = wire(w)) {
            lose_wire(*lost, now);
        }
    }
    if (client_session* s = find(owner)) {
        binding& b = s->bindings[c];
        b.own = b.own == id ? link_id::none : b.own;
        b.publish = b.publish == id ? link_id::none : b.publish;
        s->ledger.drop_link(id); // it comes again from the broker, redelivered
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
    check_held(now);
    run_later(now);
}

// What a lost link owed: SENDs are in doubt (S3), the rest is answered here or bound again.
void router::settle_owed(link_record& l, time_point now)
{
    using broker::owed_kind;
    tally_.in_doubt += l.core.counted_silent();
    for (const auto& owed : l.core.owed().take_all()) {
        client_session* s = find(owed.session);
        const bool asked = s != nullptr && !owed.client_receipt.empty();
        if (asked) {
            --s->owed;
            if (s->part && l.at().color != s->live && s->part->owed_old > 0 && !owed.doubted) {
                --s->part->owed_old;
            }
        }
        switch (owed.kind) {
        case owed_kind::send:
        case owed_kind::commit:
            tally_.in_doubt += owed.counted && !owed.doubted; // nothing is answered for it (S13)
            break;
        case owed_kind::acknowledge: // S11: swallowed, its RECEIPT answered
        case owed_kind::unsubscribe:
            if (asked) {
                answer_receipt(*s, owed.client_receipt);
            }
            break;
        case owed_kind::subscribe:
        case owed_kind::barrier:
        case owed_kind::trial_routed:
        case owed_kind::trial_received:
        case owed_kind::leave: break;
        }
        if (s != nullptr && s->closing()) {
            at(now, due::session_close, number(s->id));
        }
    }
}

// S13: a DISCONNECT's receipt stands for everything before it; where SENDs are in doubt it is not answered.
void router::doubt_disconnect(const link_record& l)
{
    const auto doubt = [&](session_id id) {
        client_session* s = find(id);
        if (s != nullptr && s->closing() && s->last_send_link == l.core.id() && s->last_send > l.core.proven_up_to()) {
            s->rare().disconnect_receipt.clear();
        }
    };
    doubt(l.owner);
    std::ranges::for_each(l.users, doubt);
}

// DESIGN.md section 5: a session that had an unproven SEND on a shared link that died is a suspect; suspect in two
// deaths, it publishes on a link of its own from then on.
void router::blame(link_record& l, time_point)
{
    if (l.core.role() != link_role::publish || l.core.leaving()) {
        return;
    }
    for (const session_id user : l.users) {
        client_session* s = find(user);
        if (s != nullptr && s->last_send_link == l.core.id() && s->last_send > l.core.proven_up_to() &&
            ++s->suspected >= 2 && !s->on_own) {
            s->on_own = true;
            out_.log(1, "session " + name_of(s->id) + " had open SENDs on two links that died: it gets a link of its own");
        }
    }
}

void router::lost_link_of(client_session& s, color c, time_point now)
{
    if (c != s.live) {
        if (s.bindings[c].at == binding::phase::draining) {
            at(now, due::drain);
        } else if (s.bindings[c].at != binding::phase::none) {
            standby_lost(s, now);
        }
        return;
    }
    binding& b = s.now();
    switch (s.state) {
    case session_state::active:
        enter(s, session_state::rebinding, now);
        [[fallthrough]];
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
        try_hold(s, now);
        return;
    case session_state::closing:
        at(now, due::session_close, number(s.id));
        return;
    case session_state::waiting: return;
    }
}

void router::on_link_drained(link_id id, time_point now)
{
    if (link_record* l = link(id); l != nullptr && l->congested) {
        l->congested = false;
        if (client_session* s = find(l->owner)) {
            pump_later(*s);
        }
        for (const session_id user : l->users) {
            later_.push_back(user);
        }
    }
    run_later(now);
}

} // namespace gateway
