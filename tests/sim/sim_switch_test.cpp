// Proves the guarantee of contract.md on the real cores: worlds drawn from seeds, with what a
// network, brokers, clients and an operator may do at any moment. TEAL_SEEDS says how many worlds
// (2000), spread over the kinds; TEAL_FIRST_SEED with which seed each kind begins (1).

#include "tests/sim/shrinker.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <set>

namespace {

constexpr std::uint64_t kinds = 12;

std::uint64_t number_of(const char* name, std::uint64_t usual)
{
    const char* text = std::getenv(name);
    const auto n = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
    return n == 0 ? usual : n;
}

// Of each kind.
std::uint64_t seeds()
{
    return (number_of("TEAL_SEEDS", 2000) + kinds - 1) / kinds;
}

// Every seed of one kind of world; the first that fails is named with what replays it.
void expect_kept(
    sim::multiplex mode, sim::faults with, sim::backplane backplane = sim::backplane::separate,
    std::optional<std::set<sim::feature>> having = {})
{
    std::uint64_t committed = 0, deliveries = 0;
    const auto first = number_of("TEAL_FIRST_SEED", 1);
    for (std::uint64_t seed = first; seed < first + seeds(); ++seed) {
        const sim::world_options options{
            .seed = seed, .mode = mode, .with = with, .backplane = backplane, .having = having};
        const auto result = sim::run_world(options);
        committed += result.committed;
        deliveries += result.deliveries;
        ASSERT_TRUE(result.violations.empty())
            << "seed " << seed << ": " << result.violations.front() << "\nreplay: sim "
            << sim::arguments_of(options) << " --trace\n"
            << sim::explain(sim::shrink(options, sim::manner_of, std::chrono::seconds{10}));
    }
    // A world in which nothing happens proves nothing.
    EXPECT_GT(committed, seeds() / 4);
    EXPECT_GT(deliveries, seeds());
}

TEST(SwitchSim, DedicatedLinksKeepTheContract)
{
    expect_kept(sim::multiplex::dedicated, sim::faults::none);
}

TEST(SwitchSim, SharedLinksKeepTheContract)
{
    expect_kept(sim::multiplex::shared, sim::faults::none);
}

TEST(SwitchSim, DedicatedLinksMayBreak)
{
    expect_kept(sim::multiplex::dedicated, sim::faults::links);
}

TEST(SwitchSim, SharedLinksMayBreak)
{
    expect_kept(sim::multiplex::shared, sim::faults::links);
}

TEST(SwitchSim, BrokersMayDie)
{
    expect_kept(sim::multiplex::drawn, sim::faults::brokers);
}

TEST(SwitchSim, AnythingMayHappen)
{
    expect_kept(sim::multiplex::drawn, sim::faults::all);
}

// P1 to P8: both colors are doors to one broker, and each message comes once all the same.
TEST(SwitchSim, P1_SharedBackplaneOnSharedLinks)
{
    expect_kept(sim::multiplex::shared, sim::faults::none, sim::backplane::shared);
}

TEST(SwitchSim, P1_SharedBackplaneOnDedicatedLinks)
{
    expect_kept(sim::multiplex::dedicated, sim::faults::none, sim::backplane::shared);
}

TEST(SwitchSim, P1_SharedBackplaneWhoseLinksMayBreak)
{
    expect_kept(sim::multiplex::drawn, sim::faults::links, sim::backplane::shared);
}

// P5 to P8: with others who publish beside the gateway, with ids and without, the same again and
// again, at every node of a cluster.
TEST(SwitchSim, P7_MarksOnSharedLinks)
{
    expect_kept(sim::multiplex::shared, sim::faults::none, sim::backplane::marks);
}

TEST(SwitchSim, P7_MarksOnDedicatedLinks)
{
    expect_kept(sim::multiplex::dedicated, sim::faults::none, sim::backplane::marks);
}

TEST(SwitchSim, P7_MarksWhereLinksMayBreak)
{
    expect_kept(sim::multiplex::drawn, sim::faults::links, sim::backplane::marks);
}

// Clients say what brokers refuse with an ERROR that names none: their neighbours notice nothing.
TEST(SwitchSim, E1_BrokersThatRefuseOnSharedLinks)
{
    using enum sim::feature;
    expect_kept(
        sim::multiplex::shared, sim::faults::none, sim::backplane::separate, std::set{refuses});
    expect_kept(
        sim::multiplex::shared, sim::faults::none, sim::backplane::separate,
        std::set{refuses, rabbitmq});
}

TEST(SwitchSim, E1_BrokersThatRefuseOnDedicatedLinks)
{
    using enum sim::feature;
    expect_kept(
        sim::multiplex::dedicated, sim::faults::none, sim::backplane::separate,
        std::set{refuses, rabbitmq});
}

// A failure can be looked at only if its seed is the same world again; a trace is written from other
// places in memory, and where something lies there decides nothing.
TEST(SwitchSim, ASeedIsAHistory)
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        sim::world_options options{.seed = seed, .with = sim::faults::all};
        const auto first = sim::run_world(options);
        options.trace = sim::tracing::kept;
        const auto again = sim::run_world(options);
        EXPECT_EQ(first.turns, again.turns) << seed;
        EXPECT_EQ(first.deliveries, again.deliveries) << seed;
        EXPECT_EQ(first.violations, again.violations) << seed;
    }
}

// A failing world is shown small: here one "fails" as soon as a switch and a delivery are in it.
TEST(SwitchSim, AFailingWorldIsShrunk)
{
    const auto fails = [](const sim::world_result& r) {
        return r.committed > 0 && r.deliveries > 0 ? std::string{"yes"} : std::string{};
    };
    sim::world_options options{
        .seed = 1,
        .with = sim::faults::all,
        .clients = 8,
        .steps = 40,
        .having = std::set<sim::feature>{}};
    // One that needs none of its faults for that.
    const auto without_faults = [&] {
        auto calm = options;
        calm.with = sim::faults::none;
        return sim::run_world(calm);
    };
    while (fails(sim::run_world(options)).empty() || fails(without_faults()).empty()) {
        ++options.seed;
    }
    const auto small = sim::shrink(options, fails, std::chrono::seconds{10});
    EXPECT_EQ(fails(small.result), "yes");
    EXPECT_LE(small.result.clients - small.options.without_clients.size(), 2U);
    EXPECT_LT(small.result.steps, 40U);
    EXPECT_EQ(small.options.with, sim::faults::none);
    EXPECT_LE(small.result.last_lines.size(), 150U);
    EXPECT_NE(sim::explain(small).find("--seed"), std::string::npos);
}

// Worlds that broke a promise once, each for an error of the gateway's that no others had shown.
TEST(SwitchSim, SeedsThatFailedOnce)
{
    using sim::faults;
    using sim::multiplex;
    const sim::world_options worlds[] = {
        {.seed = 205, .with = faults::brokers},
        {.seed = 564},
        {.seed = 7732, .with = faults::links},
        {.seed = 1010181},
        {.seed = 7000869, .mode = multiplex::shared},
        {.seed = 20003036, .with = faults::all},
        {.seed = 30001351, .mode = multiplex::shared},
        {.seed = 30003031, .mode = multiplex::shared},
        {.seed = 30002066, .mode = multiplex::shared},
        {.seed = 40002235},
        {.seed = 300007692, .mode = multiplex::dedicated},
        {.seed = 400003009, .mode = multiplex::dedicated, .with = faults::links},
        {.seed = 400010122, .mode = multiplex::dedicated, .with = faults::links},
        {.seed = 650007593, .with = faults::all},
        {.seed = 888000856, .with = faults::brokers},
        {.seed = 970002711, .with = faults::links, .backplane = sim::backplane::shared},
        {.seed = 200002079, .mode = multiplex::shared, .with = faults::links},
        {.seed = 210000759, .mode = multiplex::shared, .with = faults::links},
        {.seed = 210003480, .mode = multiplex::shared, .with = faults::links},
        {.seed = 610007302, .with = faults::all},
        {.seed = 220007265, .mode = multiplex::shared, .with = faults::links},
        {.seed = 240004018, .mode = multiplex::shared, .with = faults::links},
    };
    for (const sim::world_options& one : worlds) {
        const auto result = sim::run_world(one);
        EXPECT_TRUE(result.violations.empty())
            << "sim " << sim::arguments_of(one) << ": " << result.violations.front();
    }
}

} // namespace
