#pragma once

// Links that live longer than the sessions that were bound to them. Answers to a session's own
// requests arrive on the temporary queue of its old link, which lingers for them (brokers.md H14,
// switch.md M13). Answers of an identity to broadcast MESSAGEs go out through one link of the
// identity (S12), not through one link of each session.
//
// Threading:  belongs to one shard.
// Invariant:  a link lingers no longer than drain_timeout, and leaves by DISCONNECT.


#include "gateway/core/links/link_table.hpp"
#include <vector>

namespace gateway {

class lingering_links : workbench {
public:
    lingering_links(shard_state& shard, link_table& links) noexcept
        : workbench(shard), links_(links)
    {
    }

    bool awaits_replies(const client_session& s) const;
    // The session's own link at the endpoint that it leaves.
    void leave_own_link(client_session& s, bool lingers, time_point now);
    // S12, before the session leaves its binding there: one link of its identity stays for answers
    // to what broadcast MESSAGEs brought.
    void keep_for_answers(client_session& s, broker::color left, time_point until, time_point now);
    // The link that carries an answer of that identity to that endpoint; null: none is kept there.
    link_record* for_answers(const identity& who, endpoint_ref to);
    void on_answered(const identity& who, endpoint_ref to, time_point now);
    // True: it came on a link that lingers, and maybe was the last one.
    bool on_reply(link_id from, time_point now);
    bool on_lost(link_id id); // true: it lingered
    void forget(session_id id, time_point now);
    void end_overdue(time_point now);

private:
    struct lingering_link {
        link_id link;
        session_id session;
        std::uint32_t requests; // not answered yet
        time_point until;
    };

    struct answering_link {
        link_id link;
        const identity* who;
        endpoint_ref at;
        time_point until;
    };

    void end_answering(time_point now);

    link_table& links_;
    std::vector<lingering_link> own_links_;
    std::vector<answering_link> answering_;
};

} // namespace gateway
