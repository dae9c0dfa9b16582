// Whose fault a broker's ERROR is: one session's, one subscription's, the credentials', or
// nobody's. DESIGN.md section 5 (a neighbour's fault); HAZARDS.md H20 and the RabbitMQ runs.

#include "gateway/router.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

void router::on_broker_error(
    link_record& l, const broker::link_event& event, const stomp::frame_view& frame, time_point now)
{
    using kind = broker::link_event::kind;
    using broker::owed_kind;
    const link_id id = l.core.id();
    if (l.core.state() == broker::link_state::trying) {
        // B2: that rung is not for this broker. STOMP says that it closes behind an ERROR; one that
        // does not would leave a link whose answers mean nothing. It is dialled again without the
        // rung.
        const std::string why = event.text;
        out_.close_link(id);
        on_link_lost(id, why, now);
        return;
    }
    switch (event.what) {
    case kind::refused: {
        const std::string why = event.text;
        const auto role = l.core.role();
        const auto owner = l.owner;
        share_group& g = *l.group;
        const color c = g.at.color;
        out_.log(1, name_of(g.at) + " refused a CONNECT: " + why);
        out_.close_link(id);
        ++g.links;
        if (role == link_role::own && g.trial != id && find(owner) != nullptr) {
            refusals_.push_back(
                {owner, c, why}); // others of its identity are in: it is this link alone
        } else {
            g.refused = why; // S: final for these credentials
        }
        if (role == link_role::recheck) {
            for (const session_id one : tables_.all_sessions()) {
                if (client_session* s = find(one); s != nullptr && s->bindings[c].group == &g) {
                    refusals_.push_back({one, c, why});
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
    case kind::failed: {
        client_session* s = find(event.owed.session);
        if (event.owed.kind == owed_kind::subscribe) {
            if (wire_subscription* w = wire(event.owed.wire)) {
                --l.open_subscribes;
                on_wire_failed(*w, event.text, now);
            }
            return;
        }
        if (event.owed.kind == owed_kind::send || event.owed.kind == owed_kind::commit) {
            switch_.tally.refused += event.owed.counted;
            sends_.count(event.owed.session, &session_sends::refused, event.owed.counted);
        }
        if (s != nullptr) {
            s->owed -= !event.owed.client_receipt.empty();
            forward_error(*s, frame, event.owed.client_receipt, now);
        }
        return;
    }
    case kind::cancelled:
        if (wire_subscription* w = wire(event.wire); w != nullptr && w->link == id) {
            on_wire_cancelled(*w, event.text, now);
        }
        return;
    default: break;
    }
    // It names nothing. One unconfirmed SUBSCRIBE on a shared link: that one. A link of one session
    // with something in flight: its own fault, as it would be without a gateway. Else the link's
    // end tells.
    if (l.core.role() == link_role::subscribe && l.open_subscribes == 1) {
        const auto wires = l.wires;
        for (const wire_id one : wires) {
            if (wire_subscription* w = wire(one); w != nullptr && w->state == wire_state::open) {
                --l.open_subscribes;
                on_wire_failed(*w, event.text, now);
                return;
            }
        }
    }
    if (event.text.starts_with("not_found") && goes_afresh(l)) {
        const std::string why = event.text;
        out_.close_link(id);
        on_link_lost(id, why, now);
        return;
    }
    client_session* s = find(l.owner);
    if (s == nullptr) {
        return;
    }
    const color c = l.at().color;
    if (c != s->live) {
        if (s->bindings[c].at == binding::phase::wanted ||
            s->bindings[c].at == binding::phase::ready) {
            member_.standby_failed(*s, name_of(l.at()) + ": " + event.text, now);
        }
        return;
    }
    if (!l.core.proven() || l.core.owed().open() > 0 || l.core.unproven_silent() > 0 ||
        l.open_subscribes > 0) {
        forward_error(*s, frame, {}, now);
    }
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

// The broker's ERROR as it came, under the client's own receipt; then the connection ends, as STOMP
// demands.
void router::forward_error(
    client_session& s, const stomp::frame_view& frame, std::string_view receipt, time_point now)
{
    if (s.state == session_state::quiescing || s.state == session_state::held) {
        s.close_wanted =
            disconnect_reason::broker_error; // S4: what is carried is interpreted first
    }
    auto& out = out_.scratch().begin(stomp::command::error);
    out.forward(frame, [](std::string_view name) {
        return name == "receipt-id" || name == "subscription";
    });
    if (!receipt.empty()) {
        const auto last = receipt.rfind('\n');
        out.raw("receipt-id", last == receipt.npos ? receipt : receipt.substr(last + 1));
    }
    ++counters_.frames[side::client][direction::out][frame_kind::error];
    out_.write_client(s.id, out.end_head(), frame.body, framing::plain);
    if (!s.close_wanted) {
        close(s, disconnect_reason::broker_error, frame.find("message").value_or("ERROR"));
        end_session(s, now);
    }
}

} // namespace gateway
