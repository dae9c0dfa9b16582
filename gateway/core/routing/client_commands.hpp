#pragma once

// A client's frames, in order: which are done at once, which wait, which are refused.
//
// Threading:  belongs to one shard.

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/endings.hpp"
#include "gateway/core/messages/receipts.hpp"
#include "gateway/core/routing/client_acknowledges.hpp"
#include "gateway/core/routing/client_sends.hpp"
#include "gateway/core/routing/client_transactions.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

namespace gateway {

class client_commands : workbench {
public:
    client_commands(
        shard_state& shard, receipts& receipts, wire_subscriptions& subscriptions, seam_table&
        seams, binder& binder, endings& endings, client_sends& client_sends,
        client_acknowledges& client_acknowledges, client_transactions& client_transactions)
        noexcept
        : workbench(shard), receipts_(receipts), subscriptions_(subscriptions), seams_(seams),
          binder_(binder), endings_(endings), client_sends_(client_sends),
          client_acknowledges_(client_acknowledges), client_transactions_(client_transactions)
    {
    }

    // ---- client_commands.cpp
    void connect(client_session& s, const stomp::frame_view& frame, time_point now);
    // False: not yet. The frame and all later ones wait.
    bool perform(client_session& s, const stomp::frame_view& frame, framing as, time_point now);
    void enqueue(client_session& s, const stomp::frame_view& frame, framing as);
    void pump(client_session& s, time_point now);

private:
    // ---- client_commands.cpp
    std::optional<std::string_view> refused_word(const stomp::frame_view& frame) const;
    identity* identify(
        client_session& s, const stomp::frame_view& connect, std::string accept_version,
        stomp::version highest);

    // ---- client_subscriptions.cpp
    void client_subscribe(client_session& s, const stomp::frame_view& frame, time_point now);
    void client_unsubscribe(client_session& s, const stomp::frame_view& frame, time_point now);
    void client_disconnect(client_session& s, const stomp::frame_view& frame, time_point now);

    receipts& receipts_;
    wire_subscriptions& subscriptions_;
    seam_table& seams_;
    binder& binder_;
    endings& endings_;
    client_sends& client_sends_;
    client_acknowledges& client_acknowledges_;
    client_transactions& client_transactions_;
};

} // namespace gateway
