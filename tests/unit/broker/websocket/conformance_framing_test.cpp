// Proves RFC 6455's framing by the case list that WebSocket implementations are commonly tested
// with, sections 1 to 5: echo, ping and pong, reserved bits, reserved opcodes, fragmentation. Every
// case runs in one read, byte by byte and in odd pieces.

#include "tests/unit/broker/websocket/echo_peer.hpp"

namespace websocket::test {
namespace {

const std::string protocol_error = "close:1002:";

// 1.1.1 - 1.1.8
TEST(WebSocketFraming, TextOfEveryLengthFormIsEchoed)
{
    for (const std::size_t size : {0, 1, 124, 125, 126, 127, 128, 65535, 65536}) {
        const std::string payload(size, '*');
        expect_answers(text(payload), {"text:" + payload});
    }
}

// 1.2.1 - 1.2.8
TEST(WebSocketFraming, BinaryOfEveryLengthFormIsEchoed)
{
    for (const std::size_t size : {0, 1, 124, 125, 126, 127, 128, 65535, 65536}) {
        const std::string payload(size, '\xFE');
        expect_answers(binary(payload), {"binary:" + payload});
    }
}

// 2.1 - 2.4, 2.6
TEST(WebSocketFraming, PingIsAnsweredWithItsPayload)
{
    const std::string bytes{"\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF", 8};
    for (const std::string& payload :
         {std::string{}, std::string{"Hello, world!"}, bytes, std::string(125, '\xFE')})
        expect_answers(ping(payload), {"pong:" + payload});
}

// 2.5
TEST(WebSocketFraming, ControlFrameAbove125BytesFails)
{
    for (const unsigned op : {8u, 9u, 10u})
        expect_answers(raw_frame(op, std::string(126, '\xFE')), {protocol_error});
}

// 2.7 - 2.9
TEST(WebSocketFraming, UnaskedPongIsIgnored)
{
    expect_answers(pong(), {});
    expect_answers(pong("unsolicited"), {});
    expect_answers(pong("unsolicited") + ping("after"), {"pong:after"});
}

// 2.10, 2.11
TEST(WebSocketFraming, TenPingsAreAnsweredInOrder)
{
    std::string bytes;
    answers expected;
    for (int i = 0; i < 10; ++i) {
        bytes += ping("payload-" + std::to_string(i));
        expected.push_back("pong:payload-" + std::to_string(i));
    }
    expect_answers(bytes, expected);
}

// 3.1 - 3.7
TEST(WebSocketFraming, ReservedBitsFail)
{
    for (unsigned bits = 1; bits <= 7; ++bits) {
        for (const unsigned op : {1u, 2u, 8u, 9u, 10u}) {
            const std::string wrong = raw_frame(op, "", {.reserved = bits});
            expect_answers(wrong, {protocol_error});
            expect_answers(text("before") + wrong + ping(), {"text:before", protocol_error});
        }
        const std::string wrong = raw_frame(0, "b", {.reserved = bits});
        expect_answers(text("a", false) + wrong, {protocol_error});
    }
}

// 4.1.1 - 4.2.5
TEST(WebSocketFraming, ReservedOpcodesFail)
{
    for (const unsigned op : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
        expect_answers(raw_frame(op, ""), {protocol_error});
        expect_answers(raw_frame(op, "reserved"), {protocol_error});
        const std::string after = text("before") + raw_frame(op, "reserved") + ping();
        expect_answers(after, {"text:before", protocol_error});
    }
}

// 5.1, 5.2
TEST(WebSocketFraming, FragmentedControlFrameFails)
{
    for (const unsigned op : {8u, 9u, 10u}) {
        const std::string first = raw_frame(op, "fragment1", {.fin = false});
        expect_answers(first + more("fragment2"), {protocol_error});
    }
}

// 5.3 - 5.5
TEST(WebSocketFraming, FragmentsAreOneMessage)
{
    expect_answers(text("fragment1", false) + more("fragment2"), {"text:fragment1fragment2"});
    expect_answers(binary("fragment1", false) + more("fragment2"), {"binary:fragment1fragment2"});
}

// 5.6 - 5.8
TEST(WebSocketFraming, PingBetweenFragmentsIsAnsweredAtOnce)
{
    const std::string bytes = text("fragment1", false) + ping("ping") + more("fragment2");
    expect_answers(bytes, {"pong:ping", "text:fragment1fragment2"});
}

// 5.9 - 5.14
TEST(WebSocketFraming, ContinuationOfNothingFails)
{
    for (const bool fin : {true, false}) {
        const std::string wrong = more("nothing to continue", fin);
        expect_answers(wrong + text("Hello, world!"), {protocol_error});
    }
}

// 5.15
TEST(WebSocketFraming, ContinuationBehindTheLastFragmentFails)
{
    const std::string message = text("fragment1", false) + more("fragment2");
    const std::string wrong = more("fragment3", false) + text("fragment4");
    expect_answers(message + wrong, {"text:fragment1fragment2", protocol_error});
}

// 5.16, 5.17
TEST(WebSocketFraming, ContinuationBeforeTheFirstFragmentFails)
{
    for (const bool fin : {true, false}) {
        const std::string round =
            more("fragment1", fin) + text("fragment2", false) + more("fragment3");
        expect_answers(round + round, {protocol_error});
    }
}

// 5.18
TEST(WebSocketFraming, MessageInsideAMessageFails)
{
    expect_answers(text("fragment1", false) + text("fragment2"), {protocol_error});
    expect_answers(text("fragment1", false) + binary("fragment2"), {protocol_error});
}

// 5.19, 5.20
TEST(WebSocketFraming, PingsAmongManyFragmentsAreAnsweredInOrder)
{
    const std::string bytes = text("fragment1", false) + more("fragment2", false) + ping("ping1") +
                              more("fragment3", false) + more("fragment4", false) + ping("ping2") +
                              more("fragment5");
    expect_answers(
        bytes, {"pong:ping1", "pong:ping2", "text:fragment1fragment2fragment3fragment4fragment5"});
}

// RFC 6455, 5.1: not in the list, which a conforming client cannot send.
TEST(WebSocketFraming, UnmaskedFrameOfAClientFails)
{
    for (const unsigned op : {1u, 2u, 8u, 9u, 10u})
        expect_answers(raw_frame(op, "ab", {.masked = false}), {protocol_error});
}

} // namespace
} // namespace websocket::test
