// Proves on real sockets that a connection carries every byte in order, under backpressure too, and that it closes
// once, at the end of a turn, for the right reason, from every state that it can be in.

#include "loop_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace {

using namespace net_test;
namespace errc = boost::system::errc;

std::string numbered(std::size_t size)
{
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>(i % 251);
    }
    return bytes;
}

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
        clients.push_back(std::make_unique<recorder>(loop, std::move(theirs), net::connection::origin::connecting));
        servers.back()->when_bytes = [](recorder& self, std::string_view bytes) { self.send(bytes); };
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
    // Two a connection to add it and two to change the interest once connected; the loop's own waits beside.
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

TEST_F(Connection, CloseAfterFlushDeliversEverythingBeforeFin)
{
    for (const std::size_t size : {0U, 5U, 8U << 20}) {
        auto [ours, theirs] = tcp_pair();
        recorder from(loop, std::move(ours));
        recorder to(loop, std::move(theirs));
        from.send(numbered(size));
        from.close_after_flush();
        EXPECT_TRUE(from.closing());
        run_until([&] { return from.closed + to.closed == 2; });
        EXPECT_EQ(to.received, numbered(size));
        EXPECT_EQ(to.fins, 1);
        EXPECT_FALSE(*from.reason) << *from.reason;
        EXPECT_FALSE(*to.reason) << *to.reason;
    }
}

TEST_F(Connection, WhatComesWhileClosingIsDiscarded)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    from.send("bye");
    from.pause_reading(); // must not keep it from seeing the FIN
    from.close_after_flush();
    theirs.write(numbered(100'000));
    run_until([&] { return from.bytes_read() == 100'000; });
    EXPECT_EQ(from.received, "");
    EXPECT_EQ(from.closed, 0);
    EXPECT_EQ(theirs.read(), "bye");
    theirs.close();
    run_until([&] { return from.closed == 1; });
    EXPECT_FALSE(*from.reason);
}

TEST_F(Connection, LingerEndsAPeerThatDoesNotClose)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    from.send("bye");
    const auto start = net::clock::now();
    from.close_after_flush(20ms);
    run_until([&] { return from.closed == 1; });
    EXPECT_GE(net::clock::now() - start, 20ms);
    EXPECT_FALSE(*from.reason);
    bool ended = false;
    EXPECT_EQ(theirs.read(&ended), "bye");
    EXPECT_TRUE(ended);
}

TEST_F(Connection, LingerEndsAPeerThatTakesNothing)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    from.send(numbered(16 << 20));
    from.close_after_flush(20ms);
    run_until([&] { return from.closed == 1; });
    EXPECT_EQ(*from.reason, errc::timed_out);
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

// A unix socket says HUP as soon as its peer closes, which cannot be masked: the loop must not spin on it, and what
// the peer wrote must be read after all.
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

TEST_F(Connection, AResetByThePeerIsTheReason)
{
    auto [ours, theirs] = tcp_pair();
    recorder to(loop, std::move(ours));
    theirs.reset();
    run_until([&] { return to.closed == 1; });
    EXPECT_EQ(*to.reason, errc::connection_reset);
}

TEST_F(Connection, AFailedWriteIsTheReason)
{
    auto [ours, theirs] = unix_pair();
    recorder from(loop, std::move(ours));
    from.pause_reading();
    theirs.close();
    from.send("into the void");
    run_until([&] { return from.closed == 1; });
    EXPECT_EQ(*from.reason, errc::broken_pipe);
    EXPECT_EQ(from.out().size(), 13U);
}

TEST_F(Connection, ARefusedConnectIsTheReason)
{
    std::optional<net::socket_address> nobody;
    {
        const raw_socket listener{net::listen_on({"127.0.0.1", 0, {}}, net::reuse_port::no).value()};
        nobody = net::resolve(net::local_address(listener.get()).value()).value().front();
    }
    recorder from(loop, raw_socket{net::start_connect(*nobody).value()}, net::connection::origin::connecting);
    from.send("CONNECT");
    run_until([&] { return from.closed == 1; });
    EXPECT_EQ(*from.reason, errc::connection_refused);
    EXPECT_EQ(from.connected, 0);
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

TEST_F(Connection, CloseNowInsideOnBytesIsDeferred)
{
    auto [ours, theirs] = tcp_pair();
    auto to = std::make_unique<recorder>(loop, std::move(ours));
    bool destroyed = false;
    to->when_bytes = [](recorder& self, std::string_view) {
        self.close_now();
        EXPECT_EQ(self.closed, 0);
        self.close_now();
        self.close_after_flush();
        self.send("never");
    };
    to->when_closed = [&](recorder&) {
        to.reset();
        destroyed = true;
    };
    theirs.write("x");
    run_until([&] { return destroyed; });
    run_ready();
    bool ended = false;
    EXPECT_EQ(theirs.read(&ended), "");
    EXPECT_TRUE(ended);
}

TEST_F(Connection, ClosedInsideOnWrittenItIsDestroyedAfterwards)
{
    auto [ours, theirs] = tcp_pair();
    auto from = std::make_unique<recorder>(loop, std::move(ours));
    from->when_written = [](recorder& self) { self.close_now(); };
    from->when_closed = [&](recorder&) { from.reset(); };
    from->send("once");
    run_until([&] { return from == nullptr; });
    EXPECT_EQ(theirs.read(), "once");
}

// The loop must not touch a neighbour that was ready, dirty, or waiting for its linger when the first one closed.
TEST_F(Connection, OnClosedMayDestroyOthersOfTheSameTurn)
{
    std::vector<std::unique_ptr<recorder>> all;
    std::vector<raw_socket> peers;
    for (int i = 0; i < 10; ++i) {
        auto [ours, theirs] = tcp_pair();
        all.push_back(std::make_unique<recorder>(loop, std::move(ours)));
        peers.push_back(std::move(theirs));
        all.back()->when_bytes = [](recorder& self, std::string_view) { self.close_now(); };
        all.back()->when_closed = [&](recorder&) { all.clear(); };
    }
    all[3]->close_after_flush();
    run_ready();
    for (const auto& peer : peers) {
        peer.write("x");
    }
    run_until([&] { return all.empty(); });
    run_ready();
}

TEST_F(Connection, IsTornDownInEveryState)
{
    const std::vector<std::function<void(recorder&, raw_socket&)>> states{
        [](recorder&, raw_socket&) {},
        [](recorder& self, raw_socket&) { self.send("dirty"); },
        [](recorder& self, raw_socket&) { self.send(numbered(16 << 20)); },
        [](recorder& self, raw_socket&) { self.pause_reading(); },
        [](recorder& self, raw_socket&) { self.close_after_flush(); },
        [](recorder& self, raw_socket&) {
            self.send(numbered(16 << 20));
            self.close_after_flush();
        },
        [](recorder& self, raw_socket&) { self.close_now(); },
        [](recorder&, raw_socket& peer) { peer.write("unread"); },
        [](recorder&, raw_socket& peer) { peer.close(); },
        [](recorder&, raw_socket& peer) { peer.reset(); },
    };
    for (std::size_t i = 0; i < states.size(); ++i) {
        for (const bool turns : {false, true}) {
            for (const auto how : {net::connection::origin::accepted, net::connection::origin::connecting}) {
                SCOPED_TRACE("state " + std::to_string(i));
                auto [ours, theirs] = tcp_pair();
                auto victim = std::make_unique<recorder>(loop, std::move(ours), how);
                states[i](*victim, theirs);
                if (turns) {
                    run_ready();
                }
                EXPECT_LE(victim->closed, 1);
                victim.reset();
                run_ready();
                bool ended = false;
                if (theirs.get() >= 0) {
                    theirs.read(&ended);
                    EXPECT_TRUE(ended || errno == ECONNRESET);
                }
            }
        }
    }
}

} // namespace
