// Proves what the loop promises beside connections: handlers may destroy each other within a turn,
// timers fire while nothing else happens, work posted from other threads gets its turn, and nobody
// starves.

#include "loop_fixture.hpp"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <thread>
#include <vector>

namespace {

using namespace net_test;

class ReadinessLoop : public Loop {};

class event_handler final : public net::ready_handler {
public:
    explicit event_handler(net::readiness_loop& loop)
        : loop_(loop), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
    {
        EXPECT_FALSE(loop_.add(event_.get(), EPOLLIN, *this));
    }
    ~event_handler() { loop_.remove(event_.get(), *this); }
    void signal() const { ASSERT_EQ(::eventfd_write(event_.get(), 1), 0); }
    void drain() const
    {
        eventfd_t value = 0;
        ::eventfd_read(event_.get(), &value);
    }
    std::function<void(event_handler&)> when_ready = [](event_handler& self) { self.drain(); };

private:
    void on_ready(std::uint32_t) override
    {
        const auto run = when_ready; // may destroy this
        run(*this);
    }

    net::readiness_loop& loop_;
    raw_socket event_;
};

class test_timer final : public net::timer {
public:
    std::function<void(net::time_point)> fired = [](net::time_point) {};
    int count = 0;

private:
    void on_timer(net::time_point now) override
    {
        ++count;
        fired(now);
    }
};

TEST_F(ReadinessLoop, AHandlerMayDestroyItselfAndOthersOfTheSameTurn)
{
    std::vector<std::unique_ptr<event_handler>> handlers;
    int called = 0;
    for (int i = 0; i < 50; ++i) {
        handlers.push_back(std::make_unique<event_handler>(loop));
        handlers.back()->when_ready = [&](event_handler&) {
            ++called;
            handlers.clear();
        };
    }
    for (const auto& handler : handlers) {
        handler->signal();
    }
    run_until([&] { return called > 0; });
    run_ready();
    EXPECT_EQ(called, 1);
}

// The kernel gives the lowest free number again: an event of the destroyed handler must not reach
// its successor.
TEST_F(ReadinessLoop, AReusedDescriptorGetsNoEventOfItsPredecessor)
{
    auto first = std::make_unique<event_handler>(loop);
    auto second = std::make_unique<event_handler>(loop);
    std::unique_ptr<event_handler> successor;
    int first_called = 0;
    int successor_called = 0;
    const auto replace = [&](std::unique_ptr<event_handler>& other) {
        ++first_called;
        other.reset();
        successor = std::make_unique<event_handler>(loop);
        successor->when_ready = [&](event_handler& self) {
            ++successor_called;
            self.drain();
        };
    };
    first->when_ready = [&](event_handler& self) {
        self.drain();
        replace(second);
    };
    second->when_ready = [&](event_handler& self) {
        self.drain();
        replace(first);
    };
    first->signal();
    second->signal();
    run_until([&] { return first_called > 0; });
    run_ready();
    EXPECT_EQ(first_called, 1);
    EXPECT_EQ(successor_called, 0);
    successor->signal();
    run_until([&] { return successor_called == 1; });
}

TEST_F(ReadinessLoop, TimersFireWhileIdle)
{
    test_timer near_one;
    test_timer far_one;
    const auto start = loop.now();
    std::vector<net::time_point> fired;
    near_one.fired = far_one.fired = [&](net::time_point now) { fired.push_back(now); };
    loop.timers().arm(far_one, start + 40ms);
    loop.timers().arm(near_one, start + 10ms); // sooner than what the loop sleeps for
    run_until([&] { return fired.size() == 2; });
    EXPECT_GE(fired[0], start + 10ms);
    EXPECT_GE(fired[1], start + 40ms);
    EXPECT_EQ(near_one.count, 1);
}

TEST_F(ReadinessLoop, ATimerArmedByPostWakesTheSleepingLoop)
{
    test_timer timer;
    boost::asio::post(context, [&] { loop.timers().arm(timer, loop.now() + 5ms); });
    run_until([&] { return timer.count == 1; });
}

TEST_F(ReadinessLoop, ATimerThatMovesBackFiresOnceAtItsLastDeadline)
{
    test_timer timer;
    const auto start = loop.now();
    net::time_point fired{};
    timer.fired = [&](net::time_point now) { fired = now; };
    loop.timers().arm(timer, start + 200ms); // far enough for a busy machine
    run_ready();
    loop.timers().arm(timer, start + 250ms);
    run_until([&] { return timer.count == 1; });
    EXPECT_GE(fired, start + 250ms);
}

TEST_F(ReadinessLoop, MeasuresHowLateTimersWere)
{
    test_timer late;
    test_timer blocking;
    const auto start = loop.now();
    blocking.fired = [start](net::time_point) {
        // A callback that blocks the loop, which no event can stand for.
        while (net::clock::now() < start + 120ms) {
        }
    };
    loop.timers().arm(blocking, start + 1ms);
    loop.timers().arm(
        late, start + 100ms); // far from the first: a busy machine, too, fires them apart
    run_until([&] { return late.count == 1; });
    EXPECT_GE(loop.worst_lag(), 10ms);
    EXPECT_LT(loop.worst_lag(), 10ms); // reset by the first call
}

TEST_F(ReadinessLoop, WhatAnotherThreadPostsIsFlushedAtOnce)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    run_ready();
    std::thread other([&] {
        for (int i = 0; i < 1000; ++i) {
            boost::asio::post(context, [&from, i] { from.send(std::to_string(i) + " "); });
        }
    });
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        expected += std::to_string(i) + " ";
    }
    run_until([&] { return from.bytes_written() == expected.size(); });
    other.join();
    EXPECT_EQ(theirs.read(), expected);
}

TEST_F(ReadinessLoop, RequestTurnRunsTheTurnHandlerOnce)
{
    struct : net::turn_handler {
        void on_turn_end(net::time_point) override
        {
            ++turns;
            if (again-- > 0) {
                loop->request_turn();
            }
        }
        net::readiness_loop* loop = nullptr;
        int turns = 0;
        int again = 0;
    } handler;
    handler.loop = &loop;
    run_ready();
    loop.set_turn_handler(&handler);
    loop.request_turn();
    loop.request_turn();
    run_ready();
    EXPECT_EQ(handler.turns, 1);
    handler.again = 3; // asked for from inside: a turn more each
    loop.request_turn();
    run_ready();
    EXPECT_EQ(handler.turns, 5);
    loop.set_turn_handler(nullptr);
}

TEST_F(ReadinessLoop, TheTurnHandlersAppendsAreFlushedInItsTurn)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    struct : net::turn_handler {
        void on_turn_end(net::time_point) override
        {
            if (!std::exchange(done, true)) {
                to->send("at the end");
            }
        }
        recorder* to = nullptr;
        bool done = false;
    } handler;
    handler.to = &from;
    loop.set_turn_handler(&handler);
    loop.request_turn();
    run_until([&] { return handler.done; });
    EXPECT_EQ(theirs.read(), "at the end");
    loop.set_turn_handler(nullptr);
}

// More handlers are ready than one epoll_wait returns, and stay so: a post must still get its turn.
TEST_F(ReadinessLoop, PostsAreNotStarvedByABusyLoop)
{
    std::vector<std::unique_ptr<event_handler>> handlers;
    std::uint64_t called = 0;
    for (int i = 0; i < 400; ++i) {
        handlers.push_back(std::make_unique<event_handler>(loop));
        handlers.back()->when_ready = [&](event_handler&) { ++called; }; // leaves it ready
        handlers.back()->signal();
    }
    run_until([&] { return called > 1000; });
    bool ran = false;
    boost::asio::post(context, [&] { ran = true; });
    const auto before = called;
    run_until([&] { return ran; });
    EXPECT_LE(called - before, 2U * 256);
}

TEST_F(ReadinessLoop, AFlushThatAlwaysHasMoreDoesNotHoldTheLoop)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    bool ran = false;
    from.when_written = [&](recorder& self) {
        theirs.read();
        if (!ran) {
            self.send("more");
        }
    };
    from.send("more");
    run_until([&] { return from.written > 10; });
    boost::asio::post(context, [&] { ran = true; });
    run_until([&] { return ran; });
}

TEST_F(ReadinessLoop, StoppedItLetsTheContextRunOut)
{
    auto [ours, theirs] = tcp_pair();
    recorder kept(loop, std::move(ours));
    run_ready();
    loop.stop();
    theirs.write("unheard");
    context.run(); // returns
    EXPECT_EQ(kept.received, "");
    kept.touch(); // and nothing starts it again
    context.restart();
    EXPECT_EQ(context.poll(), 0U);
}

TEST(ReadinessLoopAlone, MayDieBeforeWhatItPosted)
{
    boost::asio::io_context context{1};
    auto loop = std::make_unique<net::readiness_loop>(context);
    loop->request_turn();
    loop.reset();
    context.run();
    EXPECT_TRUE(context.stopped());
}

TEST(ReadinessLoopAlone, RefusesADescriptorThatCannotBePolled)
{
    boost::asio::io_context context{1};
    net::readiness_loop loop{context};
    struct : net::ready_handler {
        void on_ready(std::uint32_t) override {}
    } handler;
    EXPECT_TRUE(loop.add(-1, EPOLLIN, handler));
}

} // namespace
