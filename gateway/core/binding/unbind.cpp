// A session leaves a color; groups and who waits in them. docs/switch.md S8, S10.

#include "gateway/core/binding/binder.hpp"

#include <algorithm>

namespace gateway {

void binder::unbind(client_session& s, color c, time_point now)
{
    binding& b = s.bindings[c];
    if (c == s.live) {
        quotas_.forget(s);
    }
    session_links_.forget_links(s, b, now);
    if (s.answers) {
        s.answers->forget_owed(c);
    }
    if (share_group* g = b.group) {
        std::erase(g->waiting, s.id);
        std::erase(g->turns, s.id);
        groups_.retry_turns(*g, now);
        --g->bindings;
        if (g->who->negotiated && g->refused.empty()) {
            links_.judge(*g, link_table::verdict::let_in, now); // D1: an hour from its last session
        }
        pool_of(c).on_unbound(g->at.index);
        b = {};
        release_group(*g, now);
    }
    b = {};
}

void binder::release_group(share_group& g, time_point now)
{
    if (g.bindings > 0) {
        return;
    }
    ++g.links; // keeps the group while its links leave, each of which may be its last
    trials_.release(g, now);
    for (const auto& ids : {g.publish, g.subscribe}) { // copies: leaving may erase
        for (const link_id id : ids) {
            if (link_record* l = link(id); l != nullptr && id != g.lingers) {
                links_.leave(*l, now);
            }
        }
    }
    --g.links;
    links_.drop_if_unused(g);
}

// What the couriers kept until the seams of a switch were over.
void binder::release_kept(const std::vector<share_group*>& kept, time_point now)
{
    for (share_group* g : kept) {
        --g->bindings;
        release_group(*g, now);
    }
}

void binder::wake(share_group& g, time_point now)
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
    links_.drop_if_unused(g);
}

// REQUIRES: the group is kept by a link.
void binder::wake_turns(share_group& g, time_point now)
{
    const color c = g.at.color;
    for (std::size_t most = g.turns.size(); most > 0 && !g.turns.empty(); --most) {
        if (groups_.pick_subscribe(g, c, now) == nullptr) {
            groups_.retry_turns(g, now);
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
