#pragma once

// Acknowledgements to brokers, each on the link that brought its MESSAGE (S11).
//
// Threading:  belongs to one shard.

#include "gateway/core/messages/receipts.hpp"

namespace gateway {

class acknowledgements : workbench {
public:
    acknowledgements(shard_state& shard, receipts& receipts) noexcept
        : workbench(shard), receipts_(receipts)
    {
    }

    void acknowledge(
        client_session& s, const delivery& d, bool negative, std::string_view extra,
        std::string_view receipt, time_point now);
    void refuse_message(link_record& l, const wire_subscription& w, const stomp::frame_view& head);

private:
    bool takes_requeue(const link_record& l) const;

    receipts& receipts_;
};

} // namespace gateway
