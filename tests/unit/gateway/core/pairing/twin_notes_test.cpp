// Proves the notes of MESSAGEs whose twin may still come (switch.md P1, P6): the oldest equal one is
// taken, an id decides before the content does, and memory is bounded in two generations.

#include "gateway/core/pairing/twin_notes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using gateway::pairing_key;
using gateway::twin_key;
using gateway::twin_notes;

constexpr twin_key plain(std::uint64_t content, std::uint64_t broker_id = 0)
{
    return {.content = pairing_key{content}, .broker_id = broker_id};
}
constexpr twin_key with_id(std::uint64_t content, std::uint64_t id)
{
    return {.content = pairing_key{content}, .id = id};
}

TEST(TwinNotes, P1_ANoteIsTakenOnce)
{
    twin_notes notes{8};
    notes.add(plain(1));
    EXPECT_EQ(notes.take(plain(2)), std::nullopt);
    EXPECT_EQ(notes.take(plain(1)), plain(1));
    EXPECT_EQ(notes.take(plain(1)), std::nullopt);
    EXPECT_TRUE(notes.empty());
}

TEST(TwinNotes, P1_OfEqualOnesTheOldestIsTaken)
{
    twin_notes notes{8};
    notes.add(plain(1, 10));
    notes.add(plain(1, 11));
    EXPECT_EQ(notes.take(plain(1, 99)), plain(1, 10));
    EXPECT_EQ(notes.take(plain(1, 99)), plain(1, 11));
}

TEST(TwinNotes, P6_AnIdThatBothHaveDecidesWhateverTheOrder)
{
    twin_notes notes{8};
    notes.add(with_id(1, 5));
    notes.add(with_id(1, 6));
    EXPECT_EQ(notes.take(with_id(1, 7)), std::nullopt);
    EXPECT_EQ(notes.take(with_id(1, 6)), with_id(1, 6));
    EXPECT_EQ(notes.size(), 1u);
}

TEST(TwinNotes, P6_OneWithoutAnIdTakesAnotherWithoutOneFirst)
{
    twin_notes notes{8};
    notes.add(with_id(1, 5));
    notes.add(plain(1));
    EXPECT_EQ(notes.take(plain(1)), plain(1));
    EXPECT_EQ(notes.take(plain(1)), with_id(1, 5));
}

// The colors are one cluster, which gives a message one id everywhere.
TEST(TwinNotes, P6_TrustedMessageIdsComeBeforeTheOrder)
{
    twin_notes notes{8};
    notes.add(plain(1, 10));
    notes.add(plain(1, 11));
    const auto any = [](const twin_key&) { return true; };
    EXPECT_EQ(notes.take(plain(1, 11), true, any), plain(1, 11));
    EXPECT_EQ(notes.take(plain(1, 11), true, any), plain(1, 10));
}

TEST(TwinNotes, ANoteThatIsNotAcceptedStays)
{
    twin_notes notes{8};
    notes.add(plain(1));
    EXPECT_EQ(notes.take(plain(1), false, [](const twin_key&) { return false; }), std::nullopt);
    EXPECT_EQ(notes.size(), 1u);
}

TEST(TwinNotes, TheOlderHalfIsForgottenWhenTheYoungerIsFullAndThatIsSaid)
{
    twin_notes notes{4};
    for (std::uint64_t n = 1; n <= 4; ++n) {
        notes.add(plain(n));
    }
    EXPECT_FALSE(notes.overflowed());
    EXPECT_EQ(notes.size(), 4u);
    notes.add(plain(5));
    EXPECT_TRUE(notes.overflowed());
    EXPECT_EQ(notes.size(), 3u);
    EXPECT_EQ(notes.take(plain(2)), std::nullopt);
    EXPECT_EQ(notes.take(plain(3)), plain(3));
}

// The older half was taken already: nothing is lost with it.
TEST(TwinNotes, AnEmptyHalfIsForgottenWithoutLoss)
{
    twin_notes notes{4};
    for (std::uint64_t n = 1; n <= 2; ++n) {
        notes.add(plain(n));
    }
    notes.add(plain(3));
    notes.take(plain(1));
    notes.take(plain(2));
    notes.add(plain(4));
    notes.add(plain(5));
    EXPECT_FALSE(notes.overflowed());
}

TEST(TwinNotes, AllAreVisitedEqualOnesOldestFirst)
{
    twin_notes notes{4};
    notes.add(plain(1, 10));
    notes.add(plain(2, 20));
    notes.add(plain(1, 11)); // in the younger half
    std::vector<twin_key> of_one;
    std::size_t all = 0;
    notes.for_each([&](const twin_key& one) {
        ++all;
        if (one.content == pairing_key{1}) {
            of_one.push_back(one);
        }
    });
    EXPECT_EQ(all, 3u);
    EXPECT_EQ(of_one, (std::vector{plain(1, 10), plain(1, 11)}));
    notes.clear();
    EXPECT_TRUE(notes.empty());
}

} // namespace
