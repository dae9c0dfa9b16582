// Proves that a pause of the process (SIGSTOP here, as a frozen container or a live migration is
// one) makes no deadline expire, and that timers see no later time than what was read.

#include "loop_fixture.hpp"

#include "broker/net/waitable_timer.hpp"
#include "tests/support/stop_process.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <thread>
#include <vector>

namespace {

using namespace net_test;

class Pause : public Loop {
protected:
    static void stop_for(std::chrono::milliseconds length)
    {
        test_support::stop_process_for(length);
    }
};

class test_timer final : public net::timer {
public:
    int fired = 0;

private:
    void on_timer(net::time_point) override { ++fired; }
};

constexpr auto pause_length = 800ms;
constexpr auto allowed = 500ms; // of a pause that counts, on a busy machine

TEST_F(Pause, N3_TheClockStandsStillInIt)
{
    net::duration told{};
    net::pulse pulse{[&told](net::duration length) { told += length; }};
    const auto begun = net::clock::now();
    const auto really = std::chrono::steady_clock::now();
    const auto before = net::clock::paused();
    stop_for(pause_length);
    EXPECT_LT(net::clock::now() - begun, allowed);
    EXPECT_GE(std::chrono::steady_clock::now() - really, pause_length);
    EXPECT_GE(net::clock::paused() - before, pause_length - net::pulse::pause_min);
    EXPECT_LE(
        net::clock::now() + net::clock::paused(), std::chrono::steady_clock::now() + allowed);
}

TEST_F(Pause, N3_IsToldOnce)
{
    std::vector<net::duration> told;
    {
        net::pulse pulse{[&told](net::duration length) { told.push_back(length); }};
        stop_for(pause_length);
        const auto end = std::chrono::steady_clock::now() + 200ms;
        while (std::chrono::steady_clock::now() < end) { // the pulse has its thread
            std::this_thread::yield();
        }
    }
    ASSERT_FALSE(told.empty());
    EXPECT_GE(told.front(), pause_length - net::pulse::pause_min);
}

TEST_F(Pause, N3_WithoutAPulseItIsTheSteadyClock)
{
    const auto begun = net::clock::now();
    stop_for(300ms);
    EXPECT_GE(net::clock::now() - begun, 300ms);
}

TEST_F(Pause, N3_NoTimerOfTheLoopExpiresByIt)
{
    net::pulse pulse;
    test_timer timer;
    const auto begun = net::clock::now();
    loop.timers().arm(timer, begun + 700ms);
    run_ready();
    stop_for(pause_length);
    run_ready();
    EXPECT_EQ(timer.fired, 0);
    run_until([&] { return timer.fired == 1; }); // the alarm was moved too
    EXPECT_GE(net::clock::now() - begun, 700ms);
    EXPECT_LT(net::clock::now() - begun, 700ms + allowed);
}

TEST_F(Pause, N3_NorOneOfAsio)
{
    net::pulse pulse;
    net::waitable_timer timer{context};
    bool fired = false;
    const auto begun = net::clock::now();
    timer.expires_at(begun + 700ms);
    timer.async_wait([&](const boost::system::error_code&) { fired = true; });
    stop_for(pause_length);
    context.poll();
    EXPECT_FALSE(fired);
    run_until([&] { return fired; });
    EXPECT_GE(net::clock::now() - begun, 700ms);
}

TEST_F(Pause, N3_AllThreadsSeeOneTimeThatNeverGoesBack)
{
    net::pulse pulse;
    std::atomic<bool> over{false};
    std::atomic<std::int64_t> latest{0};
    std::atomic<int> back{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            while (!over) {
                const std::int64_t seen = latest.load(); // whoever read it, it was before
                const std::int64_t now = net::clock::now().time_since_epoch().count();
                back += now < seen;
                std::int64_t known = latest.load();
                while (known < now && !latest.compare_exchange_weak(known, now)) {
                }
            }
        });
    }
    for (int i = 0; i < 5; ++i) {
        stop_for(150ms);
    }
    over = true;
    for (auto& one : threads) {
        one.join();
    }
    EXPECT_EQ(back, 0);
    EXPECT_GE(net::clock::paused(), 5 * (150ms - net::pulse::pause_min));
}

class event_handler final : public net::ready_handler {
public:
    event_handler(net::readiness_loop& loop, std::function<void()> ready)
        : loop_(loop), ready_(std::move(ready)),
          event_(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC))
    {
        EXPECT_FALSE(loop_.add(event_.get(), EPOLLIN, *this));
    }
    ~event_handler() { loop_.remove(event_.get(), *this); }

private:
    void on_ready(std::uint32_t) override
    {
        eventfd_t value = 0;
        ::eventfd_read(event_.get(), &value);
        ready_();
    }

    net::readiness_loop& loop_;
    std::function<void()> ready_;
    raw_socket event_;
};

// More are ready than one epoll_wait gives, as behind a pause: all are heard before a timer fires.
TEST_F(Pause, N3_WhatLiesInTheSocketsIsReadBeforeATimerFires)
{
    constexpr int peers = 1000;
    int heard = 0, heard_first = -1;
    struct : net::timer {
        void on_timer(net::time_point) override { fired(); }
        std::function<void()> fired;
    } timer;
    timer.fired = [&] { heard_first = heard; };
    loop.timers().arm(timer, loop.now() + 20ms);
    run_ready();
    std::vector<std::unique_ptr<event_handler>> handlers;
    for (int i = 0; i < peers; ++i) {
        handlers.push_back(std::make_unique<event_handler>(loop, [&heard] { ++heard; }));
    }
    while (net::clock::now() < timer.deadline() + 10ms) {
        std::this_thread::yield(); // this thread does not run its loop: the timer is overdue
    }
    run_until([&] { return heard_first >= 0; });
    EXPECT_EQ(heard_first, peers);
}

TEST_F(Pause, N3_WhatCanBeWrittenIsWrittenBeforeATimerFiresBehindIt)
{
    net::pulse pulse;
    auto [ours, theirs] = unix_pair();
    recorder slow{loop, std::move(ours)};
    slow.send(std::string(8 * 1024 * 1024, 'x'));
    run_ready();
    const auto stuck_at = slow.bytes_written();
    std::uint64_t seen = 0;
    bool fired = false;
    struct : net::timer {
        void on_timer(net::time_point) override { done(); }
        std::function<void()> done;
    } stall;
    stall.done = [&] {
        fired = true;
        seen = slow.bytes_written();
    };
    loop.timers().arm(stall, loop.now() + 1ms); // due as soon as the process runs again
    test_support::stop_process_for(pause_length);
    theirs.read(); // the peer went on meanwhile
    run_until([&] { return fired; });
    EXPECT_GT(seen, stuck_at);
}

// Those who are ready again and again do not keep timers from firing.
TEST_F(Pause, TimersFireThoughTheLoopIsAlwaysBusy)
{
    class busy final : public net::ready_handler {
    public:
        explicit busy(net::readiness_loop& loop)
            : loop_(loop), event_(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC))
        {
            EXPECT_FALSE(loop_.add(event_.get(), EPOLLIN, *this));
        }
        ~busy() { loop_.remove(event_.get(), *this); }

    private:
        void on_ready(std::uint32_t) override {} // stays ready
        net::readiness_loop& loop_;
        raw_socket event_;
    };
    std::vector<std::unique_ptr<busy>> always;
    for (int i = 0; i < 600; ++i) {
        always.push_back(std::make_unique<busy>(loop));
    }
    test_timer timer;
    loop.timers().arm(timer, loop.now() + 5ms);
    run_until([&] { return timer.fired == 1; }, 5s);
}

// A socket that takes bytes again is written before whoever looks at progress is asked.
TEST_F(Pause, N3_WhatCanBeWrittenIsWrittenBeforeAnOverdueTimerFires)
{
    auto [ours, theirs] = unix_pair();
    recorder slow{loop, std::move(ours)};
    const std::string much(8 * 1024 * 1024, 'x');
    slow.send(much);
    run_ready();
    const auto stuck_at = slow.bytes_written();
    ASSERT_LT(stuck_at, much.size());
    std::uint64_t seen = 0;
    struct : net::timer {
        void on_timer(net::time_point) override { fired(); }
        std::function<void()> fired;
    } stall;
    bool fired = false;
    stall.fired = [&] {
        fired = true;
        seen = slow.bytes_written();
    };
    loop.timers().arm(stall, loop.now() + 10ms);
    while (net::clock::now() < stall.deadline() + 100ms) { // late
        theirs.read();
    }
    run_until([&] { return fired; });
    EXPECT_GT(seen, stuck_at);
}

} // namespace
