// Proves that each limit holds at its edge (exactly is fine, one more fails), that it fails as soon
// as the bytes are there, and that a byte is looked at once.

#include "tests/unit/broker/stomp/feed.hpp"

#include <gtest/gtest.h>

namespace stomp {
namespace {

std::optional<errc> fault_of(const std::string& stream, const limits& bounds)
{
    const dialect d{.bounds = bounds};
    const outcome whole = feed_whole(stream, d);
    EXPECT_EQ(feed_in_steps(stream, 1, d).fault, whole.fault);
    EXPECT_NE(whole.fault.has_value(), whole.frames.size() == 1);
    return whole.fault;
}

TEST(ParserLimits, FrameCountsFromCommandToNul)
{
    for (const std::string& frame :
         {bytes("SEND\n\nbody\0"), bytes("SEND\ncontent-length:4\n\nbo\0y\0"),
          bytes("BEGIN\n\n\0")}) {
        EXPECT_EQ(fault_of(frame, {.frame_bytes = frame.size()}), std::nullopt);
        for (std::size_t bound = 0; bound < frame.size(); ++bound) {
            EXPECT_EQ(fault_of(frame, {.frame_bytes = bound}), errc::frame_too_large) << bound;
        }
    }
}

TEST(ParserLimits, EolsBetweenFramesDoNotCount)
{
    const std::string frame = bytes("BEGIN\n\n\0");
    EXPECT_EQ(fault_of("\n\r\n\n\n\n\n" + frame, {.frame_bytes = frame.size()}), std::nullopt);
}

TEST(ParserLimits, KnownLengthIsRefusedBeforeItsBody)
{
    const std::string head = "SEND\ncontent-length:100\n\n";
    const auto bound = head.size() + 100 + 1;
    EXPECT_EQ(feed_whole(head, {.bounds = {.frame_bytes = bound}}).fault, std::nullopt);
    EXPECT_EQ(
        feed_whole(head, {.bounds = {.frame_bytes = bound - 1}}).fault, errc::frame_too_large);
    for (const char* absurd :
         {"18446744073709551615", "18446744073709551616",
          "99999999999999999999999999999999999999999"}) {
        EXPECT_EQ(
            feed_whole("SEND\ncontent-length:" + std::string{absurd} + "\n\n").fault,
            errc::frame_too_large);
    }
}

TEST(ParserLimits, HeadersAreCounted)
{
    const std::string two = "SEND\na:1\nb:2\n";
    const limits bounds{.header_count = 2};
    EXPECT_EQ(fault_of(two + bytes("\n\0"), bounds), std::nullopt);
    EXPECT_EQ(fault_of(two + bytes("\r\n\0"), bounds), std::nullopt);
    EXPECT_EQ(fault_of(two + bytes("c:3\n\n\0"), bounds), errc::too_many_headers);
    EXPECT_EQ(feed_whole(two + "c", {.bounds = bounds}).fault, errc::too_many_headers);
    EXPECT_EQ(feed_whole(two + "\r", {.bounds = bounds}).fault, std::nullopt);
    EXPECT_EQ(fault_of(bytes("SEND\n\n\0"), {.header_count = 0}), std::nullopt);
    EXPECT_EQ(fault_of(bytes("SEND\na:1\n\n\0"), {.header_count = 0}), errc::too_many_headers);
}

TEST(ParserLimits, HeadersAreCountedAnewInEachFrame)
{
    const std::string two = bytes("SEND\na:1\nb:2\n\n\0");
    const dialect d{.bounds = {.header_count = 2}};
    EXPECT_EQ(feed_whole(two + two + two, d).frames.size(), 3U);
    EXPECT_EQ(feed_in_steps(two + two + two, 1, d).frames.size(), 3U);
}

TEST(ParserLimits, HeaderLineCountsWithoutItsEol)
{
    const limits bounds{.header_line_bytes = 5};
    EXPECT_EQ(fault_of(bytes("SEND\na:345\n\n\0"), bounds), std::nullopt);
    EXPECT_EQ(fault_of(bytes("SEND\na:345\r\n\r\n\0"), bounds), std::nullopt);
    EXPECT_EQ(fault_of(bytes("SEND\na:3456\n\n\0"), bounds), errc::header_line_too_long);
    EXPECT_EQ(fault_of(bytes("SEND\nb:1\na:3456\r\n\n\0"), bounds), errc::header_line_too_long);
}

TEST(ParserLimits, HeaderLineFailsBeforeItsLf)
{
    const limits bounds{.header_line_bytes = 5};
    EXPECT_EQ(feed_whole("SEND\na:345", {.bounds = bounds}).fault, std::nullopt);
    EXPECT_EQ(feed_whole("SEND\na:345\r", {.bounds = bounds}).fault, std::nullopt);
    EXPECT_EQ(feed_whole("SEND\na:3456", {.bounds = bounds}).fault, errc::header_line_too_long);
    EXPECT_EQ(
        feed_whole("SEND\na:345\r", {.version = version::v11, .bounds = bounds}).fault,
        std::nullopt);
}

TEST(ParserLimits, TheFirstFaultOfTheStreamCounts)
{
    const limits bounds{.header_count = 2, .header_line_bytes = 5};
    EXPECT_EQ(fault_of(bytes("SEND\na:\0\nb:345678\n\n\0"), bounds), errc::bad_header);
    EXPECT_EQ(fault_of(bytes("SEND\nb:345678\na:\0\n\n\0"), bounds), errc::header_line_too_long);
    EXPECT_EQ(fault_of(bytes("SEND\nb:34567\0\n\n\0"), bounds), errc::header_line_too_long);
    EXPECT_EQ(fault_of(bytes("SEND\na:1\nb:2\nc\n\n\0"), bounds), errc::too_many_headers);
}

TEST(ParserLimits, LackingIsWhatTheFrameOfKnownLengthStillNeeds)
{
    const std::string whole = bytes("SEND\ncontent-length:6\n\n123456\0");
    const std::size_t head_bytes = whole.size() - 7;
    parser p;
    frame_view out;
    for (std::size_t n = 1; n < whole.size(); ++n) {
        const auto result = p.parse(std::string_view{whole}.substr(0, n), {}, out);
        ASSERT_EQ(result.status, parse_status::need_more);
        EXPECT_EQ(result.lacking, n < head_bytes ? 0 : whole.size() - n) << n;
    }
    EXPECT_EQ(p.parse(bytes("SEND\ncontent-length:6\n\n123456\0"), {}, out).consumed, whole.size());
}

TEST(ParserLimits, NothingIsKnownToLackWithoutALength)
{
    parser p;
    frame_view out;
    for (const char* part : {"SE", "SEND\na", "SEND\na:1\n\n", "SEND\na:1\n\nbody"}) {
        const auto result = p.parse(part, {}, out);
        EXPECT_EQ(result.status, parse_status::need_more) << part;
        EXPECT_EQ(result.lacking, 0U) << part;
    }
}

// A front that changes under the parser shows whether it looks again at what it has seen.
TEST(ParserResume, DoesNotLookTwiceForTheEndOfABody)
{
    parser p;
    frame_view out;
    std::string buffer = "SEND\n\n0123456789";
    ASSERT_EQ(p.parse(buffer, {}, out).status, parse_status::need_more);
    buffer[8] = '\0';
    buffer += bytes("more\0");
    const auto result = p.parse(buffer, {}, out);
    ASSERT_EQ(result.status, parse_status::frame);
    EXPECT_EQ(result.consumed, buffer.size());
}

TEST(ParserResume, DoesNotLookTwiceForTheEndOfALine)
{
    parser p;
    frame_view out;
    std::string buffer = "SEND\na:1\nname:0123456789";
    ASSERT_EQ(p.parse(buffer, {}, out).status, parse_status::need_more);
    buffer[16] = '\0';
    buffer[6] = '.'; // the colon of a line that is complete
    buffer += "more";
    ASSERT_EQ(p.parse(buffer, {}, out).status, parse_status::need_more);
    buffer[16] = '2';
    buffer[6] = ':';
    buffer += bytes("\n\n\0");
    ASSERT_EQ(p.parse(buffer, {}, out).status, parse_status::frame);
    EXPECT_EQ(out.find("name"), "0123456789more");
    EXPECT_EQ(out.find("a"), "1");
}

TEST(ParserResume, FrameBorderIsWhereNothingOfAFrameWasSeen)
{
    parser p;
    frame_view out;
    EXPECT_TRUE(p.at_frame_border());
    EXPECT_EQ(p.parse("", {}, out).status, parse_status::need_more);
    EXPECT_EQ(p.parse("\r", {}, out).status, parse_status::need_more);
    EXPECT_EQ(p.parse("\r\n", {}, out).status, parse_status::heart_beat);
    EXPECT_TRUE(p.at_frame_border());
    EXPECT_EQ(p.parse("S", {}, out).status, parse_status::need_more);
    EXPECT_FALSE(p.at_frame_border());
    EXPECT_EQ(p.parse(bytes("SEND\n\n\0"), {}, out).status, parse_status::frame);
    EXPECT_TRUE(p.at_frame_border());
}

} // namespace
} // namespace stomp
