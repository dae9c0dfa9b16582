#pragma once

// One thread's event loop. It consists of level-triggered epoll whose descriptor is one async_wait
// in an io_context, the timer wheel, and the list of connections that have something to write. At
// the end of a turn each of these connections is flushed once, because the system call that sends
// is the main cost (design.md section 4, Cork).
//
// No peer is called silent before its bytes were read. Timers see the time up to which every ready
// descriptor has been handled. In a turn that starts late, everything that can be written is
// written before the timers run (outside.md, N3).
//
// Threading:  everything runs on the thread that runs the io_context.

#include "broker/net/time.hpp"
#include "broker/net/timer_wheel.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list_hook.hpp>
#include <boost/system/error_code.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

namespace net {

// What waits for a descriptor. REQUIRES: on_ready may remove and destroy any handler, itself
// included.
class ready_handler {
public:
    virtual void on_ready(std::uint32_t epoll_events) = 0;

protected:
    ~ready_handler() = default;
};

// An object that has something to write at the end of the turn.
class flushable : public boost::intrusive::list_base_hook<
                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    virtual void flush() = 0;

protected:
    ~flushable() = default;
};

// Work at the end of a turn, before the flush (a core's deadlines, deferred destruction).
class turn_handler {
public:
    virtual void on_turn_end(time_point now) = 0;

protected:
    ~turn_handler() = default;
};

struct syscall_counts {
    std::uint64_t epoll_wait = 0, recv = 0, send = 0, accept = 0, epoll_ctl = 0, connect = 0,
                  close = 0;
};

class readiness_loop {
public:
    explicit readiness_loop(boost::asio::io_context& context);
    ~readiness_loop();

    boost::system::error_code
    add(int descriptor, std::uint32_t epoll_events, ready_handler& handler);
    void modify(int descriptor, std::uint32_t epoll_events, ready_handler& handler);
    void remove(int descriptor, ready_handler& handler); // forgets events of this turn too
    // on_ready(0) in the next turn: it has more to do that no descriptor will announce. Not more than
    // once until then; it must not be gone by then: forget() is for that.
    void call_again(ready_handler& handler);
    void forget(ready_handler& handler) noexcept;

    void mark_dirty(flushable& f) noexcept; // idempotent
    void set_turn_handler(turn_handler* handler) noexcept;
    // Runs the end of a turn (turn handler, flush) soon although no descriptor is ready: for work
    // that came by post.
    void request_turn();

    timer_wheel& timers() noexcept;
    // Read once a turn; outside of a turn (posted work) it is the clock itself.
    time_point now() const noexcept;
    // One buffer for all reads of this loop: idle connections own none.
    std::span<char> read_buffer() noexcept;
    syscall_counts& syscalls() noexcept;
    // Longest time that a due timer waited since the last call; then reset.
    duration worst_lag() noexcept;
    boost::asio::io_context& context() noexcept;

    // Stops waiting; handlers stay registered until removed.
    void stop();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace net
