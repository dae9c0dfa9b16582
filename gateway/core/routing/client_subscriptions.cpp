// A client's SUBSCRIBE, UNSUBSCRIBE and DISCONNECT.

#include "gateway/core/routing/client_commands.hpp"
#include "gateway/core/tables/session_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gateway {

void client_commands::client_disconnect(client_session& s, const stomp::frame_view& frame, time_point now)
{
    s.rare().disconnect_receipt = frame.find("receipt").value_or("");
    if (s.transactions) {
        s.transactions.reset(); // STOMP 1.2, "BEGIN": aborted when the connection ends
    }
    enter(s, next_step(s.state, session_event::client_frame, {.disconnect = true}).to, now);
    s.rare().close_by = now + settings_.timing.receipt_timeout;
    at(s.rare().close_by, due::session_close, number(s.id));
    endings_.finish_closing(s, now);
}

void client_commands::client_subscribe(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const share_group* g = s.now().group;
    auto read = read_subscribe(
        frame, s.version,
        {.broadcast = &settings_.broadcast,
         .prefetch = settings_.prefetch,
         .at = g != nullptr ? stands_at(*g) : endpoint_kind::broker,
         .shared_backplane = shares_backplane()});
    if (!read) {
        endings_.fail_client(s, read.error(), receipt, disconnect_reason::protocol_error, now);
        return;
    }
    if (s.journal.find(read->client_id) != nullptr) {
        endings_.fail_client(
            s, "a subscription with this id is open already", receipt,
            disconnect_reason::protocol_error, now);
        return;
    }
    if (s.journal.size() >= settings_.subscriptions) {
        endings_.fail_client(
            s, "too many subscriptions (limits.subscriptions)", receipt, disconnect_reason::limit,
            now);
        return;
    }
    charge(held_kind::sessions, weight(s.journal.add(std::move(*read))));
    ++s.open_subscribes;
    // The journal drives the rest: what has no wire subscription yet gets one when its link is
    // there (S15).
    binder_.advance(s, s.live, now);
}

void client_commands::client_unsubscribe(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto id = frame.find("id");
    const auto destination = frame.find("destination");
    subscription* sub = id            ? s.journal.find(*id)
                        : destination ? s.journal.find(*destination)
                                      : nullptr;
    if (sub == nullptr) {
        endings_.fail_client(
            s, "UNSUBSCRIBE of no subscription", receipt, disconnect_reason::protocol_error, now);
        return;
    }
    s.open_subscribes -= !sub->confirmed;
    // Its SUBSCRIBE may not be answered yet: the two are then answered together, in order.
    std::string receipts = sub->take_receipt();
    if (!receipt.empty()) {
        receipts.append(receipts.empty() ? "" : "\n").append(receipt);
    }
    const auto number_of = sub->number;
    const bool for_good = frame.find("durable") == std::string_view{"true"} ||
                          frame.find("persistent") == std::string_view{"true"};
    const auto wires = sub->wires;
    // S11: an ACK of what it got before would be an ERROR at RabbitMQ: swallowed from here on.
    s.ledger.drop_subscription(number_of);
    if (wire_subscription* w = wire(wires[broker::other(s.live)])) {
        subscriptions_.drop_member(*w, s.id, number_of, now);
    }
    wire_subscription* w = wire(wires[s.live]);
    seams_.leave(s.id, number_of, now);
    if (w != nullptr) {
        w->durable &= for_good; // only then the broker is told to delete the queue
        subscriptions_.drop_member(*w, s.id, number_of, now, receipts);
    } else {
        receipts_.answer_receipt(s, receipts);
    }
    forget_subscription(s, number_of);
    if (client_session* still = find(s.id); still != nullptr && still->open_subscribes == 0) {
        pump_later(*still);
    }
}

} // namespace gateway
