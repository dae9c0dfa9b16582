// Proves what twins are while a subscription overlaps. docs/switch.md O4.

#include "gateway/core/pairing/overlap_notes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

using enum overlap_side;

TEST(OverlapNotes, O4_OneOfEachColorIsAPair)
{
    overlap_notes notes{{1, 2}};
    EXPECT_FALSE(notes.is_twin(old_color, "a"));
    EXPECT_TRUE(notes.is_twin(new_color, "a"));
    EXPECT_FALSE(notes.is_twin(new_color, "a")); // the pair is complete
    EXPECT_TRUE(notes.is_twin(old_color, "a"));
}

TEST(OverlapNotes, O4_TwoOfOneColorAreTwoMessages)
{
    overlap_notes notes{{1, 2}};
    EXPECT_FALSE(notes.is_twin(old_color, "a"));
    EXPECT_FALSE(notes.is_twin(old_color, "a"));
    EXPECT_TRUE(notes.is_twin(new_color, "a"));
    EXPECT_TRUE(notes.is_twin(new_color, "a"));
    EXPECT_FALSE(notes.is_twin(new_color, "a"));
}

TEST(OverlapNotes, O4_WhatIsRememberedIsBounded)
{
    overlap_notes notes{{1, 2}};
    for (std::size_t i = 0; i < overlap_notes::most; ++i) {
        EXPECT_FALSE(notes.is_twin(old_color, std::to_string(i)));
    }
    const auto full = notes.bytes();
    EXPECT_FALSE(notes.is_twin(old_color, "one more"));
    EXPECT_FALSE(notes.is_twin(new_color, "one more"));
    EXPECT_EQ(notes.bytes(), full);
    EXPECT_TRUE(notes.is_twin(new_color, "7"));
    EXPECT_LT(notes.bytes(), full);
}

} // namespace
} // namespace gateway
