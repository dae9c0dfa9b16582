#pragma once

// Deadlines of many connections and cores on one loop: O(1) to arm, to move and to cancel.
//
// Threading:  one loop's thread.
// Lifetime:   a timer is a member of the object it belongs to; destroying it cancels it.
// Resolution: a timer fires in the first advance() at or after its deadline, never early; within
//             one millisecond in the order they were armed.

#include "broker/net/time.hpp"

#include <boost/intrusive/list_hook.hpp>

#include <cstdint>
#include <memory>

namespace net {

class timer_wheel;

// REQUIRES: on_timer may arm, cancel and destroy any timer, itself included.
class timer : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    timer() noexcept = default;
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    virtual ~timer() = default;

    bool armed() const noexcept { return is_linked(); }
    time_point deadline() const noexcept { return deadline_; }
    void cancel() noexcept { unlink_if_linked(); }

protected:
    virtual void on_timer(time_point now) = 0;

private:
    friend class timer_wheel;
    void unlink_if_linked() noexcept
    {
        if (is_linked()) {
            unlink();
        }
    }
    time_point deadline_ = never;
};

// Told of every deadline that is armed: who sleeps until next() may have to wake up sooner.
class arm_watcher {
public:
    virtual void on_armed(time_point deadline) = 0;

protected:
    ~arm_watcher() = default;
};

class timer_wheel {
public:
    explicit timer_wheel(time_point start, arm_watcher* watcher = nullptr);
    ~timer_wheel();

    // Arms or moves; `never` cancels.
    void arm(timer& t, time_point deadline);
    // Fires everything due, in the order of the deadlines up to the resolution. What a callback
    // arms for `now` or earlier fires in the next advance(), so that this one ends.
    void advance(time_point now);
    // No later than the earliest deadline; earlier at most once for each timer that was cancelled.
    // `never` when empty. After advance(now) it is later than `now` unless a callback armed
    // something that was due already.
    time_point next() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace net
