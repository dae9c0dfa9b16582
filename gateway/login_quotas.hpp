#pragma once

// How many links one login may have on the live color: limits.links_per_login. A login that adds
// another CONNECT header to each session makes each an identity with links of its own, until the
// broker's connections and our descriptors have run out, for all (docs/OUTSIDE.md D3).
//
// Who exceeds it waits, in order, and asks again when a link of that login has gone. A group that
// shares links is charged for two from its first on, so that who is let in can subscribe. Standbys
// are not held up: they need as many as their sessions have.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) What is charged for a group is what its links are worth by the last recount().
// (2) Nobody waits who has gone: forget().

#include "gateway/digest_memory.hpp"
#include "gateway/shard_part.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <set>

namespace gateway {

class login_quotas : shard_part {
public:
    explicit login_quotas(shard_state& shard) noexcept : shard_part(shard) {}

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
    boost::unordered_flat_map<digest128, quota> quotas_;
};

} // namespace gateway
