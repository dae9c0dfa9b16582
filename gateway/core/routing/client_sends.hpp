#pragma once

// A client's SEND: which link carries it, and which answer it waits for.
//
// Threading:  belongs to one shard.
// Invariant:  a SEND of one session is written only to links of its own bindings.

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/endings.hpp"
#include "gateway/core/binding/lingering_links.hpp"
#include "gateway/core/links/ended_links.hpp"
#include "gateway/core/links/link_table.hpp"
#include "gateway/core/links/session_links.hpp"
#include "gateway/core/messages/send_accounts.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"

namespace gateway {

class client_sends : workbench {
public:
    client_sends(
        shard_state& shard, link_table& links, session_links& session_links, ended_links& ended,
        send_accounts& sends, wire_pairing& pairing, lingering_links& lingering, binder& binder,
        endings& endings) noexcept
        : workbench(shard), links_(links), session_links_(session_links), ended_(ended),
          sends_(sends), pairing_(pairing), lingering_(lingering), binder_(binder),
          endings_(endings)
    {
    }

    bool can_send(client_session& s, time_point now);
    bool client_send(client_session& s, const stomp::frame_view& frame, framing as, time_point now);
    std::string_view next_own_id();
    static bool answers_old(const client_session& s, std::string_view destination);
    void send_answer(client_session& s, const stomp::frame_view& frame, framing as, time_point now);
    bool goes_alone(client_session& s, const stomp::frame_view& frame, time_point now);
    bool buffer(client_session& s, const stomp::frame_view& frame, framing as, time_point now);

private:
    static void note_answers(client_session& s, std::string_view destination, bool asks);

    link_table& links_;
    session_links& session_links_;
    ended_links& ended_;
    send_accounts& sends_;
    wire_pairing& pairing_;
    lingering_links& lingering_;
    binder& binder_;
    endings& endings_;
    std::string own_id_; // of the SEND being written
    std::uint64_t sends_made_ = 0;
};

} // namespace gateway
