// What goes out is the bytes as they are; what ends a connection is read by a parser of STOMP.

#include "broker/stomp/parser.hpp"
#include "gateway/transports/tcp/tcp_transport.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

using namespace std::string_literals;

TEST(TcpTransport, N10_FramesAndHeartBeatsAreTheBytesAsTheyAre)
{
    const tcp_transport tcp;
    net::outbox out;
    tcp.append_frame(out, "RECEIPT\nreceipt-id:1\n\n", "", true);
    tcp.append_beat(out, true);
    tcp.append_frame(out, "MESSAGE\n\n", "a\0b"s, false);
    EXPECT_EQ(out.text(), "RECEIPT\nreceipt-id:1\n\n\0\nMESSAGE\n\na\0b\0"s);
}

TEST(TcpTransport, N10_TheEndOfASessionIsNoFrame)
{
    const tcp_transport tcp;
    net::outbox out;
    tcp.append_close(out, disconnect_reason::drained, "the gateway is going away");
    EXPECT_TRUE(out.empty());
}

TEST(TcpTransport, N10_AFaultIsAnErrorThatEveryVersionReadsAlike)
{
    for (const auto version : {stomp::version::v10, stomp::version::v11, stomp::version::v12}) {
        const tcp_transport tcp;
        net::outbox out;
        tcp.append_fault(out, disconnect_reason::heart_beat, "no: heart\\beat\n\0in time"s);
        const std::string text = out.text();
        stomp::parser parser{stomp::peer::broker};
        parser.set_version(version);
        stomp::frame_view frame;
        const auto parsed = parser.parse(text, {}, frame);
        ASSERT_EQ(parsed.status, stomp::parse_status::frame);
        EXPECT_EQ(parsed.consumed, text.size());
        EXPECT_EQ(frame.command, stomp::command::error);
        EXPECT_EQ(frame.find("message"), "no  heart beat  in time");
    }
}

} // namespace
} // namespace gateway
