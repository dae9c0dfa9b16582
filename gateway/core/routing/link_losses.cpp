// A link is lost. docs/switch.md B2, S3 and the column "link lost".

#include "gateway/core/routing/broker_events.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace gateway {

namespace {

// M1: a broker keeps the order between so many nodes of a cluster, and not among more.
constexpr std::size_t nodes_in_order = 2;

// The gateway's own doing: what the broker said before did not end the link.
bool ended_by_us(std::string_view why) noexcept
{
    return why == broker::broker_was_silent || why.starts_with("malformed");
}

} // namespace

// brokers.md H20: the broker ended a subscription and keeps the link; it is subscribed again.
void broker_events::on_wire_cancelled(wire_subscription& w, const std::string& why, time_point now)
{
    out_.log(log_level::info, name_of(w.group->at) + " cancelled a subscription: " + why);
    if (link_record* l = link(w.link)) {
        std::erase(l->wires, w.id);
    }
    for (const wire_member& m : w.members) { // T3: a stream that was deleted begins anew, if at all
        client_session* s = find(m.session);
        const subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub != nullptr && sub->stream) {
            sub->stream->given = {};
        }
    }
    lose_wire(w, now);
}

// The wire subscription is gone with its link, or by the broker's doing.
void broker_events::lose_wire(wire_subscription& w, time_point now)
{
    const color c = w.color();
    const wire_id id = w.id;
    const bool was_open = w.state == wire_state::open;
    seams_.on_wire_lost(id, now);
    if (wire(id) == nullptr) {
        return; // left with its last seam: everybody on it has moved
    }
    if (w.seams > 0) {
        for (const session_id bound : seams_.keep_lost(w)) {
            if (client_session* s = find(bound); s != nullptr && c == s->live) {
                binder_.lost_link_of(*s, c, now);
            }
        }
        return;
    }
    const auto members = w.members;
    // E12: what had been tried is tried once more; what had not is its session's alone.
    const bool apart =
        was_open && w.shared && !trials_.doubt(*w.group, w.head->bytes(), now);
    subscriptions_.erase_wire(id, now);
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr || sub->wires[c] != id) {
            continue;
        }
        sub->wires[c] = wire_id::none;
        sub->own_only |= apart; // tried again on a link of the session's own
        if (pool_of(c).size() > nodes_in_order) {
            // M1: what a third node routed may come to another's subscription behind the marker
            // that rejoin_markers would wait for. Those who lost theirs share a new one.
            sub->left_before = static_cast<wire_id>(tables_.last_wire);
        }
        if (m.state == member_state::standby) {
            readiness_.standby_lost(*s, now);
            continue;
        }
        if (c == s->live) { // M13: left, then bound again inside of its color; the gap is counted
            // T1: a stream goes on where it was.
            const bool missed = !sub->stream || sub->begins_anew(c);
            count_gap(*s, missed && (in_switch() || !switch_.draining.empty()));
            ++counters_.subscriptions_restored[restored::ok];
            binder_.lost_link_of(*s, c, now);
        }
    }
}

// Its connection is gone, or is taken for that.
void broker_events::give_up_link(link_id id, std::string_view why, time_point now)
{
    lose_link(id, why, !ended_by_us(why), now);
}

// The log, and what a loss at that moment says of the endpoint and its next dials.
void broker_events::note_loss(link_record& l, const std::string& text, time_point now)
{
    using broker::link_state;
    share_group& g = *l.group;
    const auto before = l.core.state();
    const bool was_leaving = l.core.leaving();
    if (!was_leaving) {
        out_.log(
            before == link_state::ready && l.core.role() != link_role::scratch
                ? log_level::warning
                : log_level::info,
            "link to " + name_of(g.at) + " lost: " + text);
    }
    if (before == link_state::dialling || before == link_state::connecting) {
        links_.end_dial(l, broker::dial_end::failed, now);
        if (g.refused.empty() && l.core.role() != link_role::recheck) {
            pool_of(g.at.color).on_dial_failed(g.at.index, text, now);
            g.back_off = next_back_off(g.back_off);
            g.retry_at = now + g.back_off;
        }
    } else if (before == link_state::trying && !was_leaving) {
        // B2: an ERROR, or a second end without one, says that the broker cannot do that rung. The
        // first may have been the network's.
        if (!l.core.last_error().empty() || std::exchange(g.cut_at_rung, true)) {
            g.rung = broker::next_rung(l.core.rung());
            g.cut_at_rung = false;
            if (g.known.marker == broker::tried::unknown) { // B5: links of later rungs ask no name
                g.known.marker = l.core.can().marker;
            }
        }
    } else if (
        before == link_state::ready && !was_leaving &&
        l.core.role() != link_role::scratch) { // which has a pace of its own
        links_.note_death(l, now);
    }
}

void broker_events::unbind_users(
    link_id id, color c, session_id owner, const std::vector<session_id>& users, time_point now)
{
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
        binder_.lost_link_of(*s, c, now);
    }
    for (const session_id user : users) {
        if (client_session* s = find(user)) {
            s->bindings[c].publish = link_id::none;
            s->bindings[c].moving = false;
            binder_.lost_link_of(*s, c, now);
        }
    }
}

void broker_events::lose_link(link_id id, std::string_view why, bool by_broker, time_point now)
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
    note_loss(*l, text, now);
    lost_answers_.doubt_disconnect(*l);
    const bool role_publishes = l->core.role() == link_role::publish && !was_leaving;
    l->core.on_lost(by_broker && !was_leaving);
    const bool known = l->core.role() != link_role::scratch && on_news(id, now); // E5: who is told is none of those that are bound again
    lost_answers_.settle_owed(*l, now);
    if (role_publishes && !known) {
        lost_answers_.blame(*l, now);
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
        lost_answers_.name_unproven(*l);
    }
    links_.erase_link(id, now);
    backplane_.look_again(now);
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
    unbind_users(id, c, owner, users, now);
    binder_.wake(g, now);
    --g.links;
    links_.drop_if_unused(g);
    readiness_.check_prepared(now);
    readiness_.check_held(now);
}

} // namespace gateway
