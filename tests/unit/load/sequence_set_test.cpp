// Proves that the set knows what came, what came late, what came twice and what is missing, also
// against a plain set of integers over random arrivals.

#include "tests/load/sequence_set.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace load {
namespace {

using arrival = sequence_set::arrival;

TEST(SequenceSet, TellsNextLateAndAgainApart)
{
    sequence_set set;
    EXPECT_EQ(set.insert(1), arrival::next);
    EXPECT_EQ(set.insert(4), arrival::next);
    EXPECT_EQ(set.insert(3), arrival::late);
    EXPECT_EQ(set.insert(3), arrival::again);
    EXPECT_EQ(set.insert(1), arrival::again);
    EXPECT_EQ(set.missing_up_to(6), (std::vector<number_range>{{2, 2}, {5, 6}}));
    EXPECT_EQ(set.size(), 3U);
}

TEST(SequenceSet, SplitsAGapWhenItsMiddleComes)
{
    sequence_set set;
    set.insert(6);
    set.insert(3);
    EXPECT_EQ(set.missing_up_to(6), (std::vector<number_range>{{1, 2}, {4, 5}}));
}

TEST(SequenceSet, InsertUpToClosesTheGapsBelow)
{
    sequence_set set;
    set.insert(3);
    set.insert(8);
    set.insert_up_to(5);
    EXPECT_EQ(set.missing_up_to(8), (std::vector<number_range>{{6, 7}}));
    set.insert_up_to(20);
    EXPECT_EQ(set.size(), 20U);
}

TEST(SequenceSet, CountsOnlyWhatIsOwedAndMissing)
{
    sequence_set received, owed;
    for (const std::uint32_t n : {1U, 2U, 7U}) {
        received.insert(n);
    }
    for (const std::uint32_t n : {1U, 3U, 5U, 7U, 9U}) {
        owed.insert(n);
    }
    EXPECT_EQ(count_missing(received, owed), 3U); // 3, 5, 9
}

TEST(SequenceSet, GivesUpTheLowestGapsBeyondItsLimit)
{
    sequence_set set;
    const std::uint32_t gaps = sequence_set::gaps_max + 10;
    for (std::uint32_t i = 1; i <= gaps; ++i) {
        set.insert(2 * i); // every odd number is missing
    }
    EXPECT_EQ(set.size(), gaps);
    EXPECT_FALSE(set.contains(1));
    EXPECT_EQ(set.insert(1), arrival::again); // too late to be believed
    EXPECT_EQ(set.insert(2 * gaps - 1), arrival::late);
}

TEST(SequenceSet, AgreesWithASetOfIntegers)
{
    std::mt19937 random{7};
    sequence_set set;
    std::set<std::uint32_t> plain;
    for (int i = 0; i < 20'000; ++i) {
        const std::uint32_t n = static_cast<std::uint32_t>(1 + random() % 3000);
        const bool known = plain.contains(n);
        const bool higher = plain.empty() || n > *plain.rbegin();
        plain.insert(n);
        ASSERT_EQ(set.insert(n), known ? arrival::again : higher ? arrival::next : arrival::late);
        if (i % 100 == 0) {
            std::uint64_t missing = 0;
            for (const number_range& gap : set.missing_up_to(3000)) {
                missing += gap.size();
            }
            ASSERT_EQ(missing, 3000 - plain.size());
            ASSERT_EQ(set.size(), plain.size());
        }
    }
}

} // namespace
} // namespace load
