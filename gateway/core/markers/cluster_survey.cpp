#include "gateway/core/markers/cluster_survey.hpp"

#include <algorithm>
#include <map>

namespace gateway {

// At the end of preparing: tries a marker from each endpoint of the live color to each other one
// that this shard reads at (M2). `prepared` waits for the answers, each of which has a bound.
void cluster_survey::ask(time_point now)
{
    asked_ = true;
    std::map<std::pair<endpoint_ref, std::string_view>, wire_subscription*> samples;
    for (const auto& [id, w] : tables_.wires) {
        if ((w->color() == shard_.live || both_colors()) && w->addressed &&
            w->state == wire_state::confirmed) {
            samples.try_emplace({w->group->at, w->group->who->host}, w.get());
        }
    }
    for (const auto& [where, to] : samples) {
        ask_about(*to, now);
    }
    if (!questions_.empty()) {
        go_on(now);
    }
}

// From every endpoint that clients may publish through to the one that `to` reads at. P7: from all
// of both colors, as others publish there beside the gateway.
void cluster_survey::ask_about(const wire_subscription& to, time_point now)
{
    for (const color c : broker::colors) {
        if (c == shard_.live || both_colors()) {
            ask_from(c, to, now);
        }
    }
}

void cluster_survey::ask_from(color c, const wire_subscription& to, time_point now)
{
    const broker::pool& pool = pool_of(c);
    const endpoint_ref where = to.group->at;
    const std::string_view host = to.group->who->host;
    for (std::size_t i = 0; i < std::min<std::size_t>(pool.size(), markers_max); ++i) {
        const endpoint_ref from{c, static_cast<std::uint16_t>(i)};
        // Also one that is drained: another shard's clients may have published through it.
        const bool publishes = pool.at(i).weight > 0 || pool.sessions(i) > 0 || both_colors() ||
                               shard_.sent_through[c].contains(from);
        if (from == where || !publishes || !pool.healthy(i) || is_asked(from, where, host)) {
            continue;
        }
        const bool carried = couriers_.pick(to, from) != nullptr;
        if (!carried) {
            couriers_.dial(*to.group->who, from, now);
        }
        if (!carried || !worlds_.one(from, where)) {
            questions_.push_back({from, where, std::string{host}, to.id, now + 2 * settings_.trial_timeout});
        }
    }
}

bool cluster_survey::is_asked(endpoint_ref from, endpoint_ref where, std::string_view host) const
{
    return std::ranges::any_of(questions_, [&](const world_question& q) {
        return q.from == from && q.at == where && q.host == host;
    });
}

wire_subscription* cluster_survey::sample_at(endpoint_ref where, std::string_view host)
{
    const auto one = std::ranges::find_if(tables_.wires, [&](const auto& entry) {
        const wire_subscription& w = *entry.second;
        return w.addressed && w.state == wire_state::confirmed && w.group->at == where &&
               w.group->who->host == host;
    });
    return one == tables_.wires.end() ? nullptr : one->second.get();
}

void cluster_survey::go_on(time_point now)
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
        link_record* by = couriers_.pick(*to, q.from);
        if (by != nullptr && worlds_.one(q.from, q.at)) {
            return true;
        }
        if (q.asked != link_id::none && link(q.asked) == nullptr) {
            q.asked = link_id::none; // lost with its marker: another link asks
        }
        if (by != nullptr && q.asked == link_id::none) {
            q.asked = by->core.id();
            q.until = now + settings_.trial_timeout;
            couriers_.send(*to, q.from, 0);
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
}

void cluster_survey::look_again(time_point now)
{
    if (open()) {
        at(now, due::worlds);
    }
}

void cluster_survey::on_marker(endpoint_ref from, endpoint_ref read_at, time_point now)
{
    worlds_.came(from, read_at);
    look_again(now);
}

// The markers that join a seam whose old side is `w`. An endpoint that is lost is not waited for;
// one of which nothing is known makes the seam a best-effort one (M1). Where the last session has
// left an endpoint since preparing, and its link with it, a link for the marker is dialled now.
std::uint64_t
cluster_survey::awaited_markers(const wire_subscription& w, bool& best_effort, time_point now)
{
    const endpoint_ref own = w.group->at;
    best_effort |= own.index >= markers_max;
    std::uint64_t awaited = std::uint64_t{1} << (own.index % markers_max);
    for (const endpoint_ref one : shard_.sent_through[own.color]) {
        const auto known = worlds_.one(one, own);
        if (one == own || known == false) {
            continue; // M2: side by side, nothing of it comes here
        }
        const bool carried = couriers_.pick(w, one) != nullptr;
        if (!carried) {
            couriers_.dial(*w.group->who, one, now, true);
        }
        // One that does not answer this shard may answer another, whose clients publish there: it
        // is lost once a dial from here on has failed.
        const bool healthy = pool_of(one.color).healthy(one.index);
        const bool comes = known || is_asked(one, own, w.group->who->host) ||
                           (!healthy && couriers_.dials(*w.group->who, one));
        if (!comes || one.index >= markers_max) {
            best_effort = true;
        } else if (carried || healthy || couriers_.dials(*w.group->who, one)) {
            awaited |= std::uint64_t{1} << one.index;
        } else {
            best_effort = true; // not with this login
        }
    }
    return awaited;
}

broker::per_color<std::uint64_t>
cluster_survey::mark_endpoints(const wire_subscription& w, bool& dark, time_point now)
{
    broker::per_color<std::uint64_t> all{};
    for (const color c : broker::colors) {
        const broker::pool& pool = pool_of(c);
        dark |= pool.size() > markers_max;
        for (std::size_t i = 0; i < std::min<std::size_t>(pool.size(), markers_max); ++i) {
            const endpoint_ref from{c, static_cast<std::uint16_t>(i)};
            const auto known = from == w.group->at ? true : worlds_.one(from, w.group->at);
            if (known == false) {
                continue; // M2: nothing of it comes here
            }
            const bool carried = couriers_.pick(w, from) != nullptr;
            if (!carried && pool.healthy(i)) {
                couriers_.dial(*w.group->who, from, now);
            }
            if (known && (carried || pool.healthy(i))) {
                all[c] |= std::uint64_t{1} << i;
            } else {
                dark = true;
            }
        }
    }
    return all;
}

} // namespace gateway
