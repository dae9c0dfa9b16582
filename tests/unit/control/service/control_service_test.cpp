// What stands around the coordinator: preflight (C10), ids, the store's faults, the audit line,
// S16, the questions.

#include "tests/unit/control/fake_members.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace control {
namespace {

using namespace std::chrono_literals;
using control_test::control_bench;

switch_request to_green()
{
    switch_request request;
    request.to = broker::color::green;
    request.who = "test";
    return request;
}

switch_answer ask(control_bench& bench, switch_request request = to_green())
{
    std::optional<switch_answer> answer;
    bench.service->request_switch(
        std::move(request), [&](switch_answer a) { answer = std::move(a); });
    bench.run_until([&] { return answer.has_value(); });
    return answer.value_or(switch_answer{switch_outcome::stopping, 0, "no answer at all"});
}

TEST(ControlService, SwitchesStoresAndTellsItsWatchers)
{
    control_bench bench;
    std::vector<switch_number> told;
    bench.service->watch([&](switch_number id) { told.push_back(id); });
    const auto answer = ask(bench);
    EXPECT_EQ(answer.outcome, switch_outcome::accepted);
    EXPECT_EQ(answer.id, 7u);
    bench.settle();
    EXPECT_EQ(*bench.stored, (stored_state{5, broker::color::green, broker::color::blue, 7}));
    const auto* record = bench.service->find(7);
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->phase, switch_phase::draining);
    EXPECT_TRUE(record->final);
    EXPECT_EQ(record->total().sessions_moved, 20u);
    EXPECT_FALSE(record->events.ended());
    for (auto& member : bench.members) {
        member->drained(7);
    }
    bench.settle();
    EXPECT_EQ(record->phase, switch_phase::done);
    EXPECT_TRUE(record->events.ended());
    EXPECT_FALSE(told.empty());
    EXPECT_TRUE(std::ranges::all_of(told, [](auto id) { return id == 7; }));
}

TEST(ControlService, SharesConnectRateByWhatEachMemberHasToDial)
{
    control_bench bench;
    bench.members[0]->links_to_dial = 29;
    bench.members[1]->links_to_dial = 9;
    ask(bench);
    const auto rate = [&](std::size_t i) {
        return std::get<prepare>(bench.members[i]->commands.at(0).what).connect_rate;
    };
    EXPECT_DOUBLE_EQ(rate(0), 375);
    EXPECT_DOUBLE_EQ(rate(1), 125);
}

TEST(ControlService, C10_RefusesATargetThatDoesNotAnswerAndReportsIt)
{
    control_bench bench;
    for (auto& member : bench.members) {
        member->checks = {{"e1", false, "connection refused"}};
    }
    const auto answer = ask(bench);
    EXPECT_EQ(answer.outcome, switch_outcome::refused);
    EXPECT_EQ(
        answer.detail, "none of the 1 endpoints of green answers: green/e1: connection refused");
    const auto* record = bench.service->find(answer.id);
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->result, switch_result::refused);
    EXPECT_EQ(
        record->failures, (std::vector<session_failure>{{"", "green/e1", "connection refused"}}));
    EXPECT_TRUE(bench.members[0]->commands.empty());
    EXPECT_EQ(bench.stored->epoch, 4u);
    EXPECT_EQ(bench.stored->last_switch, answer.id); // never given again
}

TEST(ControlService, C10_OneMemberThatReachesAnEndpointIsEnough)
{
    control_bench bench;
    bench.members[0]->checks = {{"e1", false, "refused"}};
    EXPECT_EQ(ask(bench).outcome, switch_outcome::accepted);
}

TEST(ControlService, C10_RefusesWithNumbersWhatCannotFit)
{
    control_bench bench;
    bench.members[0]->descriptors_needed = 998;
    EXPECT_EQ(
        ask(bench).detail,
        "the links to green need 1002 descriptors, 1000 are free; raise the limit of open files");
    bench.members[0]->descriptors_needed = 4;
    bench.members[0]->links_to_dial = 1496;
    auto request = to_green();
    request.deadline = 2s;
    EXPECT_EQ(
        ask(bench, request).detail,
        "dialling 1500 links at connect_rate 500/s takes 3.0 s, longer than the deadline of 2.0 s");
}

TEST(ControlService, C10_AMemberThatDoesNotAnswerRefusesInBoundedTime)
{
    control_settings settings;
    settings.preflight_timeout = 20ms;
    control_bench bench(settings);
    bench.members[1]->silent = true;
    EXPECT_EQ(ask(bench).detail, "1 of 2 members did not answer the preflight");
}

TEST(ControlService, ADryRunReportsWhatPreflightWouldRefuse)
{
    control_bench bench;
    for (auto& member : bench.members) {
        member->checks = {{"e1", false, "connection refused"}};
    }
    auto request = to_green();
    request.dry_run = true;
    const auto answer = ask(bench, request);
    EXPECT_EQ(answer.outcome, switch_outcome::accepted);
    EXPECT_EQ(bench.service->find(answer.id)->result, switch_result::would_fail);
}

TEST(ControlService, ADryRunSaysHowLongItWouldTake)
{
    control_bench bench;
    auto request = to_green();
    request.dry_run = true;
    const auto answer = ask(bench, request);
    bench.settle();
    EXPECT_EQ(bench.service->find(answer.id)->result, switch_result::would_switch);
    EXPECT_EQ(
        bench.service->find(answer.id)->detail,
        "0 of 20 sessions would fail; 8 links to dial, about 0.0 s");
    EXPECT_EQ(bench.stored->epoch, 4u);
}

TEST(ControlService, TheLiveColorIsNoSwitch)
{
    control_bench bench;
    auto request = to_green();
    request.to = broker::color::blue;
    const auto answer = ask(bench, request);
    EXPECT_EQ(answer.outcome, switch_outcome::live_already);
    EXPECT_EQ(answer.detail, "blue is live already");
    EXPECT_EQ(bench.stored->last_switch, 6u);
}

TEST(ControlService, C1_AnotherSwitchIsRefusedFromThePreflightOn)
{
    control_bench bench;
    bench.members[0]->stop_at = "prepare";
    std::optional<switch_answer> first;
    bench.service->request_switch(to_green(), [&](switch_answer a) { first = std::move(a); });
    EXPECT_EQ(ask(bench).outcome, switch_outcome::busy); // in preflight
    bench.settle();
    ASSERT_TRUE(first);
    const auto second = ask(bench); // preparing
    EXPECT_EQ(second.outcome, switch_outcome::busy);
    EXPECT_EQ(second.id, first->id);
}

TEST(ControlService, AStoreThatIsDownRefusesSwitchesBeforeAnyonePrepares)
{
    control_bench bench;
    *bench.results = {write_result::failed};
    EXPECT_EQ(ask(bench).outcome, switch_outcome::store_failed);
    EXPECT_TRUE(bench.members[0]->commands.empty());
    EXPECT_EQ(ask(bench).outcome, switch_outcome::accepted); // it is up again
}

TEST(ControlService, C7_AFailedDecisionIsReadBackAndAborts)
{
    control_bench bench;
    *bench.results = {write_result::written, write_result::unknown};
    const auto answer = ask(bench);
    bench.settle();
    EXPECT_EQ(bench.service->find(answer.id)->result, switch_result::aborted);
    EXPECT_EQ(bench.service->state().epoch, 4u);
    EXPECT_EQ(bench.service->running(), nullptr);
}

TEST(ControlService, DeadlinesRunOnTheTimer)
{
    control_settings settings;
    settings.hold_timeout = 20ms;
    control_bench bench(settings);
    bench.members[1]->stop_at = "hold";
    const auto answer = ask(bench);
    ASSERT_TRUE(bench.run_until([&] { return bench.service->running() == nullptr; }));
    EXPECT_EQ(
        bench.service->find(answer.id)->detail,
        "hold_timeout: 1 of 2 members did not say held within 20ms");
}

TEST(ControlService, S16_ShutDownAbortsAndCallsBackOnceSteady)
{
    control_bench bench;
    bench.members[1]->stop_at = "hold";
    const auto answer = ask(bench);
    bench.settle();
    bool steady = false;
    bench.service->shut_down([&] { steady = true; });
    EXPECT_FALSE(steady);
    bench.settle();
    EXPECT_TRUE(steady);
    EXPECT_EQ(bench.service->find(answer.id)->result, switch_result::aborted);
    EXPECT_EQ(ask(bench).outcome, switch_outcome::stopping);
}

TEST(ControlService, S16_AReloadIsForTheNextSwitch)
{
    control_bench bench;
    control_settings settings;
    settings.connect_rate = 40;
    bench.service->reload(settings);
    ask(bench);
    EXPECT_DOUBLE_EQ(std::get<prepare>(bench.members[0]->commands.at(0).what).connect_rate, 20);
}

struct paused_bench : control_bench {
    paused_bench()
    {
        auto request = to_green();
        request.pause = true;
        id = ask(*this, request).id;
        settle();
    }
    go_reply go()
    {
        std::optional<go_reply> reply;
        service->go(id, "test", [&](go_reply r) { reply = std::move(r); });
        run_until([&] { return reply.has_value(); });
        return reply.value_or(go_reply{go_outcome::none, "no answer at all", {}});
    }
    switch_number id = 0;
};

TEST(ControlService, C14_GoAsksThePreflightAnew)
{
    paused_bench bench;
    EXPECT_EQ(bench.service->running()->phase, switch_phase::paused);
    for (auto& member : bench.members) {
        member->checks = {{"e1", false, "connection refused"}};
    }
    const auto refused = bench.go();
    EXPECT_EQ(refused.outcome, go_outcome::refused);
    EXPECT_EQ(
        refused.detail, "none of the 1 endpoints of green answers: green/e1: connection refused");
    EXPECT_EQ(bench.service->running()->phase, switch_phase::paused) << "it stays";
    EXPECT_EQ(
        bench.log.back(), "audit who=test what=go switch=7 epoch=4 result=refused "
                          "detail=\"none of the 1 endpoints "
                          "of green answers: green/e1: connection refused\"");
    for (auto& member : bench.members) {
        member->checks = {{"e1", true, ""}};
    }
    EXPECT_EQ(bench.go().outcome, go_outcome::accepted);
    bench.settle();
    EXPECT_EQ(bench.service->find(7)->result, switch_result::switched);
    EXPECT_EQ(bench.go().outcome, go_outcome::none);
}

TEST(ControlService, C14_AnAbortWhileThePreflightIsMadeAnewIsHeard)
{
    paused_bench bench;
    std::optional<go_reply> reply;
    bench.service->go(bench.id, "test", [&](go_reply r) { reply = std::move(r); });
    EXPECT_EQ(bench.service->abort(bench.id, "test"), abort_answer::accepted);
    bench.run_until([&] { return reply.has_value(); });
    EXPECT_NE(reply->outcome, go_outcome::accepted);
    bench.settle();
    EXPECT_EQ(bench.service->find(7)->result, switch_result::aborted);
}

TEST(ControlService, S16_WhatWaitsForSteadyIsDoneOnceNoSwitchIsUnderWay)
{
    control_bench bench;
    int done = 0;
    bench.service->when_steady([&] { ++done; });
    EXPECT_EQ(done, 1) << "no switch runs";
    bench.members[0]->stop_at = "prepare";
    const auto id = ask(bench).id;
    EXPECT_EQ(bench.service->switch_under_way(), id);
    bench.service->when_steady([&] { ++done; });
    bench.settle();
    EXPECT_EQ(done, 1);
    bench.service->abort(id, "test");
    bench.settle();
    bench.settle();
    EXPECT_EQ(bench.service->switch_under_way(), 0u);
    EXPECT_EQ(done, 2);
}

TEST(ControlService, EveryChangeLeavesOneAuditLine)
{
    control_bench bench;
    auto request = to_green();
    request.reason = "new \"release\"\n";
    ask(bench, request);
    bench.settle();
    std::vector<std::string> audit;
    std::ranges::copy_if(bench.log, std::back_inserter(audit), [](const auto& line) {
        return line.starts_with("audit ");
    });
    EXPECT_EQ(
        audit, (std::vector<std::string>{
                   "audit who=test what=switch switch=7 from=blue to=green epoch=5 "
                   "result=switched reason=\"new \\\"release\\\"\\n\" detail=\"\" ms=0 sessions=20 "
                   "moved=20 pinned=0 failed=0 gone=0 held_p99_us=3000 held_max_us=3000 sends=0 "
                   "in_doubt=0 seams=0 forced=0 gaps=0 counted=0"}));
    EXPECT_TRUE(std::ranges::any_of(bench.log, [](const auto& line) {
        return line.find("published through blue/e1") != line.npos;
    }));
}

TEST(ControlService, AddsUpItsMembersAndGoesOnWithoutASilentOne)
{
    control_settings settings;
    settings.question_timeout = 20ms;
    control_bench bench(settings);
    bench.members[1]->state.endpoints.blue[0].healthy = false;
    const auto clients = [&] {
        std::optional<gateway_snapshot> all;
        bench.service->snapshot([&](gateway_snapshot s) { all = std::move(s); });
        bench.run_until([&] { return all.has_value(); });
        EXPECT_EQ(all->total.endpoints.blue.size(), 1u);
        return std::pair(all->total.clients, all->total.endpoints.blue[0].healthy);
    };
    EXPECT_EQ(clients(), std::pair(std::uint64_t{20}, false));
    bench.members[1]->silent = true;
    EXPECT_EQ(clients(), std::pair(std::uint64_t{10}, true));
}

} // namespace
} // namespace control
