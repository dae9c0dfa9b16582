#pragma once

// The one clock of the data path. Cores never read it: drivers pass `now` in, a simulator passes
// its own.
//
// It is the steady clock without the times in which this process did not run at all: a SIGSTOP, a
// live migration, a frozen container. What a deadline waits for could not be read then, so none
// expires by it (OUTSIDE.md, N3). A pause is known by a gap in the beats of a `pulse`; without one
// the clock is the steady clock.
//
// Threading:  any thread; all threads see the same time, which never goes back.

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
    // All pauses so far: what has to be added to a time of this clock to have CLOCK_MONOTONIC's.
    static duration paused() noexcept;
};
using time_point = clock::time_point;
using duration = clock::duration;

// "No deadline": what next_deadline() answers when nothing is awaited.
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
