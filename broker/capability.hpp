#pragma once

// What a broker can do for an identity (switch.md B1 to B5), and which of these abilities are worth
// trying.

#include <cstdint>
#include <optional>
#include <string_view>

namespace broker {

// What the answer to a barrier proves.
enum class barrier_kind : std::uint8_t {
    unknown,  // not tried yet
    routed,   // SEND with receipt to an absent queue: everything SENT before is in its subscribers'
              // queues (M4)
    received, // BEGIN + ABORT with receipt: everything before was read
    none,     // no receipts: an empty send queue is all there is
};

enum class tried : std::uint8_t { unknown, yes, no };

struct capability {
    barrier_kind barrier = barrier_kind::unknown;
    // Whether a subscription receives what is SENT to its own address.
    tried marker = tried::unknown;
    // B1: this broker confirms no SEND that no queue takes. So each link's barriers go to its own
    // queue.
    bool own_queue = false;
    bool receipts() const noexcept
    {
        return barrier == barrier_kind::routed || barrier == barrier_kind::received;
    }
    bool operator==(const capability&) const = default;
};

// B5: which abilities are worth trying.
enum class dialect : std::uint8_t { automatic, rabbitmq, artemis, activemq, spring, plain };

constexpr std::optional<dialect> dialect_from(std::string_view name) noexcept
{
    using enum dialect;
    return name == "auto"       ? std::optional{automatic}
           : name == "rabbitmq" ? std::optional{rabbitmq}
           : name == "artemis"  ? std::optional{artemis}
           : name == "activemq" ? std::optional{activemq}
           : name == "spring"   ? std::optional{spring}
           : name == "plain"    ? std::optional{plain}
                                : std::nullopt;
}

// The rungs of a trial, best first; a broker that cut the link at one is asked again from the next
// (B2). A link comes to own_queue by itself, where the transaction alone was answered (B1).
enum class trial_rung : std::uint8_t { absent_queue, own_queue, transaction, nothing };

constexpr trial_rung first_rung(dialect d) noexcept
{
    switch (d) {
    case dialect::automatic:
    case dialect::rabbitmq: return trial_rung::absent_queue;
    case dialect::artemis:
    case dialect::activemq:
    case dialect::plain: return trial_rung::transaction;
    case dialect::spring: return trial_rung::nothing;
    }
    return trial_rung::nothing;
}

// Whether a subscription's own address (x-queue-name, /amq/queue) is part of that dialect.
constexpr bool has_addresses(dialect d) noexcept
{
    return d == dialect::automatic || d == dialect::rabbitmq;
}

} // namespace broker
