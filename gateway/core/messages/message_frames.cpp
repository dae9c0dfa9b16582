#include "gateway/core/messages/message_frames.hpp"

#include "broker/own_headers.hpp"
#include "broker/private_names.hpp"

namespace gateway {

// Headers that the gateway replaces or drops. `message-id` is replaced if the client acknowledges
// by it. RabbitMQ repeats the sender's `receipt` and `transaction`, which are the gateway's own ids
// here [run]. P5: a SEND's id is never shown.
bool is_owned(std::string_view name, bool minted_message_id)
{
    return name == broker::id_header || name == "subscription" || name == "ack" || name == "receipt" || name == "transaction" ||
           (minted_message_id && name == "message-id");
}

// The id that acknowledges a MESSAGE: 1.2 names it in `ack`, the older ones in `message-id`. K6: a
// 1.2 broker that names none awaits no ACK, and answers one by the message-id with ERROR.
std::string_view ack_of(const stomp::frame_view& frame, stomp::version version)
{
    return frame.find(version == stomp::version::v12 ? "ack" : "message-id").value_or("");
}

void acknowledge_unread(
    link_record& l, wire_id wire, std::string_view broker_ack, broker::link_effects& out)
{
    if (!broker_ack.empty()) { // K6
        l.core.acknowledge({.wire = wire, .broker_ack = broker_ack}, out);
    }
}

// K1: a dead-lettered message names the queue that it was in, one published to a queue itself has it for
// its destination.
void append_header(std::string& head, const stomp::header& line, std::string_view asked)
{
    head.append(line.name).append(":");
    if (!broker::has_private_name(line.value)) {
        head.append(line.value);
    } else if (constexpr std::string_view name = "destination:";
               line.name == name.substr(0, name.size() - 1) && asked.find(name) != asked.npos) {
        asked.remove_prefix(asked.find(name) + name.size());
        head.append(asked.substr(0, asked.find('\n')));
    } else {
        head.append(broker::without_private_names(line.value));
    }
    head.append("\n");
}

kept_message keep(const wire_subscription& w, const stomp::frame_view& frame, broker::framing as)
{
    const stomp::version version = *w.group->who->negotiated;
    const bool minted = w.acknowledges && !w.automatic;
    std::string head;
    for (std::size_t i = 0; i < frame.headers.size(); ++i) {
        const auto& h = frame.headers[i];
        if (!is_owned(h.name, minted)) {
            append_header(head, h, w.head->bytes());
        }
    }
    head += '\n';
    kept_message message;
    message.rest = net::payload::make({head, frame.body, std::string_view{"\0", 1}});
    message.as = as;
    if (w.acknowledges) {
        message.broker_ack = ack_of(frame, version);
    }
    message.reply_to = frame.find("reply-to").value_or("");
    return message;
}

} // namespace gateway
