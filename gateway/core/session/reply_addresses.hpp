#pragma once

// Where answers go: the reply addresses that MESSAGEs brought, each with the brokers that it came
// from, and the number of answers that a session itself still waits for. switch.md S12; brokers.md
// H14: a reply address is a queue of one broker, and no other broker knows it.
//
//   reply_addresses   of one session: what came to it alone, and its own requests
//   heard_addresses   of one identity: what broadcast MESSAGEs brought, to many sessions at once.
//                     Anybody may have written these, so they keep one link of the identity, not
//                     one link of every session.
//
// Limits:     the newest 256 addresses of up to 1 KiB. Any other address is treated as an ordinary
//             destination.

#include "broker/color.hpp"
#include "control/protocol/switch_messages.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

inline constexpr std::size_t addresses_max = 256, address_bytes_max = 1024;

// "/reply-queue/NAME" (RabbitMQ, embedded), "/temp-queue/", "/remote-temp-queue/" (ActiveMQ).
bool is_reply_address(std::string_view destination) noexcept;

class heard_addresses {
public:
    void learn(std::string_view address, control::endpoint_ref from);
    // Where it came from; null: it is not known here.
    const control::endpoint_ref* find(std::string_view address) const noexcept;
    void on_answered(std::string_view address) noexcept;
    // Whether one of that endpoint's may still be answered by some of that many sessions.
    bool owes(control::endpoint_ref through, std::size_t sessions) const noexcept;

private:
    struct entry {
        std::string address;
        control::endpoint_ref from;
        std::size_t answers = 0;
    };
    std::vector<entry> entries_; // oldest first
};

class reply_addresses {
public:
    // A MESSAGE brought it.
    void learn(std::string_view address, broker::color from);
    // Where a SEND to it goes; null: it is no address of anybody's that is known here.
    const broker::color* color_of(std::string_view address) const noexcept;
    void on_answered(std::string_view address) noexcept;

    // The session's own requests: SENDs with a temporary reply-to, MESSAGEs on that queue.
    void on_request(broker::color to) noexcept { ++requests_[to]; }
    void on_reply(broker::color from) noexcept { requests_[from] -= requests_[from] > 0; }

    // Whether a binding on that color should linger: somebody owes an answer through it.
    bool owes(broker::color through) const noexcept;
    // The session's own requests that are not answered yet.
    std::uint32_t requests(broker::color to) const noexcept { return requests_[to]; }
    // Its binding there is gone, and with it the answers.
    void forget_owed(broker::color through) noexcept;

private:
    struct entry {
        std::string address;
        broker::color from;
        bool answered = false;
    };
    std::vector<entry> entries_; // oldest first
    broker::per_color<std::uint32_t> requests_;
};

} // namespace gateway
