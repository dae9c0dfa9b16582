#pragma once

// The trial of what a broker can do for an identity (switch.md B1, B2): what is asked, what an answer
// means, and where it goes on when the broker cuts the link. And which dialect makes which of it
// worth trying (B5).
//
// Threading:  belongs to one link.

#include "broker/dialect.hpp"

#include <cstdint>

namespace broker {

// What the answer to a barrier proves.
enum class barrier_kind : std::uint8_t {
    unknown,  // not tried yet
    routed,   // SEND with receipt to an absent queue: everything SENT before is in its subscribers'
              // queues (M4)
    ordered,  // BEGIN + ABORT with receipt, where frames are worked off in order: the same
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
    // Artemis: barriers go to an address for many readers, which has none and keeps nothing.
    bool to_address = false;
    bool receipts() const noexcept { return proves_routing() || barrier == barrier_kind::received; }
    bool proves_routing() const noexcept // M4
    {
        return barrier == barrier_kind::routed || barrier == barrier_kind::ordered;
    }
    bool operator==(const capability&) const = default;
};

// The rungs of a trial, best first; a broker that cut the link at one is asked again from the next
// (B2). A link comes to own_queue by itself, where the transaction alone was answered (B1).
// absent_queue_alone is that of ws:// endpoints: BEGIN and ABORT confuse a relay that keeps no order.
enum class trial_rung : std::uint8_t {
    absent_queue,
    own_queue,
    absent_address, // Artemis'
    transaction,
    absent_queue_alone,
    nothing,
};

constexpr trial_rung first_rung(dialect d, bool websocket) noexcept
{
    switch (d) {
    case dialect::automatic:
        return websocket ? trial_rung::absent_queue_alone : trial_rung::absent_queue;
    case dialect::rabbitmq: return trial_rung::absent_queue;
    case dialect::artemis: return trial_rung::absent_address;
    case dialect::activemq:
    case dialect::plain: return trial_rung::transaction;
    case dialect::spring: return trial_rung::nothing;
    }
    return trial_rung::nothing;
}

// Where a trial goes on whose link the broker cut at that rung (B2).
constexpr trial_rung next_rung(trial_rung r) noexcept
{
    const bool sends = r == trial_rung::absent_queue || r == trial_rung::own_queue ||
                       r == trial_rung::absent_address;
    return sends ? trial_rung::transaction : trial_rung::nothing;
}

// Whether a subscription's own address (x-queue-name, /amq/queue) is part of that dialect.
constexpr bool has_addresses(dialect d) noexcept
{
    return d == dialect::automatic || d == dialect::rabbitmq;
}

// One link's trial. The link writes what is asked and hands in what comes; a RECEIPT behind an ERROR
// is no answer.
class trial {
public:
    // What the link does next.
    enum class step : std::uint8_t {
        wait,            // for answers, until trial_timeout
        try_own_queue,   // declares its own queue, asks there, and waits as long again
        leave_own_queue, // which is of no use: unsubscribes; the trial is over
        over,            // known() is what was found out
    };

    // `known` with a barrier: nothing is to be tried any more. `is`: what is known of the broker.
    trial(const capability& known, trial_rung from, dialect is = dialect::automatic) noexcept
        : known_(known), rung_(from), ordered_(keeps_order(is))
    {
    }
    // B5: the broker has named itself, and nobody configured what it is. REQUIRES: not begun.
    void is(dialect named) noexcept;

    bool over() const noexcept { return known_.barrier != barrier_kind::unknown; }
    const capability& known() const noexcept { return known_; }
    trial_rung rung() const noexcept { return rung_; }
    void learn_marker(tried t) noexcept { known_.marker = t; }

    // To wait means that the link asks with a SEND to the absent queue where asks_routed(), and with
    // BEGIN + ABORT behind it where asks_received().
    step begin() noexcept;
    bool asks_routed() const noexcept { return rung_ == trial_rung::absent_queue || asks_alone(); }
    bool asks_received() const noexcept { return !asks_alone(); }
    // REQUIRES: !over()
    step on_routed() noexcept;              // the SEND was answered
    step on_received() noexcept;            // BEGIN + ABORT were
    step on_overdue(bool leaving) noexcept; // trial_timeout has passed

private:
    bool asks_alone() const noexcept
    {
        return rung_ == trial_rung::absent_queue_alone || rung_ == trial_rung::absent_address;
    }
    step end(barrier_kind found) noexcept;

    capability known_;
    trial_rung rung_;
    bool ordered_;          // their answer proves routing
    bool received_ = false; // BEGIN + ABORT were answered
};

} // namespace broker
