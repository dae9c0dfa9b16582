#pragma once

// A client's transactions. They are kept here until COMMIT, and are then written to a broker within
// one turn.
//
// Threading:  belongs to one shard.

#include "gateway/core/binding/endings.hpp"
#include "gateway/core/links/link_table.hpp"
#include "gateway/core/messages/receipts.hpp"
#include "gateway/core/messages/send_accounts.hpp"
#include "gateway/core/routing/client_acknowledges.hpp"
#include "gateway/core/routing/client_sends.hpp"

namespace gateway {

class client_transactions : workbench {
public:
    client_transactions(
        shard_state& shard, link_table& links, send_accounts& sends, receipts& receipts,
        endings& endings, client_sends& client_sends, client_acknowledges& client_acknowledges)
        noexcept
        : workbench(shard), links_(links), sends_(sends), receipts_(receipts),
          endings_(endings), client_sends_(client_sends),
          client_acknowledges_(client_acknowledges)
    {
    }

    bool client_transaction(client_session& s, const stomp::frame_view& frame, time_point now);

private:
    void commit_at_broker(
        client_session& s, const transaction& t, std::string_view receipt, time_point now);
    bool
    acknowledges_elsewhere(const client_session& s, const stomp::frame& ack, link_id here) const;

    link_table& links_;
    send_accounts& sends_;
    receipts& receipts_;
    endings& endings_;
    client_sends& client_sends_;
    client_acknowledges& client_acknowledges_;
};

} // namespace gateway
