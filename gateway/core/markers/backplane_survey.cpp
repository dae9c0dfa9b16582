// Whether blue and green are one message world. docs/switch.md P9.

#include "gateway/core/markers/backplane_survey.hpp"

#include "broker/own_headers.hpp"

#include <algorithm>
#include <map>

namespace gateway {

namespace {

// From the broker's answer that a marker is in its queue to its delivery: a node of a cluster hands it
// to another one. So many times as long as the answer took, and not less than this.
constexpr int settle_rounds = 2;
constexpr auto settle_least = std::chrono::milliseconds{50};
constexpr unsigned losses_most = 3;       // of links that had SUBSCRIBEd
constexpr std::size_t endpoints_most = 8; // of each color; more than one is for broken clusters

bool carries(const link_record& l)
{
    const auto role = l.core.role();
    return (role == link_role::own || role == link_role::publish) && l.core.ready();
}

} // namespace

// A broker whose queues have addresses. An application could take such frames amiss (B2).
bool backplane_survey::is_asked(const link_record& l) const
{
    return l.core.can().barrier == broker::barrier_kind::routed && !l.core.can().to_address &&
           stands_at(*l.group) == endpoint_kind::broker;
}

// Any ready link there, of that virtual host, whose trial passed.
link_record* backplane_survey::ready_at(endpoint_ref where, std::string_view host) const
{
    for (const auto& [id, l] : tables_.links) {
        if (carries(*l) && l->at() == where && l->group->who->host == host) {
            return l.get();
        }
    }
    return nullptr;
}

bool backplane_survey::is_unknown() const
{
    bool any = false, asks = false;
    for (const auto& [id, l] : tables_.links) {
        const bool counts = carries(*l) && l->at().color == shard_.live;
        any |= counts;
        asks |= counts && is_asked(*l);
    }
    return settings_.finds_backplane && any && !asks;
}

void backplane_survey::begin(bool keeps, time_point now)
{
    readers_.clear();
    questions_.clear();
    undecided_ = late_ = unanswered_ = false;
    from_ = switch_.from;
    to_ = switch_.to;
    switch_.backplane_open = false;
    wanted_ = settings_.finds_backplane && !keeps;
    switch_.tally.shared_backplane = shares_backplane();
    look_again(now);
}

// As soon as the color that is left has a link that can ask: a session may be bound there, or come,
// behind the order.
void backplane_survey::ask_first(time_point now)
{
    const link_record* asker = nullptr;
    std::vector<endpoint_ref> askers;
    bool any = false;
    for (const auto& [id, l] : tables_.links) {
        if (!carries(*l) || l->at().color != from_) {
            continue;
        }
        any = true;
        if (is_asked(*l) && (asker == nullptr || l->group->who->host == asker->group->who->host) &&
            std::ranges::find(askers, l->at()) == askers.end() && askers.size() < endpoints_most) {
            asker = asker == nullptr ? l.get() : asker;
            askers.push_back(l->at());
        }
    }
    if (asker == nullptr) {
        if (any) { // no broker here has addresses: separate, unless the configuration says otherwise
            wanted_ = shard_.shares_backplane = switch_.tally.shared_backplane = false;
        }
        return;
    }
    wanted_ = false;
    host_ = asker->group->who->host;
    const broker::pool& pool = pool_of(to_);
    for (std::size_t i = 0; i < std::min(pool.size(), endpoints_most); ++i) {
        const endpoint_ref at{to_, static_cast<std::uint16_t>(i)};
        if (!pool.healthy(i)) {
            continue;
        }
        for (const endpoint_ref from : askers) {
            if (!worlds_.one_world(from, at)) {
                questions_.push_back({from, at, ++last_number_});
            }
        }
        if (!questions_.empty() && questions_.back().at == at) {
            readers_.push_back({at});
            couriers_.dial(*asker->group->who, at, now, true);
        }
    }
    until_ = now + settings_.connect_timeout;
    switch_.backplane_open = true;
    decide(now);
}

// SUBSCRIBEs to the queue.
backplane_survey::step backplane_survey::open(reader& r)
{
    link_record* l = link(r.link);
    if (l == nullptr && r.asked) { // lost, maybe for the SUBSCRIBE
        r = {.at = r.at, .losses = r.losses + 1};
        for (question& q : questions_) {
            if (q.at == r.at) {
                q = {.from = q.from, .at = q.at, .number = q.number};
            }
        }
    }
    if (r.losses == losses_most) {
        return step::undecided;
    }
    if (l == nullptr) {
        l = ready_at(r.at, host_);
        if (l == nullptr) {
            return step::waits; // not up yet
        }
        r.link = l->core.id();
    }
    if (!is_asked(*l)) {
        return step::over; // not one product with the live color, let alone one broker
    }
    if (!r.asked) {
        r.asked = true;
        l->core.open_own_queue(out_);
        l->core.ask_taken(wire_id::none, out_);
    }
    return step::waits;
}

backplane_survey::step backplane_survey::ask(question& q, const reader& r, time_point now)
{
    if (now >= q.until) { // routed, and nothing came
        worlds_.none_came(q.from, q.at);
        return step::over;
    }
    if (q.asked != link_id::none && link(q.asked) == nullptr) { // lost with its marker
        q = {.from = q.from, .at = q.at, .number = q.number};
    }
    if (q.asked == link_id::none && r.subscribed) {
        link_record* by = ready_at(q.from, host_);
        if (by == nullptr || !is_asked(*by)) {
            return step::waits; // its sessions are bound again, or until_ comes
        }
        q.asked = by->core.id();
        q.sent = now;
        q.until = now + settings_.trial_timeout;
        by->core.mark_queue(
            shard_.names.of_link(r.link), shard_.marks.seal(write_backplane_mark(q.from)), q.number,
            out_);
    }
    return step::waits;
}

void backplane_survey::go_on(time_point now)
{
    if (!switch_.backplane_open) {
        return;
    }
    bool unanswered = false;
    std::map<endpoint_ref, step> open_at;
    for (reader& r : readers_) {
        open_at[r.at] = open(r);
    }
    std::erase_if(questions_, [&](question& q) {
        step next = open_at.at(q.at);
        if (next == step::waits) {
            next = ask(q, *std::ranges::find(readers_, q.at, &reader::at), now);
        }
        if (next == step::waits && now >= until_) {
            next = step::undecided;
        }
        if (!pool_of(q.at.color).healthy(q.at.index)) {
            next = step::over; // nobody is bound there
        }
        unanswered |= next == step::undecided;
        return next != step::waits;
    });
    unanswered_ |= unanswered;
    decide(now);
}

// One marker that came says it for both colors.
void backplane_survey::decide(time_point now)
{
    bool one = false;
    for (std::size_t i = 0; i < pool_of(from_).size(); ++i) {
        for (std::size_t j = 0; j < pool_of(to_).size(); ++j) {
            one |= worlds_.one_world(
                       {from_, static_cast<std::uint16_t>(i)},
                       {to_, static_cast<std::uint16_t>(j)}) == true;
        }
    }
    if (!one && !questions_.empty()) {
        time_point next = until_;
        for (const question& q : questions_) {
            next = std::min(next, q.until);
        }
        at(next, due::backplane);
        return;
    }
    questions_.clear();
    const auto reads_topics_at = [&](color c) {
        return std::ranges::any_of(tables_.wires, [&](const auto& entry) {
            return entry.second->broadcast && entry.second->color() == c;
        });
    };
    undecided_ = !one && unanswered_ && reads_topics_at(from_);
    late_ = one && !shard_.shares_backplane && reads_topics_at(to_);
    if (one != shard_.shares_backplane) {
        out_.log(
            log_level::info,
            one ? "blue and green deliver the same messages: backplane shared"
                : "blue and green are different message worlds: backplane separate");
    }
    shard_.shares_backplane = switch_.tally.shared_backplane = one;
    switch_.backplane_open = false;
    for (const session_id id : tables_.all_sessions()) { // its standby waited with its SUBSCRIBEs
        client_session* s = find(id);
        if (s == nullptr) {
            continue;
        }
        for (const auto& sub : s->journal) { // T1: two colors of one message world have one stream
            if (one && sub->stream && sub->stream->given[from_]) {
                sub->stream->given[to_] = sub->stream->given[from_];
            }
        }
        if (s->part || s->pinned != 0) {
            at(now, due::session_retry, number(id));
        }
    }
    at(now, due::worlds); // `prepared` waited
}

void backplane_survey::look_again(time_point now)
{
    if (wanted_ && in_switch()) {
        ask_first(now); // at once: whose link this is may SUBSCRIBE within this event
    }
    if (switch_.backplane_open || late_ || undecided_) {
        at(now, due::backplane);
    }
}

void backplane_survey::on_taken(const link_record& l, std::uint64_t number, time_point now)
{
    for (reader& r : readers_) {
        if (number == 0 && r.link == l.core.id()) {
            r.subscribed = true;
        }
    }
    for (question& q : questions_) {
        if (number != 0 && q.number == number) {
            const auto settle =
                std::max<net::duration>(settle_least, settle_rounds * (now - q.sent));
            q.until = now + std::min<net::duration>(settle, settings_.trial_timeout);
        }
    }
    look_again(now);
}

bool backplane_survey::on_own_message(
    const link_record& l, const stomp::frame_view& frame, time_point now)
{
    const auto sealed = frame.find(broker::marker_header);
    const auto mark = sealed ? shard_.marks.open(*sealed) : std::nullopt;
    const auto from = mark ? read_backplane_mark(*mark) : std::nullopt;
    if (!from) {
        return false; // a barrier of that link, or somebody else's
    }
    const bool known = worlds_.one_world(*from, l.at()) == true;
    worlds_.on_marker(*from, l.at(), now);
    if (switch_.backplane_open) {
        look_again(now);
        return false;
    }
    return !known && !shard_.shares_backplane;
}

void backplane_survey::stop(time_point)
{
    for (const reader& r : readers_) {
        if (link_record* l = link(r.link); l != nullptr && r.asked) {
            l->core.close_own_queue(out_);
        }
    }
    readers_.clear();
    give_up();
}

void backplane_survey::give_up() noexcept
{
    questions_.clear();
    wanted_ = switch_.backplane_open = false;
}

} // namespace gateway
