// Which endpoints of a color are one message world, and who carries a marker there. SWITCH.md M1,
// M2: in a cluster order holds between two nodes, not between three, so a seam reads a marker from
// every endpoint that clients published through.

#include "gateway/router.hpp"

#include <algorithm>
#include <charconv>

namespace gateway {

namespace {

constexpr unsigned markers_max = 64; // endpoints of one color that a seam can wait for

} // namespace

// At the end of preparing: tries a marker from each endpoint of the live color to each other one
// that this shard reads at (M2). `prepared` waits for the answers, each of which has a bound.
void router::ask_worlds(time_point now)
{
    std::map<std::pair<endpoint_ref, std::string_view>, wire_subscription*> samples;
    for (const auto& [id, w] : wires_) {
        if (w->color() == live_ && w->addressed && w->state == wire_state::confirmed) {
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
    const broker::pool& pool = pool_of(live_);
    const endpoint_ref where = to.group->at;
    const std::string& host = to.group->who->host;
    for (std::size_t i = 0; i < std::min<std::size_t>(pool.size(), markers_max); ++i) {
        const endpoint_ref from{live_, static_cast<std::uint16_t>(i)};
        // Also one that is drained: another shard's clients may have published through it.
        const bool publishes =
            pool.at(i).weight > 0 || pool.sessions(i) > 0 || sent_through_[live_].contains(from);
        if (from == where || !publishes || !pool.healthy(i) || is_asked(from, where, host)) {
            continue;
        }
        const bool carried = courier(to, from) != nullptr;
        if (!carried) {
            dial_courier(*to.group->who, from, now);
        }
        if (!carried || !one_world(from, where)) {
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

// Whether what is SENT at `a` comes to who reads at `b`; nothing: not known. "One message world" is
// the same both ways and through a third, so one marker that came says it for all that are
// connected by such; that one did not come may have had other reasons.
std::optional<bool> router::one_world(endpoint_ref a, endpoint_ref b) const
{
    std::vector<endpoint_ref> reached{a};
    for (std::size_t i = 0; i < reached.size(); ++i) {
        if (reached[i] == b) {
            return true;
        }
        for (const auto& [ends, comes] : reach_) {
            const auto& [from, to] = ends;
            if (comes && (from == reached[i] || to == reached[i])) {
                const endpoint_ref next = from == reached[i] ? to : from;
                if (std::ranges::find(reached, next) == reached.end()) {
                    reached.push_back(next);
                }
            }
        }
    }
    if (reach_.contains({a, b}) || reach_.contains({b, a})) {
        return false;
    }
    return std::nullopt;
}

wire_subscription* router::sample_at(endpoint_ref where, std::string_view host)
{
    const auto one = std::ranges::find_if(wires_, [&](const auto& entry) {
        const wire_subscription& w = *entry.second;
        return w.addressed && w.state == wire_state::confirmed && w.group->at == where &&
               w.group->who->host == host;
    });
    return one == wires_.end() ? nullptr : one->second.get();
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
        if (by != nullptr && one_world(q.from, q.at)) {
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
            reach_[{q.from, q.at}] = false;
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
    for (const auto& [id, l] : links_) {
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
// kept until the seams of this switch are over.
void router::dial_courier(identity& who, endpoint_ref from, time_point now)
{
    const auto one = std::ranges::find_if(
        couriers_, [&](const share_group* g) { return g->at == from && g->who->host == who.host; });
    share_group& g = one != couriers_.end() ? **one : group_for(who, from);
    if (one == couriers_.end()) {
        couriers_.push_back(&g);
        ++g.bindings;
    }
    if (!g.refused.empty() || !g.publish.empty() || now < g.retry_at) {
        return;
    }
    const link_id made = dial(g, link_role::publish, session_id::none, now).core.id();
    if (g.known.barrier == broker::barrier_kind::unknown && g.trial == link_id::none) {
        g.trial = made;
    }
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
    for (const endpoint_ref one : sent_through_[own.color]) {
        const auto known = one_world(one, own);
        if (one == own || known == false) {
            continue; // M2: side by side, nothing of it comes here
        }
        const bool comes = known || is_asked(one, own, w.group->who->host);
        if (!comes || one.index >= markers_max) {
            best_effort |= pool_of(one.color).healthy(one.index);
            continue;
        }
        const bool carried = courier(w, one) != nullptr;
        if (carried || pool_of(one.color).healthy(one.index)) {
            awaited |= std::uint64_t{1} << one.index;
        }
        if (!carried && pool_of(one.color).healthy(one.index)) {
            dial_courier(*w.group->who, one, now);
        }
    }
    return awaited;
}

void router::try_marker(wire_subscription& w, time_point now)
{
    w.group->marker_trial = w.id;
    at(now + settings_.trial_timeout, due::marker_trial, number(w.id));
    send_marker(w, w.group->at, 0);
}

// Its subscription goes, and nobody would read it: another one's is tried.
void router::pass_on_marker_trial(share_group& g, wire_id tried, time_point now)
{
    if (g.known.marker != broker::tried::unknown || g.marker_trial != tried) {
        return;
    }
    g.marker_trial = wire_id::none;
    for (const auto& [id, w] : wires_) {
        if (w->group == &g && w->id != tried && w->addressed && w->state == wire_state::confirmed) {
            try_marker(*w, now);
            return;
        }
    }
}

void router::end_marker_trial(wire_id tried, time_point now)
{
    if (const wire_subscription* w = wire(tried)) {
        broker::capability& known = w->group->known;
        if (known.marker == broker::tried::unknown && w->group->marker_trial == tried) {
            known.marker = broker::tried::no;
            out_.log(2, name_of(w->group->at) + " gives no marker: seams there are best effort");
        }
        return;
    }
    for (const auto& [key, g] : groups_) { // gone with its link
        pass_on_marker_trial(*g, tried, now);
    }
}

// The value of the marker's header: the wire subscription's id, the endpoint that it is SENT at
// where that is another one, and the switch whose seam it joins. Without the latter it is a trial,
// which may be read long after the commit and must not join what began behind it (M6).
std::string
router::mark_of(const wire_subscription& w, endpoint_ref from, control::switch_number joins) const
{
    std::string mark = to_wire(w.id);
    if (from != w.group->at) {
        mark += "/" + std::to_string(from.index);
    }
    if (joins != 0) {
        mark += "+" + std::to_string(joins);
    }
    return mark;
}

// False: no link there carries it.
bool router::send_marker(
    const wire_subscription& w, endpoint_ref from, control::switch_number joins)
{
    link_record* by = courier(w, from);
    if (by == nullptr) {
        return false;
    }
    by->core.marker(address_of(w.id), mark_of(w, from, joins), out_);
    return true;
}

void router::on_marker(wire_subscription& w, std::string_view mark, time_point now)
{
    const std::string own = to_wire(w.id);
    if (!mark.starts_with(own)) {
        return;
    }
    mark.remove_prefix(own.size());
    if (mark.starts_with('#')) {
        on_fence_marker(w, mark.substr(1), now);
        return;
    }
    if (mark.starts_with('=')) {
        on_move_marker(w.id, mark.substr(1), now);
        return;
    }
    unsigned from = w.group->at.index;
    control::switch_number joins = 0;
    const bool near = !mark.starts_with('/');
    const char* const end = mark.data() + mark.size();
    std::from_chars_result read{mark.data(), std::errc{}};
    if (!near) {
        read = std::from_chars(mark.data() + 1, end, from);
    }
    if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '+') {
        read = std::from_chars(read.ptr + 1, end, joins);
    }
    if (read.ec != std::errc{} || read.ptr != end || from >= markers_max) {
        return; // not one of this gateway's
    }
    if (near) {
        w.group->known.marker = broker::tried::yes;
    } else {
        reach_[{{w.color(), static_cast<std::uint16_t>(from)}, w.group->at}] = true;
        if (!questions_.empty()) {
            at(now, due::worlds);
        }
    }
    const wire_id id = w.id;
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        if (seams_[i]->old_wire() == id && seams_[i]->made_by() == joins && !seams_[i]->left()) {
            act(*seams_[i], seams_[i]->on_marker(from), now);
        }
    }
}

} // namespace gateway
