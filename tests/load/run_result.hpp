#pragma once

// What a run came to, and how it is shown: a table for people, JSON for scripts. Pure functions.

#include "tests/load/checker.hpp"
#include "tests/load/latency_histogram.hpp"
#include "tests/load/silence_tracker.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace load {

// One second of the run, from the start of sending.
struct second_of_run {
    std::uint64_t sent = 0, received = 0;
    net::duration latency_max{0};
    net::duration silence_max{0}; // longest gap that ended in it
};

struct run_result {
    std::uint32_t clients = 0;
    verdict judged;
    std::uint64_t disconnected = 0;
    // ERROR frames, strange bodies, misrouted messages, answers that never came.
    std::uint64_t errors = 0;
    std::uint64_t skipped = 0; // due, but that client's outbox was full
    latency_histogram latency; // of messages scheduled behind the warm-up
    silence_tracker::summary silence;
    std::chrono::duration<double> sending{0}; // without the warm-up
    latency_histogram own_lag;                // of teal-load behind its own schedule
    double cpu_share = 0;                     // of one core, while sending
    std::vector<second_of_run> timeline;
    std::vector<std::string> reasons; // of the first disconnects and errors
    std::string missing;              // lines of missing_log, where they are asked for

    // The latencies say more about teal-load than about what it measures.
    bool bottleneck() const noexcept;
    // Every guarantee held, and something was sent.
    bool passed() const noexcept;
};

std::string to_table(const run_result& result);
std::string to_json(const run_result& result);

} // namespace load
