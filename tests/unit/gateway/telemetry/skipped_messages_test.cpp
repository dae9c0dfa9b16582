// Proves the count of MESSAGEs that were too large (docs/outside.md F3): by color and destination, in
// labels that are few, short and printable whatever a broker sends.

#include "gateway/telemetry/skipped_messages.hpp"

#include <gtest/gtest.h>

namespace {

using broker::color;
using gateway::skipped_messages;

TEST(SkippedMessages, F3_EachColorAndDestinationCountsForItself)
{
    skipped_messages skipped;
    EXPECT_TRUE(skipped.count(color::blue, "/topic/a"));
    EXPECT_FALSE(skipped.count(color::blue, "/topic/a"));
    EXPECT_TRUE(skipped.count(color::green, "/topic/a"));
    ASSERT_EQ(skipped.entries().size(), 2u);
    EXPECT_EQ(skipped.entries()[0].messages, 2u);
    EXPECT_EQ(skipped.entries()[1].messages, 1u);
}

TEST(SkippedMessages, F3_MoreDestinationsThanAllowedAreOneTogether)
{
    skipped_messages skipped;
    for (std::size_t n = 0; n < skipped_messages::destinations_max; ++n) {
        EXPECT_TRUE(skipped.count(color::blue, "/topic/" + std::to_string(n)));
    }
    EXPECT_TRUE(skipped.count(color::blue, "/topic/x"));
    EXPECT_FALSE(skipped.count(color::blue, "/topic/y"));
    EXPECT_FALSE(skipped.count(color::blue, "/topic/0")); // known: by its own name
    const auto& last = skipped.entries().back();
    EXPECT_EQ(last.destination, "other");
    EXPECT_EQ(last.messages, 2u);
    EXPECT_EQ(skipped.entries().size(), skipped_messages::destinations_max + 1);
}

TEST(SkippedMessages, F3_ALabelIsShortAndPrintable)
{
    skipped_messages skipped;
    skipped.count(color::blue, "/topic/\xC3\xA9\n\x7F" + std::string(500, 'x'));
    const std::string& label = skipped.entries()[0].destination;
    EXPECT_EQ(label.size(), skipped_messages::destination_bytes_max);
    EXPECT_TRUE(label.starts_with("/topic/????xxx")) << label;
}

TEST(SkippedMessages, F3_AreSummedByColor)
{
    skipped_messages skipped;
    skipped.count(color::blue, "/topic/a");
    skipped.count(color::blue, "/topic/b", 3);
    skipped.count(color::green, "/topic/b");
    EXPECT_EQ(skipped.messages(color::blue), 4u);
    EXPECT_EQ(skipped.messages(color::green), 1u);
}

} // namespace
