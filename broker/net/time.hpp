#pragma once

// The one clock of the data path. Cores never read it: drivers pass `now` in, and the simulator
// passes its own time.
//
// It is the steady clock without the times in which this process did not run at all (SIGSTOP, a
// live migration, a frozen container). During such a pause the process could not read what a
// deadline waits for, so no deadline expires by it (outside.md, N3). A gap in the beats of a
// `pulse` shows a pause. Without a pulse this clock is the steady clock.
//
// Threading:  any thread. All threads see the same time, and it never goes back.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace net {

struct clock {
    using time_point = std::chrono::steady_clock::time_point;
    using duration = time_point::duration;
    using rep = duration::rep;
    using period = duration::period;
    static constexpr bool is_steady = true;

    static time_point now() noexcept;
    // The sum of all pauses so far. Added to a time of this clock it gives CLOCK_MONOTONIC's time.
    static duration paused() noexcept;
};
using time_point = clock::time_point;
using duration = clock::duration;

// "No deadline": next_deadline() returns it when nothing is awaited.
inline constexpr time_point never = time_point::max();

// While it lives, pauses of the process are found. At most one a process.
class pulse {
public:
    static constexpr std::chrono::milliseconds period{25};
    static constexpr std::chrono::milliseconds pause_min{100}; // less is a busy machine

    // `on_pause` is told how long each was, on a thread of the pulse's own.
    explicit pulse(std::function<void(duration)> on_pause = {});
    ~pulse();
    pulse(const pulse&) = delete;
    pulse& operator=(const pulse&) = delete;

private:
    void run(const std::stop_token& stop);

    std::function<void(duration)> on_pause_;
    std::mutex mutex_;
    std::condition_variable_any stopping_;
    std::jthread thread_; // the last member: it uses the others
};

} // namespace net
