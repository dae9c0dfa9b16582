// The report: sums over members, when it is final (C9), what is counted, and its JSON as
// contract.md shows it.

#include "control/record/history.hpp"
#include "control/record/json.hpp"
#include "control/record/report_json.hpp"
#include "control/protocol/switch_request.hpp"

#include <gtest/gtest.h>

namespace control {
namespace {

using namespace std::chrono_literals;
const net::time_point t0{1h};

switch_record joining_record()
{
    switch_record record;
    record.id = 7;
    record.from = broker::color::green;
    record.to = broker::color::blue;
    record.phase = switch_phase::joining;
    record.result = switch_result::switched;
    record.epoch = 4;
    record.started = t0;
    record.members.resize(2);
    return record;
}

tally finished()
{
    tally t;
    t.sessions_total = t.sessions_ready = 10;
    t.sessions_moved = 7;
    t.sessions_pinned = t.sessions_failed = t.sessions_gone = 1;
    t.seams_total = 3;
    t.seams_joined = 2;
    t.seams_forced = 1;
    return t;
}

TEST(SwitchRecord, C9_IsFinalOnceSessionsSeamsAndReceiptsAreAllThere)
{
    for (const auto open :
         {&tally::sessions_moved, &tally::sessions_pinned, &tally::sessions_failed,
          &tally::sessions_gone, &tally::seams_joined, &tally::seams_forced}) {
        auto record = joining_record();
        auto one_short = finished();
        --(one_short.*open);
        record.take(0, finished());
        record.take(1, one_short);
        EXPECT_FALSE(record.advance(t0));
        record.take(1, finished());
        EXPECT_TRUE(record.advance(t0 + 1s));
        EXPECT_TRUE(record.final);
        EXPECT_EQ(record.phase, switch_phase::draining);
    }
    auto record = joining_record();
    auto owed = finished();
    owed.receipts_open = 1;
    record.take(0, finished());
    record.take(1, owed);
    EXPECT_FALSE(record.advance(t0));
}

TEST(SwitchRecord, IsDoneOnceEveryMemberHasDrained)
{
    auto record = joining_record();
    auto drained = finished();
    drained.drained = true;
    record.take(0, drained);
    record.take(1, finished());
    record.advance(t0);
    EXPECT_EQ(record.phase, switch_phase::draining);
    record.take(1, drained);
    EXPECT_TRUE(record.advance(t0 + 1s));
    EXPECT_EQ(record.phase, switch_phase::done);
}

TEST(SwitchRecord, CountsInSentencesWhatMakesExitStatus6)
{
    auto record = joining_record();
    EXPECT_EQ(record.counted(), std::vector<std::string>{});
    auto t = finished();
    t.fence_best_effort = true;
    t.in_doubt = 2;
    t.counted = {{"dedup: content", {}}};
    record.take(0, t);
    record.take(1, t); // the same sentence of two members is said once
    EXPECT_EQ(
        record.counted(), (std::vector<std::string>{
                              "2 sessions failed", "2 sessions pinned to their old color",
                              "2 seams forced by seam_timeout", "fence: best effort",
                              "4 SENDs in doubt", "dedup: content"}));
    record.result = switch_result::aborted;
    EXPECT_EQ(record.counted(), std::vector<std::string>{});
}

TEST(SwitchRecord, KeepsAtMostAHundredFailuresEachOnce)
{
    switch_record record;
    for (int i = 0; i < 150; ++i) {
        record.note_failures(
            {{"s" + std::to_string(i), "green/g1", "refused"}, {"s0", "green/g1", "again"}});
    }
    EXPECT_EQ(record.failures.size(), failures_max);
    EXPECT_EQ(record.failures[0].error, "refused");
}

TEST(SwitchRecord, SummarizesHeldTimesByNearestRank)
{
    std::vector<std::uint32_t> times;
    for (std::uint32_t i = 100; i > 0; --i) {
        times.push_back(i * 1000);
    }
    EXPECT_EQ(summarize_held(times), (held_summary{50, 99, 100}));
    EXPECT_EQ(summarize_held({}), held_summary{});
    EXPECT_EQ(summarize_held({1900}), (held_summary{1.9, 1.9, 1.9}));
}

TEST(SwitchRecord, IsWrittenAsTheContractShowsIt)
{
    auto record = joining_record();
    record.take(0, finished());
    record.held = {1.9, 6.2, 11.04};
    record.final_since = t0 + 412ms;
    record.started_at = std::chrono::system_clock::time_point(1'700'000'000'123ms);
    const std::string text = to_text(to_json(record, t0 + 500ms));
    const std::string expected =
        R"({"id":7,"from":"green","to":"blue","phase":"joining","final":false,"result":"switched","epoch":4,"reason":"",)"
        R"("started":"2023-11-14T22:13:20.123Z","duration_ms":412,)"
        R"("sessions":{"total":10,"ready":10,"moved":7,"pinned":1,"failed":1,"gone":1},)"
        R"("held_ms":{"p50":1.9,"p99":6.2,"max":11.04},)"
        R"("sends":{"accepted":0,"confirmed":0,"unconfirmed":0,"open":0,"held":0,"refused":0,"in_doubt":0},)"
        R"("seams":{"total":3,"joined":2,"forced":1,"best_effort":0,"late":0,"foreign_late":0,"gaps":0},)"
        R"("overlap":{"ms":0,"seams":0,"delivered":0,"twins":0,"still_coming":0},"backplane":"separate","fence":"kept",)"
        R"("duplicates_dropped":0,"redelivered":0,"handed_back":0,"stored_left_behind":0,)"
        R"("replies":{"to_old_color":0,"refused":0},"transactions_split":0,"drain":{"done":false,"ms":88},)"
        R"("counted":["1 session failed","1 session pinned to its old color","1 seam forced by seam_timeout"],"causes":[],"failures":[],)"
        R"("dry_run":false,"detail":"","who":""})";
    EXPECT_EQ(text, expected);
}

// 400 expired tokens are one line.
TEST(SwitchRecord, SumsUpFailuresByTheirCauseTheCommonestFirst)
{
    auto record = joining_record();
    for (int i = 0; i < 150; ++i) {
        const auto session = "0-" + std::to_string(i);
        const std::vector<session_failure> one{
            {session, "green/g1", i == 0 ? "no answer" : "token expired"}};
        record.note_failures(one);
        record.note_failures(one); // said again with the member's numbers
    }
    EXPECT_EQ(record.failures.size(), 100u);
    EXPECT_EQ(
        to_text(to_json(record, t0).at("causes")),
        R"([{"error":"token expired","sessions":149,"first":["0-1","0-2","0-3"]},)"
        R"({"error":"no answer","sessions":1,"first":["0-0"]}])");
    for (char c = 'a'; c < 'a' + 26; ++c) { // errors that name something of each session
        record.note_failures({{std::string{"1-"} + c, "green/g1", std::string{"no "} + c}});
    }
    EXPECT_EQ(record.causes.size(), 20u);
    EXPECT_EQ(record.causes.back().sessions, 9u);
}

// Each token has a time of its own; an endpoint's number is no such word.
TEST(SwitchRecord, C13_WordsWithADigitDoNotMakeAnotherCause)
{
    auto record = joining_record();
    record.note_failures({{"0-1", "green/g1", "green/g1 refused: expired at 19:27:31Z"},
                          {"0-2", "green/g1", "green/g1 refused: expired at 19:28:02Z"},
                          {"0-3", "green/g2", "green/g2 refused: expired at 19:28:02Z"},
                          {"0-4", "green/g1", "green/g1 refused: expired at noon"},
                          {"0-5", "green/g1", "green/g1 refused: expired at 19:28:02Z sharp"}});
    EXPECT_EQ(
        to_text(to_json(record, t0).at("causes")),
        R"([{"error":"green/g1 refused: expired at 19:27:31Z","sessions":2,"first":["0-1","0-2"]},)"
        R"({"error":"green/g1 refused: expired at 19:28:02Z sharp","sessions":1,"first":["0-5"]},)"
        R"({"error":"green/g1 refused: expired at noon","sessions":1,"first":["0-4"]},)"
        R"({"error":"green/g2 refused: expired at 19:28:02Z","sessions":1,"first":["0-3"]}])");
}

TEST(SwitchRecord, NamesTheSessionsOfWhatIsCounted)
{
    auto record = joining_record();
    auto numbers = finished();
    numbers.gaps = 2;
    numbers.named.add(counted_cause::gap, "0-4");
    numbers.named.add(counted_cause::gap, "0-9");
    numbers.named.add(counted_cause::gap, "0-4");
    numbers.named.add(counted_cause::handed_back, "0-5"); // nothing of it is counted
    for (int i = 0; i < 13; ++i) {
        numbers.named.add(counted_cause::failed, "1-" + std::to_string(i));
    }
    const auto late = [](std::initializer_list<std::string> sessions) {
        counted_sentence one{"dedup: a mark did not come in time", {}};
        for (const auto& session : sessions) {
            one.whose.add(session);
        }
        return std::vector{one};
    };
    numbers.counted = late({"0-1"});
    record.take(0, numbers);
    auto others = finished();
    others.counted = late({"1-2", "1-3"});
    record.take(1, others);
    const auto said = record.counted();
    EXPECT_EQ(
        said.front(), "2 sessions failed: sessions 1-0, 1-1, 1-2, 1-3, 1-4, 1-5, 1-6, 1-7, 1-8, "
                      "1-9 and 3 more");
    ASSERT_GE(said.size(), 2u);
    EXPECT_EQ(said[said.size() - 2], "2 gaps in subscriptions: sessions 0-4, 0-9");
    EXPECT_EQ(said.back(), "dedup: a mark did not come in time: sessions 0-1, 1-2, 1-3");
}

TEST(SwitchEvents, KeepEveryPhaseAndOnlyTheNewestProgress)
{
    switch_events events;
    events.add("phase", "a");
    events.add("progress", "b");
    events.add("progress", "c");
    events.add("phase", "d");
    EXPECT_EQ(
        events.after(0),
        (std::vector<switch_event>{{1, "phase", "a"}, {3, "progress", "c"}, {4, "phase", "d"}}));
    EXPECT_EQ(events.after(3), (std::vector<switch_event>{{4, "phase", "d"}}));
    EXPECT_EQ(events.after(9), std::vector<switch_event>{});
}

TEST(SwitchHistory, KeepsTheLastHundred)
{
    switch_history history;
    for (switch_number i = 1; i <= 101; ++i) {
        switch_record record;
        record.id = i;
        history.add(record);
    }
    EXPECT_EQ(history.newest_first().size(), switches_kept);
    EXPECT_EQ(history.find(1), nullptr);
    EXPECT_EQ(history.find(101)->id, 101u);
}

TEST(SwitchRequest, ReadsDurationsAndLimits)
{
    EXPECT_EQ(duration_from("500ms"), net::duration(500ms));
    EXPECT_EQ(duration_from("1.5s"), net::duration(1500ms));
    EXPECT_EQ(duration_from("5m"), net::duration(5min));
    for (const auto* bad : {"", "5", "s", "-1s", "5 s", "1d", "nans", "1e3s", "999999999h"}) {
        EXPECT_EQ(duration_from(bad), std::nullopt) << bad;
    }
    EXPECT_EQ(to_text(net::duration(90s)), "90s");
    EXPECT_EQ(failure_limit_from("0.1%")->allowed(1999), 1u);
    EXPECT_EQ(failure_limit_from("3")->allowed(10), 3u);
    for (const auto* bad : {"", "%", "101%", "1.5", "-1", "x"}) {
        EXPECT_EQ(failure_limit_from(bad), std::nullopt) << bad;
    }
}

} // namespace
} // namespace control
