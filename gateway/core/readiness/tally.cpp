// What this shard tells the coordinator of a switch. docs/switch.md C9.

#include "gateway/core/readiness/readiness.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

void readiness::say(decltype(control::report::what) what)
{
    out_.report({.id = switch_.id, .from = settings_.shard, .what = std::move(what)});
}

// accepted = confirmed + unconfirmed + open + held + refused + in_doubt: `open` is counted on the
// links, not derived, so that the identity is a check.
control::tally readiness::current_tally() const
{
    control::tally now = switch_.tally;
    const color old = switch_.from;
    for (const auto& [id, l] : tables_.links) {
        now.open += l->core.counted_silent();
        l->core.owed().for_each([&](const broker::owed_answer& owed) {
            const bool send =
                owed.kind == broker::owed_kind::send || owed.kind == broker::owed_kind::commit;
            now.open += send && owed.counted && !owed.doubted;
            now.receipts_open +=
                send && l->at().color == old && !owed.doubted && !owed.client_receipt.empty();
        });
    }
    for (const auto& [key, g] : tables_.groups) {
        // It holds, too, if only a link of a session that has gone still writes: nothing proves
        // when that has ended.
        if (g->at.color == old && (g->bindings > 0 || g->links > 0) && !g->known.proves_routing() &&
            g->known.barrier != broker::barrier_kind::unknown) {
            const bool broker = stands_at(*g) == endpoint_kind::broker;
            now.fence_best_effort |= broker;
            now.fence_written |= !broker; // B3: all that an application can give
        }
    }
    now.drained = !in_switch() && switch_.draining.empty() && seams_.empty();
    now.windows_open = in_switch() ? 0 : pairing_.open_windows(switch_.id);
    now.frames_carried = bytes_waiting();
    return now;
}

// C9: what a committed switch still waits for when the next one begins stays its own. The SENDs
// that are open now count in the next one's report.
void readiness::keep_past(control::switch_number id)
{
    if (!switch_.committed) {
        return;
    }
    switch_.committed = false;
    control::tally numbers = current_tally();
    numbers.receipts_open = numbers.windows_open = 0;
    numbers.drained = true; // what lingers is taken up again, or drained by the next one (S10)
    switch_.past.push_back({id, std::move(numbers)});
    tell_past();
}

void readiness::tell_past()
{
    for (const past_switch& one : switch_.past) {
        out_.report({.id = one.id, .from = settings_.shard, .what = control::numbers{one.numbers}});
    }
    std::erase_if(
        switch_.past, [&](const past_switch& one) { return !seams_.any_made_by(one.id); });
}

std::uint64_t readiness::bytes_waiting() const noexcept
{
    std::uint64_t bytes = 0;
    for (const auto& [id, s] : tables_.sessions) {
        bytes += s->waiting_bytes;
    }
    return bytes;
}

} // namespace gateway
