// Share groups: which shared link a session rides on, and who waits for one.

#include "gateway/core/links/share_groups.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr auto dial_again = std::chrono::milliseconds{20};

// H8: a link that leaves may wait for confirms up to connect_timeout. It takes no place of those
// that serve, as long as there are no more of its kind than of these.
bool has_place(std::size_t all, std::size_t leaving, std::size_t most) noexcept
{
    return all - leaving < most && leaving <= most;
}

// Sessions or wire subscriptions on each shared link of a role before another is dialled (up to
// links_per_key).
constexpr std::size_t link_load = 64;

// SUBSCRIBEs that were tried and are open on one shared link.
constexpr std::size_t tried_window = 64;

// More than these on a link are not looked through for whose they are.
constexpr std::size_t own_wires_most = 64;

// brokers.md H26: ActiveMQ takes one connection of each client-id.
bool says_client_id(const identity& who) noexcept
{
    return who.connect_head.starts_with("client-id:") ||
           who.connect_head.find("\nclient-id:") != who.connect_head.npos;
}

} // namespace

share_group& share_groups::group_for(identity& who, endpoint_ref at)
{
    auto& slot = tables_.groups[{who.number, at}];
    if (!slot) {
        slot = std::make_unique<share_group>();
        slot->who = &who;
        slot->at = at;
        const auto dialect = settings_.dialects[at.color];
        const bool websocket = pool_of(at.color).at(at.index).websocket;
        slot->rung = broker::first_rung(dialect, websocket);
        // design.md section 5, B4: ws:// ties the user to the handshake; 1.0 clients have no
        // receipts to rely on.
        slot->dedicated = !settings_.shared || websocket || who.highest == stomp::version::v10 ||
                          slot->rung == broker::trial_rung::nothing || says_client_id(who);
        if (tables_.silent.contains(at)) { // B2
            slot->known.barrier = broker::barrier_kind::none;
        }
        if (!broker::has_addresses(dialect)) {
            slot->known.marker = broker::tried::no;
        }
    }
    return *slot;
}

bool share_groups::may_dial(share_group& g, client_session& s, time_point now, link_role role)
{
    const time_point again = std::max(
        g.retry_at,
        role == link_role::own ? links_.own_not_before(s.id, g.at.color) : time_point{});
    if (now >= again && pool_of(g.at.color).healthy(g.at.index)) {
        return true;
    }
    at(std::max(again, now + dial_again), due::session_retry, number(s.id));
    return false;
}

void share_groups::wait_in(share_group& g, client_session& s, binding& b)
{
    if (!b.queued) {
        b.queued = true;
        g.waiting.push_back(s.id);
    }
}

link_record* share_groups::pick_publish(share_group& g, client_session& s, time_point now)
{
    link_record* best = nullptr;
    bool dialling = false;
    std::size_t leaving = 0;
    for (const link_id id : g.publish) {
        link_record& l = *link(id);
        leaving += l.core.leaving();
        if (l.core.ready()) {
            if (best == nullptr || l.users.size() < best->users.size()) {
                best = &l;
            }
        } else {
            dialling |= !l.core.leaving();
        }
    }
    if (!dialling && has_place(g.publish.size(), leaving, settings_.links_per_key) &&
        (best == nullptr || (best->users.size() >= link_load && quotas_.has_room(g, 1))) &&
        may_dial(g, s, now, link_role::publish)) {
        links_.dial(g, link_role::publish, session_id::none, now);
    }
    return best;
}

link_record* share_groups::pick_subscribe(share_group& g, color c, time_point now)
{
    link_record* best = nullptr;
    link_record* open = nullptr;
    bool dialling = false;
    std::size_t leaving = 0;
    for (const link_id id : g.subscribe) {
        link_record& l = *link(id);
        leaving += l.core.leaving();
        if (!l.core.ready()) {
            dialling |= !l.core.leaving();
            continue;
        }
        if (open == nullptr || l.wires.size() < open->wires.size()) {
            open = &l;
        }
        if (!is_risked(l) && l.open_subscribes < tried_window &&
            (best == nullptr || l.wires.size() < best->wires.size())) {
            best = &l;
        }
    }
    if (!dialling && has_place(g.subscribe.size(), leaving, settings_.links_per_key) &&
        (open == nullptr || (open->wires.size() >= link_load && quotas_.has_room(g, 1))) &&
        now >= g.retry_at && pool_of(c).healthy(g.at.index)) {
        links_.dial(g, link_role::subscribe, session_id::none, now);
    }
    return best;
}

bool share_groups::carries_only(const link_record& l, const client_session& s) const
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
link_record* share_groups::pick_untried(share_group& g, const client_session& s, bool& waits)
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
        const bool free = (l.open_subscribes == 0 && !is_risked(l, s)) ||
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

bool share_groups::wait_turn(share_group& g, client_session& s, binding& b, time_point now)
{
    if (!b.queued) {
        b.queued = true;
        g.turns.push_back(s.id);
    }
    retry_turns(g, now);
    return false;
}

// If no subscribe link exists or is being dialled, none will wake the sessions that wait for one.
// So the next in line asks again.
void share_groups::retry_turns(share_group& g, time_point now)
{
    if (!g.turns.empty() &&
        std::ranges::all_of(g.subscribe, [&](link_id id) { return link(id)->core.leaving(); })) {
        at(std::max(g.retry_at, now + dial_again), due::session_retry, number(g.turns.front()));
    }
}

} // namespace gateway
