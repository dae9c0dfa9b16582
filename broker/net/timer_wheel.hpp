#pragma once

// Deadlines of many connections and cores on one loop: O(1) to arm, to move and to cancel.
//
// Threading:  one loop's thread.
// Lifetime:   a timer is a member of the object it belongs to; destroying it cancels it.
// Resolution: 1 ms for deadlines within the next second, coarser (1/64 of the distance) beyond; never early.

#include "broker/net/time.hpp"

#include <boost/intrusive/list_hook.hpp>

#include <cstdint>
#include <memory>

namespace net {

class timer_wheel;

// REQUIRES: on_timer may arm, cancel and destroy any timer, itself included.
class timer : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
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
    void unlink_if_linked() noexcept { if (is_linked()) unlink(); }
    time_point deadline_ = never;
};

class timer_wheel {
public:
    explicit timer_wheel(time_point start);
    ~timer_wheel();

    // Arms or moves; `never` cancels.
    void arm(timer& t, time_point deadline);
    // Fires everything due, in the order of the deadlines up to the resolution.
    void advance(time_point now);
    // No later than the earliest deadline (may be earlier by the resolution); `never` when empty.
    time_point next() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace net
