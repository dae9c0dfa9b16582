#pragma once

// What a destination means to this broker. The prefixes are RabbitMQ's, so that the gateway and
// users' clients find here what they find there (brokers.md, "RabbitMQ STOMP, exact").

#include <cstdint>
#include <string_view>

namespace embedded {

enum class destination_kind : std::uint8_t {
    topic,       // /topic/NAME, /exchange/NAME[/KEY]: a copy for every subscription; exact match
    queue,       // /queue/NAME: made by the first SEND or SUBSCRIBE
    named_queue, // /amq/queue/NAME: a queue that exists, however it was made
    temp_queue,  // /temp-queue/NAME: only in reply-to, private to its session
    reply_queue, // /reply-queue/NAME: what reply-to was rewritten to
    unknown,
};

struct destination {
    destination_kind kind = destination_kind::unknown;
    std::string_view name; // the queue's name; for a topic the whole destination
};
destination parse_destination(std::string_view text) noexcept;

// Trials, barriers, markers and probes of the gateway go to destinations whose last part begins
// with `stomp-subscription-teal-` (design.md section 1); they are counted apart from clients' SENDs.
bool is_gateways_own(std::string_view destination) noexcept;

} // namespace embedded
