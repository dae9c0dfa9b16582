// A link's life: dialled in turn, tried, answering, lost; and whose fault an ERROR is.

#include "gateway/core/routing/router.hpp"

#include <algorithm>

namespace gateway {

// D1: what a broker said to that identity's CONNECT.
void router::judge(const share_group& g, verdict what, time_point now)
{
    judged_.note(g.who->digest, what, now);
}

link_record& router::dial(share_group& g, link_role role, session_id owner, time_point now)
{
    const auto id = static_cast<link_id>(++tables_.last_link);
    const identity& who = *g.who;
    const auto ms = std::to_string(
        std::chrono::duration_cast<std::chrono::milliseconds>(settings_.broker_heart_beat).count());
    auto record = std::make_unique<link_record>(broker::link_order{
        .id = id,
        .role = role,
        // brokers.md H16: another broker must agree on what the client was told.
        .accept_version =
            std::string{who.negotiated ? to_string(*who.negotiated) : who.accept_version},
        .connect_head = who.connect_head,
        .heart_beat = ms + "," + ms,
        .known = g.known,
        .rung = g.rung,
        .trial_timeout = settings_.trial_timeout,
        .owed_meter = &shard_.budget.meter(held_kind::receipts),
        .names = &shard_.names,
    });
    record->group = &g;
    record->kept_errors = held_bytes<held_kind::errors>{&shard_.budget};
    record->owner = owner;
    ++g.links;
    quotas_.on_link(g, role, false, now);
    if (role == link_role::publish) {
        g.publish.push_back(id);
    } else if (role == link_role::subscribe) {
        g.subscribe.push_back(id);
    }
    auto& made = *record;
    tables_.links.add(number(id), std::move(record));
    pacer_.want(number(id), dial_class_of(g, now), who.source);
    at(now, due::dials);
    return made;
}

void router::run_dials(time_point now)
{
    const auto wanted = [this](std::uint64_t id) {
        const link_record* l = link(static_cast<link_id>(id));
        return l != nullptr && !l->dialled_out;
    };
    while (const auto id = pacer_.take(now, wanted)) {
        link_record* l = link(static_cast<link_id>(*id));
        l->dialled_out = true;
        l->dialled = now;
        l->expires = now + settings_.connect_timeout;
        at(l->expires, due::link_connect, *id);
        const identity& who = *l->group->who;
        out_.dial(
            {.link = l->core.id(),
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
    link_record& l, broker::link_event event, const stomp::frame_view* frame, framing as,
    time_point now)
{
    using kind = broker::link_event::kind;
    schedule(l);
    if (l.core.role() == link_role::scratch && event.what != kind::up &&
        event.what != kind::refused) {
        counters_.error_frames[l.at().color] +=
            frame != nullptr && frame->command == stomp::command::error;
        if (trials_.on_event(l, event, now)) {
            const link_id id = l.core.id();
            out_.close_link(id);
            give_up_link(id, event.text, now);
        }
        return;
    }
    switch (event.what) {
    case kind::nothing:
    case kind::swallowed: return;
    case kind::up: on_up(l, now); return;
    case kind::answered:
        if (event.owed.kind == broker::owed_kind::barrier) {
            sends_.on_silent_proven(l, event.silent_proven);
        }
        on_answered(l, event.owed, now);
        return;
    case kind::news: on_news(l.core.id(), now); return;
    case kind::mute: { // E4: lost for what was SENT on it, and left
        const std::string why = event.text;
        const link_id id = l.core.id();
        out_.close_link(id);
        lose_link(id, why, false, now);
        return;
    }
    case kind::message:
        if (wire_subscription* w = wire(event.wire); w != nullptr && w->link == l.core.id()) {
            on_message(l, *w, *frame, as, now);
        }
        return;
    case kind::reply: on_reply(l, *frame, as, now); return;
    case kind::left: return; // read to EOF
    case kind::refused:
    case kind::cancelled:
    case kind::error:
        ++counters_.error_frames[l.at().color];
        on_broker_error(l, event, now);
        return;
    }
}

void router::on_up(link_record& l, time_point now)
{
    share_group& g = *l.group;
    const color c = g.at.color;
    const link_id id = l.core.id();
    counters_.connect_duration[c][dial_phase::stomp].observe(now - l.dialled);
    if (!pool_of(c).healthy(
            g.at.index)) { // sooner than its probe said: who is parked need not wait for more
        for (const session_id parked : tables_.all_sessions()) {
            at(now, due::session_retry, number(parked));
        }
    }
    pool_of(c).on_dial_succeeded(g.at.index);
    l.up = now;
    g.back_off = g.died_soon ? g.back_off : net::duration{};
    g.retry_at = {};
    judge(g, verdict::let_in, now);
    if (l.core.role() == link_role::recheck) {
        leave(l, now);
        return;
    }
    identity& who = *g.who;
    if (who.negotiated && *who.negotiated != l.core.version()) { // H16
        g.refused = "it speaks STOMP " + std::string{to_string(l.core.version())} +
                    ", the clients STOMP " + std::string{to_string(*who.negotiated)};
    } else if (!who.negotiated) {
        who.negotiated = l.core.version();
    }
    if (g.trial == id) {
        g.trial = link_id::none;
        g.known.barrier = l.core.can().barrier;
        g.known.own_queue = l.core.can().own_queue;
        g.connected_head = l.core.connected_head();
        g.dedicated |= !g.known.receipts() || *who.negotiated == stomp::version::v10; // B4
        quotas_.recount(g, now);
        g.subscribe_window =
            g.connected_head.find("server:teal-broker") != std::string::npos ? 64 : 1;
        if (settings_.auth_recheck > net::duration{} && !g.dedicated) {
            g.prove_at = now + settings_.auth_recheck;
            at(g.prove_at, due::group_proof);
        }
        if (!g.known.receipts()) {
            out_.log(
                2, name_of(g.at) +
                       " answers no receipts: one link per session, fence and seams best effort");
        }
    }
    if (l.core.role() == link_role::scratch) {
        trials_.on_up(l, now);
        return;
    }
    survey_.look_again(now); // it may carry a marker
    ++g.links;               // keeps the group while its sessions go on
    if (client_session* owner = find(l.owner)) {
        advance(*owner, c, now);
    }
    wake(g, now);
    --g.links;
    drop_if_unused(g);
}

void router::mark_used(link_record& l, time_point now)
{
    if (!l.used) {
        l.used = true;
        shard_.sent_through[l.at().color].insert(l.at());
    }
    if (!barriers_due_ && l.core.role() == link_role::publish) {
        barriers_due_ = true;
        at(now + std::chrono::seconds{1}, due::barriers);
    }
}

// S2: neighbours' unproven SENDs on shared publish links are kept few.
void router::run_barriers(time_point now)
{
    barriers_due_ = false;
    for (const auto& [id, l] : tables_.links) {
        if (l->core.role() == link_role::publish && !l->core.proven()) {
            ask_barrier(*l, now);
            if (!barriers_due_) {
                barriers_due_ = true;
                at(now + std::chrono::seconds{1}, due::barriers);
            }
        }
    }
}

void router::ask_barrier(link_record& l, time_point now)
{
    l.core.barrier(now, out_);
    schedule(l);
}

void router::leave(link_record& l, time_point now)
{
    const bool unborn = l.core.state() == broker::link_state::dialling ||
                        l.core.state() == broker::link_state::connecting;
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
    switch_.awaited.erase(id);
    quotas_.on_link(g, l->core.role(), true, now);
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
    tables_.links.erase(number(id));
    --g.links;
    drop_if_unused(g);
}

void router::on_link_drained(link_id id, time_point now)
{
    if (link_record* l = link(id); l != nullptr && l->congested) {
        l->congested = false;
        if (client_session* s = find(l->owner)) {
            pump_later(*s);
        }
        for (const session_id user : l->users) {
            shard_.later.pumps.push_back(user);
        }
    }
    run_later(now);
}

} // namespace gateway
