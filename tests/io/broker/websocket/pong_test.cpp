// Proves what a peer costs that pings: each ping its pong while the peer reads, one pong of the
// newest and no more while it does not (RFC 6455, 5.5.3), however much it sends.

#include "tests/io/broker/net/loop_fixture.hpp"

#include "broker/websocket/codec.hpp"
#include "broker/websocket/pong_debt.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using namespace net_test;
using websocket::opcode;
using websocket::role;

// A connection that answers pings as those of the gateway and of the broker do.
class answering final : public net::connection {
public:
    answering(net::readiness_loop& loop, raw_socket from, role as)
        : net::connection(loop, from.release(), origin::accepted), as_(as), decoder_(as)
    {
    }
    void send(std::string_view bytes)
    {
        out().append(bytes);
        touch();
    }
    std::size_t kept() const { return out().size() + pongs_.bytes(); }
    std::size_t most_kept = 0;
    int pings = 0;

private:
    void on_bytes(std::span<char> bytes) override
    {
        while (true) {
            const auto event = decoder_.next(bytes, 1024);
            if (event.kind == websocket::event_kind::need_more) {
                break;
            }
            ASSERT_EQ(event.kind, websocket::event_kind::ping);
            ++pings;
            pongs_.on_ping(event.payload, as_, *this);
        }
        most_kept = std::max(most_kept, kept());
    }
    void on_written() override { pongs_.on_written(as_, *this); }
    void on_closed(boost::system::error_code) override {}

    role as_;
    websocket::decoder decoder_;
    websocket::pong_debt pongs_;
};

class Pongs : public Loop, public testing::WithParamInterface<role> {
protected:
    static role peer() { return GetParam() == role::server ? role::client : role::server; }
    static std::string ping(std::string_view payload)
    {
        net::outbox out;
        websocket::append_message(out, peer(), opcode::ping, payload);
        return out.text();
    }
    // Payloads of the pongs in what the peer read.
    std::vector<std::string> pongs_in(std::string bytes)
    {
        std::vector<std::string> found;
        std::span<char> left{bytes};
        while (true) {
            const auto event = theirs_.next(left, 1024);
            if (event.kind == websocket::event_kind::need_more) {
                return found;
            }
            EXPECT_EQ(event.kind, websocket::event_kind::pong);
            found.emplace_back(event.payload.data(), event.payload.size());
        }
    }

private:
    websocket::decoder theirs_{peer()};
};

TEST_P(Pongs, N2_EachPingHasItsPongWhileThePeerReads)
{
    auto [ours, theirs] = tcp_pair();
    answering one{loop, std::move(ours), GetParam()};
    std::vector<std::string> expected;
    std::string all;
    for (int i = 0; i < 10; ++i) {
        expected.push_back("payload " + std::to_string(i));
        all += ping(expected.back());
    }
    theirs.write(all); // in one segment
    run_until([&] { return one.pings == 10 && one.kept() == 0; });
    EXPECT_EQ(pongs_in(theirs.read()), expected);
}

TEST_P(Pongs, N2_WhoPingsAndReadsNothingIsOwedOne)
{
    auto [ours, theirs] = tcp_pair();
    answering one{loop, std::move(ours), GetParam()};
    constexpr std::size_t flood = 48 * 1024 * 1024;
    std::string many;
    while (many.size() < 256 * 1024) {
        many += ping("seventeen bytes..");
    }
    std::size_t sent = 0;
    std::string rest;
    while (sent < flood) { // frames are not to be cut for good: what did not fit comes first
        rest = rest.empty() ? many : rest;
        const ssize_t count = ::send(theirs.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
            rest.erase(0, static_cast<std::size_t>(count));
        }
        run_ready();
    }
    while (!rest.empty()) {
        const ssize_t count = ::send(theirs.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        rest.erase(0, count > 0 ? static_cast<std::size_t>(count) : 0);
        run_ready();
    }
    EXPECT_LE(one.most_kept, 8192U);
    // Those of the turn that found the socket full, and the one that is owed.
    EXPECT_LE(one.kept(), websocket::pong_debt::at_once_max + 256);
    const int before = one.pings;
    theirs.write(ping("the newest"));
    run_until([&] { return one.pings == before + 1; });
    std::string read;
    run_until([&] {
        read += theirs.read();
        return one.kept() == 0;
    });
    run_ready();
    read += theirs.read();
    const auto pongs = pongs_in(read);
    ASSERT_FALSE(pongs.empty());
    EXPECT_EQ(pongs.back(), "the newest");
}

// Behind what waits for it the pong is not queued; once that was written, it comes, though more
// waits by then: who reads slowly is answered too.
TEST_P(Pongs, N2_WaitsForWhatWasQueuedInFrontOfItsPing)
{
    auto [ours, theirs] = tcp_pair();
    answering one{loop, std::move(ours), GetParam()};
    net::outbox much;
    websocket::append_message(much, GetParam(), opcode::binary, std::string(24u << 20, 'x'));
    one.send(much.text());
    run_ready();
    ASSERT_FALSE(one.flowing());
    const std::size_t before = one.out().size();
    for (int i = 0; i < 100; ++i) {
        theirs.write(ping("old"));
    }
    theirs.write(ping("new"));
    run_until([&] { return one.pings == 101; });
    EXPECT_EQ(one.out().size(), before);
    const auto mark = one.out().appended();
    one.send("more"); // not read as frames here
    std::string tail;
    run_until([&] {
        const std::string part = theirs.read();
        tail = (tail + part).substr(tail.size() + part.size() > 64 ? tail.size() + part.size() - 64
                                                                   : 0);
        return one.kept() == 0 && one.bytes_written() > mark + 4;
    });
    run_ready();
    tail += theirs.read();
    const std::size_t at = tail.rfind("more");
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(pongs_in(tail.substr(at + 4)), std::vector<std::string>{"new"});
}

TEST_P(Pongs, N2_NothingIsOwedByWhoCloses)
{
    auto [ours, theirs] = tcp_pair();
    answering one{loop, std::move(ours), GetParam()};
    one.close_after_flush();
    theirs.write(ping("late"));
    run_ready();
    EXPECT_EQ(one.kept(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    BothRoles, Pongs, testing::Values(role::server, role::client),
    [](const auto& one) { return one.param == role::server ? "server" : "client"; });

} // namespace
