#include "gateway/core/markers/rejoin_markers.hpp"

#include <utility>

namespace gateway {

// A subscription that was made after the session lost its own brings only what is new.
bool rejoin_markers::rejoins(
    const client_session& s, const subscription& sub, const wire_subscription& w)
{
    return sub.confirmed && s.state == session_state::rebinding && w.broadcast && w.addressed &&
           w.group->known.marker == broker::tried::yes && s.rare_part != nullptr &&
           number(w.id) <= s.rare_part->wires_before;
}

// One marker is on its way at a time. A session that joins after it waits for the next one.
void rejoin_markers::add(wire_subscription& w, wire_member member, time_point now)
{
    const auto open = fences_.contains(w.id);
    member.state = member_state::rejoining;
    member.behind = open;
    w.members.push_back(member);
    if (!open) {
        ask(w.id, now);
    }
}

void rejoin_markers::ask(wire_id id, time_point now)
{
    fences_[id] = {.number = ++last_, .since = now, .next = now};
    at(now, due::fence, number(id)); // behind what this turn still writes
}

// Repeated until it is read: it may be lost with the link that carries it.
void rejoin_markers::run(wire_id id, time_point now)
{
    const auto found = fences_.find(id);
    wire_subscription* w = wire(id);
    if (found == fences_.end() || now < found->second.next) {
        return;
    }
    if (w == nullptr) {
        fences_.erase(found);
        return;
    }
    fence& f = found->second;
    if (now >= f.since + settings_.trial_timeout) {
        out_.log(log_level::warning, name_of(w->group->at) + " delivers no marker: sessions there wait no longer");
        pass(*w, now);
        return;
    }
    link_record* by = couriers_.pick(*w, w->group->at);
    if (w->state == wire_state::confirmed && by != nullptr) {
        send_mark(
            *by, id,
            write_marker(
                id, w->group->at, {.what = marker_text::kind::rejoin, .number = f.number}));
    }
    f.next = now + settings_.trial_timeout / 10;
    at(f.next, due::fence, number(id));
}

void rejoin_markers::on_marker(wire_subscription& w, std::uint64_t number_of, time_point now)
{
    const auto found = fences_.find(w.id);
    if (found != fences_.end() && number_of == found->second.number) {
        pass(w, now);
    }
}

void rejoin_markers::pass(wire_subscription& w, time_point now)
{
    fences_.erase(w.id);
    bool more = false;
    for (wire_member& m : w.members) {
        if (m.state == member_state::rejoining && !std::exchange(m.behind, false)) {
            m.state = member_state::live;
        }
        more |= m.state == member_state::rejoining;
    }
    if (more) {
        ask(w.id, now);
    }
}

} // namespace gateway
