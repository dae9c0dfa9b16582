// Acknowledgements to the broker. docs/switch.md S11; docs/brokers.md H1; docs/outside.md F3.

#include "gateway/core/messages/acknowledgements.hpp"

#include "broker/server_name.hpp"
#include "gateway/core/messages/message_frames.hpp"

#include <algorithm>

namespace gateway {

void acknowledgements::acknowledge(
    client_session& s, const delivery& d, bool negative, std::string_view extra,
    std::string_view receipt, time_point now)
{
    link_record* l = link(d.link);
    // S11: it goes to the link of its delivery; link gone or its wire subscription left: swallowed,
    // answered.
    wire_subscription* w = wire(d.wire);
    if (l == nullptr || l->core.state() != broker::link_state::ready || w == nullptr ||
        w->state == wire_state::leaving) {
        ++counters_.stale_acks[stale_ack::dropped];
        receipts_.answer_receipt(s, receipt);
        return;
    }
    if (d.color != s.live) {
        ++counters_.stale_acks[stale_ack::routed_old];
        at(now, due::drain);
    }
    // `linger` starts again: after an acknowledgement the old color may deliver the next message
    // (T4).
    if (w->giving_back || (d.color != s.live && !w->broadcast)) {
        w->last_message = now;
        w->maybe_on_its_way = true;
    }
    l->core.acknowledge(
        {.negative = negative,
         .wire = d.wire,
         .broker_ack = d.broker_ack,
         .extra_head = extra,
         .session = s.id,
         .client_receipt = receipt},
        out_);
    if (!receipt.empty()) {
        l->core.can().receipts() ? void(++s.owed) : receipts_.answer_receipt(s, receipt);
    }
}

// Whether its broker knows NACK's header `requeue`.
bool acknowledgements::takes_requeue(const link_record& l) const
{
    const auto dialect = settings_.dialects[l.at().color];
    return dialect == broker::dialect::rabbitmq || (dialect == broker::dialect::automatic &&
                                                    broker::knows_requeue(l.group->connected_head));
}

// Otherwise it would arrive again for ever. RabbitMQ puts the message of a NACK back into its queue
// unless it is told not to. An unknown broker may do the same and cannot be told. If the message
// arrives again from such a broker, it is acknowledged. 1.0 has no NACK.
void acknowledgements::refuse_message(
    link_record& l, const wire_subscription& w, const stomp::frame_view& head)
{
    const stomp::version version = l.core.version();
    const auto id = ack_of(head, version);
    if (!w.acknowledges || w.giving_back || w.state == wire_state::leaving || id.empty() ||
        l.core.state() != broker::link_state::ready) {
        return; // nothing to say, or it goes back to its queue with the link
    }
    const bool told = takes_requeue(l);
    const bool again = head.find("redelivered") == std::string_view{"true"};
    const bool negative = version != stomp::version::v10 && (told || !again);
    l.core.acknowledge(
        {.negative = negative,
         .wire = w.id,
         .broker_ack = id,
         .extra_head = told && negative ? "requeue:false\n" : ""},
        out_);
}

} // namespace gateway
