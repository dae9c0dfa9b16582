// A MESSAGE that is larger than limits.broker_frame: it can not be delivered, and costs nothing but
// itself. docs/outside.md F3.

#include "gateway/core/messages/message_frames.hpp"
#include "gateway/core/routing/router.hpp"

namespace gateway {

// Whether its broker knows NACK's header `requeue`.
bool router::takes_requeue(const link_record& l) const
{
    const auto dialect = settings_.dialects[l.at().color];
    const std::string& said = l.group->connected_head;
    return dialect == broker::dialect::rabbitmq ||
           (dialect == broker::dialect::automatic &&
            (said.find("server:RabbitMQ") != said.npos ||
             said.find("server:teal-broker") != said.npos));
}

void router::on_link_skipped(link_id id, const stomp::frame_view& head, time_point now)
{
    link_record* l = link(id);
    if (l == nullptr) {
        return;
    }
    const auto destination = head.find("destination").value_or("");
    if (counters_.skipped.count(l->at().color, destination)) {
        out_.log(
            2, name_of(l->at()) + " brought a MESSAGE larger than limits.broker_frame, SENT to " +
                   std::string{destination.substr(0, skipped_messages::destination_bytes_max)} +
                   ": it is skipped, as are further ones, which are only counted");
    }
    const auto event = l->core.on_frame(head, now, out_);
    if (event.what == broker::link_event::kind::message) {
        if (wire_subscription* w = wire(event.wire); w != nullptr && w->link == id) {
            w->last_message = now;
            refuse_message(*l, *w, head);
        }
    }
    run_later(now);
}

// It would come again for ever: RabbitMQ gives a NACK's message back to its queue unless it is told
// not to, and a broker that is not known may do the same without being able to be told; what comes
// again from such a one is acknowledged. 1.0 has no NACK.
void router::refuse_message(
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
