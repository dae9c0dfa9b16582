// What each session makes a shard keep, and how one goes for it: limits.buffered_total. switch.md
// S14.

#include "gateway/core/routing/router.hpp"

#include <boost/assert.hpp>

#include <utility>

namespace gateway {

std::size_t
bytes_of(const std::vector<std::pair<std::string, std::string>>& handshake) noexcept
{
    std::size_t bytes = 0;
    for (const auto& [name, value] : handshake) {
        bytes += name.size() + value.size();
    }
    return bytes;
}

std::size_t router::said_by(session_id id) const noexcept
{
    const client_session* s = find(id);
    return s == nullptr           ? 0
           : s->who != nullptr    ? s->who->key.size()
           : s->rare_part != nullptr ? bytes_of(s->rare_part->handshake)
                                     : 0;
}

std::size_t router::kept_for(session_id id) const noexcept
{
    const client_session* s = find(id);
    if (s == nullptr) {
        return 0;
    }
    const bool alone = s->who == nullptr || s->who->sessions == 1;
    return (alone ? said_by(id) : 0) + s->waiting_bytes +
           (s->transactions ? s->transactions->bytes() : 0) + s->ledger.bytes() + s->owed * sizeof(broker::owed_answer);
}

void router::close_for_memory(session_id id, disconnect_reason why, time_point now)
{
    BOOST_ASSERT(may_close_for_memory());
    if (client_session* s = find(id)) {
        close(*s, why, "limits.buffered_total");
        end_session(*s, now);
    }
    run_later(now);
}

void router::stop_links_for_memory(bool on)
{
    if (on) {
        for (const auto& [id, l] : tables_.links) {
            if (l->core.ready() && l->core.role() != link_role::publish &&
                !l->core.barrier_open() && l->core.owed().open() == 0) {
                stopped_links_.push_back(l->core.id());
                out_.read_link(l->core.id(), false);
            }
        }
        return;
    }
    for (const link_id id : std::exchange(stopped_links_, {})) {
        if (link_record* l = link(id)) {
            const client_session* owner = find(l->owner);
            out_.read_link(id, owner == nullptr || may_read(*owner, *l));
        }
    }
}

// REQUIRES: it ends.
void router::forget_kept(client_session& s) noexcept
{
    release(held_kind::frames, s.waiting_bytes);
    s.waiting_bytes = 0;
    if (s.rare_part) {
        release(held_kind::sessions, bytes_of(s.rare_part->handshake));
    }
}

by<held_kind, gauge> router::recount() const
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
        if (s->rare_part) {
            all[held_kind::sessions] += bytes_of(s->rare_part->handshake);
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

} // namespace gateway
