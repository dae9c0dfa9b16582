// Proves the guarantee of contract.md for one session, its standby and one broadcast subscription
// on the real router, coordinator and brokers: along a fair run of a switch, from every point on,
// every order of the next few events: frames and orders under way, SENDs, messages from outside,
// the loss of any link, an abort request, the client's end. After these the run goes on fairly to
// its end and is judged as a whole. States whose cores were given the same things in the same order
// are one.

#include "tests/sim/session_world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <unordered_map>

namespace {

using sim::forged;
using sim::session_plan;
using sim::session_world;

// Where a core stops the process, the path to it is what one wants to know.
std::vector<std::size_t> running;
void on_abort(int)
{
    std::fprintf(stderr, "stopped on the path");
    for (const std::size_t choice : running) {
        std::fprintf(stderr, " %zu", choice);
    }
    std::fprintf(stderr, "\n");
    std::signal(SIGABRT, SIG_DFL);
    std::raise(SIGABRT);
}

struct search {
    session_plan plan;
    unsigned depth = 6;
    std::unordered_map<std::uint64_t, unsigned> seen; // digest, depth left when it was met
    std::uint64_t paths = 0;
    std::size_t starts = 0;
    std::string found;

    struct node {
        std::size_t choice = 0, of = 0;
    };

    // The run along `path`, fair before and behind it; grows `path` to the window's end.
    bool run(std::size_t start, std::vector<node>& path)
    {
        session_world w{plan};
        running.assign(1, start);
        w.set_up();
        w.make({session_world::act::request});
        for (std::size_t i = 0; i < start; ++i) {
            w.make(fair(w));
        }
        for (std::size_t i = 0; i < depth; ++i) {
            const auto all = w.moves();
            if (i == path.size()) {
                const auto left = static_cast<unsigned>(depth - i);
                auto [at, fresh] = seen.try_emplace(w.digest(), left);
                if (!fresh && at->second >= left) {
                    return w.violations().empty() || report(start, path, w);
                }
                at->second = left;
                path.push_back({0, all.size()});
            }
            running.push_back(path[i].choice);
            w.make(all.at(path[i].choice));
            if (!w.violations().empty()) {
                return report(start, path, w);
            }
        }
        if (!seen.try_emplace(w.digest(), 0).second) {
            return true; // gone on from already
        }
        ++paths;
        w.finish();
        return w.violations().empty() || report(start, path, w);
    }

    using move = session_world::move;
    using act = session_world::act;
    // `stalled` is left for as long as anything else is under way.
    static move fair(const session_world& w, std::optional<move> stalled = {})
    {
        const auto all = w.moves();
        for (const move& one : all) {
            if (one.what <= act::stored &&
                (!stalled || one.what != stalled->what || one.link != stalled->link)) {
                return one;
            }
        }
        return all.front().what <= act::stored ? all.front() : move{act::clock};
    }

    bool report(std::size_t start, const std::vector<node>& path, const session_world& w)
    {
        found = w.violations().front();
        session_world again{plan};
        again.set_up();
        again.tracing = true;
        again.make({session_world::act::request});
        for (std::size_t i = 0; i < start; ++i) {
            again.make(fair(again));
        }
        again.trace += "    ---- from here on\n";
        for (const node& one : path) {
            if (again.violations().empty()) {
                again.make(again.moves().at(one.choice));
            }
        }
        if (again.violations().empty()) {
            again.trace += "    ---- fair from here on\n";
            again.finish();
        }
        found += "\n" + again.trace.substr(0, 8000);
        return false;
    }

    // A fair run in which one pipe stands still from `from` on, and two things happen at `first`
    // and `second`.
    bool run_stalled(
        move stalled, std::size_t from, std::size_t first, std::size_t second, act one, act other,
        bool trace)
    {
        session_world w{plan};
        w.set_up();
        w.tracing = trace;
        w.make({act::request});
        for (std::size_t i = 0; i < starts + 40; ++i) {
            if (i == first) {
                w.make({one});
            }
            if (i == second) {
                w.make({other});
            }
            if (i > second && w.switched_and_quiet()) {
                break;
            }
            w.make(fair(w, i >= from ? std::optional{stalled} : std::nullopt));
        }
        ++paths;
        w.finish();
        if (w.violations().empty()) {
            return true;
        }
        if (!trace) {
            return run_stalled(stalled, from, first, second, one, other, true);
        }
        found = w.violations().front() + "\nstalled: " + session_world::name(stalled) +
                " from step " + std::to_string(from) + "\n" + w.trace.substr(0, 8000);
        return false;
    }

    bool all_stalled()
    {
        std::signal(SIGABRT, on_abort);
        starts = length();
        std::vector<move> pipes{{act::client}, {act::command}, {act::report}, {act::stored}};
        for (std::uint64_t link = 1; link <= (plan.shared ? 4U : 2U); ++link) {
            pipes.push_back({act::to_broker, link});
            pipes.push_back({act::to_router, link});
        }
        for (const move& stalled : pipes) {
            for (std::size_t first = 0; first < starts; ++first) {
                for (std::size_t second = first; second < starts; ++second) {
                    for (const std::size_t from : {std::size_t{0}, first / 2, first}) {
                        for (const act one : {act::send, act::outside}) {
                            for (const act other : {act::send, act::outside}) {
                                if (!run_stalled(stalled, from, first, second, one, other, false)) {
                                    return false;
                                }
                            }
                        }
                    }
                }
            }
        }
        std::signal(SIGABRT, SIG_DFL);
        return true;
    }

    // How many fair steps there are between the request and a report that is final.
    std::size_t length() const
    {
        session_world w{plan};
        w.set_up();
        w.make({session_world::act::request});
        std::size_t n = 0;
        for (; n < 400 && !w.switched_and_quiet(); ++n) {
            w.make(fair(w));
        }
        return n;
    }

    bool all()
    {
        std::signal(SIGABRT, on_abort);
        starts = length();
        for (std::size_t start = 0; start < starts; ++start) {
            std::vector<node> path;
            do {
                if (!run(start, path)) {
                    return false;
                }
                while (!path.empty() && path.back().choice + 1 >= path.back().of) {
                    path.pop_back();
                }
                if (!path.empty()) {
                    ++path.back().choice;
                }
            } while (!path.empty());
        }
        std::signal(SIGABRT, SIG_DFL);
        return true;
    }
};

void explore(const session_plan& plan, unsigned depth)
{
    search s{.plan = plan, .depth = depth};
    EXPECT_TRUE(s.all()) << s.found;
    std::printf(
        "[  states  ] %zu starts, %zu states, %llu paths to the end\n", s.starts, s.seen.size(),
        static_cast<unsigned long long>(s.paths));
    EXPECT_GT(s.starts, 20U);
    EXPECT_GT(s.paths, 100U);
}

void explore_stalls(const session_plan& plan)
{
    search s{.plan = plan};
    EXPECT_TRUE(s.all_stalled()) << s.found;
    std::printf(
        "[  paths   ] %zu steps, %llu paths to the end\n", s.starts,
        static_cast<unsigned long long>(s.paths));
    EXPECT_GT(s.paths, 1000U);
}

void expect_found(const session_plan& plan, unsigned depth, std::string_view what)
{
    search s{.plan = plan, .depth = depth};
    EXPECT_FALSE(depth == 0 ? s.all_stalled() : s.all()) << "nobody noticed";
    EXPECT_EQ(s.found.substr(0, what.size()), what) << s.found;
}

TEST(SessionExhaustive, S1SharedLinksAndNothingGoesWrong)
{
    explore({.shared = true}, 7);
}

TEST(SessionExhaustive, S1OwnLinkAndNothingGoesWrong)
{
    explore({.shared = false}, 7);
}

TEST(SessionExhaustive, S1OnePipeOfSharedLinksMayStall)
{
    explore_stalls({.shared = true});
}

TEST(SessionExhaustive, S1OnePipeOfAnOwnLinkMayStall)
{
    explore_stalls({.shared = false});
}

TEST(SessionExhaustive, S6AnAbortAnywhere)
{
    explore({.shared = true, .sends = 1, .outside = 1, .aborts = true}, 6);
    explore({.shared = false, .sends = 1, .outside = 1, .aborts = true}, 6);
}

TEST(SessionExhaustive, S3AnyLinkMayBeLost)
{
    explore({.shared = true, .sends = 1, .outside = 1, .losses = true}, 5);
    explore({.shared = false, .sends = 1, .outside = 1, .losses = true}, 6);
}

TEST(SessionExhaustive, S6AnyLinkMayBeLostAndTheSwitchAborted)
{
    explore({.shared = true, .sends = 1, .outside = 0, .losses = true, .aborts = true}, 5);
}

TEST(SessionExhaustive, S4TheClientMayEndAnywhere)
{
    explore({.shared = true, .sends = 2, .outside = 0, .leaves = true}, 6);
    explore({.shared = false, .sends = 2, .outside = 0, .aborts = true, .leaves = true}, 6);
}

TEST(SessionExhaustive, M8TwoSwitchesInARow)
{
    explore({.shared = true, .sends = 2, .outside = 1, .switches = 2}, 6);
    explore({.shared = false, .sends = 1, .outside = 1, .switches = 2, .losses = true}, 5);
}

// The search is worth what it finds: the model's errors, planted into the pipes.
TEST(SessionExhaustive, M4NoBarrierIsFound)
{
    expect_found({.shared = true, .error = forged::no_barrier}, 0, "fence");
}

TEST(SessionExhaustive, M5AMarkerThatOvertakesIsFound)
{
    expect_found({.shared = true, .error = forged::marker_first}, 5, "report");
}

TEST(SessionExhaustive, M7DiscardAfterHoldIsFound)
{
    expect_found({.shared = true, .error = forged::discard_after_hold}, 5, "lost");
}

} // namespace
