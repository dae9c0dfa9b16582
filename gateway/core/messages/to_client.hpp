#pragma once

// MESSAGEs to clients: with the client's own subscription id, and with acknowledgement ids that the
// gateway makes.
//
// Threading:  belongs to one shard.

#include "gateway/core/tables/workbench.hpp"

namespace gateway {

class to_client : workbench {
public:
    explicit to_client(shard_state& shard) noexcept : workbench(shard) {}

    static void learn_reply_address(client_session& s, std::string_view address, color from);
    static void learn_reply_address(
        client_session& s, const wire_subscription& w, std::string_view address);
    void deliver(
        client_session& s, wire_subscription& w, const wire_member& m,
        const stomp::frame_view& frame, framing as, time_point now);
    void deliver_shared(
        client_session& s, wire_subscription& w, const wire_member& m,
        const kept_message& message);

private:
    std::string client_head(
        client_session& s, wire_subscription& w, const subscription& sub,
        std::string_view broker_ack);
    void note_stream_offset(
        const subscription& sub, color from, std::optional<std::uint64_t> offset) const;
    bool drops_twin(
        const client_session& s, wire_subscription& w, const stomp::frame_view& frame,
        time_point now);
    void count_late(const wire_subscription& w, const client_session& s);
    static bool
    is_outlived(const client_session& s, const wire_subscription& w, const subscription& sub);
};

} // namespace gateway
