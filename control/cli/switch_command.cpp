// `switch`, `watch` and what they share: asking, waiting for the final report, and the exit status
// that it means.

#include "control/cli/commands.hpp"
#include "control/cli/tables.hpp"
#include "control/record/json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <iostream>

namespace cli {

namespace {

constexpr auto retry_first = std::chrono::milliseconds(100);
constexpr auto retry_max = std::chrono::milliseconds(2000);
constexpr int retries_max = 10; // in a row, without an event: then the gateway is not reachable
constexpr std::size_t bar_width = 24;

} // namespace

int status_of(const boost::json::object& report)
{
    const auto result = text_at(report, "result");
    if (result == "switched") {
        const auto* counted = report.if_contains("counted");
        const bool any = counted != nullptr && counted->is_array() && !counted->get_array().empty();
        return any ? exit_counted : exit_done;
    }
    if (result == "would_switch") {
        return exit_done;
    }
    return result == "refused" ? exit_refused : exit_failed;
}

int commands::switch_to(switch_options options)
{
    // The preview of --yes wants the status; --if-epoch alone does not.
    std::string epoch = options.if_epoch ? std::to_string(*options.if_epoch) : "";
    if (epoch.empty() || (options.ask && !options.yes)) {
        const auto body = get("/v1/status", "epoch");
        if (const auto* status = std::get_if<int>(&body)) {
            return *status;
        }
        if (!confirmed(options, std::get<0>(body))) {
            return exit_refused;
        }
        epoch = epoch.empty() ? text_at(std::get<0>(body), "epoch") : epoch;
    }
    return post_switch(options, epoch);
}

bool commands::confirmed(const switch_options& options, const boost::json::object& status)
{
    if (!options.ask || options.yes || options.dry_run || text_at(status, "live") == options.to) {
        return true;
    }
    to_.err << "switch " << text_at(status, "clients") << " clients from "
            << text_at(status, "live") << " to " << options.to << "? [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "yes";
}

int commands::post_switch(const switch_options& options, const std::string& if_match)
{
    boost::json::object body{{"to", options.to}};
    for (const auto& [field, value] :
         {std::pair("on_hold_timeout", &options.on_hold_timeout),
          std::pair("max_failed", &options.max_failed), std::pair("deadline", &options.deadline),
          std::pair("reason", &options.reason)}) {
        if (!value->empty()) {
            body[field] = *value;
        }
    }
    if (options.dry_run) {
        body["dry_run"] = true;
    }
    if (options.pause) {
        body["pause"] = true;
    }
    const auto answer = client_.send(
        {"POST", "/v1/switches", {{"If-Match", "\"" + if_match + "\""}}, control::to_text(body)});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    if (got.status != 200 && got.status != 202) {
        return refused(got);
    }
    const auto body_got = body_of(got, got.status == 200 ? "message" : "id");
    if (const auto* status = std::get_if<int>(&body_got)) {
        return *status;
    }
    const auto& content = std::get<0>(body_got);
    if (got.status == 200) { // live already
        if (to_.json) {
            to_.out << control::to_indented_text(content) << '\n';
        } else if (!to_.quiet) {
            to_.out << text_at(content, "message") << '\n';
        }
        return exit_done;
    }
    const auto id = number_at(content, "id");
    if (options.waiting.wait) {
        auto waiting = options.waiting;
        waiting.until_paused = options.pause;
        return wait_for(id, waiting);
    }
    if (to_.json) {
        to_.out << control::to_indented_text(content) << '\n';
    } else if (!to_.quiet) {
        to_.out << "switch " << id << " runs\n";
    }
    return exit_done;
}

int commands::watch(std::optional<std::uint64_t> id, const wait_options& waiting)
{
    if (!id) {
        const auto body = get("/v1/switches", "switches");
        if (const auto* status = std::get_if<int>(&body)) {
            return *status;
        }
        const auto* all = std::get<0>(body).if_contains("switches");
        if (all == nullptr || !all->is_array() || all->get_array().empty()) {
            return fail(exit_refused, "there was no switch yet");
        }
        id = number_at(all->get_array().front().as_object(), "id");
    }
    return wait_for(*id, waiting);
}

int commands::wait_for(std::uint64_t id, const wait_options& waiting)
{
    const auto begun = std::chrono::steady_clock::now();
    const auto until = waiting.timeout ? std::optional(begun + *waiting.timeout) : std::nullopt;
    const std::string path = "/v1/switches/" + std::to_string(id);
    const std::string goes_on =
        std::to_string(id) + " goes on: tealctl watch " + std::to_string(id);
    std::optional<boost::json::object> report;
    std::uint64_t last_id = 0;
    auto retry = retry_first;
    int tries = 0;
    bool understood = true;
    const auto on_event = [&](const event& what) {
        retry = retry_first;
        tries = 0;
        auto said = parsed(what.data);
        understood = said && said->contains("phase");
        if (!understood) {
            return false;
        }
        auto& now = *said;
        show_progress(id, now);
        if (waiting.until_paused && text_at(now, "phase") == "paused") {
            report = std::move(now);
            return false;
        }
        if (what.name != "report") {
            return true;
        }
        const bool drained = text_at(now, "drain.done") == "true";
        const bool enough = text_at(now, "final") == "true" && (!waiting.wait_drain || drained);
        report = std::move(now);
        return !enough;
    };
    for (;;) {
        const auto ended = client_.follow(path + "/events", last_id, until, on_event);
        clear_progress();
        if (!understood) {
            return not_understood(
                "an event of switch " + std::to_string(id) + ", which goes on");
        }
        if (ended == stream_end::enough) {
            return text_at(*report, "phase") == "paused" ? show_paused(id) : finish(*report);
        }
        if (ended == stream_end::interrupted) {
            return fail(exit_detached, "detached; switch " + goes_on);
        }
        if (ended == stream_end::timeout) {
            return fail(exit_timeout, "timeout; switch " + goes_on);
        }
        if (ended == stream_end::refused) {
            const auto why = get(path, "id");
            return std::holds_alternative<int>(why)
                       ? std::get<int>(why)
                       : not_reachable({"no events of switch " + std::to_string(id) +
                                        ", which goes on: tealctl watch " + std::to_string(id)});
        }
        // Broken or not reachable: again from the last event, for a while.
        if (++tries > retries_max) {
            return not_reachable({"lost while switch " + std::to_string(id) + " ran"});
        }
        if (!http_client::pause(retry)) {
            return fail(
                exit_detached, "detached from switch " + std::to_string(id) +
                                   ", whose gateway was not reachable: tealctl watch " +
                                   std::to_string(id));
        }
        retry = std::min(retry * 2, retry_max);
    }
}

namespace {

void print_paused(std::ostream& out, const boost::json::object& report, bool)
{
    const auto failed = text_at(report, "sessions.failed");
    out << "switch " << text_at(report, "id") << " to " << text_at(report, "to")
        << " is paused: " << text_at(report, "sessions.ready") << " of "
        << text_at(report, "sessions.total") << " sessions are prepared"
        << (failed == "0" ? "" : ", " + failed + " cannot be")
        << "; `tealctl go` or `tealctl abort`\n";
}

} // namespace

int commands::show_paused(std::uint64_t id)
{
    const auto body = get("/v1/switches/" + std::to_string(id), "phase");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_paused);
}

// C14: the switch that waits for it.
int commands::go(const wait_options& waiting)
{
    const auto body = get("/v1/status", "epoch");
    if (const auto* status = std::get_if<int>(&body)) {
        return *status;
    }
    const auto id = text_at(std::get<0>(body), "switch.id");
    if (id.empty()) {
        return fail(exit_refused, "no switch runs");
    }
    const auto answer = client_.send({"POST", "/v1/switches/" + id + "/go", {}, ""});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    if (got.status != 202) {
        return refused(got);
    }
    if (waiting.wait) {
        return wait_for(number_at(std::get<0>(body), "switch.id"), waiting);
    }
    const auto report = body_of(got, "id");
    return std::holds_alternative<int>(report)
               ? std::get<int>(report)
               : show(
                     std::get<0>(report),
                     [](std::ostream& out, const boost::json::object& one, bool) {
                         out << "switch " << text_at(one, "id") << " goes on\n";
                     });
}

int commands::finish(const boost::json::object& report)
{
    const auto* counted = report.if_contains("counted");
    if (text_at(report, "result").empty() || counted == nullptr || !counted->is_array()) {
        return not_understood("the final report has no result, or nothing that says what is counted");
    }
    show(report, print_report);
    return status_of(report);
}

void commands::show_progress(std::uint64_t id, const boost::json::object& now)
{
    if (!to_.progress || to_.quiet) {
        return;
    }
    const auto phase = text_at(now, "phase");
    const auto total = number_at(now, "sessions.total");
    const bool moving =
        phase == "committing" || phase == "joining" || phase == "draining" || phase == "done";
    const auto reached = number_at(now, moving ? "sessions.moved" : "sessions.ready");
    const auto filled =
        total == 0 ? 0 : std::min(bar_width, static_cast<std::size_t>(reached * bar_width / total));
    to_.err << "\r\x1b[K" << "switch " << id << "  " << phase << "  [" << std::string(filled, '#')
            << std::string(bar_width - filled, '.') << "]  " << reached << '/' << total
            << (moving ? " moved" : " ready") << std::flush;
}

void commands::clear_progress()
{
    if (to_.progress && !to_.quiet) {
        to_.err << "\r\x1b[K" << std::flush;
    }
}

} // namespace cli
