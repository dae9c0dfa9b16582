// Proves that a body says what was put in, and that damage to any of its bytes is found.

#include "tests/load/numbered_body.hpp"

#include <gtest/gtest.h>

namespace load {
namespace {

TEST(NumberedBody, SaysWhatWasPutIn)
{
    numbered_body body{200};
    const message_number number{stream_kind::common, 8999, 123'456, 14'999'999'999};
    const std::string text{body.encode(number)};
    EXPECT_EQ(text.size(), 200U);
    EXPECT_EQ(text.substr(0, 40), "s0008999 0000123456 0000000014999999999 ");
    EXPECT_EQ(body.decode(text), number);
}

TEST(NumberedBody, IsNeverShorterThanItsHeader)
{
    numbered_body body{1};
    const message_number number{stream_kind::own, 1, 2, 3};
    EXPECT_EQ(body.decode(std::string{body.encode(number)}), number);
}

TEST(NumberedBody, FindsEveryChangedByte)
{
    numbered_body body{60};
    const message_number number{stream_kind::queue, 3, 26, 5};
    const std::string good{body.encode(number)};
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = '-';
        EXPECT_NE(body.decode(bad), number) << i;
    }
    EXPECT_EQ(body.decode(good.substr(1)), std::nullopt);
    EXPECT_EQ(body.decode(good + "x"), std::nullopt);
    EXPECT_EQ(body.decode(""), std::nullopt);
}

TEST(NumberedBody, FindsThePaddingOfAnotherNumber)
{
    numbered_body body{200};
    const std::string one{body.encode({stream_kind::own, 1, 1, 0})};
    const std::string two{body.encode({stream_kind::own, 1, 2, 0})};
    EXPECT_EQ(body.decode(one.substr(0, 40) + two.substr(40)), std::nullopt);
}

} // namespace
} // namespace load
