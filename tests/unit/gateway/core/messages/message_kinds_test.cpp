// Proves that each byte of a carry buffer is known to be of the kind of the message that it came
// in, whatever is appended and dropped.

#include "gateway/core/messages/message_kinds.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gateway {
namespace {

TEST(MessageKinds, ABufferOfOneKindNeedsNothing)
{
    message_kinds kinds;
    kinds.append(0, true);
    kinds.append(10, true);
    EXPECT_TRUE(kinds.any_binary(0, 20));
    EXPECT_EQ(kinds.weight(), 0u);
    kinds.drop(20);
    kinds.append(0, false);
    EXPECT_FALSE(kinds.any_binary(0, 1));
}

TEST(MessageKinds, AFrameThatCameInBothIsBinary)
{
    message_kinds kinds;
    kinds.append(0, false);
    kinds.append(10, true);
    kinds.append(15, false);
    EXPECT_FALSE(kinds.any_binary(0, 10));
    EXPECT_TRUE(kinds.any_binary(0, 11));
    EXPECT_TRUE(kinds.any_binary(14, 20));
    EXPECT_FALSE(kinds.any_binary(15, 20));
    kinds.drop(12);
    EXPECT_TRUE(kinds.any_binary(0, 3));
    EXPECT_FALSE(kinds.any_binary(3, 8));
    kinds.join(8);
    EXPECT_TRUE(kinds.any_binary(7, 8));
    EXPECT_EQ(kinds.weight(), 0u);
}

TEST(MessageKinds, IsWhatAListOfBytesWouldSay)
{
    std::mt19937 random{1};
    const auto below = [&](std::size_t n) { return random() % n; };
    message_kinds kinds;
    std::string bytes; // 't' or 'b'
    for (int step = 0; step < 20'000; ++step) {
        if (below(3) != 0) {
            const bool binary = below(2) == 0;
            kinds.append(bytes.size(), binary);
            bytes.append(1 + below(4), binary ? 'b' : 't');
        } else if (!bytes.empty()) {
            const std::size_t front = 1 + below(bytes.size());
            kinds.drop(front);
            bytes.erase(0, front);
        }
        if (!bytes.empty()) {
            const std::size_t from = below(bytes.size());
            const std::size_t to = from + 1 + below(bytes.size() - from);
            ASSERT_EQ(
                kinds.any_binary(from, to), bytes.substr(from, to - from).find('b') != bytes.npos)
                << step;
        }
    }
}

} // namespace
} // namespace gateway
