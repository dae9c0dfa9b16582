#pragma once

// Numbers of a shard: what the API shows, and the right values of the memory budget.
//
// Threading:  belongs to one shard.

#include "gateway/core/links/session_links.hpp"
#include "gateway/core/messages/send_accounts.hpp"

namespace gateway {

class snapshots : workbench {
public:
    snapshots(shard_state& shard, session_links& session_links, send_accounts& sends) noexcept
        : workbench(shard), session_links_(session_links), sends_(sends)
    {
    }

    control::member_snapshot snapshot() const;
    std::vector<control::session_snapshot> sessions(time_point now) const;
    std::uint64_t links_to_dial(color target) const; // preflight
    // The right value of the budget, by a walk over everything; for checks.
    by<held_kind, gauge> recount() const;
    // Bytes of its CONNECT and of its handshake that a session keeps.
    std::size_t said_by(session_id id) const noexcept;
    // Everything that it makes this shard keep, beside its driver's buffers.
    std::size_t kept_for(session_id id) const noexcept;

private:
    session_links& session_links_;
    send_accounts& sends_;
};

} // namespace gateway
