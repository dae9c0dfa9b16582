#pragma once

// Why a frame is answered with ERROR.

#include <cstdint>
#include <string>
#include <string_view>

namespace embedded {

enum class refusal : std::uint8_t {
    malformed_frame,
    unknown_command,
    not_connected,     // a frame before CONNECT
    connected_already, // a second CONNECT
    handshake_timeout, // no CONNECT in time
    unsupported_version,
    access_refused,
    missing_header,
    bad_header,
    unknown_destination,
    no_such_queue,      // SUBSCRIBE to an absent /amq/queue
    queue_locked,       // exclusive to another session
    queue_kind_differs, // /queue/NAME of a topic subscription's queue, or the other way round
    duplicate_subscription,
    unknown_ack,
    unknown_transaction,
    transaction_open, // BEGIN of one that is open
    too_many_subscriptions,
    too_many_queues,
    too_many_transactions,
    transaction_too_large,
    memory_limit,
    rejected_for_test, // --chaos reject_subscribe
    refused_for_test,  // --chaos error_on: the connection lives on
};
std::string_view to_string(refusal why) noexcept; // the ERROR's `message`

struct fault {
    refusal why;
    std::string detail; // the ERROR's body, one sentence
};
fault missing_header(std::string_view name);

} // namespace embedded
