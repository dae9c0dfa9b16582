#pragma once

// What a shard holds, by number: sessions, links, wire subscriptions, and what sessions may share.
//
// Threading:  belongs to one shard.
// Lifetime:   the tables own their entries. Everything else refers to them by number, except for
//             groups and identities, which outlive whatever points to them.
// Invariants:
// (1) A number is never given twice, and a loop over a table goes in the order of numbers.
// (2) A lookup that finds nothing is normal: the object that an event speaks of may be gone.

#include "broker/net/numbered_table.hpp"
#include "gateway/core/tables/client_session.hpp"
#include "gateway/core/tables/link_record.hpp"
#include "gateway/core/tables/wire_subscription.hpp"

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gateway {

template <class Id>
    requires std::is_enum_v<Id>
constexpr std::uint64_t number(Id id) noexcept
{
    return static_cast<std::uint64_t>(id);
}

struct shard_tables {
    net::numbered_table<client_session> sessions;
    net::numbered_table<link_record> links;
    net::numbered_table<wire_subscription> wires;
    std::map<std::string, std::unique_ptr<identity>, std::less<>> identities; // by their key
    std::map<group_key, std::unique_ptr<share_group>> groups;
    // B2: ws:// endpoints that answered nothing in a trial; until they are down.
    std::set<endpoint_ref> silent;
    std::set<endpoint_ref> answering;              // ws:// endpoints that have answered a trial
    std::map<endpoint_ref, broker::link_id> tries; // where one is under way, and by which link
    std::uint64_t last_session = 0, last_link = 0, last_wire = 0, last_identity = 0;

    client_session* session(session_id id) noexcept { return sessions.find(number(id)); }
    const client_session* session(session_id id) const noexcept
    {
        return sessions.find(number(id));
    }
    link_record* link(link_id id) noexcept { return links.find(number(id)); }
    wire_subscription* wire(wire_id id) noexcept { return wires.find(number(id)); }

    // Their numbers now, for a loop in which sessions may end.
    std::vector<session_id> all_sessions() const
    {
        std::vector<session_id> all;
        all.reserve(sessions.size());
        for (const auto& [id, s] : sessions) {
            all.push_back(s->id);
        }
        return all;
    }
};

} // namespace gateway
