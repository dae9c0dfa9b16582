#pragma once

// A timerfd: the one descriptor that wakes a loop for its next deadline.
//
// Threading:  one loop's thread.

#include "broker/net/time.hpp"

namespace net {

class alarm {
public:
    explicit alarm(int timer_descriptor) noexcept : descriptor_(timer_descriptor) {} // owns it
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;
    ~alarm();

    int descriptor() const noexcept { return descriptor_; } // readable once at() has come
    time_point at() const noexcept { return at_; }

    // Moves only to an earlier time, or once it went off: deadlines that move back with every
    // message (heart-beats) cost no system call, but an empty turn now and then.
    void move_to(time_point next, time_point now) noexcept;

private:
    int descriptor_;
    time_point at_ = never;
    duration paused_{}; // net::clock's pauses when it was set: it counts them, the timer does not
};

} // namespace net
