// Which links a session needs on a color, and how it gets them.

#include "gateway/core/links/session_links.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

constexpr auto dial_again_own = std::chrono::seconds{1};
constexpr auto dial_again_trial = std::chrono::milliseconds{20};

} // namespace

bool session_links::needs_own(const client_session& s) const
{
    return s.on_own || s.replies || std::ranges::any_of(s.journal, [](const auto& sub) {
               return !sub->shareable || sub->own_only;
           });
}

// D3: a session that is up and needs a link of its own waits no longer than for a broker.
bool session_links::may_have_own(share_group& g, client_session& s, time_point now)
{
    const bool waited = s.awaits_quota;
    if (quotas_.admits(g, s, 1, now)) {
        return true;
    }
    if (!waited) {
        s.rare().quota_by = now + settings_.park_timeout;
    }
    if (s.state == session_state::active && now >= s.rare().quota_by) {
        shard_.later.refusals.push_back({s.id, g.at.color, std::string{login_quotas::over_quota}});
    } else {
        at(std::max(now + dial_again_own, s.rare().quota_by), due::session_retry, number(s.id));
    }
    return false;
}

bool session_links::bind_links(client_session& s, binding& b, color, time_point now)
{
    share_group& g = *b.group;
    if (!g.refused.empty()) {
        shard_.later.refusals.push_back({s.id, g.at.color, g.refused, g.refused_by});
        return false;
    }
    if (g.known.barrier == broker::barrier_kind::unknown && tables_.silent.contains(g.at)) {
        g.known.barrier = broker::barrier_kind::none; // B2: another identity has found out
    }
    if (g.known.barrier ==
        broker::barrier_kind::unknown) { // B1: one link tries, the others wait for it
        // B2: what an application refuses ends the session that said it, and a login is a presence
        // event there. So one link that carries nothing else tries, one at a time for an endpoint.
        const bool apart =
            g.rung == broker::trial_rung::absent_queue_alone && !tables_.answering.contains(g.at);
        if (apart && g.trial == link_id::none && tables_.tries.contains(g.at)) {
            at(now + dial_again_trial, due::session_retry, number(s.id));
            return false;
        }
        const bool own = g.dedicated && !apart;
        const auto role = apart ? link_role::trial : own ? link_role::own : link_role::publish;
        if (g.trial == link_id::none && groups_.may_dial(g, s, now, role) &&
            quotas_.admits(g, s, own ? 1 : 2, now)) {
            g.trial = links_.dial(g, role, own ? s.id : session_id::none, now).core.id();
            if (own) {
                b.own = b.publish = g.trial;
            } else if (apart) {
                tables_.tries[g.at] = g.trial;
            }
        }
        groups_.wait_in(g, s, b);
        return false;
    }
    link_record* own = link(b.own);
    if ((g.dedicated || needs_own(s)) && own == nullptr) {
        if (!groups_.may_dial(g, s, now, link_role::own) || !may_have_own(g, s, now)) {
            return false;
        }
        own = &links_.dial(g, link_role::own, s.id, now);
        b.own = own->core.id();
    }
    if (g.dedicated) {
        b.publish = b.own;
        return own->core.ready();
    }
    link_record* publish = link(b.publish);
    if (publish == nullptr || publish->core.leaving()) {
        publish = groups_.pick_publish(g, s, now);
        if (publish == nullptr) {
            groups_.wait_in(g, s, b);
            return false;
        }
        b.publish = publish->core.id();
        publish->users.push_back(s.id);
    }
    if (own != nullptr && own->core.ready()) {
        move_to_own(s, b, now);
    }
    if (g.at.color == s.live) {
        quotas_.forget(s); // nothing is missing
    }
    return own == nullptr || own->core.ready();
}

void session_links::move_to_own(client_session& s, binding& b, time_point now)
{
    if (b.publish == b.own) {
        return;
    }
    link_record* publish = link(b.publish);
    // design.md section 5: its SENDs use the own link after a barrier on the publish link.
    if (publish != nullptr && s.last_send_link == b.publish &&
        publish->core.proven_up_to() < s.last_send && publish->core.ready()) {
        b.moving = true;
        links_.ask_barrier(*publish, now);
        return;
    }
    if (publish != nullptr) {
        std::erase(publish->users, s.id);
    }
    b.publish = b.own;
    b.moving = false;
    pump_later(s);
}

void session_links::forget_links(client_session& s, binding& b, time_point now)
{
    if (link_record* own = link(b.own)) {
        links_.leave(*own, now);
    }
    if (link_record* publish = link(b.publish); publish != nullptr && b.publish != b.own) {
        std::erase(publish->users, s.id);
    }
    b.own = b.publish = link_id::none;
    b.moving = false;
}

} // namespace gateway
