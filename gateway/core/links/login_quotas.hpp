#pragma once

// How many links one login may have on the live color (limits.links_per_login). A login that adds a
// different CONNECT header to each session makes each session an identity with links of its own.
// Without a limit it would use up the broker's connections and the gateway's descriptors, for all
// clients (docs/outside.md D3).
//
// A session above the limit waits in order and asks again when a link of its login is gone. A group
// of shared links is charged for two links from its first one, so that an admitted session can
// subscribe. Standbys do not wait: they need as many links as their sessions have.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) The charge of a group is what its links were worth at the last recount().
// (2) A session that has gone does not wait: forget().

#include "broker/net/hash_map.hpp"
#include "gateway/core/pairing/digest_memory.hpp"
#include "gateway/core/tables/workbench.hpp"

#include <set>

namespace gateway {

class login_quotas : workbench {
public:
    explicit login_quotas(shard_state& shard) noexcept : workbench(shard) {}

    static constexpr std::string_view over_quota =
        "too many links of this login (limits.links_per_login)";

    void on_link(share_group& g, link_role role, bool gone, time_point now);
    void recount(share_group& g, time_point now); // it became dedicated
    // Whether so many more may be dialled.
    bool has_room(const share_group& g, std::size_t more) const;
    // The same for a session that needs them; false: it waits.
    bool admits(const share_group& g, client_session& s, std::size_t more, time_point now);
    void forget(client_session& s);

private:
    struct quota {
        broker::per_color<std::size_t> links{};
        std::set<std::uint64_t> waiting; // sessions, in order of their arrival
        time_point told{};
    };
    net::hash_map<digest128, quota> quotas_;
};

} // namespace gateway
