#pragma once

// What follows from a broker's answer: RECEIPTs to clients, confirmed subscriptions, barriers that
// prove SENDs.
//
// Threading:  belongs to one shard.

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/endings.hpp"
#include "gateway/core/binding/endpoint_moves.hpp"
#include "gateway/core/links/session_links.hpp"
#include "gateway/core/markers/backplane_survey.hpp"
#include "gateway/core/messages/receipts.hpp"
#include "gateway/core/messages/send_accounts.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

namespace gateway {

class broker_answers : workbench {
public:
    broker_answers(
        shard_state& shard, session_links& session_links, send_accounts& sends, receipts& receipts,
        backplane_survey& backplane, wire_subscriptions& subscriptions, readiness& readiness,
        binder& binder, endings& endings, endpoint_moves& moves) noexcept
        : workbench(shard), session_links_(session_links), sends_(sends), receipts_(receipts),
          backplane_(backplane), subscriptions_(subscriptions), readiness_(readiness),
          binder_(binder), endings_(endings), moves_(moves)
    {
    }

    void on_answered(link_record& l, const broker::owed_answer& owed, time_point now);

private:
    session_links& session_links_;
    send_accounts& sends_;
    receipts& receipts_;
    backplane_survey& backplane_;
    wire_subscriptions& subscriptions_;
    readiness& readiness_;
    binder& binder_;
    endings& endings_;
    endpoint_moves& moves_;
};

} // namespace gateway
