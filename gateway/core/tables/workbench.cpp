#include "gateway/core/tables/workbench.hpp"

#include <utility>

namespace gateway {

shard_state::shard_state(core_settings of_shard, effects& effects_out, shard_counters& numbers)
    : settings(std::move(of_shard)), out(effects_out), counters(numbers),
      names(settings.secrets.names, settings.shard), marks(settings.secrets.marks, settings.shard),
      acks(settings.secrets.acks, settings.shard)
{
    for (const color c : broker::colors) {
        pools[c] = std::make_unique<broker::pool>(settings.endpoints[c], settings.health[c]);
    }
}

void shard_part::note_numbers(time_point now)
{
    if (!switch_.numbers_due) {
        switch_.numbers_due = true;
        at(now + drain_sweep, due::numbers);
    }
}

std::string shard_part::name_of(endpoint_ref which) const
{
    return std::string{to_string(which.color)} + "/" +
           settings_.endpoints[which.color][which.index].name;
}

std::string shard_part::name_of(session_id id) const
{
    return std::to_string(settings_.shard) + "-" + std::to_string(number(id));
}

// K1: nobody else can read it, and the first header of a name counts.
void shard_part::add_address(std::string& head, wire_id id) const
{
    head = "x-queue-name:" + address_of(id) + "\nexclusive:true\n" + head;
}

bool shard_part::may_read(const client_session& s, const link_record& own) noexcept
{
    // H15: its CONNECTED begins the heart-beats, and S17: a standby's is waited for. Nothing that
    // the client does not take can lie before them.
    if (own.core.state() < broker::link_state::ready) {
        return true;
    }
    switch (s.over_outbox) {
    case backlog::below: return true;
    // The answer to a barrier or a SUBSCRIBE lies behind what the client does not take.
    case backlog::over_mark: return own.core.barrier_open() || own.open_subscribes > 0;
    case backlog::over_wall: return false;
    }
    return true;
}

bool shard_part::reads(const wire_subscription& w) const noexcept
{
    link_record* l = link(w.link);
    const client_session* s = l == nullptr ? nullptr : find(l->owner);
    return s == nullptr || may_read(*s, *l);
}

} // namespace gateway
