// Proves that a table is walked in the order of its numbers, whatever was erased, and while things
// are erased; and that the keys of a hash table come in order.

#include "broker/net/numbered_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using numbers = std::vector<std::uint64_t>;

numbers of(const net::numbered_table<std::string>& table)
{
    numbers all;
    for (const auto& [number, what] : table) {
        EXPECT_EQ(*what, std::to_string(number));
        all.push_back(number);
    }
    return all;
}

void add(net::numbered_table<std::string>& table, std::uint64_t number)
{
    table.add(number, std::make_unique<std::string>(std::to_string(number)));
}

TEST(NumberedTable, IsWalkedInTheOrderOfNumbers)
{
    net::numbered_table<std::string> table;
    EXPECT_EQ(of(table), numbers{});
    for (const std::uint64_t number : {3, 4, 9, 1000}) {
        add(table, number);
    }
    EXPECT_EQ(of(table), (numbers{3, 4, 9, 1000}));
    EXPECT_EQ(*table.find(9), "9");
    EXPECT_TRUE(table.erase(9));
    EXPECT_FALSE(table.erase(9));
    EXPECT_FALSE(table.erase(5));
    EXPECT_EQ(table.find(9), nullptr);
    EXPECT_EQ(of(table), (numbers{3, 4, 1000}));
    EXPECT_EQ(table.size(), 3U);
}

// What is not in the walk's way yet may go, what it stands on too.
TEST(NumberedTable, ALoopMayErase)
{
    net::numbered_table<std::string> table;
    for (std::uint64_t number = 1; number <= 6; ++number) {
        add(table, number);
    }
    numbers met;
    for (const auto& [number, what] : table) {
        met.push_back(number);
        const std::uint64_t here = number;
        table.erase(here + 1);
        table.erase(here);
    }
    EXPECT_EQ(met, (numbers{1, 3, 5}));
    EXPECT_TRUE(table.empty());
}

// Against a plain list, over many comings and goings: places are given up and nothing else changes.
TEST(NumberedTable, StaysTheSameWhateverComesAndGoes)
{
    net::numbered_table<std::string> table;
    numbers expected;
    std::uint64_t state = 1;
    for (std::uint64_t number = 1; number <= 5000; ++number) {
        add(table, number);
        expected.push_back(number);
        for (int i = 0; i < 2 && expected.size() > 20; ++i) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            const auto gone = static_cast<std::ptrdiff_t>((state >> 33) % expected.size());
            EXPECT_TRUE(table.erase(expected[static_cast<std::size_t>(gone)]));
            expected.erase(expected.begin() + gone);
        }
        if (number % 500 == 0) {
            EXPECT_EQ(of(table), expected);
        }
    }
    EXPECT_TRUE(std::ranges::all_of(
        expected, [&](std::uint64_t number) { return table.find(number) != nullptr; }));
    table.clear();
    EXPECT_EQ(of(table), numbers{});
}

// The end of what is erased may look for others, and for itself in vain.
TEST(NumberedTable, WhatIsErasedIsNotFoundByItsOwnEnd)
{
    struct looker {
        net::numbered_table<looker>& in;
        std::uint64_t number;
        bool& found;
        ~looker() { found |= in.find(number) != nullptr; }
    };
    bool found = false;
    net::numbered_table<looker> table;
    table.add(1, std::unique_ptr<looker>{new looker{table, 1, found}});
    table.erase(1);
    EXPECT_FALSE(found);
}

TEST(HashMap, ItsKeysComeInOrder)
{
    net::hash_map<std::string, int> table;
    std::vector<std::string> expected;
    for (int i = 0; i < 300; ++i) {
        expected.push_back(std::to_string(i * 7919 % 300));
        table.emplace(expected.back(), i);
    }
    std::ranges::sort(expected);
    EXPECT_EQ(table.keys_in_order(), expected);
    table.clear();
    EXPECT_TRUE(table.keys_in_order().empty());
}

} // namespace
