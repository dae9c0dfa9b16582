// limits.buffered_total in the simulated world: what the shard holds is compared with it at the end
// of each turn, by the same rule as in gateway/process/shard_memory.cpp.

#include "gateway/memory/shedding.hpp"
#include "tests/sim/shard_driver_ends.hpp"

#include <algorithm>

namespace sim {

using gateway::held_kind;
using gateway::shed_class;

void shard_driver::keep_to_budget()
{
    auto& budget = router_.budget();
    std::uint64_t input = 0, outbox = 0;
    for (const auto& [id, c] : clients_) {
        input += c->carry.size();
        outbox += c->closed ? 0 : c->wire->to_other->waiting();
        if (c->wire->to_other->written() != c->taken || c->wire->to_other->waiting() == 0) {
            c->taken = c->wire->to_other->written();
            c->taken_at = when_.now();
        }
    }
    budget.set(held_kind::client_input, input);
    budget.set(held_kind::client_outbox, outbox);
    if (budget.total() <= buffered_max_ || !router_.may_close_for_memory()) {
        read_nothing(budget.total() > buffered_max_);
        return;
    }
    read_nothing(false);
    std::vector<session_id> peers;
    std::vector<gateway::shed_candidate> all;
    for (const auto& [id, c] : clients_) {
        const auto* s = router_.session(c->id);
        if (c->closed || s == nullptr) {
            continue;
        }
        all.push_back(
            {.index = peers.size(),
             .what = !s->connected() ? shed_class::stranger
                     : when_.now() - c->taken_at >= settings_.client_stall
                         ? shed_class::stalled
                         : shed_class::connected,
             .bytes = c->carry.size() + c->wire->to_other->waiting() + router_.kept_for(c->id)});
        peers.push_back(c->id);
    }
    for (const std::size_t index : choose_shed(all, budget.total() - buffered_max_)) {
        const session_id id = peers[index];
        client_end* c = client(id);
        if (!c->hostile()) {
            checker_.violation(
                "client " + std::to_string(c->number) +
                " is closed for what others make the gateway hold");
        }
        router_.close_for_memory(id, gateway::disconnect_reason::limit, when_.now());
        c->wire->to_other->drop_unsent();
        c->carry.clear();
    }
}

// S14: from hold to commit.
void shard_driver::read_nothing(bool on)
{
    if (on == reads_nothing_) {
        return;
    }
    reads_nothing_ = on;
    router_.stop_links_for_memory(on);
    for (const auto& [id, c] : clients_) {
        if (!on && !c->closed) {
            resume_client(c->id);
        }
    }
}

} // namespace sim
