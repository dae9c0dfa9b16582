// A link's life: wanted, dialled in turn, asked for barriers, left, erased.

#include "gateway/core/links/link_table.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

namespace {

broker::dial_lane lane_of(endpoint_ref where) noexcept
{
    return broker::dial_lane{
        static_cast<std::uint32_t>(where.color) << 16 | std::uint32_t{where.index}};
}

} // namespace

// D1: known identities go ahead of strangers.
broker::dial_class link_table::dial_class_of(const share_group& g, time_point now) const noexcept
{
    if (g.at.color != shard_.live) {
        return broker::dial_class::standby;
    }
    const auto judged = judged_.find(g.who->digest, now);
    if (judged == verdict::refused) {
        return broker::dial_class::refused;
    }
    return judged || g.who->negotiated ? broker::dial_class::known : broker::dial_class::unknown;
}

void link_table::drop_if_unused(share_group& g)
{
    if (g.bindings == 0 && g.links == 0) {
        identity& who = *g.who;
        tables_.groups.erase(g.key());
        release_identity(who);
    }
}

void link_table::release_identity(identity& who)
{
    if (who.sessions > 0) {
        return;
    }
    const auto first = tables_.groups.lower_bound({who.number, endpoint_ref{}});
    if (first == tables_.groups.end() || first->first.first != who.number) {
        release(held_kind::sessions, who.key.size());
        tables_.identities.erase(tables_.identities.find(who.key));
    }
}

// B5: whoever was cut in its trial goes on with the next rung instead.
bool link_table::asks_name(const share_group& g) const noexcept
{
    using enum broker::dialect;
    return settings_.dialects[g.at.color] == automatic &&
           !pool_of(g.at.color).at(g.at.index).websocket &&
           g.rung == broker::first_rung(automatic, false);
}

// D1: what a broker said to that identity's CONNECT.
void link_table::judge(const share_group& g, verdict what, time_point now)
{
    judged_.note(g.who->digest, what, now);
}

// O7: why a link of a session's own is dialled, and why it is left.
std::string_view link_table::reason_of(const share_group& g, session_id owner) const noexcept
{
    const client_session* s = find(owner);
    if (s != nullptr && g.at.color != s->live) {
        return "switch"; // also if its client leaves meanwhile: the live color tells that
    }
    if (s == nullptr || s->closing() || s->client != client_socket::open) {
        return "client";
    }
    return s->state == session_state::connecting ? "client" : "rebind";
}

link_record& link_table::dial(share_group& g, link_role role, session_id owner, time_point now)
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
        .is = settings_.dialects[g.at.color],
        .asks_name = asks_name(g),
        .session_mark = role == link_role::own || role == link_role::trial ? session_mark(g, owner)
                                                                           : std::string{},
        .reason = role == link_role::trial ? "trial" : reason_of(g, owner),
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
    record->dialled_as = dial_class_of(g, now);
    record->although_down = !pool_of(g.at.color).healthy(g.at.index); // for a marker (M1)
    auto& made = *record;
    tables_.links.add(number(id), std::move(record));
    pacer_.want(number(id), made.dialled_as, who.source, lane_of(g.at));
    at(now, due::dials);
    return made;
}

broker::dial_window& link_table::window_of(endpoint_ref where)
{
    return windows_.try_emplace(where, settings_.connect_timeout).first->second;
}

void link_table::show_room(endpoint_ref where)
{
    // What waits for an endpoint that is down is given up, and takes no room.
    pacer_.set_room(
        lane_of(where), pool_of(where.color).healthy(where.index) ? window_of(where).room()
                                                                  : broker::dial_room::all);
}

// B6: few dials at a time to an endpoint that takes its time.
std::vector<link_id> link_table::run_dials(time_point now)
{
    std::vector<link_id> without_endpoint;
    const auto wanted = [&](std::uint64_t id) {
        const link_record* l = link(static_cast<link_id>(id));
        if (l == nullptr || l->dialled_out) {
            return false;
        }
        const bool goes = l->although_down || pool_of(l->at().color).healthy(l->at().index);
        if (!goes) {
            without_endpoint.push_back(l->core.id());
        }
        return goes;
    };
    for (const auto& [where, window] : windows_) {
        show_room(where); // probes may have found something
    }
    while (const auto id = pacer_.take(now, wanted)) {
        link_record* l = link(static_cast<link_id>(*id));
        l->dialled_out = l->in_flight = true;
        l->dialled = now;
        window_of(l->at()).on_dialled(l->dialled_as, now);
        show_room(l->at());
        l->expires = now + settings_.connect_timeout;
        at(l->expires, due::link_connect, *id);
        const identity& who = *l->group->who;
        out_.dial(
            {.link = l->core.id(),
             .at = l->at(),
             .version = who.negotiated.value_or(who.highest),
             .handshake_headers = &who.handshake,
             .client = origin_of(*l)});
    }
    if (pacer_.next() != net::never) {
        at(pacer_.next(), due::dials);
    }
    return without_endpoint;
}

// What an application is told of the client. One that is nobody's, because it only tries something (B2)
// or carries markers (M1), would be refused where a token has expired: anybody of its identity lends
// it a name (S19).
const client_origin* link_table::origin_of(const link_record& l) const
{
    if (const client_session* s = find(l.owner)) {
        return s->origin.get();
    }
    if (!pool_of(l.at().color).at(l.at().index).websocket) {
        return nullptr;
    }
    for (const auto& [id, s] : tables_.sessions) {
        if (s->who == l.group->who && s->origin) {
            return s->origin.get();
        }
    }
    return nullptr;
}

void link_table::end_dial(link_record& l, broker::dial_end how, time_point now)
{
    if (!std::exchange(l.in_flight, false)) {
        return;
    }
    window_of(l.at()).on_end(how, l.dialled_as, l.dialled, now);
    at(now, due::dials);
    if (how != broker::dial_end::let_in) {
        return;
    }
    if (l.core.state() == broker::link_state::trying) { // the trial has a time of its own
        l.expires = now + settings_.connect_timeout;
        at(l.expires, due::link_connect, number(l.core.id()));
    }
    if (switch_.phase == member_phase::preparing && l.at().color == switch_.to) {
        ++switch_.links_answered; // B6: that goes on
        note_numbers(now);
    }
}

void link_table::mark_used(link_record& l, time_point now)
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
void link_table::run_barriers(time_point now)
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

void link_table::ask_barrier(link_record& l, time_point now)
{
    l.core.barrier(now, out_);
    schedule(l);
}

void link_table::leave(link_record& l, time_point now)
{
    if (l.core.leaving()) {
        return; // H8: connect_timeout counts from the first order, however many sessions follow
    }
    const bool unborn = l.core.state() == broker::link_state::dialling ||
                        l.core.state() == broker::link_state::connecting;
    l.core.leave(
        now, out_, l.core.role() == link_role::trial ? "trial" : reason_of(*l.group, l.owner));
    if (unborn) {
        erase_link(l.core.id(), now);
        return;
    }
    schedule(l);
    // Read to EOF, but not for ever; Spring does not end a connection for a DISCONNECT without a
    // receipt.
    l.expires = now + (l.core.can().receipts()
                           ? settings_.connect_timeout
                           : std::min(settings_.connect_timeout, settings_.trial_timeout));
    at(l.expires, due::link_connect, number(l.core.id()));
}

void link_table::erase_link(link_id id, time_point now)
{
    link_record* l = link(id);
    share_group& g = *l->group;
    end_dial(*l, broker::dial_end::given_up, now);
    switch_.awaited.erase(id);
    quotas_.on_link(g, l->core.role(), true, now);
    std::erase(g.publish, id);
    std::erase(g.subscribe, id);
    if (const auto tries = tables_.tries.find(g.at);
        tries != tables_.tries.end() && tries->second == id) {
        tables_.tries.erase(tries);
    }
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

// A link that dies as soon as it is up would be dialled as fast as the broker accepts it. An own
// link counts for its session, a shared one for all sessions that share it.
void link_table::note_death(const link_record& l, time_point now)
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

} // namespace gateway
