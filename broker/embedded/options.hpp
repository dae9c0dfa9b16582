#pragma once

// The options of `teal-broker`: limits, users, and the faults that tests plant.

#include "broker/net/time.hpp"
#include "broker/stomp/limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace embedded {

// Planted faults (`--chaos KEY=VALUE`, contract.md); all off by default.
struct chaos_options {
    std::string close_on; // a SEND to this destination closes its connection without a word
    std::uint64_t stall_after = 0; // after so many client SENDs nothing is read or written any more
    std::string refuse_login;      // this login is refused
    bool no_receipts = false;      // no RECEIPT is ever sent
    std::chrono::milliseconds delay{0}; // everything written waits so long
    std::uint64_t die_after = 0; // after so many client SENDs the process ends with status 137
    // A SUBSCRIBE to it gets ERROR, then its RECEIPT, then EOF (brokers.md).
    std::string reject_subscribe;
    // A SEND to it gets an ERROR that names no receipt, and the connection lives on (brokers.md H20).
    std::string error_on;
};
// Applies "KEY=VALUE", or returns a sentence that says what is wrong with it.
std::optional<std::string> apply_chaos(chaos_options& chaos, std::string_view key_value);

struct credential {
    std::string login, passcode;
};

struct broker_options {
    std::string name = "teal-broker";
    // Part of session ids, ack ids and server-named queues: two brokers must not take each other's
    // for their own.
    std::string nonce = "0";
    std::vector<credential> users; // empty: anybody

    std::size_t memory_bytes_max = std::size_t{1}
                                   << 30; // queued and unacknowledged messages, open transactions
    // A session's mark: above it messages stay in their queues.
    std::size_t outbox_bytes_max = std::size_t{1} << 20;
    std::size_t connections_max = 200'000;
    std::size_t session_subscriptions_max = 100'000;
    std::size_t queues_max = 1'000'000;
    std::size_t session_transactions_max = 16;
    std::size_t transaction_frames_max = 1024;
    stomp::limits frame_limits; // after CONNECT
    std::size_t frame_before_connect_bytes_max = 64 * 1024;
    net::duration handshake_timeout = std::chrono::seconds{10};
    std::chrono::milliseconds heart_beat_min{100}; // faster ones are not granted

    chaos_options chaos;
};

} // namespace embedded
