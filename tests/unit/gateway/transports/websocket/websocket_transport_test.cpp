// The greeting in every split, and what goes out, byte by byte.

#include "gateway/transports/websocket/websocket_transport.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gateway {
namespace {

using namespace std::string_literals;

const std::string request =
    "GET /ws HTTP/1.1\r\nHost: gateway.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nCookie: a=b\r\n";

// Says `bytes` one by one; the answer, and how many bytes it took.
struct said {
    greeting came;
    std::size_t at = 0;
    std::string answer;
};
said one_by_one(const std::string& bytes, const websocket::upgrade_policy& policy)
{
    websocket_transport socket;
    net::outbox out;
    said result;
    while (result.came.came == greeting::outcome::unfinished && result.at < bytes.size()) {
        const std::size_t looked_at = result.at++;
        result.came = socket.greet(
            std::string_view{bytes}.substr(0, result.at), looked_at, {.upgrade = policy}, out);
    }
    result.answer = out.text();
    return result;
}

TEST(WebSocketTransport, TheUpgradeIsTheGreeting)
{
    const websocket::upgrade_policy policy{.forward_headers = {"Cookie"}};
    const auto result = one_by_one(request + "\r\n" + "STOMP", policy);
    EXPECT_EQ(result.came.came, greeting::outcome::accepted);
    EXPECT_EQ(result.at, request.size() + 2);
    EXPECT_EQ(result.came.used, request.size() + 2);
    EXPECT_TRUE(result.answer.starts_with("HTTP/1.1 101 "));
    ASSERT_EQ(result.came.headers.size(), 1U);
    EXPECT_EQ(result.came.headers[0].second, "a=b");
}

TEST(WebSocketTransport, ARefusalSaysWhatItCountsAs)
{
    const websocket::upgrade_policy policy{.allowed_origins = {"https://a.example"}};
    const auto origin = one_by_one(request + "Origin: https://b.example\r\n\r\n", policy);
    EXPECT_EQ(origin.came.came, greeting::outcome::refused);
    EXPECT_EQ(origin.came.why, reject_reason::origin);
    EXPECT_FALSE(origin.came.reason.empty());
    EXPECT_TRUE(origin.answer.starts_with("HTTP/1.1 403 "));
    const auto method = one_by_one("POST" + request.substr(3) + "\r\n", policy);
    EXPECT_EQ(method.came.why, reject_reason::handshake);
    EXPECT_TRUE(method.answer.starts_with("HTTP/1.1 405 "));
}

TEST(WebSocketTransport, AHeadIsRefusedAtTheFirstByteThatIsTooMany)
{
    const websocket::upgrade_policy policy{.head_bytes_max = 300};
    const auto result = one_by_one(request + "X: " + std::string(1000, 'x'), policy);
    EXPECT_EQ(result.came.came, greeting::outcome::refused);
    EXPECT_EQ(result.at, 301U);
    EXPECT_TRUE(result.answer.starts_with("HTTP/1.1 431 "));
}

TEST(WebSocketTransport, FramesHeartBeatsAndQuestionsAreMessagesOfTheirKind)
{
    const websocket_transport socket;
    net::outbox out;
    socket.append_frame(out, "RECEIPT\n\n", "", true);
    socket.append_frame(out, "MESSAGE\n\n", "b", false);
    socket.append_beat(out, true);
    socket.append_question(out);
    EXPECT_EQ(
        out.text(), "\x81\x0ARECEIPT\n\n\0\x82\x0BMESSAGE\n\n"
                    "b\0\x81\x01\n\x89\0"s);
}

TEST(WebSocketTransport, EveryEndHasItsCloseCode)
{
    const auto code = [](disconnect_reason why) {
        const websocket_transport socket;
        net::outbox out;
        socket.append_close(out, why, "so");
        const std::string text = out.text();
        return static_cast<unsigned char>(text[2]) << 8 | static_cast<unsigned char>(text[3]);
    };
    EXPECT_EQ(code(disconnect_reason::disconnect), 1000);
    EXPECT_EQ(code(disconnect_reason::protocol_error), 1002);
    EXPECT_EQ(code(disconnect_reason::slow_consumer), 1008);
    EXPECT_EQ(code(disconnect_reason::drained), 1012);
    EXPECT_EQ(code(disconnect_reason::park_timeout), 1013);
}

} // namespace
} // namespace gateway
