#pragma once

// A listening socket on a readiness loop. It accepts the connections that the kernel hands out.
// When it cannot accept (most likely because no descriptor is left) it rests for a moment.
// Otherwise level-triggered epoll would make it spin until a descriptor is free. Connections that
// wait in the kernel's queue meanwhile are accepted afterwards.
//
// Threading:  one loop's thread. Built and destroyed before the loop runs, or on its thread.
// Limits:     at most `burst` connections a turn, so that a storm of new clients does not starve
//             the present ones.

#include "broker/net/readiness_loop.hpp"
#include "broker/net/timer_wheel.hpp"

#include <boost/system/error_code.hpp>

#include <chrono>

namespace net {

class accept_handler {
public:
    virtual void on_accepted(int descriptor) = 0; // takes ownership
    // Nothing is accepted for `rest`, because of that.
    virtual void on_accept_failed(boost::system::error_code why) = 0;

protected:
    ~accept_handler() = default;
};

class acceptor final : public ready_handler, private timer {
public:
    static constexpr std::chrono::milliseconds rest{100};

    // Takes ownership of a listening, non-blocking descriptor.
    acceptor(readiness_loop& loop, int descriptor, int burst, accept_handler& handler);
    acceptor(const acceptor&) = delete;
    acceptor& operator=(const acceptor&) = delete;
    ~acceptor() override;

    // Whether the loop watches it; nothing is accepted else.
    boost::system::error_code failed() const noexcept { return failed_; }
    // Accepts the connections that wait already, then closes. So none that the kernel accepted is
    // reset.
    void close();

private:
    void on_ready(std::uint32_t epoll_events) override;
    void on_timer(time_point now) override;
    void leave();

    readiness_loop& loop_;
    accept_handler& handler_;
    boost::system::error_code failed_;
    int descriptor_;
    int burst_;
};

} // namespace net
