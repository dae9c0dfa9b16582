#pragma once

// When each message was sent, so that what is missing at the end can be told with its time: a
// script that kills brokers looks up which process a SEND had gone to. No I/O, no clock.
//
// Memory:     eight bytes a message; only with --missing.

#include "broker/net/time.hpp"
#include "tests/load/checker.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace load {

class missing_log {
public:
    missing_log() = default; // keeps nothing
    explicit missing_log(std::uint32_t clients);

    // In the order of the numbers of each stream.
    void on_sent(stream_id stream, net::time_point now);
    // A line of JSON for each: stream, publisher, number, subscriber, confirmed, and sent_ns by the
    // machine's monotonic clock.
    std::string lines(const std::vector<missing_copy>& missing) const;

private:
    std::array<std::vector<std::vector<net::time_point>>, 3> sent_; // [kind][client][number - 1]
};

} // namespace load
