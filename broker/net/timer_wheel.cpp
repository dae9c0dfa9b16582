#include "broker/net/timer_wheel.hpp"

#include <boost/assert.hpp>
#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <array>
#include <bit>

namespace net {

namespace {

using tick = std::uint64_t; // milliseconds since the wheel's start
constexpr unsigned slot_bits = 6;
constexpr std::size_t slots_per_level = std::size_t{1} << slot_bits;
constexpr std::size_t levels = 7; // 64^7 ms: 139 years
constexpr tick last_tick = (tick{1} << (slot_bits * levels)) - 1;

struct slot {
    boost::intrusive::list<timer, boost::intrusive::constant_time_size<false>> timers;
    time_point earliest = never; // no later than any deadline in it; meaningless while empty
};

} // namespace

// Hierarchical timing wheel (Varghese and Lauck 1987, scheme 7) with one bit a slot. A timer lies
// on the level of the highest 6-bit digit in which its tick differs from the current one. So all
// slots in use lie ahead of the current tick without wrapping, and the first slot of the lowest
// level in use is the earliest of all.
struct timer_wheel::state {
    struct place {
        std::size_t level;
        std::size_t index;
    };

    explicit state(time_point start_, arm_watcher* watcher_)
        : start(start_), now(start_), watcher(watcher_)
    {
    }

    tick tick_of(time_point at) const noexcept
    {
        return std::min(static_cast<tick>((at - start) / std::chrono::milliseconds{1}), last_tick);
    }
    static unsigned shift(std::size_t level) noexcept
    {
        return static_cast<unsigned>(level) * slot_bits;
    }

    slot& at(place where) noexcept { return wheel[where.level][where.index]; }
    place place_of(tick due) const noexcept
    {
        const tick differs = (due ^ current) | 1; // |1: the current tick itself lies on level 0
        const auto level = static_cast<std::size_t>(std::bit_width(differs) - 1) / slot_bits;
        return {level, static_cast<std::size_t>(due >> shift(level)) & (slots_per_level - 1)};
    }
    tick begin_of(place where) const noexcept
    {
        const unsigned above = shift(where.level + 1);
        return ((current >> above) << above) |
               (static_cast<tick>(where.index) << shift(where.level));
    }

    static void put(slot& into, timer& t, time_point deadline) noexcept
    {
        into.earliest = into.timers.empty() ? deadline : std::min(into.earliest, deadline);
        into.timers.push_back(t);
    }
    void put(timer& t, time_point deadline) noexcept
    {
        const place where = place_of(tick_of(deadline));
        put(at(where), t, deadline);
        used[where.level] |= tick{1} << where.index;
    }

    // False when no timer is on the wheel. Clears bits of slots whose timers were all cancelled.
    bool first(place& found) noexcept
    {
        for (std::size_t level = 0; level < levels; ++level) {
            while (used[level] != 0) {
                found = {level, static_cast<std::size_t>(std::countr_zero(used[level]))};
                if (!at(found).timers.empty()) {
                    return true;
                }
                used[level] &= used[level] - 1;
            }
        }
        return false;
    }

    time_point start;
    time_point now;   // of the last advance()
    tick current = 0; // nothing on the wheel is due before it
    slot overdue;     // armed with a deadline that had passed already
    std::array<std::array<slot, slots_per_level>, levels> wheel;
    std::array<std::uint64_t, levels> used{};
    arm_watcher* watcher;
};

timer_wheel::timer_wheel(time_point start, arm_watcher* watcher)
    : state_(std::make_unique<state>(start, watcher))
{
}

timer_wheel::~timer_wheel() = default;

void timer_wheel::arm(timer& t, time_point deadline)
{
    t.unlink_if_linked();
    t.deadline_ = deadline;
    if (deadline == never) {
        return;
    }
    if (deadline <= state_->now) {
        state::put(state_->overdue, t, deadline);
    } else {
        state_->put(t, deadline);
    }
    if (state_->watcher != nullptr) {
        state_->watcher->on_armed(deadline);
    }
}

void timer_wheel::advance(time_point now)
{
    state& s = *state_;
    s.now = std::max(s.now, now);
    const tick target = s.tick_of(s.now);

    // Timers leave `due` one by one before their callback, so callbacks may cancel and destroy
    // those still in it.
    decltype(slot::timers) due;
    const auto fire_due = [&] {
        while (!due.empty()) {
            timer& next = due.front();
            due.pop_front();
            if (next.deadline_ <= s.now) {
                next.on_timer(s.now);
            } else {
                s.put(next, next.deadline_);
            }
        }
    };
    due.splice(due.end(), s.overdue.timers);
    fire_due();

    state::place where{};
    while (s.first(where)) {
        const tick begin = s.begin_of(where);
        if (begin > target) {
            break;
        }
        s.current = std::max(s.current, begin);
        due.splice(due.end(), s.at(where).timers);
        if (where.level == 0) {
            fire_due();
            if (begin == target) { // what is left in this millisecond lies behind `now`
                break;
            }
        } else {
            while (!due.empty()) { // each moves to a lower level
                timer& next = due.front();
                due.pop_front();
                s.put(next, next.deadline_);
            }
        }
    }
    s.current = target;
}

time_point timer_wheel::next() const noexcept
{
    if (!state_->overdue.timers.empty()) {
        return state_->overdue.earliest;
    }
    state::place where{};
    return state_->first(where) ? state_->at(where).earliest : never;
}

} // namespace net
