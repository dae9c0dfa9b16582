#include "gateway/shard_part.hpp"

#include <cstdio>
#include <utility>

namespace gateway {

shard_state::shard_state(core_settings of_shard, effects& effects_out, shard_counters& numbers)
    : settings(std::move(of_shard)), out(effects_out), counters(numbers)
{
    char prefix[80];
    std::snprintf(
        prefix, sizeof prefix, "stomp-subscription-teal-%08x-%x-", settings.nonce, settings.shard);
    own_prefix = prefix;
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

std::string shard_part::address_of(wire_id id) const
{
    char of_wire[20];
    std::snprintf(of_wire, sizeof of_wire, "%llx", static_cast<unsigned long long>(number(id)));
    return shard_.own_prefix + of_wire;
}

} // namespace gateway
