// Runs simulated worlds, one for each seed, and says which of them broke the contract.

#include "tests/sim/shrinker.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr const char* usage =
    "usage: sim [--seeds N] [--from S] [--seed S] [--trace | --bytes] [--apart]\n"
    "           [--mode shared|dedicated|mixed]\n"
    "           [--faults none|links|brokers|all] [--backplane "
    "separate|shared|header|content|no-key|auto]\n"
    "           [--shards N] [--clients N] [--steps N] "
    "[--no-switches] [--keep-going]\n"
    "\n"
    "  --seeds N     how many worlds (1000), from --from S (1) on\n"
    "  --seed S      one world; with --trace everything that happens in it, in virtual time\n"
    "  --bytes       the same, and all that the gateway writes and reports (compare_traces)\n"
    "  --apart       each connection draws its delays by itself, whatever order others write in\n"
    "  --keep-going  does not stop at the tenth world that fails\n"
    "  --shrink      every world that fails is made smaller; without it the first one is\n"
    "  --features "
    "cluster,rabbitmq,silent,replies,strict,gives-up,drains,beats,workers,streams,refuses,floods,"
    "untried,pauses,unanswered | none: instead of "
    "drawn "
    "ones\n"
    "  what a shrunk world leaves out: --without-features I,J,..; --without-clients, "
    "--without-faults, --without-orders, "
    "--without-drains I,J,..;\n"
    "                --one-node --calm-clients --roomy --store-works\n"
    "\n"
    "Exit status: 0 no violation, 1 some, 2 wrong usage.\n";

struct plan {
    sim::world_options world;
    std::uint64_t seeds = 1000, from = 1;
    bool keep_going = false, shrink = false;
};

constexpr auto shrink_max = std::chrono::seconds{10};

bool read_number(std::string_view text, std::uint64_t& into)
{
    const auto result = std::from_chars(text.data(), text.data() + text.size(), into);
    return result.ec == std::errc{} && result.ptr == text.data() + text.size();
}

bool read_numbers(std::string_view text, std::set<unsigned>& into)
{
    while (!text.empty()) {
        std::uint64_t n = 0;
        const auto comma = text.find(',');
        if (!read_number(text.substr(0, comma), n)) {
            return false;
        }
        into.insert(static_cast<unsigned>(n));
        text = comma == text.npos ? "" : text.substr(comma + 1);
    }
    return true;
}

bool read_features(std::string_view text, std::set<sim::feature>& into)
{
    while (!text.empty() && text != "none") {
        const auto comma = text.find(',');
        const auto name = text.substr(0, comma);
        unsigned i = 0;
        while (i < sim::features && to_string(static_cast<sim::feature>(i)) != name) {
            ++i;
        }
        if (i == sim::features) {
            return false;
        }
        into.insert(static_cast<sim::feature>(i));
        text = comma == text.npos ? "" : text.substr(comma + 1);
    }
    return true;
}

bool read_word(plan& p, std::string_view key, std::string_view value)
{
    std::uint64_t n = 0;
    if (key == "--mode") {
        p.world.mode = value == "shared"      ? sim::multiplex::shared
                       : value == "dedicated" ? sim::multiplex::dedicated
                                              : sim::multiplex::drawn;
        return value == "shared" || value == "dedicated" || value == "mixed";
    }
    if (key == "--features") {
        return read_features(value, p.world.having.emplace());
    }
    if (key == "--without-features") {
        return read_numbers(value, p.world.without_features);
    }
    if (key == "--backplane") {
        constexpr std::string_view names[] = {"separate", "shared", "header", "content", "no-key", "auto"};
        const auto at = std::ranges::find(names, value);
        p.world.backplane = static_cast<sim::backplane>(at - std::begin(names));
        return at != std::end(names);
    }
    if (key == "--faults") {
        constexpr std::string_view names[] = {"none", "links", "brokers", "all"};
        for (std::size_t i = 0; i < 4; ++i) {
            if (names[i] == value) {
                p.world.with = static_cast<sim::faults>(i);
                return true;
            }
        }
        return false;
    }
    if (key == "--without-clients") {
        return read_numbers(value, p.world.without_clients);
    }
    if (key == "--without-faults") {
        return read_numbers(value, p.world.without_faults);
    }
    if (key == "--without-orders") {
        return read_numbers(value, p.world.without_orders);
    }
    if (key == "--without-drains") {
        return read_numbers(value, p.world.without_drains);
    }
    if (!read_number(value, n)) {
        return false;
    }
    if (key == "--seeds") {
        p.seeds = n;
    } else if (key == "--from") {
        p.from = n;
    } else if (key == "--seed") {
        p.from = n;
        p.seeds = 1;
    } else if (key == "--shards") {
        p.world.shards = static_cast<unsigned>(n);
    } else if (key == "--clients") {
        p.world.clients = static_cast<unsigned>(n);
    } else if (key == "--steps") {
        p.world.steps = static_cast<unsigned>(n);
    } else {
        return false;
    }
    return true;
}

bool read_arguments(plan& p, int count, char** arguments)
{
    for (int i = 1; i < count; ++i) {
        const std::string_view word = arguments[i];
        if (word == "--trace") {
            p.world.trace = sim::tracing::printed;
        } else if (word == "--bytes") {
            p.world.trace = sim::tracing::printed;
            p.world.bytes = true;
        } else if (word == "--apart") {
            p.world.apart = true;
        } else if (word == "--shrink") {
            p.shrink = true;
        } else if (word == "--one-node") {
            p.world.one_node = true;
        } else if (word == "--calm-clients") {
            p.world.calm_clients = true;
        } else if (word == "--roomy") {
            p.world.roomy = true;
        } else if (word == "--store-works") {
            p.world.store_works = true;
        } else if (word == "--no-switches") {
            p.world.switches = false;
        } else if (word == "--keep-going") {
            p.keep_going = true;
        } else if (i + 1 == count || !read_word(p, word, arguments[++i])) {
            return false;
        }
    }
    return true;
}

} // namespace

int main(int count, char** arguments)
{
    plan p;
    if (!read_arguments(p, count, arguments)) {
        std::fputs(usage, stderr);
        return 2;
    }
    const auto began = std::chrono::steady_clock::now();
    std::uint64_t violations = 0, failed = 0, done = 0, committed = 0, aborted = 0, deliveries = 0;
    for (std::uint64_t seed = p.from; seed < p.from + p.seeds; ++seed) {
        p.world.seed = seed;
        if (p.world.trace == sim::tracing::printed) {
            std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
        }
        const sim::world_result result = sim::run_world(p.world);
        ++done;
        committed += result.committed;
        aborted += result.aborted;
        deliveries += result.deliveries;
        violations += result.violations.size();
        if (!result.violations.empty()) {
            ++failed;
            std::printf(
                "seed %llu: %zu violations\n", static_cast<unsigned long long>(seed),
                result.violations.size());
            for (std::size_t i = 0; i < result.violations.size() && i < 5; ++i) {
                std::printf("    %s\n", result.violations[i].c_str());
            }
            if ((p.shrink || failed == 1) && p.world.trace == sim::tracing::off) {
                const auto smaller = sim::shrink(p.world, sim::manner_of, shrink_max);
                const std::string text = sim::explain(smaller); // with the NULs of odd brokers
                std::fwrite(text.data(), 1, text.size(), stdout);
            }
            std::fflush(stdout);
            if (failed == 10 && !p.keep_going) {
                break;
            }
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf(
        "%llu seeds, %llu violations (%llu switches, %llu aborted, %llu deliveries, %.0f "
        "seeds/s)\n",
        static_cast<unsigned long long>(done), static_cast<unsigned long long>(violations),
        static_cast<unsigned long long>(committed), static_cast<unsigned long long>(aborted),
        static_cast<unsigned long long>(deliveries), static_cast<double>(done) / took.count());
    return violations == 0 ? 0 : 1;
}
