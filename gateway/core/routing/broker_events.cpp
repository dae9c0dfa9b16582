// What a link says.

#include "gateway/core/routing/broker_events.hpp"

#include "broker/server_name.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace gateway {

namespace {

// B2: one identity alone may lack a right that others have.
constexpr std::ptrdiff_t refusals_stand_for_all = 3;

// E10: SUBSCRIBEs that nothing tried and that are open on one link, where an ERROR says whose it is.
constexpr std::size_t window_of_named_errors = 64;

// Identities whose trial at that ws:// endpoint was answered with ERROR.
std::ptrdiff_t refused_trials(const shard_tables& tables, endpoint_ref at)
{
    return std::ranges::count_if(tables.groups, [at](const auto& one) {
        return one.second->at == at && one.second->rung == broker::trial_rung::nothing;
    });
}

} // namespace

void broker_events::on_broker_error(link_record& l, broker::link_event& event, time_point now)
{
    using kind = broker::link_event::kind;
    const link_id id = l.core.id();
    if (l.core.state() == broker::link_state::trying) {
        // B2: this broker cannot do that step of the trial. By STOMP it closes after an ERROR. If
        // it did not, the answers on this link would mean nothing. So the link is dialled again
        // without that step.
        const std::string why = event.text;
        const endpoint_ref where = l.at();
        const bool alone = l.core.rung() == broker::trial_rung::absent_queue_alone;
        out_.close_link(id);
        lose_link(id, why, false, now);
        if (alone && refused_trials(tables_, where) >= refusals_stand_for_all) {
            tables_.silent.insert(where);
        }
        return;
    }
    switch (event.what) {
    case kind::refused:
        refuse_link(
            id, event.text, std::make_shared<const broker::broker_error>(std::move(event.error)),
            now);
        return;
    case kind::cancelled:
        if (wire_subscription* w = wire(event.wire); w != nullptr && w->link == id) {
            on_wire_cancelled(*w, event.text, now);
        }
        return;
    default: break;
    }
    // E4: no hold waits for a link that answers nothing after an ERROR.
    if (switch_.phase == member_phase::holding && switch_.timing.hold_timeout > net::duration{}) {
        l.core.hurry(now + switch_.timing.hold_timeout / 2);
    }
    links_.schedule(l);
    on_news(id, now);
}

// E8: the login is refused, in CONNECT or already in the handshake of a ws:// link: the endpoint is well.
void broker_events::refuse_link(
    link_id id, std::string_view what, std::shared_ptr<const broker::broker_error> error,
    time_point now)
{
    link_record* const l = link(id);
    if (l == nullptr) {
        return;
    }
    const std::string why{what};
    const auto role = l->core.role();
    const auto owner = l->owner;
    share_group& g = *l->group;
    const color c = g.at.color;
    links_.end_dial(*l, broker::dial_end::refused, now);
    out_.log(
        log_level::info,
        name_of(g.at) + (error == nullptr ? " refused a handshake: " : " refused a CONNECT: ") +
            why);
    counters_.connect_failures[c][dial_failure::login] += error != nullptr; // else the driver's
    out_.close_link(id);
    ++g.links;
    if (role == link_role::scratch) {
        trials_.on_refused(g, now);
    } else if (role == link_role::own && g.trial != id && find(owner) != nullptr) {
        // Others of its identity are in: it is this link alone.
        shard_.later.refusals.push_back({owner, c, why, error});
    } else {
        g.refused = why; // S: final for these credentials
        g.refused_by = error;
        links_.judge(g, link_table::verdict::refused, now);
    }
    if (role == link_role::recheck) {
        for (const session_id one : tables_.all_sessions()) {
            if (client_session* s = find(one); s != nullptr && s->bindings[c].group == &g) {
                shard_.later.refusals.push_back({one, c, why, error});
            }
        }
    }
    l->core.on_lost();
    lost_answers_.settle_owed(*l, now);
    if (client_session* s = find(owner)) {
        s->bindings[c].own = link_id::none;
        s->bindings[c].publish = link_id::none;
    }
    links_.erase_link(id, now);
    binder_.wake(g, now);
    --g.links;
    links_.drop_if_unused(g);
}

// H13: RabbitMQ makes a queue once on a link. One that is gone since (auto-delete, or H20) is not
// found there any more, and the link ends; on a new link it is made again. Tried once.
bool broker_events::goes_afresh(link_record& l)
{
    client_session* s = find(l.owner);
    if (s == nullptr || l.core.fresh() || l.open_subscribes == 0) {
        return false;
    }
    bool any = false;
    for (const wire_id one : l.wires) {
        const wire_subscription* w = wire(one);
        if (w == nullptr || w->state != wire_state::open || w->broadcast) {
            continue; // a broadcast one's queue is new each time
        }
        for (const wire_member& m : w->members) {
            if (subscription* sub = s->journal.at(m.subscription); sub != nullptr) {
                any |= !std::exchange(sub->afresh, true);
            }
        }
    }
    return any;
}

void broker_events::on_event(
    link_record& l, broker::link_event event, const stomp::frame_view* frame, framing as,
    time_point now)
{
    using kind = broker::link_event::kind;
    links_.schedule(l);
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
        answers_.on_answered(l, event.owed, now);
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
            messages_.on_message(l, *w, *frame, as, now);
        }
        return;
    case kind::own:
        if (backplane_.on_own_message(l, *frame, now)) {
            member_.on_late_backplane(now);
        }
        return;
    case kind::reply: messages_.on_reply(l, *frame, as, now); return;
    case kind::left: return; // read to EOF
    case kind::refused:
    case kind::cancelled:
    case kind::error:
        ++counters_.error_frames[l.at().color];
        on_broker_error(l, event, now);
        return;
    }
}

void broker_events::on_up(link_record& l, time_point now)
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
    links_.judge(g, link_table::verdict::let_in, now);
    if (l.core.role() == link_role::recheck) {
        links_.leave(l, now);
        return;
    }
    identity& who = *g.who;
    if (who.negotiated && *who.negotiated != l.core.version()) { // H16
        g.refused = "it speaks STOMP " + std::string{to_string(l.core.version())} +
                    ", the clients STOMP " + std::string{to_string(*who.negotiated)};
    } else if (!who.negotiated) {
        who.negotiated = l.core.version();
    }
    if (g.connected_head.empty()) { // no trial: another identity's has told (B2)
        g.connected_head = l.core.connected_head();
    }
    if (g.trial == id) {
        g.trial = link_id::none;
        g.known.barrier = l.core.can().barrier;
        g.known.own_queue = l.core.can().own_queue;
        g.known.to_address = l.core.can().to_address;
        if (l.core.can().marker == broker::tried::no) { // B5: it has named itself
            g.known.marker = broker::tried::no;
        }
        g.connected_head = l.core.connected_head();
        g.dedicated |= !g.known.receipts() || *who.negotiated == stomp::version::v10; // B4
        quotas_.recount(g, now);
        g.subscribe_window =
            broker::errors_name_frames(g.connected_head) ? window_of_named_errors : 1; // E10
        if (settings_.auth_recheck > net::duration{} && !g.dedicated) {
            g.prove_at = now + settings_.auth_recheck;
            at(g.prove_at, due::group_proof);
        }
        if (!g.known.receipts()) {
            if (l.core.rung() == broker::trial_rung::absent_queue_alone) { // B2: asked, and silent
                tables_.silent.insert(g.at);
            }
            const bool application = stands_at(g) != endpoint_kind::broker;
            out_.log(
                application ? log_level::info : log_level::warning,
                name_of(g.at) + " answers no receipts: one link per session; " +
                    (application
                         ? "it is taken for an application, whose answers overlap in a switch"
                         : "fence and seams are best effort"));
        }
    }
    if (l.core.role() == link_role::scratch) {
        trials_.on_up(l, now);
        return;
    }
    survey_.look_again(now); // it may carry a marker
    backplane_.look_again(now);
    ++g.links;               // keeps the group while its sessions go on
    if (l.core.role() == link_role::trial) { // B2: it carries nothing
        if (g.known.receipts()) {
            tables_.answering.insert(g.at);
        }
        links_.leave(l, now);
    } else if (client_session* owner = find(l.owner)) {
        binder_.advance(*owner, c, now);
    }
    binder_.wake(g, now);
    --g.links;
    links_.drop_if_unused(g);
}

} // namespace gateway
