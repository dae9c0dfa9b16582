// Proves the bytes of heads, messages, pongs and closes of both roles, by hand-written examples
// (RFC 6455, 5.7) and by decoding what was encoded.

#include "tests/unit/broker/websocket/echo_peer.hpp"

#include <set>

namespace websocket::test {
namespace {

constexpr std::array<unsigned char, 4> key{0x37, 0xFA, 0x21, 0x3D};

std::string unmasked_head(std::uint64_t size)
{
    return std::string{encode_head(opcode::binary, size).view()};
}

TEST(EncodeHead, UsesTheShortestLength)
{
    EXPECT_EQ(unmasked_head(0), std::string("\x82\x00", 2));
    EXPECT_EQ(unmasked_head(125), "\x82\x7D");
    EXPECT_EQ(unmasked_head(126), std::string("\x82\x7E\x00\x7E", 4));
    EXPECT_EQ(unmasked_head(256), std::string("\x82\x7E\x01\x00", 4)); // example of 5.7
    EXPECT_EQ(unmasked_head(65535), "\x82\x7E\xFF\xFF");
    EXPECT_EQ(
        unmasked_head(65536), std::string("\x82\x7F\0\0\0\0\0\x01\0\0", 10)); // example of 5.7
    EXPECT_EQ(unmasked_head(0x0102030405060708), "\x82\x7F\x01\x02\x03\x04\x05\x06\x07\x08");
}

TEST(EncodeHead, PutsTheMaskBehindTheLength)
{
    EXPECT_EQ(
        encode_head(opcode::text, 5, key).view(), "\x81\x85\x37\xFA\x21\x3D"); // example of 5.7
    EXPECT_EQ(
        encode_head(opcode::text, 65536, key).view(),
        std::string("\x81\xFF\0\0\0\0\0\x01\0\0\x37\xFA\x21\x3D", 14));
}

TEST(ApplyMask, AgreesWithTheDefinitionAtEveryLengthAndOffset)
{
    for (std::size_t size = 0; size <= 100; ++size) {
        for (std::size_t offset = 0; offset < 9; ++offset) {
            std::string bytes(size, '\0'), expected(size, '\0');
            for (std::size_t i = 0; i < size; ++i) {
                bytes[i] = static_cast<char>(i * 7);
                expected[i] =
                    static_cast<char>(static_cast<unsigned char>(i * 7) ^ key[(i + offset) % 4]);
            }
            apply_mask(bytes, key, offset);
            ASSERT_EQ(bytes, expected) << size << " from " << offset;
        }
    }
}

TEST(AppendMessage, OfAServerIsOneUnmaskedFrame)
{
    net::outbox out;
    append_message(out, role::server, opcode::text, "Hello");
    EXPECT_EQ(out.text(), "\x81\x05Hello"); // example of 5.7
    append_message(out, role::server, opcode::binary, "");
    EXPECT_EQ(out.text(), std::string("\x81\x05Hello\x82\x00", 9));
}

TEST(AppendMessage, OfAClientIsOneMaskedFrame)
{
    for (const std::size_t size : {0, 1, 125, 126, 4095, 4096, 4097, 8192, 65535, 65536, 300'001}) {
        std::string payload(size, '\0');
        for (std::size_t i = 0; i < size; ++i)
            payload[i] = static_cast<char>('a' + i % 23);
        net::outbox out;
        append_message(out, role::client, opcode::binary, payload);
        listener heard{role::server, no_limit};
        heard.hear(out.text());
        EXPECT_EQ(heard.said, answers{"binary:" + payload}) << size;
    }
}

TEST(AppendMessage, OfAClientHasAnotherMaskEachTime)
{
    std::set<std::string> masks;
    for (int i = 0; i < 100; ++i) {
        net::outbox out;
        append_message(out, role::client, opcode::text, "x");
        masks.insert(out.text().substr(2, 4));
    }
    EXPECT_GT(masks.size(), 95u);
}

TEST(AppendMessage, JoinsAHeadAndASharedRest)
{
    for (const std::size_t size : {0, 10, 5000, 100'000}) {
        const net::payload_ref shared = net::payload::make({"MESSAGE\n", std::string(size, 's')});
        for (const std::string& head : {std::string{}, std::string{"MESSAGE\nsubscription:1\n"}}) {
            net::outbox out;
            append_message(out, opcode::text, head, shared, 8);
            listener heard{role::client, no_limit};
            heard.hear(out.text());
            EXPECT_EQ(heard.said, answers{"text:" + head + std::string(size, 's')});
        }
    }
}

TEST(AppendMessage, TakesAHeadWithoutARest)
{
    net::outbox out;
    append_message(out, opcode::text, "RECEIPT", net::payload_ref{});
    EXPECT_EQ(out.text(), "\x81\x07RECEIPT");
}

TEST(AppendPong, SaysThePayloadAgain)
{
    net::outbox out;
    append_pong(out, role::server, std::string_view{"Hello"});
    EXPECT_EQ(out.text(), "\x8A\x05Hello"); // example of 5.7
    const std::string longest(125, 'p');
    net::outbox masked;
    append_pong(masked, role::client, longest);
    listener heard{role::server, no_limit};
    heard.hear(masked.text());
    EXPECT_EQ(heard.said, answers{"pong:" + longest});
}

// What a peer of the other role hears of a close.
answers heard_close(role from, close_code code, std::string_view reason)
{
    net::outbox out;
    append_close(out, from, code, reason);
    listener heard{from == role::server ? role::client : role::server, no_limit};
    heard.hear(out.text());
    return heard.said;
}

TEST(AppendClose, HasCodeAndReason)
{
    net::outbox out;
    append_close(out, role::server, close_code::going_away, "bye");
    EXPECT_EQ(
        out.text(), "\x88\x05\x03\xE9"
                    "bye");
    EXPECT_EQ(
        heard_close(role::client, close_code::policy_violation, "no"), answers{"close:1008:no"});
    EXPECT_EQ(heard_close(role::server, static_cast<close_code>(4000), ""), answers{"close:4000:"});
}

TEST(AppendClose, WithoutAStatusIsEmpty)
{
    net::outbox out;
    append_close(out, role::server, close_code::no_status, "not said");
    EXPECT_EQ(out.text(), std::string("\x88\x00", 2));
    EXPECT_EQ(heard_close(role::client, close_code::no_status, ""), answers{"close:1005:"});
}

TEST(AppendClose, CutsALongReasonBetweenCharacters)
{
    const std::string ascii(200, 'r');
    EXPECT_EQ(
        heard_close(role::server, close_code::normal, ascii),
        answers{"close:1000:" + ascii.substr(0, 123)});
    for (std::size_t before = 119; before <= 123; ++before) {
        const std::string start(before, 'r');
        const std::string cut = start + (before <= 119 ? "\xF0\x9F\x98\x80" : "");
        EXPECT_EQ(
            heard_close(role::server, close_code::normal, start + "\xF0\x9F\x98\x80 and more"),
            answers{"close:1000:" + cut});
    }
}

TEST(AppendClose, LeavesOutAReasonThatIsNotUtf8)
{
    EXPECT_EQ(heard_close(role::server, close_code::normal, "\xFF"), answers{"close:1000:"});
    EXPECT_EQ(
        heard_close(role::server, close_code::normal, std::string(200, '\x80')),
        answers{"close:1000:"});
}

TEST(AppendClose, RefusesACodeThatIsNotForTheWire)
{
    net::outbox out;
    EXPECT_DEATH(append_close(out, role::server, close_code::abnormal, ""), "not for the wire");
}

TEST(MayBeSent, IsTheRegistrys)
{
    for (unsigned code = 0; code <= 65535; ++code) {
        const bool expected =
            (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
            (code >= 3000 && code <= 4999);
        EXPECT_EQ(may_be_sent(static_cast<std::uint16_t>(code)), expected) << code;
    }
}

} // namespace
} // namespace websocket::test
