// tealctl end to end against a served control with fake members: every command, every exit status
// that needs a gateway.

#include "control/cli/tealctl.hpp"
#include "control/record/json.hpp"
#include "tests/io/control/served_control.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace cli {
namespace {

using control_test::served_control;

struct outcome {
    int status;
    std::string out, err;
    boost::json::object json() const { return boost::json::parse(out).as_object(); }
};

outcome call(const served_control& served, std::vector<std::string> arguments)
{
    std::ostringstream out;
    std::ostringstream err;
    arguments.insert(arguments.begin(), {"--endpoint", served.endpoint()});
    const int status = run(arguments, {out, err});
    return {status, out.str(), err.str()};
}

TEST(TealctlEndToEnd, SwitchWaitsForTheFinalReport)
{
    served_control served;
    const auto got = call(served, {"switch", "green", "--reason", "release 7", "-o", "json"});
    EXPECT_EQ(got.status, 0) << got.err;
    EXPECT_EQ(got.err, ""); // no terminal: stdout alone, and parseable
    EXPECT_EQ(got.json().at("result"), "switched");
    EXPECT_EQ(got.json().at("final"), true);
    EXPECT_EQ(got.json().at("reason"), "release 7");
    const auto status = call(served, {"status", "-o", "json"}).json();
    EXPECT_EQ(status.at("live"), "green");
    EXPECT_EQ(status.at("epoch"), 5);
}

TEST(TealctlEndToEnd, TablesAreForPeople)
{
    served_control served;
    EXPECT_NE(
        call(served, {"status"}).out.find("live blue, epoch 4, 20 clients\n"), std::string::npos);
    const auto report = call(served, {"switch", "green"}).out;
    EXPECT_TRUE(report.starts_with("switch 7  blue -> green  switched  epoch 5  ")) << report;
    EXPECT_NE(
        report.find("sessions  total 20  ready 20  moved 20  pinned 0  failed 0  gone 0\n"),
        std::string::npos)
        << report;
    EXPECT_NE(call(served, {"history"}).out.find("switched"), std::string::npos);
    EXPECT_NE(call(served, {"pools"}).out.find("stomp://g:1"), std::string::npos);
    EXPECT_EQ(call(served, {"switch", "blue", "-q"}).out, "");
}

TEST(TealctlEndToEnd, TheLiveColorIsNoError)
{
    served_control served;
    const auto got = call(served, {"switch", "blue"});
    EXPECT_EQ(got.status, 0);
    EXPECT_EQ(got.out, "blue is live already\n");
}

TEST(TealctlEndToEnd, RollbackGoesToTheColorBefore)
{
    served_control served;
    EXPECT_EQ(call(served, {"rollback"}).status, 4); // none yet
    EXPECT_EQ(call(served, {"switch", "green"}).status, 0);
    EXPECT_EQ(call(served, {"rollback", "-o", "json"}).json().at("to"), "blue");
    EXPECT_EQ(call(served, {"rollback", "-o", "json"}).json().at("to"), "green");
}

TEST(TealctlEndToEnd, AStaleEpochIsStatus4)
{
    served_control served;
    const auto got = call(served, {"switch", "green", "--if-epoch", "3"});
    EXPECT_EQ(got.status, 4);
    EXPECT_NE(got.err.find("epoch is 4"), std::string::npos);
    EXPECT_EQ(call(served, {"switch", "green", "--if-epoch", "4"}).status, 0);
}

TEST(TealctlEndToEnd, PreflightIsStatus4AndADryRunOfItStatus1)
{
    served_control served;
    served.on([&] {
        for (auto& member : served.bench.members) {
            member->checks = {{"e1", false, "connection refused"}};
        }
    });
    const auto got = call(served, {"switch", "green", "-o", "json"});
    EXPECT_EQ(got.status, 4);
    EXPECT_NE(got.err.find("e1: connection refused"), std::string::npos);
    EXPECT_EQ(got.json().at("result"), "refused");
    EXPECT_EQ(call(served, {"switch", "green", "--dry-run"}).status, 1);
}

TEST(TealctlEndToEnd, ADryRunSwitchesNothing)
{
    served_control served;
    EXPECT_EQ(
        call(served, {"switch", "green", "--dry-run", "-o", "json"}).json().at("result"),
        "would_switch");
    EXPECT_EQ(call(served, {"status", "-o", "json"}).json().at("live"), "blue");
}

TEST(TealctlEndToEnd, WhatIsCountedIsStatus6)
{
    served_control served;
    served.on([&] {
        served.bench.members[0]->after_commit.seams_total =
            served.bench.members[0]->after_commit.seams_forced = 2;
    });
    const auto got = call(served, {"switch", "green"});
    EXPECT_EQ(got.status, 6);
    EXPECT_NE(got.out.find("counted   2 seams forced by seam_timeout"), std::string::npos);
}

TEST(TealctlEndToEnd, AFailedSwitchIsStatus1)
{
    served_control served;
    served.on([&] { served.bench.members[0]->stop_at = "prepare"; });
    const auto got = call(served, {"switch", "green", "--deadline", "300ms", "-o", "json"});
    EXPECT_EQ(got.status, 1);
    EXPECT_EQ(got.json().at("detail"), "deadline: not every session was ready in time");
}

TEST(TealctlEndToEnd, TimeoutStopsTheWaitingNotTheSwitch)
{
    served_control served;
    served.on([&] { served.bench.members[0]->stop_at = "prepare"; });
    const auto got = call(served, {"switch", "green", "--timeout", "500ms"});
    EXPECT_EQ(got.status, 5);
    EXPECT_NE(got.err.find("tealctl watch 7"), std::string::npos);
    EXPECT_EQ(call(served, {"switch", "green"}).status, 4); // it runs
    EXPECT_EQ(call(served, {"rollback"}).status, 4);
    EXPECT_EQ(call(served, {"abort"}).status, 0);
    EXPECT_EQ(call(served, {"abort"}).status, 4); // none runs any more
    EXPECT_EQ(call(served, {"watch", "7"}).status, 1);
}

TEST(TealctlEndToEnd, NoWaitReturnsAtOnceAndWatchFollows)
{
    served_control served;
    served.on([&] { served.bench.members[0]->stop_at = "hold"; });
    EXPECT_EQ(call(served, {"switch", "green", "--no-wait"}).out, "switch 7 runs\n");
    std::thread later([&] {
        served.on([&] { served.bench.members[0]->stop_at.clear(); });
        served.on([&] { served.bench.members[0]->report(7, control::held{}); });
    });
    EXPECT_EQ(call(served, {"watch", "-o", "json"}).json().at("result"), "switched");
    later.join();
    EXPECT_EQ(call(served, {"watch", "99"}).status, 4);
}

TEST(TealctlEndToEnd, WaitDrainWaitsForTheDrainToo)
{
    served_control served;
    EXPECT_EQ(call(served, {"switch", "green"}).status, 0);
    EXPECT_EQ(call(served, {"watch", "--wait-drain", "--timeout", "500ms"}).status, 5);
    served.on([&] {
        for (auto& member : served.bench.members) {
            member->drained(7);
        }
    });
    const auto got = call(served, {"watch", "--wait-drain", "-o", "json"});
    EXPECT_EQ(got.status, 0);
    EXPECT_EQ(got.json().at("drain").at("done"), true);
}

// Progress is shown from the first event on: there tealctl waits, and there Ctrl-C comes.
class interrupting_buffer : public std::stringbuf {
    int sync() override
    {
        if (!std::exchange(sent_, true)) {
            ::kill(::getpid(), SIGINT);
        }
        return 0;
    }
    bool sent_ = false;
};

TEST(TealctlEndToEnd, CtrlCDetachesAndNamesTheSwitch)
{
    served_control served;
    served.on([&] { served.bench.members[0]->stop_at = "prepare"; });
    std::ostringstream out;
    interrupting_buffer buffer;
    std::ostream err(&buffer);
    EXPECT_EQ(
        run({"--endpoint", served.endpoint(), "switch", "green"}, {out, err, false, true, false}),
        130);
    EXPECT_TRUE(buffer.str().ends_with("tealctl: detached; switch 7 goes on: tealctl watch 7\n"))
        << buffer.str();
    EXPECT_EQ(out.str(), "");
    EXPECT_EQ(call(served, {"status", "-o", "json"}).json().at("switch").at("phase"), "preparing");
}

TEST(TealctlEndToEnd, ProgressIsForATerminalOnly)
{
    served_control served;
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(
        run({"--endpoint", served.endpoint(), "switch", "green", "-o", "json"},
            {out, err, false, true, false}),
        0);
    EXPECT_NE(err.str().find("switch 7  "), std::string::npos);
    EXPECT_NE(err.str().find("20/20 moved"), std::string::npos);
    EXPECT_EQ(boost::json::parse(out.str()).at("result"), "switched");
}

TEST(TealctlEndToEnd, SessionsAreListedAndClosed)
{
    served_control served;
    served.on([&] {
        control::session_snapshot one;
        one.id = "s/1 x";
        one.peer = "10.0.0.1:5";
        served.bench.members[1]->session_list.push_back(one);
    });
    EXPECT_NE(
        call(served, {"sessions", "--sort", "age"}).out.find("10.0.0.1:5"), std::string::npos);
    EXPECT_EQ(call(served, {"disconnect", "s/1 x"}).status, 0);
    EXPECT_EQ(call(served, {"disconnect", "s/1 x"}).status, 4);
}

// Two members, each with a second endpoint of blue.
void add_endpoint(served_control& served, bool moves_at_once = true)
{
    served.on([&] {
        for (auto& member : served.bench.members) {
            member->state.endpoints.blue.push_back({"e2", "stomp://b:2", true, false, 2, 5, ""});
            member->moves_at_once = moves_at_once;
        }
    });
}

TEST(TealctlEndToEnd, DrainWaitsUntilNothingIsLeftThere)
{
    served_control served;
    add_endpoint(served);
    const auto got = call(served, {"drain", "blue/e1"});
    EXPECT_EQ(got.status, 0) << got.err;
    EXPECT_EQ(got.out, "blue/e1 is drained\n");
    const auto pools = call(served, {"pools"}).out;
    EXPECT_NE(pools.find("draining"), std::string::npos) << pools;
    const auto again = call(served, {"drain", "blue/b:1", "-o", "json"}); // by host:port, twice
    EXPECT_EQ(again.status, 0);
    EXPECT_EQ(again.json().at("color"), "blue");
    EXPECT_EQ(again.json().at("endpoint"), "e1");
    EXPECT_EQ(again.json().at("endpoints").at(0).at("draining"), true);
    EXPECT_EQ(call(served, {"undrain", "blue/e1"}).out, "blue/e1 takes sessions again\n");
    EXPECT_EQ(call(served, {"pools"}).out.find("draining"), std::string::npos);
}

TEST(TealctlEndToEnd, DrainTimeoutStopsTheWaitingNotTheDrain)
{
    served_control served;
    add_endpoint(served, false);
    const auto got = call(served, {"drain", "blue/e1", "--timeout", "300ms"});
    EXPECT_EQ(got.status, 5);
    EXPECT_EQ(
        got.err, "tealctl: timeout; 20 sessions and 4 links are left at blue/e1; the drain goes "
                 "on\n");
    EXPECT_EQ(call(served, {"drain", "blue/e1", "--no-wait"}).out, "blue/e1 is being drained\n");
    std::thread later([&] {
        served.on([&] {
            for (auto& member : served.bench.members) {
                member->state.endpoints.blue[0].sessions = 0;
                member->state.endpoints.blue[0].links = 0;
            }
        });
    });
    EXPECT_EQ(call(served, {"drain", "blue/e1"}).status, 0);
    later.join();
}

TEST(TealctlEndToEnd, DrainIsRefusedWithStatus4)
{
    served_control served;
    const auto alone = call(served, {"drain", "blue/e1"});
    EXPECT_EQ(alone.status, 4);
    EXPECT_EQ(
        alone.err,
        "tealctl: No other endpoint takes its sessions: 20 sessions are bound to blue/e1; none of "
        "the 0 other endpoints of blue is healthy and not draining; `force` drains it all the "
        "same\n");
    EXPECT_EQ(call(served, {"drain", "green/nobody"}).status, 4);
    EXPECT_EQ(call(served, {"undrain", "green/nobody"}).status, 4);
    add_endpoint(served);
    served.on([&] { served.bench.members[0]->stop_at = "prepare"; });
    EXPECT_EQ(call(served, {"switch", "green", "--no-wait"}).status, 0);
    const auto busy = call(served, {"drain", "blue/e1"});
    EXPECT_EQ(busy.status, 4);
    EXPECT_EQ(busy.err, "tealctl: A switch runs: switch 7 runs\n");
}

TEST(TealctlEndToEnd, ADrainThatIsTakenBackMeanwhileIsStatus4)
{
    served_control served;
    add_endpoint(served, false);
    std::thread other([&] {
        for (bool ordered = false; !ordered;) {
            served.on([&] { ordered = !served.bench.members[1]->drains.empty(); });
        }
        EXPECT_EQ(call(served, {"undrain", "blue/e1"}).status, 0);
    });
    const auto got = call(served, {"drain", "blue/e1", "--timeout", "20s"});
    other.join();
    EXPECT_EQ(got.status, 4);
    EXPECT_EQ(got.err, "tealctl: blue/e1 was taken back meanwhile\n");
}

TEST(TealctlEndToEnd, WhoMayNotIsStatus7)
{
    const std::string path =
        std::filesystem::temp_directory_path() / ("teal_cli_tokens_" + std::to_string(::getpid()));
    std::ofstream(path) << "viewer viewer-token-0001\noperator operator-token-01\n";
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    const std::string mine = path + ".mine";
    control::api_options access;
    access.tokens = std::get<control::token_file>(control::token_file::open(path));
    served_control served({}, access);
    EXPECT_EQ(call(served, {"status"}).status, 7);
    std::ofstream(mine) << "viewer-token-0001\n";
    EXPECT_EQ(call(served, {"--token-file", mine, "status"}).status, 0);
    EXPECT_EQ(call(served, {"--token-file", mine, "switch", "green"}).status, 7);
    std::ofstream(mine) << "operator-token-01\n";
    EXPECT_EQ(call(served, {"--token-file", mine, "switch", "green"}).status, 0);
    std::filesystem::remove(path);
    std::filesystem::remove(mine);
}

// One member never says held: what --on-hold-timeout names is what it is told.
template <class Order>
void expect_told(const char* policy)
{
    served_control served;
    served.on([&] { served.bench.members[1]->stop_at = "hold"; });
    EXPECT_EQ(call(served, {"switch", "green", "--on-hold-timeout", policy}).status, 0);
    served.on([&] {
        const auto& commands = served.bench.members[1]->commands;
        EXPECT_TRUE(std::any_of(commands.begin(), commands.end(), [](const auto& told) {
            return std::holds_alternative<Order>(told.what);
        }));
    });
}

TEST(TealctlEndToEnd, C5PinIsWhatTheMembersAreTold)
{
    expect_told<control::pin>("pin");
}

TEST(TealctlEndToEnd, C5CutIsWhatTheMembersAreTold)
{
    expect_told<control::cut>("cut");
}

TEST(TealctlEndToEnd, C5AnotherPolicyIsWrongUsage)
{
    served_control served;
    const auto got = call(served, {"switch", "green", "--on-hold-timeout", "wait"});
    EXPECT_EQ(got.status, 2);
    EXPECT_NE(got.err.find("--on-hold-timeout"), std::string::npos) << got.err;
}

} // namespace
} // namespace cli
