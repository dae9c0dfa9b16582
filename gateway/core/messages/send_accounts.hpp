#pragma once

// What became of each session's SENDs in the newest switch. The numbers of a report satisfy:
// accepted = confirmed + unconfirmed + open + held + refused + in_doubt. The sums of a shard are
// counted in its tally where they change. Here they are assigned to sessions.
//
// Threading:  belongs to one shard.
// Lifetime:   an account is kept from the prepare order to the next one, or until its session ends.
//             Only sessions that had such SENDs have one, so an idle session has none.

#include "broker/net/hash_map.hpp"
#include "gateway/core/session/sends.hpp"
#include "gateway/core/tables/workbench.hpp"

#include <map>

namespace gateway {

class send_accounts : workbench {
public:
    explicit send_accounts(shard_state& shard) noexcept : workbench(shard) {}

    void count(session_id of, std::uint32_t session_sends::* what, bool counted);
    void count_doubt(const broker::owed_answer& owed);
    void count_confirmed(const broker::owed_answer& owed);
    void count_refused(const broker::owed_answer& owed);
    // A SEND without a receipt of that session was refused.
    void refuse_silent(
        session_id of, const link_record& l, const broker::link_news::refusal& what);
    void count_open(); // at the prepare order
    void on_silent_proven(const link_record& l, std::uint64_t proven);
    void doubt_silent(const link_record& l);
    void forget(session_id id) { sends_.erase(number(id)); }

    // Behind a SEND without a receipt.
    static void note_silent(client_session& s, const link_record& l) noexcept;

    std::map<std::uint64_t, control::send_counts> by_session() const;

private:
    net::hash_map<std::uint64_t, session_sends> sends_; // by session
};

} // namespace gateway
