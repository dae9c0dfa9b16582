#pragma once

// A client's ACK and NACK: finds the deliveries that it means.
//
// Threading:  belongs to one shard.

#include "gateway/core/binding/endings.hpp"
#include "gateway/core/messages/acknowledgements.hpp"
#include "gateway/core/messages/receipts.hpp"

namespace gateway {

class client_acknowledges : workbench {
public:
    client_acknowledges(
        shard_state& shard, receipts& receipts, acknowledgements& acknowledgements, endings&
        endings) noexcept
        : workbench(shard), receipts_(receipts), acknowledgements_(acknowledgements),
          endings_(endings)
    {
    }

    static std::optional<std::string_view>
    said_ack(const client_session& s, const stomp::frame_view& frame);
    bool check_acknowledge(client_session& s, const stomp::frame_view& frame, time_point now);
    void client_acknowledge(client_session& s, const stomp::frame_view& frame, time_point now);

private:
    receipts& receipts_;
    acknowledgements& acknowledgements_;
    endings& endings_;
};

} // namespace gateway
