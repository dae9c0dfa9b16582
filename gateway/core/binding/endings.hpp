#pragma once

// How a session ends: with an ERROR, by DISCONNECT, or because its client is gone.
//
// Threading:  belongs to one shard.
// Invariant:  a session that ends takes everything along that belongs to it: bindings,
//             subscriptions, seams.

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/lingering_links.hpp"
#include "gateway/core/links/link_table.hpp"
#include "gateway/core/messages/receipts.hpp"
#include "gateway/core/messages/send_accounts.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

namespace gateway {

class endings : workbench {
public:
    endings(
        shard_state& shard, link_table& links, send_accounts& sends, receipts& receipts,
        wire_subscriptions& subscriptions, seam_table& seams, readiness& readiness,
        lingering_links& lingering, binder& binder) noexcept
        : workbench(shard), links_(links), sends_(sends), receipts_(receipts),
          subscriptions_(subscriptions), seams_(seams), readiness_(readiness),
          lingering_(lingering), binder_(binder)
    {
    }

    void close(client_session& s, disconnect_reason why, std::string_view text);
    void end_session(client_session& s, time_point now);
    void fail_client(
        client_session& s, std::string_view sentence, std::string_view receipt,
        disconnect_reason why, time_point now);
    void finish_closing(client_session& s, time_point now);
    void fail_slow(client_session& s, time_point now);
    void close_overdue(client_session& s, time_point now);

private:
    void forget_kept(client_session& s) noexcept;

    link_table& links_;
    send_accounts& sends_;
    receipts& receipts_;
    wire_subscriptions& subscriptions_;
    seam_table& seams_;
    readiness& readiness_;
    lingering_links& lingering_;
    binder& binder_;
};

} // namespace gateway
