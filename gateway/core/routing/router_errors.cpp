// ERRORs that are a link's, a login's or a subscription's own; those that answer a frame are in
// router_refusals.cpp. design.md section 5 (a neighbour's fault); brokers.md H20.

#include "gateway/core/routing/router.hpp"

#include <memory>
#include <utility>

namespace gateway {

void router::on_broker_error(link_record& l, broker::link_event& event, time_point now)
{
    using kind = broker::link_event::kind;
    const link_id id = l.core.id();
    if (l.core.state() == broker::link_state::trying) {
        // B2: that rung is not for this broker. STOMP says that it closes behind an ERROR; one that
        // does not would leave a link whose answers mean nothing. It is dialled again without the
        // rung.
        const std::string why = event.text;
        out_.close_link(id);
        lose_link(id, why, false, now);
        return;
    }
    switch (event.what) {
    case kind::refused: {
        const std::string why = event.text;
        const auto error = std::make_shared<const broker::broker_error>(std::move(event.error));
        const auto role = l.core.role();
        const auto owner = l.owner;
        share_group& g = *l.group;
        const color c = g.at.color;
        out_.log(1, name_of(g.at) + " refused a CONNECT: " + why);
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
            judge(g, verdict::refused, now);
        }
        if (role == link_role::recheck) {
            for (const session_id one : tables_.all_sessions()) {
                if (client_session* s = find(one); s != nullptr && s->bindings[c].group == &g) {
                    shard_.later.refusals.push_back({one, c, why, error});
                }
            }
        }
        l.core.on_lost();
        settle_owed(l, now);
        if (client_session* s = find(owner)) {
            s->bindings[c].own = link_id::none;
            s->bindings[c].publish = link_id::none;
        }
        erase_link(id, now);
        wake(g, now);
        --g.links;
        drop_if_unused(g);
        return;
    }
    case kind::cancelled:
        if (wire_subscription* w = wire(event.wire); w != nullptr && w->link == id) {
            on_wire_cancelled(*w, event.text, now);
        }
        return;
    default: break;
    }
    // E4: no hold waits for a link that is mute behind it.
    if (switch_.phase == member_phase::holding && switch_.timing.hold_timeout > net::duration{}) {
        l.core.hurry(now + switch_.timing.hold_timeout / 2);
    }
    schedule(l);
    on_news(id, now);
}

// H13: RabbitMQ makes a queue once on a link. One that is gone since (auto-delete, or H20) is not
// found there any more, and the link ends; on a new link it is made again. Tried once.
bool router::goes_afresh(link_record& l)
{
    client_session* s = find(l.owner);
    if (s == nullptr || l.core.fresh() || l.open_subscribes == 0) {
        return false;
    }
    bool any = false;
    for (const wire_id one : l.wires) {
        const wire_subscription* w = wire(one);
        if (w == nullptr || w->state != wire_state::open) {
            continue;
        }
        for (const wire_member& m : w->members) {
            if (subscription* sub = s->journal.at(m.subscription); sub != nullptr) {
                any |= !std::exchange(sub->afresh, true);
            }
        }
    }
    return any;
}

} // namespace gateway
