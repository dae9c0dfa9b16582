#pragma once

// MESSAGE frames of brokers: which headers the gateway replaces with its own, what acknowledges a
// MESSAGE, and a MESSAGE in the form in which it is kept.

#include "gateway/core/tables/link_record.hpp"
#include "gateway/core/tables/wire_subscription.hpp"

#include <string>
#include <string_view>

namespace gateway {

bool is_owned(std::string_view name, bool minted_message_id);
// Empty: it brings none, and is settled as it comes (K6).
std::string_view ack_of(const stomp::frame_view& frame, stomp::version version);
// Acknowledges what no client is given. REQUIRES: the link is ready.
void acknowledge_unread(
    link_record& l, wire_id wire, std::string_view broker_ack, broker::link_effects& out);
// A header line as a client may see it: names of the gateway's own queues never leave it (K1).
// `asked`: the header lines of its SUBSCRIBE.
void append_header(std::string& head, const stomp::header& line, std::string_view asked);
kept_message keep(const wire_subscription& w, const stomp::frame_view& frame, broker::framing as);

} // namespace gateway
