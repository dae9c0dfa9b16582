// Share groups: which shared link a session rides on, who waits for one, and when a group ends.

#include "gateway/core/routing/router.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr auto dial_again = std::chrono::milliseconds{20};
// Sessions or wire subscriptions on each shared link of a role before another is dialled (up to
// links_per_key).
constexpr std::size_t link_load = 64;
// SUBSCRIBEs that were tried and are open on one shared link.
constexpr std::size_t tried_window = 64;
// More than these on a link are not looked through for whose they are.
constexpr std::size_t own_wires_most = 64;

} // namespace

// D1: who is known goes ahead of strangers.
broker::dial_class router::dial_class_of(const share_group& g, time_point now) const noexcept
{
    if (g.at.color != shard_.live) {
        return broker::dial_class::standby;
    }
    const auto judged = judged_.find(g.who->digest, now);
    if (judged == verdict::refused) {
        return broker::dial_class::refused;
    }
    return judged || g.who->negotiated ? broker::dial_class::known : broker::dial_class::unknown;
}

share_group& router::group_for(identity& who, endpoint_ref at)
{
    auto& slot = tables_.groups[{who.number, at}];
    if (!slot) {
        slot = std::make_unique<share_group>();
        slot->who = &who;
        slot->at = at;
        const auto dialect = settings_.dialects[at.color];
        slot->rung = broker::first_rung(dialect);
        // design.md section 5, B4: ws:// ties the user to the handshake; 1.0 clients have no
        // receipts to rely on.
        slot->dedicated = !settings_.shared || pool_of(at.color).at(at.index).websocket ||
                          who.highest == stomp::version::v10 ||
                          slot->rung == broker::trial_rung::nothing;
        if (!broker::has_addresses(dialect)) {
            slot->known.marker = broker::tried::no;
        }
    }
    return *slot;
}

bool router::may_dial(share_group& g, client_session& s, time_point now, link_role role)
{
    const time_point again = std::max(
        g.retry_at,
        role == link_role::own ? short_lives_.not_before(s.id, g.at.color) : time_point{});
    if (now >= again && pool_of(g.at.color).healthy(g.at.index)) {
        return true;
    }
    at(std::max(again, now + dial_again), due::session_retry, number(s.id));
    return false;
}

void router::wait_in(share_group& g, client_session& s, binding& b)
{
    if (!b.queued) {
        b.queued = true;
        g.waiting.push_back(s.id);
    }
}

link_record* router::pick_publish(share_group& g, client_session& s, time_point now)
{
    link_record* best = nullptr;
    bool dialling = false;
    for (const link_id id : g.publish) {
        link_record& l = *link(id);
        if (l.core.ready()) {
            if (best == nullptr || l.users.size() < best->users.size()) {
                best = &l;
            }
        } else {
            dialling |= !l.core.leaving();
        }
    }
    if (!dialling && g.publish.size() < settings_.links_per_key &&
        (best == nullptr || (best->users.size() >= link_load && quotas_.has_room(g, 1))) &&
        may_dial(g, s, now, link_role::publish)) {
        dial(g, link_role::publish, session_id::none, now);
    }
    return best;
}

link_record* router::pick_subscribe(share_group& g, color c, time_point now)
{
    link_record* best = nullptr;
    link_record* open = nullptr;
    bool dialling = false;
    for (const link_id id : g.subscribe) {
        link_record& l = *link(id);
        if (!l.core.ready()) {
            dialling |= !l.core.leaving();
            continue;
        }
        if (open == nullptr || l.wires.size() < open->wires.size()) {
            open = &l;
        }
        const bool alone = l.untried != session_id::none && l.open_subscribes > 0;
        if (!alone && l.open_subscribes < tried_window &&
            (best == nullptr || l.wires.size() < best->wires.size())) {
            best = &l;
        }
    }
    if (!dialling && g.subscribe.size() < settings_.links_per_key &&
        (open == nullptr || (open->wires.size() >= link_load && quotas_.has_room(g, 1))) &&
        now >= g.retry_at &&
        pool_of(c).healthy(g.at.index)) {
        dial(g, link_role::subscribe, session_id::none, now);
    }
    return best;
}

bool router::carries_only(const link_record& l, const client_session& s) const
{
    return l.wires.size() <= own_wires_most && std::ranges::all_of(l.wires, [&](wire_id id) {
        const wire_subscription* w = wire(id);
        return w == nullptr || std::ranges::all_of(w->members, [&](const wire_member& m) {
            return m.session == s.id;
        });
    });
}

// E10: a link that nobody else reads, for a SUBSCRIBE that nothing tried. `waits`: said, any link
// is one; answered, such a link is coming or will be free.
link_record* router::pick_untried(share_group& g, const client_session& s, bool& waits)
{
    const bool any = std::exchange(waits, true);
    bool ready = false;
    for (const link_id id : g.subscribe) {
        link_record& l = *link(id);
        if (!l.core.ready()) {
            continue;
        }
        ready = true;
        if (!any && !carries_only(l, s)) {
            continue;
        }
        const bool free = l.open_subscribes == 0 ||
                          (l.untried == s.id && l.open_subscribes < g.subscribe_window);
        if (free) {
            return &l;
        }
        if (!any) {
            return nullptr; // its own: one behind the other, so that an ERROR tells whose it is
        }
    }
    waits = any || !ready;
    return nullptr;
}

bool router::wait_turn(share_group& g, client_session& s, binding& b, time_point now)
{
    if (!b.queued) {
        b.queued = true;
        g.turns.push_back(s.id);
    }
    retry_turns(g, now);
    return false;
}

// Where no subscribe link is there or coming, none will wake who waits for it: the next in line
// asks again.
void router::retry_turns(share_group& g, time_point now)
{
    if (!g.turns.empty() &&
        std::ranges::all_of(g.subscribe, [&](link_id id) { return link(id)->core.leaving(); })) {
        at(std::max(g.retry_at, now + dial_again), due::session_retry, number(g.turns.front()));
    }
}

void router::forget_links(client_session& s, binding& b, time_point now)
{
    if (link_record* own = link(b.own)) {
        leave(*own, now);
    }
    if (link_record* publish = link(b.publish); publish != nullptr && b.publish != b.own) {
        std::erase(publish->users, s.id);
    }
    b.own = b.publish = link_id::none;
    b.moving = false;
}

void router::unbind(client_session& s, color c, time_point now)
{
    binding& b = s.bindings[c];
    if (c == s.live) {
        quotas_.forget(s);
    }
    forget_links(s, b, now);
    if (s.answers) {
        s.answers->forget_owed(c);
    }
    if (share_group* g = b.group) {
        std::erase(g->waiting, s.id);
        std::erase(g->turns, s.id);
        retry_turns(*g, now);
        --g->bindings;
        if (g->who->negotiated && g->refused.empty()) {
            judge(*g, verdict::let_in, now); // D1: an hour from its last session
        }
        pool_of(c).on_unbound(g->at.index);
        b = {};
        release_group(*g, now);
    }
    b = {};
}

void router::release_group(share_group& g, time_point now)
{
    if (g.bindings > 0) {
        return;
    }
    ++g.links; // keeps the group while its links leave, each of which may be its last
    trials_.release(g, now);
    for (const auto& ids : {g.publish, g.subscribe}) { // copies: leaving may erase
        for (const link_id id : ids) {
            if (link_record* l = link(id); l != nullptr && id != g.lingers) {
                leave(*l, now);
            }
        }
    }
    --g.links;
    drop_if_unused(g);
}

// What the couriers kept until the seams of a switch were over.
void router::release_kept(const std::vector<share_group*>& kept, time_point now)
{
    for (share_group* g : kept) {
        --g->bindings;
        release_group(*g, now);
    }
}

void router::drop_if_unused(share_group& g)
{
    if (g.bindings == 0 && g.links == 0) {
        identity& who = *g.who;
        trials_.forget(g);
        tables_.groups.erase(g.key());
        release_identity(who);
    }
}

void router::release_identity(identity& who)
{
    if (who.sessions > 0) {
        return;
    }
    const auto first = tables_.groups.lower_bound({who.number, endpoint_ref{}});
    if (first == tables_.groups.end() || first->first.first != who.number) {
        release(held_kind::sessions, who.key.size());
        tables_.identities.erase(tables_.identities.find(who.key));
    }
}

void router::wake(share_group& g, time_point now)
{
    ++g.links; // a session that finds another endpoint must not pull the group away
    auto waiting = std::exchange(g.waiting, {});
    const color c = g.at.color;
    for (const session_id id : waiting) {
        if (client_session* s = find(id)) {
            s->bindings[c].queued = false;
            advance(*s, c, now);
        }
    }
    wake_turns(g, now);
    --g.links;
    drop_if_unused(g);
}

// REQUIRES: the group is kept by a link.
void router::wake_turns(share_group& g, time_point now)
{
    const color c = g.at.color;
    for (std::size_t most = g.turns.size(); most > 0 && !g.turns.empty(); --most) {
        if (pick_subscribe(g, c, now) == nullptr) {
            retry_turns(g, now);
            return; // no window is open
        }
        client_session* s = find(g.turns.front());
        g.turns.pop_front();
        if (s != nullptr) {
            s->bindings[c].queued = false;
            advance(*s, c, now);
        }
    }
}

} // namespace gateway
