// Which links a session needs on a color, and how it gets them: connect, standby, rebind, park and leave are one
// function, advance(), that looks at what is missing and asks for it. It never ends a session.

#include "gateway/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

constexpr auto dial_again = std::chrono::milliseconds{20};
// Sessions or wire subscriptions on each shared link of a role before another is dialled (up to links_per_key).
constexpr std::size_t link_load = 64;

} // namespace

broker::dial_class router::dial_class_of(color c) const noexcept
{
    return c == live_ ? broker::dial_class::client : broker::dial_class::standby;
}

share_group& router::group_for(identity& who, endpoint_ref at)
{
    auto& slot = groups_[{&who, at}];
    if (!slot) {
        slot = std::make_unique<share_group>();
        slot->who = &who;
        slot->at = at;
        const auto dialect = settings_.dialects[at.color];
        slot->rung = broker::first_rung(dialect);
        // DESIGN.md section 5, B4: ws:// ties the user to the handshake; 1.0 clients have no receipts to rely on.
        slot->dedicated = !settings_.shared || pool_of(at.color).at(at.index).websocket ||
            who.highest == stomp::version::v10 || slot->rung == broker::trial_rung::nothing;
        if (!broker::has_addresses(dialect)) {
            slot->known.marker = broker::tried::no;
        }
    }
    return *slot;
}

bool router::choose_endpoint(client_session& s, binding& b, color c, time_point)
{
    const auto index = pool_of(c).pick();
    if (!index) {
        return false;
    }
    b.group = &group_for(*s.who, {c, static_cast<std::uint16_t>(*index)});
    ++b.group->bindings;
    pool_of(c).on_bound(*index);
    return true;
}

bool router::needs_own(const client_session& s) const
{
    return s.on_own || s.replies ||
        std::ranges::any_of(s.journal, [](const auto& sub) { return !sub->shareable || sub->own_only; });
}

bool router::advance(client_session& s, color c, time_point now)
{
    binding& b = s.bindings[c];
    if (s.who == nullptr || b.at == binding::phase::draining || s.state == session_state::waiting) {
        return false; // S7: an attempt that the hold dropped may still come up
    }
    // S15: nothing more is subscribed on the old color in the hold, whatever link comes up.
    if (c == s.live && (s.state == session_state::quiescing || s.state == session_state::held)) {
        return false;
    }
    // A link that was dialled for a standby may come up after the abort: nothing is bound for it any more.
    if (c != s.live && (!in_switch() || !s.part || s.part->failed)) {
        return false;
    }
    if (b.at == binding::phase::none) {
        b.at = binding::phase::wanted;
    }
    if (b.group != nullptr && b.at == binding::phase::wanted && b.own == link_id::none && b.publish == link_id::none &&
        !pool_of(c).healthy(b.group->at.index) &&
        (pool_of(c).pick() || std::ranges::all_of(s.journal, [&](const auto& sub) { return wire(sub->wires[c]) == nullptr; }))) {
        unbind(s, c, now); // another endpoint answers, or none: then it parks until a probe finds one
        b.at = binding::phase::wanted;
    }
    if (b.group == nullptr && !choose_endpoint(s, b, c, now)) {
        if (c == s.live) {
            park(s, now);
        } else {
            standby_failed(s, "no endpoint of " + std::string{to_string(c)} + " answers", now);
        }
        return false;
    }
    if (!bind_links(s, b, c, now) || !replay(s, b, c, now)) {
        return false;
    }
    if (b.at == binding::phase::wanted) {
        b.at = binding::phase::ready;
        on_bound(s, c, now);
    }
    return true;
}

bool router::may_dial(share_group& g, client_session& s, time_point now)
{
    if (now >= g.retry_at && pool_of(g.at.color).healthy(g.at.index)) {
        return true;
    }
    at(std::max(g.retry_at, now + dial_again), due::session_retry, number(s.id));
    return false;
}

void router::wait_in(share_group& g, client_session& s, binding& b)
{
    if (!b.queued) {
        b.queued = true;
        g.waiting.push_back(s.id);
    }
}

bool router::bind_links(client_session& s, binding& b, color, time_point now)
{
    share_group& g = *b.group;
    if (!g.refused.empty()) {
        refusals_.push_back({s.id, g.at.color, g.refused});
        return false;
    }
    if (g.known.barrier == broker::barrier_kind::unknown) { // B1: one link tries, the others wait for it
        if (g.trial == link_id::none && may_dial(g, s, now)) {
            const bool own = g.dedicated;
            g.trial = dial(g, own ? link_role::own : link_role::publish, own ? s.id : session_id::none, now).core.id();
            if (own) {
                b.own = b.publish = g.trial;
            }
        }
        wait_in(g, s, b);
        return false;
    }
    link_record* own = link(b.own);
    if ((g.dedicated || needs_own(s)) && own == nullptr) {
        if (!may_dial(g, s, now)) {
            return false;
        }
        own = &dial(g, link_role::own, s.id, now);
        b.own = own->core.id();
    }
    if (g.dedicated) {
        b.publish = b.own;
        return own->core.ready();
    }
    link_record* publish = link(b.publish);
    if (publish == nullptr || publish->core.leaving()) {
        publish = pick_publish(g, s, now);
        if (publish == nullptr) {
            wait_in(g, s, b);
            return false;
        }
        b.publish = publish->core.id();
        publish->users.push_back(s.id);
    }
    if (own != nullptr && own->core.ready()) {
        move_to_own(s, b, now);
    }
    return own == nullptr || own->core.ready();
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
    if (!dialling && g.publish.size() < settings_.links_per_key && (best == nullptr || best->users.size() >= link_load) &&
        may_dial(g, s, now)) {
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
        if (l.open_subscribes < g.subscribe_window && (best == nullptr || l.wires.size() < best->wires.size())) {
            best = &l;
        }
    }
    if (!dialling && g.subscribe.size() < settings_.links_per_key && (open == nullptr || open->wires.size() >= link_load) &&
        now >= g.retry_at && pool_of(c).healthy(g.at.index)) {
        dial(g, link_role::subscribe, session_id::none, now);
    }
    return best;
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

// Where no subscribe link is there or coming, none will wake who waits for it: the next in line asks again.
void router::retry_turns(share_group& g, time_point now)
{
    if (!g.turns.empty() && std::ranges::all_of(g.subscribe, [&](link_id id) { return link(id)->core.leaving(); })) {
        at(std::max(g.retry_at, now + dial_again), due::session_retry, number(g.turns.front()));
    }
}

// The journal on that color: broadcast subscriptions that some broker confirmed for a standby (S9), all of them for
// the live color. True when each has a confirmed wire subscription.
bool router::replay(client_session& s, binding& b, color c, time_point now)
{
    const bool standby = c != s.live;
    bool complete = true;
    for (const auto& sub : s.journal) {
        if (standby && (!sub->broadcast || !sub->confirmed)) {
            continue;
        }
        if (sub->wires[c] == wire_id::none) {
            if (!standby && sub->held_back) {
                continue; // queue_order: strict, the old color still gives
            }
            if (!subscribe(s, *sub, c, standby ? member_state::standby : member_state::live, now)) {
                complete = false;
                if (b.queued) {
                    break; // in line for a turn: what comes behind keeps its order
                }
                continue;
            }
        }
        const wire_subscription* w = wire(sub->wires[c]);
        complete &= w != nullptr && w->state == wire_state::confirmed;
    }
    return complete;
}

void router::on_bound(client_session& s, color c, time_point now)
{
    if (c != s.live) {
        standby_ready(s, now);
        return;
    }
    s.parked = false;
    if (s.state == session_state::connecting) {
        share_group& g = *s.now().group;
        s.version = *s.who->negotiated;
        s.connected = true;
        auto& frame = out_.scratch().begin(stomp::command::connected);
        frame.raw("version", to_string(s.version));
        const auto ms = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(settings_.client_heart_beat).count());
        frame.raw("heart-beat", ms + "," + ms).raw("session", name_of(s.id));
        std::string head{frame.bytes()};
        head += g.connected_head;
        head += '\n';
        ++counters_.frames[side::client][direction::out][frame_kind::connected];
        out_.write_client(s.id, head, std::string_view{}, framing::text);
        out_.client_up(s.id, s.version, s.rare().client_heart_beat);
        s.rare_part.reset();
        enter(s, session_state::active, now);
        pump_later(s);
        if (in_switch()) {
            begin_standby(s, now);
        }
    } else if (s.state == session_state::rebinding) {
        enter(s, session_state::active, now);
        pump_later(s);
        if (in_switch() && !s.part) {
            begin_standby(s, now);
        }
    }
}

void router::on_refused(client_session& s, color c, const std::string& why, time_point now)
{
    const endpoint_ref where = s.bindings[c].group != nullptr ? s.bindings[c].group->at : endpoint_ref{c, 0};
    if (c != s.live) {
        standby_failed(s, name_of(where) + " refused: " + why, now);
        return;
    }
    switch (s.state) {
    case session_state::connecting:
    case session_state::rebinding:
        fail_client(s, why, {}, disconnect_reason::broker_refused, now); // an authentication ERROR is final
        return;
    case session_state::active: // a link of its own beside shared ones was refused
        fail_client(s, why, {}, disconnect_reason::broker_refused, now);
        return;
    default: return;
    }
}

void router::move_to_own(client_session& s, binding& b, time_point now)
{
    if (b.publish == b.own) {
        return;
    }
    link_record* publish = link(b.publish);
    // DESIGN.md section 5: its SENDs use the own link after a barrier on the publish link.
    if (publish != nullptr && s.last_send_link == b.publish && publish->core.proven_up_to() < s.last_send &&
        publish->core.ready()) {
        b.moving = true;
        ask_barrier(*publish, now);
        return;
    }
    if (publish != nullptr) {
        std::erase(publish->users, s.id);
    }
    b.publish = b.own;
    b.moving = false;
    pump_later(s);
}

void router::park(client_session& s, time_point now)
{
    if (s.state != session_state::connecting && s.state != session_state::rebinding) {
        return;
    }
    if (!s.parked) {
        s.parked = true;
        s.parked_since = now;
        at(now + settings_.park_timeout, due::session_park, number(s.id));
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
    forget_links(s, b, now);
    if (share_group* g = b.group) {
        std::erase(g->waiting, s.id);
        std::erase(g->turns, s.id);
        retry_turns(*g, now);
        --g->bindings;
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
    for (const auto& ids : {g.publish, g.subscribe}) { // copies: leaving may erase
        for (const link_id id : ids) {
            if (link_record* l = link(id)) {
                leave(*l, now);
            }
        }
    }
    --g.links;
    drop_if_unused(g);
}

void router::drop_if_unused(share_group& g)
{
    if (g.bindings == 0 && g.links == 0) {
        identity& who = *g.who;
        groups_.erase({&who, g.at});
        release_identity(who);
    }
}

void router::release_identity(identity& who)
{
    if (who.sessions > 0) {
        return;
    }
    const auto first = groups_.lower_bound({&who, endpoint_ref{}});
    if (first == groups_.end() || first->first.first != &who) {
        const std::string key = who.key;
        identities_.erase(key);
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
