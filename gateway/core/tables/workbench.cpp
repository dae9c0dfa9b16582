#include "gateway/core/tables/workbench.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

// The one place where a session's state changes.
void workbench::enter(client_session& s, session_state to, time_point)
{
    if (s.state == to) {
        return;
    }
    s.state = to;
    // A hold also takes parked sessions along. If such a session has no broker after it, its time
    // starts again.
    s.parked &= to == session_state::connecting || to == session_state::rebinding;
}

shard_state::shard_state(shard_settings of_shard, effects& effects_out, shard_counters& numbers)
    : settings(std::move(of_shard)), out(effects_out), counters(numbers),
      names(settings.secrets.names, settings.shard), marks(settings.secrets.marks, settings.shard),
      acks(settings.secrets.acks, settings.shard), shares_backplane(settings.shared_backplane)
{
    for (const color c : broker::colors) {
        pools[c] = std::make_unique<broker::pool>(settings.endpoints[c], settings.health[c]);
    }
}

void workbench::note_numbers(time_point now)
{
    if (!switch_.numbers_due) {
        switch_.numbers_due = true;
        at(now + drain_sweep, due::numbers);
    }
}

std::string workbench::name_of(endpoint_ref which) const
{
    return std::string{to_string(which.color)} + "/" +
           settings_.endpoints[which.color][which.index].name;
}

std::string workbench::name_of(session_id id) const
{
    return std::to_string(settings_.shard) + "-" + std::to_string(number(id));
}

// O1: a relay names the broker behind it.
endpoint_kind workbench::stands_at(const share_group& g) const noexcept
{
    const broker::dialect says = settings_.dialects[g.at.color];
    const bool application =
        says == broker::dialect::spring ||
        (says == broker::dialect::automatic && g.known.barrier == broker::barrier_kind::none &&
         settings_.endpoints[g.at.color][g.at.index].websocket);
    return application ? application_from(g.connected_head) : endpoint_kind::broker;
}

std::string workbench::session_mark(const share_group& g, session_id id) const
{
    const bool tells = settings_.mark_sessions && !settings_.gateway_id.empty() &&
                       settings_.endpoints[g.at.color][g.at.index].websocket;
    if (!tells) {
        return {};
    }
    return settings_.gateway_id + "-" + (id == session_id::none ? "trial" : name_of(id));
}

// K1: nobody else can read it, and the first header of a name counts.
void workbench::add_address(std::string& head, wire_id id) const
{
    head = "x-queue-name:" + address_of(id) + "\nexclusive:true\n" + head;
}

bool workbench::may_read(const client_session& s, const link_record& own) noexcept
{
    // H15: its CONNECTED begins the heart-beats, and S17: a standby's is waited for. Nothing that
    // the client does not take can lie before them.
    if (own.core.state() < broker::link_state::ready) {
        return true;
    }
    switch (s.over_outbox) {
    case backlog::below: return true;
    // The answer to a barrier or a SUBSCRIBE comes after MESSAGEs that the client does not take.
    case backlog::over_mark: return own.core.barrier_open() || own.open_subscribes > 0;
    case backlog::over_wall: return false;
    }
    return true;
}

bool workbench::reads(const wire_subscription& w) const noexcept
{
    link_record* l = link(w.link);
    const client_session* s = l == nullptr ? nullptr : find(l->owner);
    return s == nullptr || may_read(*s, *l);
}

} // namespace gateway
