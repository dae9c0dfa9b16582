#pragma once

// A listening socket on a readiness loop: accepts what the kernel gives to it. When it cannot (out
// of descriptors, most likely) it rests for a moment: level-triggered, it would spin until one is
// closed. Who waits in the kernel's queue meanwhile is accepted then.
//
// Threading:  one loop's thread; built and destroyed before the loop runs or on its thread.
// Limits:     at most `burst` connections a turn, so that a storm of clients does not starve those
//             who are there.

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
    // Accepts who waits already, then closes: nobody who was accepted by the kernel is reset.
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
