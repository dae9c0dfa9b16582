// Proves the limits of what a client may keep in open transactions, and that COMMIT and ABORT give
// each back once.

#include "gateway/core/session/transactions.hpp"
#include "tests/support/frame_text.hpp"

#include <gtest/gtest.h>

namespace {

using namespace gateway;
using broker::framing;
using testing_support::frame_of;

constexpr std::size_t plenty = 4 * 1024 * 1024;

transaction_fault
add(transaction_buffer& buffer, std::string_view id, const std::string& text,
    std::size_t bytes_max = plenty)
{
    const auto frame = frame_of(text);
    return buffer.add(id, frame.view(), framing::text, bytes_max);
}

TEST(TransactionBuffer, GivesTheFramesBackInOrderOnce)
{
    transaction_buffer buffer;
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.begin("a", 16), transaction_fault::none);
    EXPECT_EQ(add(buffer, "a", "SEND destination:/topic/1 | x"), transaction_fault::none);
    EXPECT_EQ(add(buffer, "a", "ACK id:7"), transaction_fault::none);
    const auto taken = buffer.take("a");
    ASSERT_TRUE(taken);
    ASSERT_EQ(taken->frames.size(), 2u);
    EXPECT_EQ(taken->frames[0].frame, frame_of("SEND destination:/topic/1 | x"));
    EXPECT_EQ(taken->frames[1].frame, frame_of("ACK id:7"));
    EXPECT_FALSE(buffer.take("a"));
    EXPECT_TRUE(buffer.empty());
}

TEST(TransactionBuffer, RefusesASecondBeginOfAnOpenId)
{
    transaction_buffer buffer;
    buffer.begin("a", 16);
    EXPECT_EQ(buffer.begin("a", 16), transaction_fault::open_already);
    buffer.take("a");
    EXPECT_EQ(buffer.begin("a", 16), transaction_fault::none);
}

TEST(TransactionBuffer, RefusesAnUnknownOne)
{
    transaction_buffer buffer;
    EXPECT_EQ(add(buffer, "a", "SEND destination:/topic/1"), transaction_fault::unknown);
    EXPECT_FALSE(buffer.take("a"));
}

TEST(TransactionBuffer, RefusesOneTooMany)
{
    transaction_buffer buffer;
    EXPECT_EQ(buffer.begin("a", 2), transaction_fault::none);
    EXPECT_EQ(buffer.begin("b", 2), transaction_fault::none);
    EXPECT_EQ(buffer.begin("c", 2), transaction_fault::too_many);
    buffer.take("a");
    EXPECT_EQ(buffer.begin("c", 2), transaction_fault::none);
}

TEST(TransactionBuffer, RefusesTheFrame1025)
{
    transaction_buffer buffer;
    buffer.begin("a", 16);
    for (std::size_t i = 0; i < transaction_buffer::frames_max; ++i) {
        ASSERT_EQ(add(buffer, "a", "SEND destination:/topic/1"), transaction_fault::none);
    }
    EXPECT_EQ(add(buffer, "a", "SEND destination:/topic/1"), transaction_fault::too_large);
}

TEST(TransactionBuffer, CountsTheBytesOfAllTogetherAndGivesThemBack)
{
    const std::string text = "SEND destination:/topic/1 | 0123456789";
    const std::size_t bytes = weight(frame_of(text));
    EXPECT_GE(bytes, 10 + std::string_view{"destination/topic/1"}.size());
    transaction_buffer buffer;
    buffer.begin("a", 16);
    buffer.begin("b", 16);
    EXPECT_EQ(add(buffer, "a", text, 2 * bytes), transaction_fault::none);
    EXPECT_EQ(add(buffer, "b", text, 2 * bytes), transaction_fault::none);
    EXPECT_EQ(add(buffer, "b", text, 2 * bytes), transaction_fault::too_large);
    buffer.take("a");
    EXPECT_EQ(add(buffer, "b", text, 2 * bytes), transaction_fault::none);
}

TEST(TransactionBuffer, EveryFaultIsASentence)
{
    EXPECT_EQ(to_string(transaction_fault::none), "");
    for (const auto fault :
         {transaction_fault::open_already, transaction_fault::unknown, transaction_fault::too_many,
          transaction_fault::too_large}) {
        EXPECT_FALSE(to_string(fault).empty());
    }
}

} // namespace
