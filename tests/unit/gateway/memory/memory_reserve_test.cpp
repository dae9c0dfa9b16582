// An allocation that the system refuses gets the reserve, once, and somebody is told; the next one
// is refused as always, until the reserve is there again.

#include "gateway/memory/memory_reserve.hpp"

#include <gtest/gtest.h>

#include <new>

namespace gateway {
namespace {

TEST(MemoryReserve, L9_IsGivenOnceAndSaidSo)
{
    const auto before = std::get_new_handler();
    memory_reserve::set_up();
    const auto handler = std::get_new_handler();
    ASSERT_NE(handler, nullptr);
    EXPECT_FALSE(memory_reserve::was_used());
    handler(); // as operator new does where the system refuses
    EXPECT_TRUE(memory_reserve::was_used());
    EXPECT_FALSE(memory_reserve::was_used());
    EXPECT_THROW(handler(), std::bad_alloc);
    memory_reserve::fill_up();
    EXPECT_NO_THROW(handler());
    std::set_new_handler(before);
}

} // namespace
} // namespace gateway
