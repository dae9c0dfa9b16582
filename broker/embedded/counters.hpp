#pragma once

// What /status counts, and when clients' SENDs arrived.

#include "broker/net/time.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace embedded {

struct traffic {
    std::uint64_t sent = 0;          // SENDs accepted (those of a transaction at its COMMIT)
    std::uint64_t delivered = 0;     // MESSAGEs written, redeliveries included
    std::uint64_t acked = 0;         // deliveries settled by ACK
    std::uint64_t subscriptions = 0; // live
};

// The last 100 000 arrivals, in order; the fence of a switch is checked on them (contract.md).
class arrival_log {
public:
    static constexpr std::size_t arrivals_max = 100'000;

    void add(net::time_point now);
    // By the machine's monotonic clock. Without `since` the first is the first ever.
    std::optional<std::int64_t> first_ns(std::optional<std::int64_t> since) const;
    std::optional<std::int64_t> last_ns(std::optional<std::int64_t> since) const;

private:
    std::int64_t at(std::size_t i) const noexcept { return ns_[(oldest_ + i) % ns_.size()]; }

    std::vector<std::int64_t> ns_; // a ring once it is full
    std::size_t oldest_ = 0;
    std::optional<std::int64_t> first_ever_;
};

struct counters {
    traffic clients;               // all but the gateway's own
    traffic gateway;               // trials, barriers, markers, probes (design.md section 1)
    std::uint64_t dropped = 0;     // SENDs that no queue took, and NACKs with requeue:false
    std::uint64_t redelivered = 0; // deliveries that went back into their queue
    std::uint64_t errors = 0;      // ERROR frames
    std::size_t memory_bytes = 0;
    arrival_log arrivals; // of clients' SENDs
};

} // namespace embedded
