// Proves that what is remembered by a digest is bounded, forgotten in time, and that what was noted
// last is forgotten last (docs/outside.md D1, switch.md E11).

#include "gateway/core/pairing/digest_memory.hpp"

#include <gtest/gtest.h>

namespace {

using namespace gateway;
using namespace std::chrono_literals;

const net::time_point t0 = net::time_point{} + 1h;

TEST(DigestMemory, ForgetsInTime)
{
    digest_memory<int> memory{10min, 8};
    memory.note({1, 1}, 7, t0);
    EXPECT_EQ(memory.find({1, 1}, t0 + 10min - 1ms), 7);
    EXPECT_EQ(memory.find({1, 1}, t0 + 10min), std::nullopt);
    EXPECT_EQ(memory.find({1, 2}, t0), std::nullopt);
}

TEST(DigestMemory, IsBoundedAndWhatWasNotedLastIsForgottenLast)
{
    digest_memory<int> memory{10min, 8};
    for (std::uint64_t n = 1; n <= 1000; ++n) {
        memory.note({77, 77}, 1, t0); // used all the time
        memory.note({n, 0}, 2, t0);
        EXPECT_LE(memory.size(), 8u);
    }
    EXPECT_EQ(memory.find({77, 77}, t0), 1);
    EXPECT_EQ(memory.find({1000, 0}, t0), 2);
    EXPECT_EQ(memory.find({1, 0}, t0), std::nullopt);
}

TEST(DigestMemory, IsKeyed)
{
    EXPECT_EQ(digest_of({1, 2}, "login:anna"), digest_of({1, 2}, "login:anna"));
    EXPECT_NE(digest_of({1, 2}, "login:anna"), digest_of({1, 3}, "login:anna"));
    EXPECT_NE(digest_of({1, 2}, "login:anna"), digest_of({1, 2}, "login:annA"));
}

} // namespace
