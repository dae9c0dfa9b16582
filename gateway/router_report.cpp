// Numbers: what a switch's report counts, what the API shows.

#include "gateway/router.hpp"

#include <algorithm>

namespace gateway {

control::session_failure
router::failure(const client_session& s, endpoint_ref at, std::string why) const
{
    return {name_of(s.id), name_of(at), std::move(why)};
}

// accepted = confirmed + unconfirmed + open + held + refused + in_doubt: `open` is counted on the
// links, not derived, so that the identity is a check.
control::tally router::current_tally() const
{
    control::tally now = switch_.tally;
    const color old = switch_.from;
    for (const auto& [id, l] : tables_.links) {
        now.open += l->core.counted_silent();
        l->core.owed().for_each([&](const broker::owed_answer& owed) {
            const bool send =
                owed.kind == broker::owed_kind::send || owed.kind == broker::owed_kind::commit;
            now.open += send && owed.counted && !owed.doubted;
            now.receipts_open +=
                send && l->at().color == old && !owed.doubted && !owed.client_receipt.empty();
        });
    }
    now.fence_best_effort |= std::ranges::any_of(tables_.groups, [&](const auto& g) {
        // Also where only a link of who has gone still writes: nothing proves when it has ended.
        return g.second->at.color == old && (g.second->bindings > 0 || g.second->links > 0) &&
               g.second->known.barrier != broker::barrier_kind::routed &&
               g.second->known.barrier != broker::barrier_kind::unknown;
    });
    now.drained = !in_switch() && switch_.draining.empty() && seams_.empty();
    now.frames_carried = bytes_waiting();
    return now;
}

// C9: what a committed switch still waits for when the next one begins stays its own. The SENDs
// that are open now count in the next one's report.
void router::keep_past(control::switch_number id)
{
    if (!switch_.committed) {
        return;
    }
    switch_.committed = false;
    control::tally numbers = current_tally();
    numbers.receipts_open = 0;
    numbers.drained = true; // what lingers is taken up again, or drained by the next one (S10)
    switch_.past.push_back({id, std::move(numbers)});
    tell_past();
}

void router::tell_past()
{
    for (const past_switch& one : switch_.past) {
        out_.report({.id = one.id, .from = settings_.shard, .what = control::numbers{one.numbers}});
    }
    std::erase_if(
        switch_.past, [&](const past_switch& one) { return !seams_.any_made_by(one.id); });
}

std::uint64_t router::bytes_waiting() const noexcept
{
    std::uint64_t bytes = 0;
    for (const auto& [id, s] : tables_.sessions) {
        bytes += s->waiting_bytes;
    }
    return bytes;
}

control::member_snapshot router::snapshot() const
{
    control::member_snapshot shot;
    shot.clients = tables_.sessions.size();
    for (const auto& [id, s] : tables_.sessions) {
        auto& n = shot.sessions;
        if (s->pinned != 0) {
            ++n.pinned;
        } else if (s->parked) {
            ++n.parked;
        } else {
            switch (s->state) {
            case session_state::connecting: ++n.connecting; break;
            case session_state::waiting: ++n.waiting; break;
            case session_state::active: ++n.active; break;
            case session_state::quiescing: ++n.quiescing; break;
            case session_state::held: ++n.held; break;
            case session_state::rebinding: ++n.rebinding; break;
            case session_state::closing: ++n.closing; break;
            }
        }
        shot.bound[s->live] += s->connected;
    }
    for (const color c : broker::colors) {
        const auto& pool = *shard_.pools[c];
        for (std::size_t i = 0; i < pool.size(); ++i) {
            shot.endpoints[c].push_back(
                {.name = pool.at(i).name,
                 .url = pool.at(i).url,
                 .healthy = pool.healthy(i),
                 .draining = pool.draining(i),
                 .sessions = pool.sessions(i),
                 .last_error = pool.last_error(i)});
        }
    }
    for (const auto& [id, l] : tables_.links) {
        if (l->core.state() != broker::link_state::dialling) {
            ++shot.endpoints[l->at().color][l->at().index].links;
        }
    }
    return shot;
}

std::vector<control::session_snapshot> router::sessions(time_point now) const
{
    std::vector<control::session_snapshot> all;
    all.reserve(tables_.sessions.size());
    const auto sends = sends_.by_session();
    for (const auto& [id, s] : tables_.sessions) {
        const binding& b = s->now();
        control::session_snapshot one;
        one.id = name_of(s->id);
        one.peer = s->peer;
        one.login = s->who == nullptr ? "" : s->who->login;
        one.state = s->pinned != 0 ? "pinned" : s->parked ? "parked" : to_string(s->state);
        one.color = to_string(s->live);
        one.endpoint =
            b.group == nullptr ? "" : settings_.endpoints[s->live][b.group->at.index].name;
        one.version = s->connected ? to_string(s->version) : "";
        one.subscriptions = s->journal.size();
        one.frames_in = s->frames_in;
        one.frames_out = s->frames_out;
        one.outbox_bytes = out_.client_appended(s->id) - out_.client_written(s->id);
        one.carried_bytes = s->waiting_bytes;
        one.age_s = std::chrono::duration<double>(now - s->since).count();
        one.rate =
            one.age_s > 0 ? static_cast<double>(s->frames_in + s->frames_out) / one.age_s : 0;
        one.held_ms =
            s->state == session_state::held || s->state == session_state::quiescing
                ? std::chrono::duration<double, std::milli>(now - s->part->held_at).count()
                : 0;
        if (const auto of = sends.find(id); of != sends.end()) {
            one.sends = of->second;
        }
        one.shared = b.group != nullptr && !b.group->dedicated;
        all.push_back(std::move(one));
    }
    return all;
}

bool router::disconnect(std::string_view name, time_point now)
{
    for (const session_id id : tables_.all_sessions()) {
        if (name_of(id) != name) {
            continue;
        }
        client_session& s = *find(id);
        if (s.state == session_state::quiescing || s.state == session_state::held) {
            s.close_wanted = disconnect_reason::admin; // S4
        } else {
            close(s, disconnect_reason::admin, "disconnected by the operator");
            end_session(s, now);
        }
        run_later(now);
        return true;
    }
    return false;
}

std::uint64_t router::links_to_dial(color target) const
{
    std::uint64_t links = 0;
    const bool websocket =
        std::ranges::any_of(settings_.endpoints[target], [](const auto& e) { return e.websocket; });
    const bool dedicated = !settings_.shared || websocket;
    for (const auto& [id, s] : tables_.sessions) {
        const bool own =
            dedicated || needs_own(*s) || (s->now().group != nullptr && s->now().group->dedicated);
        links += own && s->bindings[target].own == link_id::none;
    }
    return dedicated ? links : links + 2 * tables_.identities.size();
}

} // namespace gateway
