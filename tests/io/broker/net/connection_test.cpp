// Proves on real sockets that a connection carries every byte in order, one send a turn, under
// backpressure, paused and half-closed.

#include "loop_fixture.hpp"

#include <boost/system/errc.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <vector>

namespace {

using namespace net_test;
namespace errc = boost::system::errc;

class Connection : public Loop {};

TEST_F(Connection, ManyEchoThroughOneLoop)
{
    constexpr std::size_t count = 300; // more than epoll_wait returns at once
    constexpr std::size_t rounds = 20;
    std::vector<std::unique_ptr<recorder>> servers;
    std::vector<std::unique_ptr<recorder>> clients;
    std::size_t done = 0;
    for (std::size_t i = 0; i < count; ++i) {
        auto [ours, theirs] = tcp_pair();
        servers.push_back(std::make_unique<recorder>(loop, std::move(ours)));
        clients.push_back(std::make_unique<recorder>(
            loop, std::move(theirs), net::connection::origin::connecting));
        servers.back()->when_bytes = [](recorder& self, std::string_view bytes) {
            self.send(bytes);
        };
        const std::string text = "client " + std::to_string(i) + ";";
        clients.back()->when_connected = [text](recorder& self) { self.send(text); };
        clients.back()->when_bytes = [&done, text](recorder& self, std::string_view) {
            if (self.received.size() == text.size() * rounds) {
                ++done;
            } else if (self.received.size() % text.size() == 0) {
                self.send(text);
            }
        };
    }
    run_until([&] { return done == count; });
    for (std::size_t i = 0; i < count; ++i) {
        std::string expected;
        for (std::size_t round = 0; round < rounds; ++round) {
            expected += "client " + std::to_string(i) + ";";
        }
        ASSERT_EQ(clients[i]->received, expected);
        ASSERT_EQ(clients[i]->connected, 1);
        ASSERT_EQ(servers[i]->bytes_read(), expected.size());
        ASSERT_EQ(servers[i]->bytes_written(), expected.size());
    }
    // One recv and one send a message each way; nothing is armed and disarmed on the way.
    EXPECT_LE(loop.syscalls().recv, 2 * count * rounds);
    EXPECT_LE(loop.syscalls().send, 2 * count * rounds);
    // Two a connection to add it and two to change the interest once connected; the loop's own
    // waits beside.
    EXPECT_LE(loop.syscalls().epoll_ctl, 4 * count + loop.syscalls().epoll_wait);
}

TEST_F(Connection, OneTurnIsOneSend)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    const auto body = net::payload::make({numbered(2000)});
    std::string expected;
    for (int i = 0; i < 20; ++i) {
        from.send("head");
        from.out().append(body);
        expected += "head" + numbered(2000);
    }
    run_until([&] { return from.written > 0; });
    EXPECT_EQ(loop.syscalls().send, 1U);
    EXPECT_EQ(theirs.read(), expected);
}

TEST_F(Connection, MorePiecesThanOneSendTakesAllArrive)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    recorder to(loop, std::move(theirs));
    const auto body = net::payload::make({numbered(1100)});
    std::string expected;
    for (int i = 0; i < 700; ++i) {
        from.send("head");
        from.out().append(body);
        expected += "head" + numbered(1100);
    }
    run_until([&] { return to.received.size() >= expected.size(); });
    EXPECT_EQ(to.received, expected);
}

TEST_F(Connection, ReadsAtMostItsQuantumATurn)
{
    auto [ours, theirs] = tcp_pair();
    recorder to(loop, std::move(ours));
    theirs.write(numbered(60'000));
    run_until([&] { return to.received.size() == 60'000; });
    EXPECT_EQ(to.largest_read, 16U * 1024);
    to.set_read_quantum(1000);
    to.largest_read = 0;
    theirs.write(numbered(5000));
    run_until([&] { return to.received.size() == 65'000; });
    EXPECT_EQ(to.largest_read, 1000U);
}

TEST_F(Connection, APeerThatDoesNotReadStopsTheWritesUntilItDoes)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    const std::string text = numbered(16 << 20);
    from.send(text);
    run_ready();
    ASSERT_FALSE(from.out().empty());
    EXPECT_GT(from.kernel_unsent(), 0U);
    const auto sends = loop.syscalls().send;
    from.send("end"); // the socket is known to be full
    run_ready();
    EXPECT_EQ(loop.syscalls().send, sends);

    recorder to(loop, std::move(theirs));
    run_until([&] { return to.received.size() == text.size() + 3; });
    EXPECT_EQ(to.received, text + "end");
    EXPECT_TRUE(from.out().empty());
    run_ready(); // EPOLLOUT was given up, or this would not end
}

TEST_F(Connection, PausedItReadsNothingAndResumedAll)
{
    auto [ours, theirs] = tcp_pair();
    recorder to(loop, std::move(ours));
    to.pause_reading();
    run_ready();
    theirs.write("held back");
    theirs.close();
    run_ready();
    EXPECT_EQ(to.received, "");
    to.resume_reading();
    run_until([&] { return to.closed == 1; });
    EXPECT_EQ(to.received, "held back");
    EXPECT_EQ(to.fins, 1);
}

TEST_F(Connection, PauseAndResumeWithinATurnCostNoSystemCall)
{
    auto [ours, theirs] = tcp_pair();
    recorder to(loop, std::move(ours));
    to.when_bytes = [](recorder& self, std::string_view) {
        self.pause_reading();
        self.resume_reading();
    };
    run_ready();
    theirs.write("x");
    run_until([&] { return to.reads == 1; });
    run_ready();
    const auto before = loop.syscalls();
    theirs.write("y");
    run_until([&] { return to.reads == 2; });
    // One for the loop's own wait after the turn.
    EXPECT_LE(loop.syscalls().epoll_ctl - before.epoll_ctl, 1U);
}

TEST_F(Connection, AResetIsSeenWhilePaused)
{
    auto [ours, theirs] = tcp_pair();
    recorder to(loop, std::move(ours));
    to.pause_reading();
    run_ready();
    theirs.reset();
    run_until([&] { return to.closed == 1; });
    EXPECT_EQ(*to.reason, errc::connection_reset);
}

// A unix socket says HUP as soon as its peer closes, which cannot be masked: the loop must not spin
// on it, and what the peer wrote must be read after all.
TEST_F(Connection, AUnixPeerThatClosesWhilePausedLosesNothing)
{
    auto [ours, theirs] = unix_pair();
    recorder to(loop, std::move(ours));
    to.pause_reading();
    run_ready();
    theirs.write("last words");
    theirs.close();
    run_ready(); // would not end
    EXPECT_EQ(to.closed, 0);
    to.pause_reading(); // one more flush must not put it back
    run_ready();
    to.resume_reading();
    run_until([&] { return to.closed == 1; });
    EXPECT_EQ(to.received, "last words");
}

TEST_F(Connection, HalfClosedByThePeerItGoesOnWriting)
{
    auto [ours, theirs] = tcp_pair();
    recorder to(loop, std::move(ours));
    to.closes_on_fin = false;
    ::shutdown(theirs.get(), SHUT_WR);
    run_until([&] { return to.fins == 1; });
    run_ready(); // EOF stays readable: it must not spin
    to.send("still here");
    run_until([&] { return to.written == 1; });
    EXPECT_EQ(theirs.read(), "still here");
    EXPECT_EQ(to.fins, 1);
    EXPECT_EQ(to.closed, 0);
}

TEST_F(Connection, BytesQueuedWhileConnectingAreSent)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours), net::connection::origin::connecting);
    from.send("early");
    run_until([&] { return from.written == 1; });
    EXPECT_EQ(from.connected, 1);
    EXPECT_EQ(theirs.read(), "early");
}

// epoll does not take it (ENOSPC and ENOMEM are the same to us): it is closed, not forgotten.
TEST_F(Connection, N1_WhatTheLoopCannotWatchIsClosed)
{
    raw_socket file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    ASSERT_GE(file.get(), 0);
    recorder one{loop, std::move(file)};
    run_until([&] { return one.closed == 1; });
    EXPECT_EQ(*one.reason, boost::system::errc::operation_not_permitted);
}

} // namespace
