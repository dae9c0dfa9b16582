#pragma once

// Takes the times of a run: latency, silence, teal-load's own lag and CPU, what each second saw.
// Measures in a window: from the end of the warm-up to the end of sending.
//
// Threading:  the thread whose CPU time it reads.

#include "tests/load/numbered_body.hpp"
#include "tests/load/run_result.hpp"
#include "tests/load/silence_tracker.hpp"

#include <chrono>
#include <cstdint>

namespace load {

class run_meter {
public:
    explicit run_meter(std::uint32_t clients) : silence_(clients) {}

    // The zero of message_number::scheduled_ns, and from when on messages count as measured.
    void start(net::time_point sending, net::time_point measuring) noexcept;
    net::time_point sending_start() const noexcept { return sending_start_; }

    void open_window(net::time_point now);
    void close_window(net::time_point now, run_result& into);
    void on_sent(net::time_point now, net::time_point due, run_result& into);
    void on_delivery(
        net::time_point now, std::uint32_t client, const message_number& number, run_result& into);
    void on_gone(std::uint32_t client) noexcept { silence_.on_gone(client); }
    silence_tracker::summary silence() const { return silence_.summarize(); }

private:
    second_of_run* this_second(net::time_point now, run_result& into) const;

    silence_tracker silence_;
    net::time_point sending_start_, measuring_start_;
    std::chrono::nanoseconds cpu_at_start_{0};
    bool open_ = false;
};

} // namespace load
