#include "gateway/core/subscriptions/subscribe_trials.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gateway {

namespace {

constexpr std::size_t window = 32; // SUBSCRIBEs that are open on a scratch link

constexpr auto idle_time = std::chrono::seconds{2}, kept_time = std::chrono::seconds{1};

constexpr auto without_link = std::chrono::seconds{60};

constexpr auto dial_again_first = std::chrono::milliseconds{20};

constexpr auto dial_again_most = std::chrono::seconds{1};

// Losses of links without an ERROR until a trial is made alone, and until it is given up.
constexpr std::uint8_t losses_together = 2, losses_most = 4;

// No header that another queue would have to have: it may be tried on any.
bool only_a_destination(std::string_view head) noexcept
{
    return head.starts_with("destination:") && head.find('\n') == head.size() - 1;
}

} // namespace

void subscribe_trials::note(const digest128& what, found value, time_point now)
{
    memory_.note(what, value, now);
    held_.set(memory_.size() * memory_.entry_bytes);
}

void subscribe_trials::ask(
    share_group& g, const net::payload_ref& head, session_id who, time_point now)
{
    scratch& own = scratch_of(g);
    const auto at = own.trials.find(head->bytes());
    if (at != own.trials.end()) {
        at->second->askers.insert(number(who));
        return;
    }
    auto made = std::make_unique<trial>();
    made->head = head;
    made->askers.insert(number(who));
    made->held = held_bytes<held_kind::sessions>{&shard_.budget};
    made->held.add(sizeof(trial));
    made->alone = known(g, head->bytes(), now) == verdict::refused;
    own.waiting.push_back(made.get());
    const std::string_view key = made->head->bytes();
    own.trials.emplace(key, std::move(made));
    go_on(g, own, now);
}

void subscribe_trials::end(scratch& own, const trial& t)
{
    own.trials.erase(t.head->bytes());
}

bool subscribe_trials::is_wanted(const share_group& g, const trial& t) const
{
    return std::ranges::any_of(t.askers, [&](std::uint64_t id) {
        const client_session* s = find(static_cast<session_id>(id));
        return s != nullptr && s->bindings[g.at.color].group == &g;
    });
}

void subscribe_trials::tell(const share_group&, const trial& t, time_point now)
{
    for (const std::uint64_t id : t.askers) {
        at(now, due::session_retry, id);
    }
}

void subscribe_trials::go_on(share_group& g, scratch& own, time_point now)
{
    link_record* l = link(own.link);
    if (l != nullptr && l->core.ready()) {
        while (!own.waiting.empty() && own.open.size() < window) {
            trial& next = *own.waiting.front();
            if (!is_wanted(g, next)) {
                own.waiting.pop_front();
                end(own, next);
                continue;
            }
            const bool alone = next.alone || (!own.open.empty() && own.open.front()->alone);
            if (alone && !own.open.empty()) {
                break;
            }
            own.waiting.pop_front();
            if (own.open.empty()) {
                own.progress = now;
                at(now + settings_.connect_timeout, due::trials);
            }
            write(g, own, next, *l);
        }
        if (is_idle(own)) {
            own.idle_since = now;
            at(now + idle_time, due::trials);
        }
        return;
    }
    if (l != nullptr || (own.waiting.empty() && own.marker == wire_id::none)) {
        return;
    }
    const time_point when = std::max({own.dial_at, own.dialled + dial_again_first, g.retry_at});
    if (now >= when && pool_of(g.at.color).healthy(g.at.index)) {
        own.dialled = now;
        own.link = links_.dial(g, link_role::scratch, session_id::none, now).core.id();
    } else { // who waits may be bound elsewhere until then
        at(std::max(when, now + dial_again_first), due::trials);
    }
}

void subscribe_trials::write(share_group& g, scratch& own, trial& t, link_record& l)
{
    t.wire = static_cast<wire_id>(++tables_.last_wire);
    std::string head{t.head->bytes()};
    if (g.known.marker != broker::tried::no) {
        t.shares_queue = only_a_destination(head);
        if (t.shares_queue && own.on_queue++ == 0) {
            own.queue = t.wire; // a name is never said again behind its queue's end
        }
        add_address(head, t.shares_queue ? own.queue : t.wire);
    }
    own.open.push_back(&t);
    l.core.subscribe(t.wire, head, "auto", out_);
}

subscribe_trials::trial* subscribe_trials::open_one(scratch& own, wire_id wire) const
{
    const auto one = std::ranges::find(own.open, wire, &trial::wire);
    return one == own.open.end() ? nullptr : *one;
}

void subscribe_trials::answered(
    share_group& g, scratch& own, wire_id wire, link_record& l, time_point now)
{
    trial* t = open_one(own, wire);
    if (t == nullptr) {
        return;
    }
    own.failures = 0;
    own.progress = now;
    std::erase(own.open, t);
    own.on_queue -= t->shares_queue;
    if (g.known.to_address) {
        // Artemis deletes an address with its last reader, and refuses a SUBSCRIBE that comes at that
        // moment. By then the one that was tried is there.
        own.kept.emplace_back(wire, now + kept_time);
        at(now + kept_time, due::trials);
    } else {
        l.core.unsubscribe(wire, false, session_id::none, {}, out_);
    }
    note_tried(g, t->head->bytes(), now);
    tell(g, *t, now);
    end(own, *t);
    go_on(g, own, now);
}

void subscribe_trials::leave_kept(scratch& own, link_record& l, time_point now)
{
    while (!own.kept.empty() && own.kept.front().second <= now) {
        l.core.unsubscribe(own.kept.front().first, false, session_id::none, {}, out_);
        own.kept.pop_front();
    }
}

// Open trials go to the front again, in order.
void subscribe_trials::put_back(scratch& own)
{
    own.waiting.insert(own.waiting.begin(), own.open.begin(), own.open.end());
    own.open.clear();
    own.on_queue = 0;
    for (trial* t : own.waiting) {
        t->wire = wire_id::none;
        t->shares_queue = false;
    }
}

// A client's own is said again on a link of its own, where the broker's answer is its answer; a
// standby's is a failure of the prepare.
void subscribe_trials::refuse(
    share_group& g, scratch& own, trial& t, const std::string& why, time_point now)
{
    const std::string_view head = t.head->bytes();
    own.failures = 0;
    note(key_of(g, g.at, head), found::refused, now);
    ++counters_.subscribes_refused;
    out_.log(log_level::debug, name_of(g.at) + " refused a SUBSCRIBE that was tried: " + why);
    for (const std::uint64_t id : t.askers) {
        client_session* s = find(static_cast<session_id>(id));
        if (s == nullptr || s->bindings[g.at.color].group != &g) {
            continue;
        }
        if (g.at.color == s->live) {
            s->tries_apart = true; // E13
            at(now, due::session_retry, id);
        } else {
            shard_.later.standbys.push_back({s->id, "SUBSCRIBE was refused: " + why});
        }
    }
    end(own, t);
}

void subscribe_trials::on_up(link_record& l, time_point now)
{
    const auto one = scratches_.find(l.group->key());
    if (one == scratches_.end() || one->second.link != l.core.id()) {
        links_.leave(l, now);
        return;
    }
    scratch& own = one->second;
    if (const wire_subscription* w = wire(std::exchange(own.marker, wire_id::none))) {
        couriers_.send_trial(*w, l, now);
    }
    go_on(*l.group, own, now);
}

bool subscribe_trials::on_event(
    link_record& l, const broker::link_event& event, time_point now)
{
    using kind = broker::link_event::kind;
    const auto one = scratches_.find(l.group->key());
    if (one == scratches_.end() || one->second.link != l.core.id()) {
        return false; // left: it is read to its end
    }
    share_group& g = *l.group;
    scratch& own = one->second;
    trial* t = nullptr;
    switch (event.what) {
    case kind::answered:
        if (event.owed.kind == broker::owed_kind::subscribe) {
            answered(g, own, event.owed.wire, l, now);
        }
        return false;
    case kind::cancelled: t = open_one(own, event.wire); break;
    case kind::mute: put_back(own); return true;
    case kind::error: {
        const auto news = l.core.take_news();
        for (const auto& refusal : news.refused) { // where the ERROR names a receipt
            if (refusal.what.what == broker::finding::kind::named && t == nullptr) {
                t = open_one(own, refusal.what.frame.wire);
            }
        }
        if (t == nullptr && own.open.size() == 1) {
            t = own.open.front();
        }
        if (t == nullptr) {
            if (!own.open.empty()) {
                own.open.front()->alone = true; // E11
            }
            put_back(own);
            return true;
        }
        break;
    }
    default: return false; // MESSAGEs
    }
    if (t == nullptr) {
        return false;
    }
    std::erase(own.open, t);
    put_back(own);
    refuse(g, own, *t, event.text, now);
    return true;
}

void subscribe_trials::on_lost(share_group& g, link_id id, time_point now)
{
    const auto one = scratches_.find(g.key());
    if (one == scratches_.end() || one->second.link != id) {
        return;
    }
    scratch& own = one->second;
    own.link = link_id::none;
    own.kept.clear();
    own.dial_at = now + (own.failures == 0
                             ? net::duration{}
                             : std::min<net::duration>(
                                   dial_again_first * (1U << std::min(own.failures, 6U)),
                                   dial_again_most));
    ++own.failures;
    const auto lost = own.open;
    put_back(own);
    for (trial* t : lost) {
        t->alone |= ++t->losses >= losses_together;
        if (t->losses >= losses_most) {
            std::erase(own.waiting, t);
            refuse(g, own, *t, "its link was lost", now);
        }
    }
    go_on(g, own, now);
}

// Not these credentials, which others of the identity have proven: there is no room for one more
// link.
void subscribe_trials::on_refused(share_group& g, time_point now)
{
    scratch& own = scratch_of(g);
    own.link = link_id::none;
    own.refused_until = now + without_link;
    out_.log(log_level::warning, name_of(g.at) + " has no link to try SUBSCRIBEs on: for a minute they are not");
    put_back(own);
    for (const trial* t : own.waiting) {
        tell(g, *t, now);
    }
    own.waiting.clear();
    own.trials.clear();
    own.marker = wire_id::none;
}

std::vector<link_id> subscribe_trials::run(time_point now)
{
    std::vector<link_id> silent;
    for (auto& [key, own] : scratches_) {
        share_group& g = *own.group;
        link_record* l = link(own.link);
        if (l != nullptr && l->core.ready()) {
            leave_kept(own, *l, now);
        }
        if (l == nullptr) {
            for (std::size_t n = own.waiting.size(); n > 0; --n) { // who still waits
                trial* t = own.waiting.front();
                own.waiting.pop_front();
                if (is_wanted(g, *t)) {
                    tell(g, *t, now);
                    own.waiting.push_back(t);
                } else {
                    end(own, *t);
                }
            }
            go_on(g, own, now);
        } else if (!own.open.empty()) {
            const time_point until = own.progress + settings_.connect_timeout;
            now >= until ? silent.push_back(own.link) : at(until, due::trials);
        } else if (l->core.ready() && is_idle(own)) {
            if (now >= own.idle_since + idle_time) {
                own.link = link_id::none;
                links_.leave(*l, now);
            } else {
                at(own.idle_since + idle_time, due::trials);
            }
        }
    }
    return silent;
}

void subscribe_trials::release(share_group& g, time_point now)
{
    const auto one = scratches_.find(g.key());
    if (one == scratches_.end()) {
        return;
    }
    link_record* l = link(one->second.link);
    scratches_.erase(one);
    if (l != nullptr) {
        links_.leave(*l, now);
    }
}

// E14. False: where no such link is to be had.
bool subscribe_trials::carry_marker(wire_subscription& w, time_point now)
{
    share_group& g = *w.group;
    if (g.bindings == 0) {
        return false; // its last session has gone, and release() with it: nothing is made anew
    }
    scratch& own = scratch_of(g);
    if (now < own.refused_until) {
        return false;
    }
    if (link_record* l = link(own.link); l != nullptr && l->core.ready()) {
        couriers_.send_trial(w, *l, now);
        return true;
    }
    own.marker = w.id;
    go_on(g, own, now);
    return true;
}

std::size_t subscribe_trials::recount() const noexcept
{
    return memory_.size() * memory_.entry_bytes + open() * sizeof(trial);
}

std::size_t subscribe_trials::open() const noexcept
{
    std::size_t all = 0;
    for (const auto& [key, own] : scratches_) {
        all += own.trials.size();
    }
    return all;
}

} // namespace gateway
