#include "gateway/core/markers/couriers.hpp"

#include <algorithm>

namespace gateway {

// A ready link at that endpoint whose trial passed, for the same virtual host: the group's own,
// else a publish link, because a memory alarm stops the reading of the link that SENDs (M1, M3).
link_record* couriers::pick(const wire_subscription& w, endpoint_ref from)
{
    if (from == w.group->at) {
        for (const link_id id : w.group->publish) {
            if (link_record* one = link(id); one != nullptr && one->core.ready()) {
                return one;
            }
        }
        link_record* own = link(w.link);
        return own != nullptr && own->core.ready() ? own : nullptr;
    }
    link_id& cached = carriers_[{from, std::string{w.group->who->host}}];
    if (link_record* one = link(cached); one != nullptr && one->core.ready()) {
        return one;
    }
    link_record* best = nullptr;
    for (const auto& [id, l] : tables_.links) {
        const bool fits = l->at() == from && l->core.ready() &&
                          l->group->who->host == w.group->who->host &&
                          l->group->known.proves_routing();
        if (fits && l->core.role() == link_role::publish) {
            best = l.get();
            break;
        }
        if (fits && l->core.role() == link_role::own) {
            best = l.get();
        }
    }
    cached = best == nullptr ? link_id::none : best->core.id();
    return best;
}

// With the session's login, one for all of that virtual host; again where it was lost. Its group is
// kept until the seams of this switch are over. `at_once`: whatever its last dial ended with.
void couriers::dial(identity& who, endpoint_ref from, time_point now, bool at_once)
{
    const auto one = std::ranges::find_if(
        kept_groups_, [&](const share_group* g) { return g->at == from && g->who->host == who.host; });
    share_group& g = one != kept_groups_.end() ? **one : groups_.group_for(who, from);
    if (one == kept_groups_.end()) {
        kept_groups_.push_back(&g);
        ++g.bindings;
    }
    if (!g.refused.empty() || !g.publish.empty() || (now < g.retry_at && !at_once)) {
        return;
    }
    const link_id made = links_.dial(g, link_role::publish, session_id::none, now).core.id();
    if (g.known.barrier == broker::barrier_kind::unknown && g.trial == link_id::none) {
        g.trial = made;
    }
}

bool couriers::dials(const identity& who, endpoint_ref from) const
{
    return std::ranges::any_of(kept_groups_, [&](const share_group* g) {
        return g->at == from && g->who->host == who.host && !g->publish.empty();
    });
}

std::vector<share_group*> couriers::release(time_point now)
{
    for (share_group* g : kept_groups_) {
        if (g->dedicated) { // nobody else rides on it
            for (const link_id id : std::vector{g->publish}) {
                if (id != g->trial) {
                    links_.leave(*link(id), now);
                }
            }
        }
    }
    carriers_.clear();
    return std::exchange(kept_groups_, {});
}

// False: no link there carries it.
bool couriers::send(
    const wire_subscription& w, endpoint_ref from, control::switch_number joins)
{
    link_record* by = pick(w, from);
    if (by == nullptr) {
        return false;
    }
    send_mark(*by, w.id, write_marker(w.id, w.group->at, {.number = joins, .from = from}));
    return true;
}

void couriers::send_pair_mark(
    const wire_subscription& w, endpoint_ref from, std::uint64_t number_of, link_id by)
{
    if (link_record* carries = link(by); carries != nullptr && carries->core.ready()) {
        send_mark(
            *carries, w.id,
            write_marker(
                w.id, w.group->at,
                {.what = marker_text::kind::window, .number = number_of, .from = from}));
    }
}

// The first ones of a group ride on one of its own links: one write here and one read there,
// instead of one for each link. Repeated ones ride each on its own, as `by` may not get on.
void couriers::send_together(
    const wire_subscription& w, control::switch_number joins, link_id& by)
{
    const link_record* l = link(by);
    if (l == nullptr || !l->core.ready() || l->congested) {
        by = w.link;
    }
    if (link_record* carries = link(by); carries != nullptr && carries->core.ready()) {
        const endpoint_ref at = w.group->at;
        send_mark(*carries, w.id, write_marker(w.id, at, {.number = joins, .from = at}));
    }
}

void couriers::send_trial(const wire_subscription& w, link_record& by, time_point now)
{
    at(now + settings_.trial_timeout, due::marker_trial, number(w.id));
    send_mark(by, w.id, write_marker(w.id, w.group->at, {.from = w.group->at}));
}

} // namespace gateway
