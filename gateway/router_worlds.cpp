// Which endpoints of a color are one message world, and who carries a marker there. SWITCH.md M1,
// M2: in a cluster order holds between two nodes, not between three, so a seam reads a marker from
// every endpoint that clients published through.

#include "gateway/router.hpp"

#include <algorithm>

namespace gateway {

// At the end of preparing: tries a marker from each endpoint of the live color to each other one
// that this shard reads at (M2). `prepared` waits for the answers, each of which has a bound.
void router::ask_worlds(time_point now)
{
    std::map<std::pair<endpoint_ref, std::string_view>, wire_subscription*> samples;
    for (const auto& [id, w] : tables_.wires) {
        if (w->color() == shard_.live && w->addressed && w->state == wire_state::confirmed) {
            samples.try_emplace({w->group->at, w->group->who->host}, w.get());
        }
    }
    for (const auto& [where, to] : samples) {
        ask_about(*to, now);
    }
    if (!questions_.empty()) {
        go_on_asking(now);
    }
}

// From every endpoint that clients may publish through to the one that `to` reads at.
void router::ask_about(const wire_subscription& to, time_point now)
{
    const broker::pool& pool = pool_of(shard_.live);
    const endpoint_ref where = to.group->at;
    const std::string& host = to.group->who->host;
    for (std::size_t i = 0; i < std::min<std::size_t>(pool.size(), markers_max); ++i) {
        const endpoint_ref from{shard_.live, static_cast<std::uint16_t>(i)};
        // Also one that is drained: another shard's clients may have published through it.
        const bool publishes = pool.at(i).weight > 0 || pool.sessions(i) > 0 ||
                               shard_.sent_through[shard_.live].contains(from);
        if (from == where || !publishes || !pool.healthy(i) || is_asked(from, where, host)) {
            continue;
        }
        const bool carried = courier(to, from) != nullptr;
        if (!carried) {
            dial_courier(*to.group->who, from, now);
        }
        if (!carried || !worlds_.one(from, where)) {
            questions_.push_back({from, where, host, to.id, now + 2 * settings_.trial_timeout});
        }
    }
}

bool router::is_asked(endpoint_ref from, endpoint_ref where, std::string_view host) const
{
    return std::ranges::any_of(questions_, [&](const world_question& q) {
        return q.from == from && q.at == where && q.host == host;
    });
}

wire_subscription* router::sample_at(endpoint_ref where, std::string_view host)
{
    const auto one = std::ranges::find_if(tables_.wires, [&](const auto& entry) {
        const wire_subscription& w = *entry.second;
        return w.addressed && w.state == wire_state::confirmed && w.group->at == where &&
               w.group->who->host == host;
    });
    return one == tables_.wires.end() ? nullptr : one->second.get();
}

void router::go_on_asking(time_point now)
{
    std::erase_if(questions_, [&](world_question& q) {
        wire_subscription* to = wire(q.to);
        if (to == nullptr || to->state != wire_state::confirmed) { // its session went
            to = sample_at(q.at, q.host);
            q.asked = link_id::none;
        }
        if (to == nullptr) {
            return true; // nobody of that virtual host reads there any more
        }
        q.to = to->id;
        link_record* by = courier(*to, q.from);
        if (by != nullptr && worlds_.one(q.from, q.at)) {
            return true;
        }
        if (q.asked != link_id::none && link(q.asked) == nullptr) {
            q.asked = link_id::none; // lost with its marker: another link asks
        }
        if (by != nullptr && q.asked == link_id::none) {
            q.asked = by->core.id();
            q.until = now + settings_.trial_timeout;
            send_marker(*to, q.from, 0);
        }
        if (now < q.until) {
            return false;
        }
        if (by != nullptr) { // M2: brokers side by side; a marker that comes later says otherwise
            worlds_.none_came(q.from, q.at);
        }
        return true;
    });
    time_point next = net::never;
    for (const auto& q : questions_) {
        next = std::min(next, q.until);
    }
    if (next != net::never) {
        at(next, due::worlds);
    }
    check_prepared(now);
}

// A ready link at that endpoint whose trial passed, for the same virtual host: the group's own,
// else a publish link, because a memory alarm stops the reading of the link that SENDs (M1, M3).
link_record* router::courier(const wire_subscription& w, endpoint_ref from)
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
    link_id& cached = courier_links_[{from, w.group->who->host}];
    if (link_record* one = link(cached); one != nullptr && one->core.ready()) {
        return one;
    }
    link_record* best = nullptr;
    for (const auto& [id, l] : tables_.links) {
        const bool fits = l->at() == from && l->core.ready() &&
                          l->group->who->host == w.group->who->host &&
                          l->group->known.barrier == broker::barrier_kind::routed;
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
void router::dial_courier(identity& who, endpoint_ref from, time_point now, bool at_once)
{
    const auto one = std::ranges::find_if(
        couriers_, [&](const share_group* g) { return g->at == from && g->who->host == who.host; });
    share_group& g = one != couriers_.end() ? **one : group_for(who, from);
    if (one == couriers_.end()) {
        couriers_.push_back(&g);
        ++g.bindings;
    }
    if (!g.refused.empty() || !g.publish.empty() || (now < g.retry_at && !at_once)) {
        return;
    }
    const link_id made = dial(g, link_role::publish, session_id::none, now).core.id();
    if (g.known.barrier == broker::barrier_kind::unknown && g.trial == link_id::none) {
        g.trial = made;
    }
}

bool router::dials_courier(const identity& who, endpoint_ref from) const
{
    return std::ranges::any_of(couriers_, [&](const share_group* g) {
        return g->at == from && g->who->host == who.host && !g->publish.empty();
    });
}

void router::release_couriers(time_point now)
{
    questions_.clear();
    for (share_group* g : std::exchange(couriers_, {})) {
        if (g->dedicated) { // nobody else rides on it
            for (const link_id id : std::vector{g->publish}) {
                if (id != g->trial) {
                    leave(*link(id), now);
                }
            }
        }
        --g->bindings;
        release_group(*g, now);
    }
    courier_links_.clear();
}

// The markers that join a seam whose old side is `w`. An endpoint that is lost is not waited for;
// one of which nothing is known makes the seam a best-effort one (M1). Where the last session has
// left an endpoint since preparing, and its link with it, a link for the marker is dialled now.
std::uint64_t router::awaited_markers(const wire_subscription& w, bool& best_effort, time_point now)
{
    const endpoint_ref own = w.group->at;
    best_effort |= own.index >= markers_max;
    std::uint64_t awaited = std::uint64_t{1} << (own.index % markers_max);
    for (const endpoint_ref one : shard_.sent_through[own.color]) {
        const auto known = worlds_.one(one, own);
        if (one == own || known == false) {
            continue; // M2: side by side, nothing of it comes here
        }
        const bool carried = courier(w, one) != nullptr;
        if (!carried) {
            dial_courier(*w.group->who, one, now, true);
        }
        // One that does not answer this shard may answer another, whose clients publish there: it
        // is lost once a dial from here on has failed.
        const bool healthy = pool_of(one.color).healthy(one.index);
        const bool comes = known || is_asked(one, own, w.group->who->host) ||
                           (!healthy && dials_courier(*w.group->who, one));
        if (!comes || one.index >= markers_max) {
            best_effort = true;
        } else if (carried || healthy || dials_courier(*w.group->who, one)) {
            awaited |= std::uint64_t{1} << one.index;
        } else {
            best_effort = true; // not with this login
        }
    }
    return awaited;
}

} // namespace gateway
