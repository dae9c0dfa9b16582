// Proves that frames come out whole however the bytes are cut, over both transports, and that a
// peer's close or nonsense ends the stream.

#include "tests/load/frame_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace load {
namespace {

struct recorder final : frame_sink {
    void on_open() override { ++opened; }
    void on_frame(const stomp::frame_view& frame) override { bodies.emplace_back(frame.body); }
    int opened = 0;
    std::vector<std::string> bodies;
};

using namespace std::string_literals; // the literals hold NULs
const std::string two_messages =
    "MESSAGE\ndestination:/topic/a\nmessage-id:1\nsubscription:o\n\none\0\n"s
    "MESSAGE\ndestination:/topic/a\nmessage-id:2\nsubscription:o\ncontent-length:3\n\ntwo\0"s;

frame_stream::outcome feed_cut(
    frame_stream& stream, std::string bytes, std::size_t piece, net::outbox& out, recorder& sink)
{
    stomp::frame_view scratch;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const std::size_t length = std::min(piece, bytes.size() - at);
        const auto outcome = stream.feed({bytes.data() + at, length}, out, scratch, sink);
        if (outcome != frame_stream::outcome::open) {
            return outcome;
        }
    }
    return frame_stream::outcome::open;
}

dial_target tcp_target()
{
    dial_target target;
    target.over = dial_target::transport::tcp;
    return target;
}

TEST(FrameStream, GivesWholeFramesHoweverTcpCutsThem)
{
    const dial_target target = tcp_target();
    for (std::size_t piece = 1; piece <= two_messages.size(); ++piece) {
        frame_stream stream{target};
        net::outbox out;
        recorder sink;
        stream.start(out, sink);
        EXPECT_EQ(sink.opened, 1);
        EXPECT_EQ(feed_cut(stream, two_messages, piece, out, sink), frame_stream::outcome::open);
        EXPECT_EQ(sink.bodies, (std::vector<std::string>{"one", "two"})) << piece;
    }
}

TEST(FrameStream, FailsOnWhatIsNotStomp)
{
    const dial_target target = tcp_target();
    frame_stream stream{target};
    net::outbox out;
    recorder sink;
    stream.start(out, sink);
    EXPECT_EQ(
        feed_cut(stream, "HTTP/1.1 400 Bad Request\r\n\r\n", 100, out, sink),
        frame_stream::outcome::failed);
    EXPECT_FALSE(stream.why().empty());
}

// The server's side of an upgrade that was asked for with `request`.
std::string accept_upgrade(const std::string& request)
{
    websocket::upgrade_policy policy;
    policy.paths = {"/ws"};
    return websocket::answer_upgrade(request, policy).response;
}

TEST(FrameStream, GivesWholeFramesHoweverTheWebSocketIsCut)
{
    dial_target target;
    target.host_port = "127.0.0.1:8080";
    target.path = "/ws";
    for (const std::size_t piece : {1, 2, 3, 7, 64, 1000}) {
        frame_stream stream{target};
        net::outbox request, server, out;
        recorder sink;
        stream.start(request, sink);
        server.append(accept_upgrade(request.text()));
        // One frame over two messages, and two frames in one message.
        websocket::append_message(
            server, websocket::role::server, websocket::opcode::text, two_messages.substr(0, 80));
        websocket::append_message(
            server, websocket::role::server, websocket::opcode::text, two_messages.substr(80));
        EXPECT_EQ(feed_cut(stream, server.text(), piece, out, sink), frame_stream::outcome::open)
            << stream.why();
        EXPECT_EQ(sink.opened, 1);
        EXPECT_EQ(sink.bodies, (std::vector<std::string>{"one", "two"})) << piece;

        net::outbox closing;
        websocket::append_close(
            closing, websocket::role::server, websocket::close_code::service_restart, "bye");
        const auto outcome = feed_cut(stream, closing.text(), piece, out, sink);
        EXPECT_EQ(outcome, frame_stream::outcome::closed);
        EXPECT_EQ(stream.why(), "WebSocket close 1012 bye");
        EXPECT_FALSE(out.empty()); // answered
    }
}

TEST(FrameStream, SaysWhyAnUpgradeWasRefused)
{
    dial_target target;
    target.host_port = "127.0.0.1:8080";
    frame_stream stream{target};
    net::outbox request, out;
    recorder sink;
    stream.start(request, sink);
    EXPECT_EQ(
        feed_cut(
            stream, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 20, out, sink),
        frame_stream::outcome::failed);
    EXPECT_EQ(sink.opened, 0);
    EXPECT_NE(stream.why().find("503"), std::string::npos) << stream.why();
}

} // namespace
} // namespace load
