#pragma once

// When each client sends: every client once an interval, at a random phase of its own that stays.
// Open loop: the schedule does not wait for anybody, so all messages that a stall delays show it.
//
// Threading:  none of its own; time is passed in.

#include "broker/net/time.hpp"

#include <cstdint>
#include <vector>

namespace load {

class pacer {
public:
    // `rate`: messages per second of each client; 0: never. The same seed gives the same phases.
    pacer(std::uint32_t clients, double rate, std::uint64_t seed);

    void start(net::time_point first) noexcept;
    net::time_point next_due() const noexcept; // `never` before start() and at rate 0

    struct send {
        std::uint32_t client = 0;
        std::uint64_t ordinal = 0; // of that client's messages, from 0
        net::time_point due;
    };
    send take() noexcept; // REQUIRES: next_due() != never

private:
    struct slot {
        std::int64_t phase_ns;
        std::uint32_t client;
    };
    // All have the same interval, so their order within a round never changes: no queue is needed.
    std::vector<slot> order_;
    double interval_ns_;
    net::time_point start_ = net::never;
    std::size_t next_ = 0;
    std::uint64_t round_ = 0;
};

} // namespace load
