// Proves that how a stream is cut into reads changes nothing: neither frames, nor heart-beats, nor
// which fault ends it, nor what is left over.

#include "tests/unit/broker/stomp/feed.hpp"

#include <gtest/gtest.h>

namespace stomp {
namespace {

// Every kind of border: EOLs of both sorts, repeats, NUL bodies, bodies of known length, long lines
// that cross the blocks in which the parser looks, and a frame that has only begun.
std::string mixed_stream()
{
    return bytes("\n\r\nCONNECT\r\naccept-version:1.2\r\nhost:a\r\n\r\n\0\r\n\n") +
           bytes("SEND\ndestination:/queue/a\nx:1\nx:2\nescaped\\c:\\n\\\\\\r\n\nbody\r\n\n\0") +
           bytes("MESSAGE\ncontent-length:9\nsubscription:0\n\n\0SEND\n\n\0\n\0\n\n") + "SEND\n" +
           std::string(70, 'n') + ':' + std::string(90, 'v') + bytes("\n\n\0") +
           bytes("BEGIN\ntransaction:t\n\n\0ACK\nid:1\n\n\0NACK\nid:2\n\n\0") +
           bytes("ERROR\nmessage:m\ncontent-length:0\n\n\0DISCONNECT\nreceipt:1\n\n\0") +
           bytes("SEND\ndestination:/q\n\nunfinished");
}

void expect_same_in_every_split(const std::string& stream, const dialect& d)
{
    const outcome whole = feed_whole(stream, d);
    for (std::size_t at = 0; at <= stream.size(); ++at) {
        ASSERT_EQ(feed_split(stream, at, d), whole) << "cut at " << at << " of " << stream;
    }
    for (std::size_t step = 1; step < 40; ++step) {
        const outcome stepped = feed_in_steps(stream, step, d);
        ASSERT_EQ(stepped.frames, whole.frames) << "steps of " << step << " of " << stream;
        ASSERT_EQ(stepped.fault, whole.fault) << "steps of " << step << " of " << stream;
        ASSERT_EQ(stepped.eol_bytes, whole.eol_bytes) << "steps of " << step;
    }
}

TEST(ParserSplit, H22_MixedStreamGivesItsFramesInEverySplit)
{
    const outcome whole = feed_whole(mixed_stream());
    EXPECT_EQ(whole.fault, std::nullopt) << whole;
    ASSERT_EQ(whole.frames.size(), 9U) << whole;
    EXPECT_EQ(whole.eol_bytes, 8U);
    EXPECT_EQ(whole.left, 31U);
    EXPECT_EQ(whole.frames[1].body, "body\r\n\n");
    EXPECT_EQ(whole.frames[2].body, bytes("\0SEND\n\n\0\n"));
    expect_same_in_every_split(mixed_stream(), {});
}

TEST(ParserSplit, FaultsAreTheSameInEverySplit)
{
    const dialect small{.bounds = {.frame_bytes = 64, .header_count = 2, .header_line_bytes = 12}};
    for (const std::string& stream :
         {bytes("BEGIN\n\n\0SEND\na:1\nb:2\nc:3\n\n\0"), bytes("SEND\na:\0\nb:1234567890123\n\n\0"),
          bytes("SEND\nb:1234567890123\na:\0\n\n\0"), bytes("SEND\r\na:1\r2\r\n\r\n\0"),
          bytes("SEND\r\nb:12345678901\r\n\r\n\0"), bytes("SEND\nb:1234567890\r\r\n\n\0"),
          bytes("SEND\na:1\nb:2\n\rc\n\n\0"), bytes("SEND\na:\\x\ncontent-length:x\n\n\0"),
          bytes("SEND\ncontent-lengt:1\ncontent\n\n\0"), bytes("SEND\n\n") + std::string(70, 'x'),
          bytes("ACK\na:1\n\nbody\0"), bytes("SEND\n\n\0\rX"), bytes("SEND\n\n\0HELLO\n")}) {
        for (const version v : {version::v10, version::v11, version::v12}) {
            dialect d = small;
            d.version = v;
            expect_same_in_every_split(stream, d);
        }
    }
}

// Any single byte of a good stream replaced by each byte that has a meaning.
TEST(ParserSplit, DamagedStreamsAreTheSameByteByByte)
{
    const std::string good =
        bytes("SEND\r\na\\c:\\n\r\ncontent-length:3\r\n\r\n\0x\0\0\nACK\nid:1\n\n\0");
    for (const version v : {version::v10, version::v11, version::v12}) {
        for (std::size_t at = 0; at < good.size(); ++at) {
            for (const char c : bytes("\0\r\n:\\nA0\x7f\xff")) {
                std::string damaged = good;
                damaged[at] = c;
                const dialect d{.version = v};
                const outcome whole = feed_whole(damaged, d);
                const outcome stepped = feed_in_steps(damaged, 1, d);
                ASSERT_EQ(stepped.frames, whole.frames) << at << ' ' << damaged;
                ASSERT_EQ(stepped.fault, whole.fault) << at << ' ' << damaged;
            }
        }
    }
}

} // namespace
} // namespace stomp
