// Proves the guarantee of CONTRACT.md on the real cores: worlds drawn from seeds, with what a
// network, brokers, clients and an operator may do at any moment. TEAL_SEEDS says how many worlds
// of each kind (300).

#include "tests/sim/world.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace {

std::uint64_t seeds()
{
    const char* text = std::getenv("TEAL_SEEDS");
    const auto n = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
    return n == 0 ? 300 : n;
}

// Every seed of one kind of world; the first that fails is named with what replays it.
void expect_kept(sim::multiplex mode, sim::faults with, const char* replay)
{
    std::uint64_t committed = 0, deliveries = 0;
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
        const auto result = sim::run_world({.seed = seed, .mode = mode, .with = with});
        committed += result.committed;
        deliveries += result.deliveries;
        ASSERT_TRUE(result.violations.empty())
            << "seed " << seed << ": " << result.violations.front() << "\nreplay: sim --seed "
            << seed << " --trace " << replay;
    }
    // A world in which nothing happens proves nothing.
    EXPECT_GT(committed, seeds() / 4);
    EXPECT_GT(deliveries, seeds());
}

TEST(SwitchSim, DedicatedLinksKeepTheContract)
{
    expect_kept(sim::multiplex::dedicated, sim::faults::none, "--mode dedicated");
}

TEST(SwitchSim, SharedLinksKeepTheContract)
{
    expect_kept(sim::multiplex::shared, sim::faults::none, "--mode shared");
}

TEST(SwitchSim, DedicatedLinksMayBreak)
{
    expect_kept(sim::multiplex::dedicated, sim::faults::links, "--mode dedicated --faults links");
}

TEST(SwitchSim, SharedLinksMayBreak)
{
    expect_kept(sim::multiplex::shared, sim::faults::links, "--mode shared --faults links");
}

TEST(SwitchSim, BrokersMayDie)
{
    expect_kept(sim::multiplex::drawn, sim::faults::brokers, "--faults brokers");
}

TEST(SwitchSim, AnythingMayHappen)
{
    expect_kept(sim::multiplex::drawn, sim::faults::all, "--faults all");
}

// A failure can be looked at only if its seed is the same world again.
TEST(SwitchSim, ASeedIsAHistory)
{
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const sim::world_options options{.seed = seed, .with = sim::faults::all};
        const auto first = sim::run_world(options);
        const auto again = sim::run_world(options);
        EXPECT_EQ(first.turns, again.turns) << seed;
        EXPECT_EQ(first.deliveries, again.deliveries) << seed;
        EXPECT_EQ(first.violations, again.violations) << seed;
    }
}

} // namespace
