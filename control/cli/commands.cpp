#include "control/cli/commands.hpp"

#include "control/cli/tables.hpp"
#include "control/record/json.hpp"
#include "control/record/plain_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <sstream>

namespace cli {

std::optional<boost::json::object> parsed(const std::string& text)
{
    boost::system::error_code error;
    auto value = boost::json::parse(text, error);
    return !error && value.is_object() ? std::optional(std::move(value.get_object()))
                                       : std::nullopt;
}

std::string encoded(const std::string& text)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::string_view("-._~").find(c) != std::string_view::npos ||
            (byte < 0x80 && std::isalnum(byte) != 0)) {
            out += c;
        } else {
            out += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return out;
}

std::uint64_t number_at(const boost::json::object& object, std::string_view path)
{
    const auto text = text_at(object, path);
    return text.empty() ? 0 : std::strtoull(text.c_str(), nullptr, 10);
}

namespace {

int status_of_refusal(unsigned http_status) noexcept
{
    switch (http_status) {
    case 401:
    case 403: return exit_forbidden;
    case 400:
    case 501: return exit_usage;
    default: return exit_refused;
    }
}

} // namespace

int commands::fail(int status, const std::string& sentence, const boost::json::object* problem)
{
    if (!to_.json) {
        to_.err << "tealctl: " << sentence << '\n';
        return status;
    }
    boost::json::object said{{"error", sentence}, {"exit", status}};
    if (problem != nullptr && !problem->empty()) {
        said["problem"] = *problem;
    }
    to_.err << control::to_text(said) << '\n';
    return status;
}

int commands::not_reachable(const unreachable& what)
{
    if (what.interrupted) {
        return fail(
            exit_detached,
            "interrupted before the gateway answered; `tealctl status` says whether a switch runs");
    }
    return fail(
        exit_unreachable,
        "gateway not reachable at " + control::printable(client_.where()) + ": " + what.why);
}

// An empty table with status 0 would mean that there is nothing. In truth it is not known.
int commands::not_understood(const std::string& why)
{
    return fail(
        exit_unreachable, "the answer cannot be understood: " + control::printable(why) +
                              "; is that a Teal gateway of this version?");
}

int commands::refused(const reply& what)
{
    const auto problem = parsed(what.body);
    const bool of_a_proxy = what.status == 401 || what.status == 403;
    if (!problem && !of_a_proxy) {
        return not_understood("HTTP status " + std::to_string(what.status) + " and no JSON object");
    }
    const auto said = problem.value_or(boost::json::object{});
    const auto title = text_at(said, "title");
    const auto detail = text_at(said, "detail");
    const auto field = text_at(said, "field");
    std::string sentence = (title.empty() ? "HTTP status " + std::to_string(what.status) : title) +
                           (field.empty() ? "" : " (" + field + ")") +
                           (detail.empty() ? "" : ": " + detail);
    if (what.status == 401) {
        sentence += to_.token_file.empty()
                        ? "; name a file that has one with --token-file"
                        : "; that of --token-file " + to_.token_file + " is not known there";
    }
    fail(status_of_refusal(what.status), sentence, &said);
    if (const auto report = text_at(said, "report"); to_.json && !report.empty()) {
        // A refused switch has a report too; a script reads it where it reads any other.
        const auto body = get(report, "id");
        if (const auto* status = std::get_if<int>(&body)) {
            return *status;
        }
        to_.out << control::to_indented_text(std::get<0>(body)) << '\n';
    }
    return status_of_refusal(what.status);
}

std::variant<boost::json::object, int>
commands::body_of(const reply& got, std::string_view field)
{
    auto body = parsed(got.body);
    if (!body) {
        return not_understood("no JSON object");
    }
    if (!body->contains(field)) {
        return not_understood("it has no field '" + std::string(field) + "'");
    }
    return std::move(*body);
}

std::variant<boost::json::object, int>
commands::get(const std::string& target, std::string_view field)
{
    const auto answer = client_.send({"GET", target, {}, ""});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    if (got.status != 200) {
        return refused(got);
    }
    return body_of(got, field);
}

int commands::show(
    const boost::json::object& body, void (*table)(std::ostream&, const boost::json::object&, bool))
{
    // The table is made in any case: what cannot be shown as one is not what was asked for.
    std::ostringstream text;
    table(text, body, to_.colors);
    if (to_.json) {
        to_.out << control::to_indented_text(body) << '\n';
    } else if (!to_.quiet) {
        to_.out << text.str();
    }
    return exit_done;
}

int commands::status()
{
    const auto body = get("/v1/status", "epoch");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_status);
}

int commands::check()
{
    const auto body = get("/v1/status", "health");
    if (std::holds_alternative<int>(body)) {
        return check_unknown;
    }
    const auto& status = std::get<0>(body);
    const auto health = text_at(status, "health");
    const int exit = health == "ok"         ? check_ok
                     : health == "degraded" ? check_degraded
                     : health == "down"     ? check_down
                                            : check_unknown;
    if (to_.json) {
        to_.out << control::to_indented_text(status) << '\n';
    } else if (!to_.quiet) {
        print_check(to_.out, status);
    }
    return exit;
}

int commands::history()
{
    const auto body = get("/v1/switches", "switches");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_history);
}

int commands::report(std::uint64_t id)
{
    const auto body = get("/v1/switches/" + std::to_string(id), "id");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_report);
}

int commands::pools()
{
    const auto body = get("/v1/pools", "blue");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_pools);
}

int commands::abort()
{
    const auto body = get("/v1/status", "epoch");
    if (const auto* status = std::get_if<int>(&body)) {
        return *status;
    }
    const auto id = text_at(std::get<0>(body), "switch.id");
    if (id.empty()) {
        return fail(exit_refused, "no switch runs");
    }
    const auto answer = client_.send({"POST", "/v1/switches/" + id + "/abort", {}, ""});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    if (got.status != 202) {
        return refused(got);
    }
    // C6: asked while the store was written it may be too late all the same; only the report tells.
    const int ended =
        wait_for(number_at(std::get<0>(body), "switch.id"), {.timeout = std::chrono::seconds(30)});
    if (ended == exit_done || ended == exit_counted) {
        return fail(exit_refused, "switch " + id + " was decided already");
    }
    return ended == exit_failed ? static_cast<int>(exit_done) : ended;
}

int commands::rollback(switch_options options)
{
    const auto body = get("/v1/status", "epoch");
    if (const auto* status = std::get_if<int>(&body)) {
        return *status;
    }
    const auto& status = std::get<0>(body);
    options.to = text_at(status, "previous");
    if (const auto id = text_at(status, "switch.id"); !id.empty() || options.to.empty()) {
        return fail(
            exit_refused, id.empty() ? "no switch was committed yet" : "switch " + id + " runs");
    }
    if (!confirmed(options, status)) {
        return exit_refused;
    }
    return post_switch(
        options, options.if_epoch ? std::to_string(*options.if_epoch) : text_at(status, "epoch"));
}

} // namespace cli
