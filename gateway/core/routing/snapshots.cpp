// Numbers of a shard: what the API shows, and what the budget should say.

#include "gateway/core/routing/snapshots.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

namespace {

std::uint64_t control::session_counts::*label_of(const client_session& s) noexcept
{
    using counts = control::session_counts;
    if (s.pinned != 0 || s.parked) {
        return s.pinned != 0 ? &counts::pinned : &counts::parked;
    }
    switch (s.state) {
    case session_state::connecting: return &counts::connecting;
    case session_state::waiting: return &counts::waiting;
    case session_state::active: return &counts::active;
    case session_state::quiescing: return &counts::quiescing;
    case session_state::held: return &counts::held;
    case session_state::rebinding: return &counts::rebinding;
    case session_state::closing: return &counts::closing;
    }
    return &counts::closing;
}

} // namespace

std::size_t snapshots::said_by(session_id id) const noexcept
{
    const client_session* s = find(id);
    return s == nullptr           ? 0
           : s->who != nullptr    ? s->who->key.size()
           : s->rare_part != nullptr ? bytes_of(s->rare_part->handshake)
                                     : 0;
}

std::size_t snapshots::kept_for(session_id id) const noexcept
{
    const client_session* s = find(id);
    if (s == nullptr) {
        return 0;
    }
    const bool alone = s->who == nullptr || s->who->sessions == 1;
    return (alone ? said_by(id) : 0) + s->waiting_bytes +
           (s->transactions ? s->transactions->bytes() : 0) + s->ledger.bytes() +
           s->journal.bytes() + (s->part ? s->part->receipts_held.bytes() : 0) +
           s->owed * sizeof(broker::owed_answer);
}

by<held_kind, gauge> snapshots::recount() const
{
    by<held_kind, gauge> all;
    for (const auto& [key, who] : tables_.identities) {
        all[held_kind::sessions] += key.size();
    }
    for (const auto& [id, l] : tables_.links) {
        l->core.owed().for_each([&](const broker::owed_answer& owed) {
            all[held_kind::receipts] += broker::owed_answers::weight(owed);
        });
    }
    for (const auto& [id, s] : tables_.sessions) {
        all[held_kind::sessions] += s->journal.bytes();
        if (s->rare_part) {
            all[held_kind::sessions] += bytes_of(s->rare_part->handshake);
        }
        if (s->origin) {
            all[held_kind::sessions] += s->origin->bytes();
        }
        if (s->part) {
            for (const std::string& receipt : s->part->receipts) {
                all[held_kind::receipts] += switch_part::weight(receipt);
            }
        }
        if (s->waiting) {
            for (const buffered_frame& f : *s->waiting) {
                all[held_kind::frames] += weight(f.frame);
            }
        }
        all[held_kind::deliveries] += s->ledger.recount();
        if (s->transactions) {
            all[held_kind::frames] += s->transactions->recount();
        }
    }
    return all;
}

control::member_snapshot snapshots::snapshot() const
{
    control::member_snapshot shot;
    shot.clients = tables_.sessions.size();
    for (const auto& [id, s] : tables_.sessions) {
        const auto label = label_of(*s);
        ++(shot.sessions.*label);
        ++(shot.by_color[s->live].*label);
        if (label == &control::session_counts::parked) {
            shot.parked_until[s->live] =
                std::min(shot.parked_until[s->live], s->parked_since + settings_.park_timeout);
        }
        shot.bound[s->live] += s->connected();
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
                 .last_error = pool.last_error(i),
                 .removed = pool.at(i).removed});
        }
    }
    for (const auto& [id, l] : tables_.links) {
        if (l->core.state() != broker::link_state::dialling) {
            ++shot.endpoints[l->at().color][l->at().index].links;
        }
    }
    return shot;
}

std::vector<control::session_snapshot> snapshots::sessions(time_point now) const
{
    std::vector<control::session_snapshot> all;
    all.reserve(tables_.sessions.size());
    const auto sends = sends_.by_session();
    for (const auto& [id, s] : tables_.sessions) {
        const binding& b = s->now();
        control::session_snapshot one;
        one.id = name_of(s->id);
        one.peer = s->peer;
        one.login = s->who == nullptr ? std::string_view{} : s->who->login;
        one.state = s->pinned != 0 ? "pinned" : s->parked ? "parked" : to_string(s->state);
        one.color = to_string(s->live);
        one.endpoint =
            b.group == nullptr ? "" : settings_.endpoints[s->live][b.group->at.index].name;
        one.version = s->connected() ? to_string(s->version) : "";
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

std::uint64_t snapshots::links_to_dial(color target) const
{
    std::uint64_t links = 0;
    const bool websocket =
        std::ranges::any_of(settings_.endpoints[target], [](const auto& e) { return e.websocket; });
    const bool dedicated = !settings_.shared || websocket;
    net::hash_map<const identity*, bool> several; // whether it has more than one
    for (const auto& [id, s] : tables_.sessions) {
        if (s->who == nullptr || (!s->connected() && s->awaits_quota)) {
            continue; // D3: who waits for its login's limit has no standby
        }
        const bool own =
            dedicated || session_links_.needs_own(*s) || (s->now().group != nullptr && s->now().group->dedicated);
        links += own && s->bindings[target].own == link_id::none;
        const auto [known, first] = several.try_emplace(s->who, false);
        known->second |= !first;
    }
    if (!dedicated) {
        for (const auto& [who, more] : several.in_any_order()) { // any order: a sum
            links += 2 + more; // and one to try their SUBSCRIBEs on
        }
    }
    return links;
}

} // namespace gateway
