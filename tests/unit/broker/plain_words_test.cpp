// Proves that people read what a broker's ERROR says, and that it stays one line (switch.md C13).

#include "broker/plain_words.hpp"

#include <gtest/gtest.h>

namespace {

using broker::plain_words;

TEST(PlainWords, C13_AreWithoutEscapesAndOnOneLine)
{
    EXPECT_EQ(plain_words("Jwt\\c expired at 19\\c30"), "Jwt: expired at 19:30");
    EXPECT_EQ(plain_words("one\\ntwo\\rthree\x1b[2J"), "one two three [2J");
    EXPECT_EQ(plain_words("a\\\\b"), "a\\b");
}

TEST(PlainWords, C13_StayAsTheyAreWhereTheyHoldNoEscape)
{
    EXPECT_EQ(plain_words("C:\\temp"), "C:\\temp");
    EXPECT_EQ(plain_words(""), "");
}

} // namespace
