// Proves the closing handshake and the limits by the case list that WebSocket implementations are
// commonly tested with, sections 7 (close) and 9 (size and number; the sizes are kept to what a
// unit test may take).

#include "tests/unit/broker/websocket/echo_peer.hpp"

namespace websocket::test {
namespace {

const std::string normal = "close:1000:", protocol_error = "close:1002:";

// 7.1.1
TEST(WebSocketClose, CloseBehindAMessageIsAnswered)
{
    expect_answers(text("Hello World!") + close(1000), {"text:Hello World!", normal});
}

// 7.1.2 - 7.1.4
TEST(WebSocketClose, NothingIsReadBehindAClose)
{
    expect_answers(close(1000) + close(1000), {normal});
    expect_answers(close(1000) + ping(), {normal});
    expect_answers(close(1000) + text("Hello World!"), {normal});
    expect_answers(close(1000) + std::string(500, '\xFF'), {normal});
}

// 7.1.5
TEST(WebSocketClose, CloseInsideAMessageEndsIt)
{
    expect_answers(text("fragment1", false) + close(1000) + more("fragment2"), {normal});
}

// 7.1.6
TEST(WebSocketClose, CloseBehindABigMessageIsAnsweredBehindItsEcho)
{
    const std::string payload(std::size_t{256} << 10, '*');
    echo_server server;
    server.send(text(payload) + close(1000) + ping());
    EXPECT_EQ(server.answers(), (answers{"text:" + payload, normal}));
}

// 7.3.1
TEST(WebSocketClose, EmptyCloseIsAnsweredWithAnEmptyOne)
{
    expect_answers(raw_frame(8, ""), {"close:1005:"});
}

// 7.3.2
TEST(WebSocketClose, CloseWithHalfACodeFails)
{
    expect_answers(raw_frame(8, "a"), {protocol_error});
}

// 7.3.3 - 7.3.5
TEST(WebSocketClose, CloseWithCodeAndReasonIsAnswered)
{
    expect_answers(close(1000), {normal});
    expect_answers(close(1000, "Hello World!"), {normal});
    expect_answers(close(1000, std::string(123, '*')), {normal});
}

// 7.3.6
TEST(WebSocketClose, ReasonAbove123BytesFails)
{
    expect_answers(close(1000, std::string(124, '*')), {protocol_error});
}

// 7.5.1
TEST(WebSocketClose, ReasonThatIsNotUtf8Fails)
{
    expect_answers(
        close(1000, "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80 edited"),
        {"close:1007:"});
    expect_answers(close(1000, "cut short \xE2\x82"), {"close:1007:"});
}

// 7.7.1 - 7.7.13, and the codes registered since (1012 - 1014)
TEST(WebSocketClose, EveryCodeForTheWireIsAnswered)
{
    for (const int code :
         {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
          4999})
        expect_answers(
            close(static_cast<std::uint16_t>(code)), {"close:" + std::to_string(code) + ":"});
}

// 7.9.1 - 7.9.9, 7.13.1, 7.13.2
TEST(WebSocketClose, CodesNotForTheWireFail)
{
    for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
        expect_answers(close(static_cast<std::uint16_t>(code)), {protocol_error});
}

// 9.1, 9.2
TEST(WebSocketSizes, BigMessagesAreEchoed)
{
    for (const std::size_t kib : {64, 256, 1024, 4096}) {
        const std::string payload(kib << 10, '*');
        echo_server server;
        server.send(text(payload)).send(binary(payload));
        EXPECT_EQ(server.answers(), (answers{"text:" + payload, "binary:" + payload})) << kib;
    }
}

// 9.3, 9.4
TEST(WebSocketSizes, BigMessagesInSmallFragmentsAreEchoed)
{
    const std::string payload(std::size_t{1} << 20, '*');
    for (const std::size_t fragment : {64, 256, 1024, 4096, 65536, 262144}) {
        echo_server server;
        for (std::size_t at = 0; at < payload.size(); at += fragment) {
            const bool fin = at + fragment >= payload.size();
            server.send(raw_frame(
                at == 0 ? 2 : 0, std::string_view{payload}.substr(at, fragment), {.fin = fin}));
        }
        EXPECT_EQ(server.answers(), answers{"binary:" + payload}) << fragment;
    }
}

// 9.5, 9.6
TEST(WebSocketSizes, BigMessagesInSmallReadsAreEchoed)
{
    const std::string payload(std::size_t{1} << 20, '*');
    for (const std::size_t chop : {64, 128, 256, 512, 1024, 2048}) {
        echo_server server;
        server.send(text(payload), chop);
        EXPECT_EQ(server.answers(), answers{"text:" + payload}) << chop;
    }
}

// 9.7, 9.8
TEST(WebSocketSizes, AThousandMessagesAreEchoedInOrder)
{
    for (const std::size_t size : {0, 16, 64, 256, 1024, 4096}) {
        const std::string payload(size, '*');
        std::string bytes;
        for (int i = 0; i < 1000; ++i)
            bytes += text(payload);
        echo_server server;
        server.send(bytes, 1500); // about a packet
        EXPECT_EQ(server.answers(), answers(1000, "text:" + payload)) << size;
    }
}

} // namespace
} // namespace websocket::test
