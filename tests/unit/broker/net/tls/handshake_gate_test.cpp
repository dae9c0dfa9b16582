// Proves that handshakes have a share of a thread's time and no more, and that one address cannot take
// the turns of others.

#include "broker/net/tls/handshake_gate.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace std::chrono_literals;
using tls::handshake_gate;

constexpr net::time_point t0{1h};

std::vector<std::uint64_t> all_now(handshake_gate& gate, net::time_point now)
{
    std::vector<std::uint64_t> began;
    while (const auto who = gate.next(now)) {
        began.push_back(*who);
    }
    return began;
}

TEST(HandshakeGate, N27_BehindAStepNobodyBeginsUntilItsShareIsPaid)
{
    handshake_gate gate{{.share_percent = 25, .per_address = 10}};
    gate.enter(1, "a");
    gate.enter(2, "a");
    EXPECT_EQ(gate.next(t0), 1U);
    gate.spent(2ms, t0 + 2ms);
    EXPECT_EQ(gate.next_deadline(), t0 + 8ms);
    EXPECT_EQ(gate.next(t0 + 8ms - 1ns), std::nullopt);
    EXPECT_EQ(gate.next(t0 + 8ms), 2U);
    EXPECT_EQ(gate.next_deadline(), net::time_point::max());
}

TEST(HandshakeGate, N27_AddressesTakeTurnsWhateverNumberWaits)
{
    handshake_gate gate{{.share_percent = 100, .per_address = 100}};
    for (std::uint64_t who = 1; who <= 50; ++who) {
        gate.enter(who, "flood");
    }
    gate.enter(51, "b");
    gate.enter(52, "c");
    gate.enter(53, "b");
    EXPECT_EQ(gate.waiting(), 53U);
    const auto began = all_now(gate, t0);
    ASSERT_EQ(began.size(), 53U);
    EXPECT_EQ(
        (std::vector(began.begin(), began.begin() + 6)),
        (std::vector<std::uint64_t>{1, 51, 52, 2, 53, 3}));
}

TEST(HandshakeGate, N27_OfOneAddressOnlySoManyAreUnderWay)
{
    handshake_gate gate{{.share_percent = 100, .per_address = 2}};
    for (std::uint64_t who = 1; who <= 4; ++who) {
        gate.enter(who, "a");
    }
    EXPECT_EQ(all_now(gate, t0), (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(gate.next_deadline(), net::time_point::max());
    gate.leave(1, "a");
    EXPECT_EQ(all_now(gate, t0), (std::vector<std::uint64_t>{3}));
}

TEST(HandshakeGate, N27_WhoLeavesWhileItWaitsIsSkippedAndNothingIsKept)
{
    handshake_gate gate{{.share_percent = 100, .per_address = 1}};
    gate.enter(1, "a");
    gate.enter(2, "a");
    gate.enter(3, "b");
    gate.leave(1, "a");
    gate.leave(3, "b");
    EXPECT_EQ(gate.addresses(), 1U);
    EXPECT_EQ(all_now(gate, t0), (std::vector<std::uint64_t>{2}));
    gate.leave(2, "a");
    EXPECT_EQ(gate.addresses(), 0U);
    EXPECT_EQ(gate.waiting(), 0U);
}

} // namespace
