// Proves what the serializer writes byte by byte, and that the parser reads it back.

#include "broker/stomp/serializer.hpp"
#include "tests/unit/broker/stomp/feed.hpp"

#include <gtest/gtest.h>

namespace stomp {
namespace {

TEST(Serializer, WritesHeadersBodyAndNul)
{
    serializer s;
    s.begin(command::send).raw("destination", "/queue/a").number("n", 18446744073709551615ULL);
    EXPECT_EQ(
        s.end("hello"), bytes("SEND\ndestination:/queue/a\nn:18446744073709551615\n\nhello\0"));
    EXPECT_EQ(s.bytes(), bytes("SEND\ndestination:/queue/a\nn:18446744073709551615\n\nhello\0"));
    // Begun again, nothing of the last frame is left.
    s.begin(command::receipt).number("receipt-id", 0);
    EXPECT_EQ(s.end(), bytes("RECEIPT\nreceipt-id:0\n\n\0"));
}

TEST(Serializer, EndsAHeadForABodyThatIsElsewhere)
{
    serializer s;
    EXPECT_EQ(s.begin(command::message).raw("a", "1").end_head(), "MESSAGE\na:1\n\n");
}

TEST(Serializer, EscapesTextAndNotRaw)
{
    serializer s;
    s.begin(command::error).text("a:", "b\\\r\n", version::v12).raw("c\\c", "d\\n");
    EXPECT_EQ(s.end(), bytes("ERROR\na\\c:b\\\\\\r\\n\nc\\c:d\\n\n\n\0"));
    s.begin(command::error).text("a", "b\\\nx:y", version::v10);
    EXPECT_EQ(s.end(), bytes("ERROR\na:b\\ x:y\n\n\0"));
}

TEST(Serializer, ForwardDropsRepeatsAndOwnedHeaders)
{
    frame_view view;
    view.headers = {{"id", "1"}, {"a", "x\\c"}, {"b", ""}, {"a", "y"},
                    {"id", "2"}, {"c", "z"},    {"b", "q"}};
    serializer s;
    s.begin(command::subscribe).number("id", 77);
    s.forward(view, [](std::string_view name) { return name == "id"; });
    EXPECT_EQ(s.end(), bytes("SUBSCRIBE\nid:77\na:x\\c\nb:\nc:z\n\n\0"));
}

TEST(Serializer, WhatItWritesIsReadBack)
{
    const std::string text = "a:b\\c\nd";
    for (const version v : {version::v11, version::v12}) {
        serializer s;
        s.begin(command::message).text(text, text, v).number("content-length", 3);
        const outcome parsed = feed_whole(s.end(bytes("\0\n\0")), {.version = v});
        ASSERT_EQ(parsed.frames.size(), 1U) << parsed;
        EXPECT_EQ(unescape(parsed.frames[0].headers[0].first, v), text);
        EXPECT_EQ(unescape(parsed.frames[0].headers[0].second, v), text);
        EXPECT_EQ(parsed.frames[0].body, bytes("\0\n\0"));
        // And once more from the parsed frame, unchanged.
        EXPECT_EQ(to_bytes(parsed.frames[0]), s.bytes());
    }
}

} // namespace
} // namespace stomp
