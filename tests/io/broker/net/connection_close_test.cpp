// Proves on real sockets that a connection closes once, at the end of a turn, for the right reason,
// from every state that it can be in, and delivers what was queued before its FIN.

#include "loop_fixture.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace net_test;
namespace errc = boost::system::errc;

class ConnectionClose : public Loop {};

TEST_F(ConnectionClose, CloseAfterFlushDeliversEverythingBeforeFin)
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

TEST_F(ConnectionClose, WhatComesWhileClosingIsDiscarded)
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

TEST_F(ConnectionClose, LingerEndsAPeerThatDoesNotClose)
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

// Both sides have said their last word: nothing is left to wait for.
TEST_F(ConnectionClose, AfterThePeersFinThereIsNoLinger)
{
    auto [ours, theirs] = tcp_pair();
    recorder to(loop, std::move(ours));
    to.closes_on_fin = false;
    ::shutdown(theirs.get(), SHUT_WR);
    run_until([&] { return to.fins == 1; });
    to.send("bye");
    to.close_after_flush(1h);
    run_until([&] { return to.closed == 1; });
    EXPECT_FALSE(*to.reason);
    EXPECT_EQ(theirs.read(), "bye");
}

// All was said and delivered: a browser that goes with RST instead of FIN is no failure.
TEST_F(ConnectionClose, AResetAfterOurFinIsAGoodEnd)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    from.send("bye");
    from.close_after_flush();
    run_ready();
    EXPECT_EQ(theirs.read(), "bye");
    theirs.reset();
    run_until([&] { return from.closed == 1; });
    EXPECT_FALSE(*from.reason) << *from.reason;
}

TEST_F(ConnectionClose, LingerEndsAPeerThatTakesNothing)
{
    auto [ours, theirs] = tcp_pair();
    recorder from(loop, std::move(ours));
    from.send(numbered(16 << 20));
    from.close_after_flush(20ms);
    run_until([&] { return from.closed == 1; });
    EXPECT_EQ(*from.reason, errc::timed_out);
}

TEST_F(ConnectionClose, AResetByThePeerIsTheReason)
{
    auto [ours, theirs] = tcp_pair();
    recorder to(loop, std::move(ours));
    theirs.reset();
    run_until([&] { return to.closed == 1; });
    EXPECT_EQ(*to.reason, errc::connection_reset);
}

TEST_F(ConnectionClose, AFailedWriteIsTheReason)
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

TEST_F(ConnectionClose, ARefusedConnectIsTheReason)
{
    std::optional<net::socket_address> nobody;
    {
        const raw_socket listener{
            net::listen_on({"127.0.0.1", 0, {}}, net::reuse_port::no).value()};
        nobody = net::resolve(net::local_address(listener.get()).value()).value().front();
    }
    recorder from(
        loop, raw_socket{net::start_connect(*nobody).value()}, net::connection::origin::connecting);
    from.send("CONNECT");
    run_until([&] { return from.closed == 1; });
    EXPECT_EQ(*from.reason, errc::connection_refused);
    EXPECT_EQ(from.connected, 0);
}

TEST_F(ConnectionClose, CloseNowInsideOnBytesIsDeferred)
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

TEST_F(ConnectionClose, ClosedInsideOnWrittenItIsDestroyedAfterwards)
{
    auto [ours, theirs] = tcp_pair();
    auto from = std::make_unique<recorder>(loop, std::move(ours));
    from->when_written = [](recorder& self) { self.close_now(); };
    from->when_closed = [&](recorder&) { from.reset(); };
    from->send("once");
    run_until([&] { return from == nullptr; });
    EXPECT_EQ(theirs.read(), "once");
}

// The loop must not touch a neighbour that was ready, dirty, or waiting for its linger when the
// first one closed.
TEST_F(ConnectionClose, OnClosedMayDestroyOthersOfTheSameTurn)
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

TEST_F(ConnectionClose, IsTornDownInEveryState)
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
            for (const auto how :
                 {net::connection::origin::accepted, net::connection::origin::connecting}) {
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
