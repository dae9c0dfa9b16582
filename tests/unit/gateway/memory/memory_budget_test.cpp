// What is counted of other people's bytes: each owner gives back what it charged, however it ends.

#include "gateway/memory/memory_budget.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace gateway {
namespace {

TEST(MemoryBudget, L1_CountsByKindAndTogether)
{
    memory_budget budget;
    budget.charge(held_kind::frames, 100);
    budget.charge(held_kind::errors, 20);
    budget.release(held_kind::frames, 40);
    EXPECT_EQ(budget.of(held_kind::frames), 60U);
    EXPECT_EQ(budget.of(held_kind::errors), 20U);
    EXPECT_EQ(budget.total(), 80U);
}

TEST(MemoryBudget, L1_AnOwnerThatGoesGivesBackWhatItHeld)
{
    memory_budget budget;
    {
        held_bytes<held_kind::frames> held{&budget};
        held.add(50);
        held.take(20);
        EXPECT_EQ(budget.total(), 30U);
        held.set(70);
        EXPECT_EQ(budget.total(), 70U);
        held.set(5);
        EXPECT_EQ(budget.of(held_kind::frames), 5U);
    }
    EXPECT_EQ(budget.total(), 0U);
}

TEST(MemoryBudget, L1_WhatIsMovedIsHeldOnce)
{
    memory_budget budget;
    held_bytes<held_kind::receipts> first{&budget}, second{&budget};
    first.add(10);
    second.add(3);
    second = std::move(first);
    EXPECT_EQ(budget.total(), 10U);
    held_bytes<held_kind::receipts> third{std::move(second)};
    EXPECT_EQ(budget.total(), 10U);
    third.set(0);
    EXPECT_EQ(budget.total(), 0U);
}

TEST(MemoryBudget, L1_WithoutABudgetAnOwnerOnlyCounts)
{
    held_bytes<held_kind::frames> held;
    held.add(8);
    EXPECT_EQ(held.bytes(), 8U);
}

} // namespace
} // namespace gateway
