// Wrong tokens slow their own address, and nobody else.

#include "control/api/token_brake.hpp"

#include <gtest/gtest.h>

namespace control {
namespace {

using namespace std::chrono_literals;

struct brake_bench {
    token_brake brake;
    net::time_point now{1h};
    std::optional<net::duration> pause(const std::string& address)
    {
        return brake.pause_before(address, now);
    }
    void fail(const std::string& address, int times)
    {
        for (int i = 0; i < times; ++i) {
            brake.failed(address, now);
        }
    }
};

TEST(TokenBrake, A10_MistakesOfPeopleWaitForNothing)
{
    brake_bench bench;
    bench.fail("a", 3);
    EXPECT_EQ(bench.pause("a"), 0ms);
}

TEST(TokenBrake, A10_TheWaitDoublesAndIsTheAddressesOwn)
{
    brake_bench bench;
    bench.fail("a", 4);
    EXPECT_EQ(bench.pause("a"), 250ms);
    EXPECT_EQ(bench.pause("b"), 0ms);
    bench.now += 10s;
    bench.fail("a", 1);
    EXPECT_EQ(bench.pause("a"), 500ms);
    bench.now += 10s;
    bench.fail("a", 20);
    EXPECT_EQ(bench.pause("a"), 4s);
    EXPECT_EQ(bench.pause("b"), 0ms);
}

TEST(TokenBrake, A10_ManyConnectionsOfAnAddressAreLookedAtOneBehindTheOther)
{
    brake_bench bench;
    bench.fail("a", 4);
    EXPECT_EQ(bench.pause("a"), 250ms);
    EXPECT_EQ(bench.pause("a"), 500ms);
    EXPECT_EQ(bench.pause("a"), 750ms);
    int refused = 0;
    for (int i = 0; i < 100; ++i) {
        const auto pause = bench.pause("a");
        refused += !pause;
        EXPECT_LE(pause.value_or(0ms), token_brake::wait_max);
    }
    EXPECT_GE(refused, 60);
}

// However many connections: in a minute no more than about sixty seconds / last_wait are looked at.
TEST(TokenBrake, A10_AGuesserGetsAFewLooksAMinute)
{
    brake_bench bench;
    std::vector<net::time_point> looks; // when a guess is looked at
    int looked_at = 0;
    const auto end = bench.now + 60s;
    for (; bench.now < end; bench.now += 10ms) {
        looked_at += static_cast<int>(std::erase_if(looks, [&](auto when) {
            if (when > bench.now) {
                return false;
            }
            bench.brake.failed("a", bench.now);
            return true;
        }));
        for (int i = 0; i < 3; ++i) {
            if (const auto pause = bench.pause("a")) {
                looks.push_back(bench.now + *pause);
            }
        }
    }
    EXPECT_LE(looked_at, 60);
    EXPECT_GE(looked_at, 10);
}

TEST(TokenBrake, A10_IsForgottenAfterAWhile)
{
    brake_bench bench;
    bench.fail("a", 30);
    bench.now += token_brake::forgotten_after + 1s;
    bench.fail("b", 1); // any failure clears the table of what is old
    EXPECT_EQ(bench.brake.addresses(), 1u);
    EXPECT_EQ(bench.pause("a"), 0ms);
}

TEST(TokenBrake, A10_HoldsABoundedNumberOfAddresses)
{
    brake_bench bench;
    for (std::size_t i = 0; i < 3 * token_brake::addresses_max; ++i) {
        bench.now += 1ms;
        bench.fail("10.0.0." + std::to_string(i), 1);
    }
    EXPECT_EQ(bench.brake.addresses(), token_brake::addresses_max);
}

TEST(TokenBrake, A10_TheLogGetsALineATenSecondsAndAddressAndAFewOfAll)
{
    brake_bench bench;
    EXPECT_EQ(bench.brake.failed("a", bench.now), 1u);
    EXPECT_EQ(bench.brake.failed("a", bench.now), std::nullopt);
    bench.now += 5s;
    EXPECT_EQ(bench.brake.failed("a", bench.now), std::nullopt);
    bench.now += 6s;
    EXPECT_EQ(bench.brake.failed("a", bench.now), 3u); // none is left out of the number
    int lines = 0;
    for (int i = 0; i < 500; ++i) {
        lines += bench.brake.failed("x" + std::to_string(i), bench.now).has_value();
    }
    EXPECT_LE(lines, 10);
}

TEST(TokenBrake, A10_AnAddressIsAHost)
{
    EXPECT_EQ(address_of_peer("127.0.0.1:50312"), "127.0.0.1");
    EXPECT_EQ(address_of_peer("unix uid=7"), "unix uid=7");
    EXPECT_EQ(address_of_peer("[2001:db8:1:2:3:4:5:6]:80"), "2001:db8:1:2::/64");
    EXPECT_EQ(address_of_peer("[2001:db8:1:2:9:9:9:9]:81"), "2001:db8:1:2::/64");
    EXPECT_EQ(address_of_peer("[::ffff:10.0.0.1]:81"), "10.0.0.1");
}

} // namespace
} // namespace control
