// Proves that the wheel fires every timer in the first advance at or after its deadline, never
// early and once, in order; that next() lets a loop sleep without missing one; and that callbacks
// may do anything to any timer. The model is a sorted list under a clock that only the test moves.

#include "broker/net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace {

using namespace std::chrono_literals;
using net::never;
using net::time_point;

const time_point t0{100h};

class test_timer final : public net::timer {
public:
    std::function<void(test_timer&, time_point)> fired = [](test_timer&, time_point) {};
    int count = 0;

private:
    void on_timer(time_point now) override
    {
        ++count;
        EXPECT_LE(deadline(), now) << "early";
        EXPECT_FALSE(armed());
        fired(*this, now);
    }
};

TEST(TimerWheel, IsEmptyAtFirst)
{
    net::timer_wheel wheel(t0);
    EXPECT_EQ(wheel.next(), never);
    wheel.advance(t0 + 1000h);
    EXPECT_EQ(wheel.next(), never);
}

TEST(TimerWheel, FiresAtTheDeadlineToTheNanosecond)
{
    for (const net::duration distance :
         {net::duration{1}, net::duration{999'999}, net::duration{1ms}, net::duration{63ms},
          net::duration{64ms}, net::duration{1s}, net::duration{10s + 7ns}, net::duration{3h},
          net::duration{24h * 400}}) {
        net::timer_wheel wheel(t0);
        test_timer timer;
        wheel.arm(timer, t0 + distance);
        EXPECT_EQ(wheel.next(), t0 + distance);
        wheel.advance(t0 + distance - 1ns);
        EXPECT_EQ(timer.count, 0);
        EXPECT_EQ(wheel.next(), t0 + distance);
        wheel.advance(t0 + distance);
        EXPECT_EQ(timer.count, 1);
        EXPECT_EQ(wheel.next(), never);
    }
}

TEST(TimerWheel, MovesAndCancels)
{
    net::timer_wheel wheel(t0);
    test_timer timer;
    wheel.arm(timer, t0 + 5s);
    wheel.arm(timer, t0 + 1s);
    EXPECT_EQ(wheel.next(), t0 + 1s);
    wheel.arm(timer, t0 + 7s);
    wheel.advance(t0 + 6s);
    EXPECT_EQ(timer.count, 0);
    wheel.arm(timer, never);
    EXPECT_FALSE(timer.armed());
    EXPECT_EQ(wheel.next(), never);
    wheel.arm(timer, t0 + 8s);
    timer.cancel();
    EXPECT_EQ(wheel.next(), never);
    wheel.advance(t0 + 9s);
    EXPECT_EQ(timer.count, 0);
}

TEST(TimerWheel, WhatIsDueAlreadyFiresInTheNextAdvance)
{
    net::timer_wheel wheel(t0);
    wheel.advance(t0 + 1s);
    test_timer timer;
    wheel.arm(timer, t0);
    EXPECT_LE(wheel.next(), t0);
    wheel.advance(t0 + 1s);
    EXPECT_EQ(timer.count, 1);
}

TEST(TimerWheel, ATimerThatRearmsItselfAtOnceDoesNotHoldTheLoop)
{
    net::timer_wheel wheel(t0);
    test_timer timer;
    timer.fired = [&](test_timer& self, time_point now) { wheel.arm(self, now); };
    wheel.arm(timer, t0 + 1ms);
    wheel.advance(t0 + 1s);
    EXPECT_EQ(timer.count, 1);
    wheel.advance(t0 + 1s);
    EXPECT_EQ(timer.count, 2);
}

TEST(TimerWheel, ACallbackMayDestroyItselfAndOthersThatAreDue)
{
    net::timer_wheel wheel(t0);
    auto first = std::make_unique<test_timer>();
    auto second = std::make_unique<test_timer>();
    auto third = std::make_unique<test_timer>();
    int fired = 0;
    first->fired = [&](test_timer&, time_point) {
        ++fired;
        second.reset(); // due in the same millisecond
        third.reset();  // due later in the same advance
        auto self = std::move(first);
    };
    second->fired = third->fired = [&](test_timer&, time_point) { ++fired; };
    wheel.arm(*first, t0 + 100ms);
    wheel.arm(*second, t0 + 100ms);
    wheel.arm(*third, t0 + 200ms);
    wheel.advance(t0 + 1s);
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(wheel.next(), never);
}

TEST(TimerWheel, DestroyedBeforeItsTimersDisarmsThem)
{
    test_timer timer;
    {
        net::timer_wheel wheel(t0);
        wheel.arm(timer, t0 + 1s);
        EXPECT_TRUE(timer.armed());
    }
    EXPECT_FALSE(timer.armed());
}

TEST(TimerWheel, TellsItsWatcherOfEveryDeadline)
{
    struct : net::arm_watcher {
        void on_armed(time_point deadline) override { heard.push_back(deadline); }
        std::vector<time_point> heard;
    } watcher;
    net::timer_wheel wheel(t0, &watcher);
    test_timer timer;
    wheel.arm(timer, t0 + 1s);
    wheel.arm(timer, t0 - 1s);
    wheel.arm(timer, never);
    EXPECT_EQ(watcher.heard, (std::vector<time_point>{t0 + 1s, t0 - 1s}));
}

// Random distances over all levels, moves and cancels; time goes by jumps or to next(), as a loop
// would.
class random_run {
public:
    explicit random_run(unsigned seed) : random_(seed), wheel_(t0), timers_(60), due_(60)
    {
        for (std::size_t i = 0; i < timers_.size(); ++i) {
            timers_[i].fired = [this, i](test_timer& self, time_point) {
                ASSERT_TRUE(due_[i]) << "fired though not armed";
                ASSERT_EQ(self.deadline(), *due_[i]);
                due_[i].reset();
                order_.push_back(self.deadline());
                if (random_() % 4 == 0) {
                    arm(i); // from inside
                }
            };
        }
    }

    void run()
    {
        for (int step = 0; step < 2000 && !testing::Test::HasFailure(); ++step) {
            switch (random_() % 4) {
            case 0: arm(random_() % timers_.size()); break;
            case 1: arm(random_() % timers_.size()); break;
            case 2: cancel(random_() % timers_.size()); break;
            default: advance(); break;
            }
            const auto earliest =
                std::min_element(due_.begin(), due_.end(), [](const auto& a, const auto& b) {
                    return a.value_or(never) < b.value_or(never);
                })->value_or(never);
            ASSERT_LE(wheel_.next(), earliest);
            ASSERT_EQ(wheel_.next() == never, earliest == never);
        }
    }

private:
    net::duration distance()
    {
        const auto magnitude = random_() % 48; // up to 2^48 ns: 78 hours
        return net::duration{
            static_cast<std::int64_t>(random_() % (std::uint64_t{1} << magnitude))};
    }
    void arm(std::size_t i)
    {
        due_[i] = now_ + distance();
        wheel_.arm(timers_[i], *due_[i]);
    }
    void cancel(std::size_t i)
    {
        due_[i].reset();
        timers_[i].cancel();
    }
    void advance()
    {
        const time_point before = now_;
        const time_point next = wheel_.next();
        const bool sleeps = random_() % 2 == 0 && next != never;
        now_ = sleeps ? std::max(now_, next) : now_ + distance();
        order_.clear();
        const auto expected = due_;
        wheel_.advance(now_);
        for (std::size_t i = 0; i < due_.size(); ++i) {
            if (expected[i] && *expected[i] <= now_) {
                ASSERT_TRUE(!due_[i] || *due_[i] != *expected[i] || *due_[i] == now_) << "missed";
            }
        }
        // In order up to a millisecond, but for what was overdue before.
        for (std::size_t i = 1; i < order_.size(); ++i) {
            if (order_[i - 1] > before && order_[i] > before) {
                ASSERT_LT(order_[i - 1], order_[i] + 1ms);
            }
        }
    }

    std::mt19937_64 random_;
    net::timer_wheel wheel_;
    std::vector<test_timer> timers_;
    std::vector<std::optional<time_point>> due_;
    std::vector<time_point> order_;
    time_point now_ = t0;
};

TEST(TimerWheel, AgreesWithAModelOverRandomSteps)
{
    for (unsigned seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        random_run{seed}.run();
        ASSERT_FALSE(HasFailure());
    }
}

// A loop that sleeps until next() must not wake up in vain: once a timer, and once for each that
// was cancelled.
TEST(TimerWheel, SleepingUntilNextWakesUpOnceATimer)
{
    net::timer_wheel wheel(t0);
    std::vector<test_timer> timers(1000);
    std::mt19937_64 random(1);
    for (auto& timer : timers) {
        wheel.arm(timer, t0 + std::chrono::nanoseconds{random() % 100'000'000'000});
    }
    for (std::size_t i = 0; i < 100; ++i) {
        timers[i].cancel();
    }
    int wakes = 0;
    for (; wheel.next() != never; ++wakes) {
        wheel.advance(wheel.next());
    }
    EXPECT_GE(wakes, 900);
    EXPECT_LE(wakes, 1000);
    EXPECT_TRUE(std::all_of(
        timers.begin() + 100, timers.end(), [](const auto& t) { return t.count == 1; }));
}

} // namespace
