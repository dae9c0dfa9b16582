// What the marks of a shard's pairs are waited for by others, and what their windows count. docs/switch.md
// P7, P8.

#include "gateway/core/subscriptions/wire_pairing.hpp"

#include <algorithm>

namespace gateway {

// The seam's own markers wait until Oc was read.
bool wire_pairing::holds_markers(wire_id old, wire_id fresh) const
{
    const wire_subscription* to = marks() ? wire(fresh) : nullptr;
    return to != nullptr && std::ranges::any_of(to->pairs, [&](const wire_pair* p) {
        return p->new_wire == fresh && p->old_wire == old && !p->marks.given_up &&
               p->marks.decided && p->marks.read < window_mark::oc;
    });
}

// S1, P7: a session that subscribes after preparing is held only after Ob of its own pair.
bool wire_pairing::marked(wire_id old, const wire_subscription& fresh) const
{
    return !marks() || std::ranges::none_of(fresh.pairs, [&](const wire_pair* p) {
        return p->new_wire == fresh.id && p->old_wire == old && !p->marks.given_up &&
               p->marks.read < window_mark::ob;
    });
}

bool wire_pairing::marking() const
{
    return std::ranges::any_of(pairs_, [](const auto& p) {
        return p->marks.on_way != window_mark::none && p->marks.on_way <= window_mark::ob;
    });
}

bool wire_pairing::any_on_way() const
{
    return !marked_.empty();
}

// C9: those whose Nd is still to be read; what they count belongs into the report.
std::size_t wire_pairing::open_windows(control::switch_number of) const
{
    return static_cast<std::size_t>(std::ranges::count_if(pairs_, [&](const auto& p) {
        return p->made_by == of && p->marks.decided && !p->marks.given_up &&
               p->marks.read < window_mark::nd;
    }));
}

// As clients see it: each of them has that MESSAGE, or lacks it.
void wire_pairing::count(wire_pair& pair)
{
    const std::uint64_t doubtful = pair.core.take_doubtful(), alone = pair.core.take_alone();
    if (doubtful == 0 && alone == 0) {
        return;
    }
    control::tally& numbers = switch_.tally_of(pair.made_by);
    std::uint64_t clients = 0;
    each_member(pair, [&](session_id session) {
        ++clients;
        if (doubtful != 0) {
            numbers.named.add(control::counted_cause::copies, name_of(session));
        }
        if (alone != 0) {
            numbers.named.add(control::counted_cause::one_color, name_of(session));
        }
    });
    clients = std::max<std::uint64_t>(clients, 1);
    numbers.pairs_doubtful += doubtful * clients;
    numbers.pairs_alone += alone * clients;
}

// Where there are no marks a content is compared with all that came since the standby's SUBSCRIBE.
void wire_pairing::note_plain(wire_pair& pair)
{
    if (pair.marks.given_up && pair.core.has_plain() &&
        std::exchange(pair.said_plain, switch_.id) != switch_.id) {
        switch_.note_counted("dedup: messages without an id, and no marks", whose(pair));
    }
}

} // namespace gateway
