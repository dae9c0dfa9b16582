#include "broker/net/alarm.hpp"

#include <algorithm>
#include <sys/timerfd.h>
#include <unistd.h>

namespace net {

alarm::~alarm()
{
    ::close(descriptor_);
}

void alarm::move_to(time_point next, time_point now) noexcept
{
    const duration paused = clock::paused();
    if (at_ > now && next >= at_ && paused == paused_) {
        return;
    }
    itimerspec when{}; // zero: never
    if (next != never) {
        const auto since =
            std::max(next.time_since_epoch() + paused, duration{1}); // the past goes off at once
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
        when.it_value.tv_sec = seconds.count();
        when.it_value.tv_nsec = std::chrono::nanoseconds{since - seconds}.count();
    }
    // Setting it makes it unreadable again: no read() is needed.
    ::timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &when, nullptr);
    at_ = next;
    paused_ = paused;
}

} // namespace net
