#pragma once

// Settles what a lost link owed: which SENDs are in doubt, and which of the clients' RECEIPTs are
// answered all the same.
//
// Threading:  belongs to one shard.

#include "gateway/core/messages/receipts.hpp"
#include "gateway/core/messages/send_accounts.hpp"

namespace gateway {

class lost_answers : workbench {
public:
    lost_answers(shard_state& shard, send_accounts& sends, receipts& receipts) noexcept
        : workbench(shard), sends_(sends), receipts_(receipts)
    {
    }

    void settle_owed(link_record& l, time_point now);
    void settled_owed(client_session& s, const broker::owed_answer& owed, color c);
    void doubt_disconnect(const link_record& l);
    void name_unproven(const link_record& l);
    void blame(link_record& l, time_point now);

private:
    send_accounts& sends_;
    receipts& receipts_;
};

} // namespace gateway
