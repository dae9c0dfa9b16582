#include "control/record/report_json.hpp"

#include "control/record/json.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace control {

namespace {

std::int64_t milliseconds(net::duration length)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(length).count();
}

boost::json::object sessions_json(const tally& sum)
{
    return {{"total", sum.sessions_total},   {"ready", sum.sessions_ready},
            {"moved", sum.sessions_moved},   {"pinned", sum.sessions_pinned},
            {"failed", sum.sessions_failed}, {"gone", sum.sessions_gone}};
}

boost::json::array failures_json(const switch_record& record)
{
    boost::json::array all;
    for (const auto& one : record.failures) {
        all.push_back(boost::json::object{
            {"session", one.session}, {"endpoint", one.endpoint}, {"error", one.error}});
    }
    return all;
}

boost::json::array causes_json(const switch_record& record)
{
    auto sorted = record.causes;
    std::ranges::sort(sorted, [](const failure_cause& a, const failure_cause& b) {
        return a.sessions != b.sessions ? a.sessions > b.sessions : a.error < b.error;
    });
    boost::json::array all;
    for (const auto& one : sorted) {
        boost::json::array first;
        for (const auto& session : one.first) {
            first.emplace_back(session);
        }
        all.push_back(boost::json::object{
            {"error", one.error}, {"sessions", one.sessions}, {"first", std::move(first)}});
    }
    return all;
}

// Of the switch itself, until its report is final; the drain has a time of its own.
std::int64_t duration_ms(const switch_record& record, net::time_point now)
{
    return milliseconds(record.final_since.value_or(now) - record.started);
}

boost::json::object drain_json(const switch_record& record, net::time_point now)
{
    const bool done = record.phase == switch_phase::done && record.drained_since;
    const auto begun = record.final_since.value_or(now);
    return {{"done", done}, {"ms", milliseconds(record.drained_since.value_or(now) - begun)}};
}

} // namespace

std::string rfc3339(std::chrono::system_clock::time_point when)
{
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
    const std::time_t seconds = static_cast<std::time_t>(since / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 40> text{};
    const auto used = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text.data() + used, text.size() - used, ".%03dZ", static_cast<int>(since % 1000));
    return text.data();
}

boost::json::object progress_json(const switch_record& record)
{
    return {{"phase", to_string(record.phase)}, {"sessions", sessions_json(record.total())}};
}

boost::json::object to_json(const switch_record& record, net::time_point now)
{
    const tally sum = record.total();
    boost::json::object out;
    out["id"] = record.id;
    out["from"] = to_string(record.from);
    out["to"] = to_string(record.to);
    out["phase"] = to_string(record.phase);
    out["final"] = record.final;
    out["result"] = record.result == switch_result::open
                        ? boost::json::value(nullptr)
                        : boost::json::value(to_string(record.result));
    out["epoch"] = record.epoch;
    out["reason"] = record.reason;
    out["started"] = rfc3339(record.started_at);
    out["duration_ms"] = duration_ms(record, now);
    out["sessions"] = sessions_json(sum);
    out["held_ms"] = {
        {"p50", rounded(record.held.p50_ms)},
        {"p99", rounded(record.held.p99_ms)},
        {"max", rounded(record.held.max_ms)}};
    out["sends"] = {
        {"accepted", sum.accepted}, {"confirmed", sum.confirmed}, {"unconfirmed", sum.unconfirmed},
        {"open", sum.open},         {"held", sum.held},           {"refused", sum.refused},
        {"in_doubt", sum.in_doubt}};
    out["seams"] = {
        {"total", sum.seams_total},
        {"joined", sum.seams_joined},
        {"forced", sum.seams_forced},
        {"best_effort", sum.seams_best_effort},
        {"late", sum.late},
        {"foreign_late", sum.foreign_late},
        {"gaps", sum.gaps}};
    out["overlap"] = {
        {"ms", sum.overlap_ms},
        {"seams", sum.seams_overlap},
        {"delivered", sum.overlap_delivered},
        {"twins", sum.overlap_twins},
        {"still_coming", sum.overlap_still_coming}};
    out["backplane"] = sum.shared_backplane ? "shared" : "separate";
    out["fence"] = sum.fence_best_effort ? "best effort" : sum.fence_written ? "written" : "kept";
    out["duplicates_dropped"] = sum.duplicates_dropped;
    out["redelivered"] = sum.redelivered;
    out["handed_back"] = sum.handed_back;
    out["stored_left_behind"] = sum.stored_left_behind;
    out["replies"] = {{"to_old_color", sum.replies_to_old}, {"refused", sum.replies_refused}};
    out["transactions_split"] = sum.transactions_split;
    out["drain"] = drain_json(record, now);
    boost::json::array counted;
    for (const auto& sentence : record.counted()) {
        counted.emplace_back(sentence);
    }
    out["counted"] = std::move(counted);
    out["causes"] = causes_json(record);
    out["failures"] = failures_json(record);
    out["dry_run"] = record.dry_run;
    out["detail"] = record.detail;
    out["who"] = record.who;
    return out;
}

} // namespace control
