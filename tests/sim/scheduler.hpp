#pragma once

// The one clock of a simulated world, and what happens when.
//
// Threading:  one world, one thread.
// Invariants:
// (1) Events of one time run in the order in which they were asked for, so that a seed is a
//     history.
// (2) `soon` runs at the end of the turn, never inside the call that asked: nothing re-enters a
//     core.

#include "broker/net/time.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace sim {

using net::time_point;

class scheduler {
public:
    using action = std::function<void()>;

    time_point now() const noexcept { return now_; }
    void at(time_point when, action what)
    {
        events_.push({std::max(when, now_), ++last_, std::move(what)});
    }
    void after(net::duration delay, action what) { at(now_ + delay, std::move(what)); }
    void soon(action what) { soon_.push_back(std::move(what)); }

    time_point next() const noexcept { return events_.empty() ? net::never : events_.top().at; }
    void advance(time_point to) noexcept { now_ = std::max(now_, to); }
    // REQUIRES: next() <= now().
    void run_one()
    {
        action what = std::move(
            const_cast<event&>(events_.top()).what); // priority_queue has no way to move out
        events_.pop();
        what();
    }
    bool run_soon()
    {
        if (soon_.empty()) {
            return false;
        }
        for (const action& what : std::exchange(soon_, {})) {
            what();
        }
        return true;
    }

    // Microseconds since the world began, for traces.
    std::int64_t elapsed_us() const noexcept
    {
        return std::chrono::duration_cast<std::chrono::microseconds>(now_ - began).count();
    }
    static constexpr time_point began{std::chrono::hours{1}};

private:
    struct event {
        time_point at;
        std::uint64_t order;
        action what;
        bool operator>(const event& o) const noexcept
        {
            return at != o.at ? at > o.at : order > o.order;
        }
    };
    std::priority_queue<event, std::vector<event>, std::greater<>> events_;
    std::vector<action> soon_;
    time_point now_ = began;
    std::uint64_t last_ = 0;
};

// The clock of the gateway's process, and what happens in it: both stand still while it does not run
// (SIGSTOP, a live migration), and the world goes on (SWITCH.md C11).
class process_clock {
public:
    using action = scheduler::action;

    explicit process_clock(scheduler& world) noexcept : world_(world) {}

    time_point now() const noexcept { return stopped_.value_or(world_.now()) - stood_; }
    void at(time_point when, action what) { world_.at(when + stood_, later(std::move(what))); }
    void after(net::duration delay, action what) { world_.after(delay, later(std::move(what))); }
    void soon(action what) { world_.soon(later(std::move(what))); }

    bool runs() const noexcept { return !stopped_; }
    // When the world's clock shows what this one shows at `own`; never, while it stands.
    time_point in_the_world(time_point own) const noexcept
    {
        return stopped_ || own == net::never ? net::never : own + stood_;
    }
    void stop() noexcept { stopped_ = world_.now(); }
    // What came meanwhile happens after `first`, in order.
    void go_on(const action& first)
    {
        stood_ += world_.now() - *stopped_;
        stopped_.reset();
        first();
        for (const action& what : std::exchange(missed_, {})) {
            what();
        }
    }
    net::duration stood() const noexcept { return stood_; }

private:
    action later(action what)
    {
        return [this, what = std::move(what)] { runs() ? what() : missed_.push_back(what); };
    }

    scheduler& world_;
    std::optional<time_point> stopped_;
    net::duration stood_{};
    std::vector<action> missed_;
};

} // namespace sim
