// A session, its receivers and senders, without a socket; the loop's timers are moved by hand.

#include "gateway/transports/sockjs/session.hpp"
#include "gateway/transports/sockjs/xhr_wire.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace gateway::sockjs {
namespace {

using namespace std::chrono_literals;

class user final : public net::connection {
public:
    user(net::readiness_loop& loop, session& over) : connection(loop), wire(over, *this) {}
    void say(std::string_view text)
    {
        xhr_wire::append_message(out(), text);
        touch();
    }
    std::string heard;
    bool gone = false;
    xhr_wire wire;

private:
    void on_bytes(std::span<char> bytes) override { heard.append(bytes.data(), bytes.size()); }
    void on_carried_turn() override { wire.on_turn(); }
    void on_closed(boost::system::error_code) override
    {
        gone = true;
        wire.on_closed();
    }
};

class answer_text final : public receiver {
public:
    explicit answer_text(receiver_kind what) : kind_(what) {}
    receiver_kind kind() const override { return kind_; }
    bool takes() const override { return open && room; }
    void write(std::string_view body) override { text += body; }
    void end() override { open = false; }
    std::string text;
    bool open = true, room = true;

private:
    receiver_kind kind_;
};

class post final : public sender {
public:
    explicit post(std::string_view json)
    {
        EXPECT_EQ(decode_messages(json, single_string::no, all), decoding::done);
    }
    messages& brought() override { return all; }
    void end(bool delivered) override { came = delivered ? "delivered" : "lost"; }
    messages all;
    std::string came;
};

class SockjsSession : public testing::Test, private session_owner {
protected:
    // The receivers of a test are gone by now.
    void TearDown() override { one.reset(); }
    void turn()
    {
        loop.request_turn();
        context.restart();
        context.poll();
    }
    void wait(net::duration span)
    {
        const auto now = std::max(last, loop.now()) + span;
        last = now;
        loop.timers().advance(now);
        turn();
    }
    answer_text attach(receiver_kind what = receiver_kind::xhr)
    {
        answer_text made{what};
        one->attach(made);
        return made;
    }

    boost::asio::io_context context{1};
    net::readiness_loop loop{context};
    net::time_point last{};
    std::unique_ptr<session> one = std::make_unique<session>(
        loop, static_cast<session_owner&>(*this), 1, "name",
        session_settings{.response_bytes_max = 100});
    user client{loop, *one};
    bool over = false;

private:
    void session_is_over(session&) override { over = true; }
    void remove_session(session&) override { one.reset(); }
};

TEST_F(SockjsSession, N11_APollGetsOneFrameWithAllThatIsThere)
{
    EXPECT_EQ(attach().text, "o\n");
    client.say("a");
    client.say("b\n");
    const auto poll = attach();
    EXPECT_EQ(poll.text, "a[\"a\",\"b\\n\"]\n");
    EXPECT_FALSE(poll.open);
    answer_text waits{receiver_kind::xhr};
    one->attach(waits);
    EXPECT_TRUE(waits.open);
    client.say("c");
    turn();
    EXPECT_EQ(waits.text, "a[\"c\"]\n");
}

TEST_F(SockjsSession, N11_AStreamEndsBehindItsLimitAndTheNextGoesOn)
{
    answer_text stream{receiver_kind::xhr_streaming};
    one->attach(stream);
    client.say(std::string(50, 'x'));
    turn();
    EXPECT_TRUE(stream.open);
    client.say(std::string(50, 'y'));
    client.say("z");
    turn();
    EXPECT_FALSE(stream.open);
    EXPECT_EQ(
        stream.text,
        "o\na[\"" + std::string(50, 'x') + "\"]\na[\"" + std::string(50, 'y') + "\"]\n");
    EXPECT_EQ(attach(receiver_kind::eventsource).text, "data: a[\"z\"]\r\n\r\n");
}

TEST_F(SockjsSession, N11_AMessageLongerThanAPieceIsOneFrame)
{
    answer_text stream{receiver_kind::xhr_streaming};
    one->attach(stream);
    const std::string text(300'000, 'x');
    client.say("first");
    client.say(text);
    turn();
    EXPECT_EQ(stream.text, "o\na[\"first\",\"" + text + "\"]\n");
    EXPECT_FALSE(stream.open);
}

TEST_F(SockjsSession, N13_NothingIsTakenForAReceiverWithoutRoom)
{
    answer_text stream{receiver_kind::xhr_streaming};
    one->attach(stream);
    stream.room = false;
    client.say("a");
    turn();
    EXPECT_EQ(stream.text, "o\n");
    EXPECT_FALSE(client.out().empty());
    stream.room = true;
    one->on_room();
    EXPECT_EQ(stream.text, "o\na[\"a\"]\n");
    EXPECT_TRUE(client.out().empty());
}

TEST_F(SockjsSession, N11_ASecondReceiverIsTurnedAway)
{
    answer_text stream{receiver_kind::xhr_streaming};
    one->attach(stream);
    const auto second = attach();
    EXPECT_EQ(second.text, "c[2010,\"Another connection still open\"]\n");
    EXPECT_FALSE(second.open);
    client.say("a");
    turn();
    EXPECT_EQ(stream.text, "o\na[\"a\"]\n");
}

TEST_F(SockjsSession, N11_HeartBeats)
{
    answer_text stream{receiver_kind::xhr_streaming};
    one->attach(stream);
    wait(24s);
    EXPECT_EQ(stream.text, "o\n");
    wait(2s);
    EXPECT_EQ(stream.text, "o\nh\n");
    one->break_off(stream);
    turn();
    EXPECT_TRUE(client.gone);
}

TEST_F(SockjsSession, N12_WithoutAReceiverItEnds)
{
    attach();
    wait(4s);
    EXPECT_FALSE(client.gone);
    wait(2s);
    EXPECT_TRUE(client.gone);
    EXPECT_TRUE(one == nullptr || one->forgotten());
    EXPECT_FALSE(over);
}

TEST_F(SockjsSession, N12_TheCloseFrameIsSaidForAWhile)
{
    attach();
    client.say("last");
    client.wire.end_with("c[3000,\"Go away!\"]");
    client.close_after_flush();
    turn();
    EXPECT_FALSE(client.gone); // until it is read
    EXPECT_EQ(attach().text, "a[\"last\"]\n");
    turn();
    EXPECT_TRUE(client.gone);
    EXPECT_TRUE(over);
    EXPECT_EQ(attach().text, "c[3000,\"Go away!\"]\n");
    EXPECT_EQ(attach(receiver_kind::eventsource).text, "data: c[3000,\"Go away!\"]\r\n\r\n");
    post late{R"(["x"])"};
    one->send(late);
    EXPECT_EQ(late.came, "lost");
    wait(6s);
    EXPECT_EQ(one, nullptr);
}

TEST_F(SockjsSession, N12_WhoBreaksOffEndsIt)
{
    answer_text stream{receiver_kind::xhr_streaming};
    one->attach(stream);
    one->break_off(stream);
    turn();
    EXPECT_TRUE(client.gone);
    EXPECT_TRUE(one == nullptr || one->forgotten());
}

TEST_F(SockjsSession, N13_MessagesWaitInOrderWhileTheUserDoesNotRead)
{
    attach();
    client.pause_reading();
    post first{R"(["a","b"])"}, second{R"(["c"])"}, third{R"(["d"])"};
    one->send(first);
    one->send(second);
    one->send(third);
    EXPECT_EQ(first.came + client.heard, "");
    one->forget(second); // its connection is gone
    client.resume_reading();
    turn();
    EXPECT_EQ(client.heard, "abd");
    EXPECT_EQ(first.came + third.came, "delivereddelivered");
    EXPECT_EQ(second.came, "");
}

} // namespace
} // namespace gateway::sockjs
