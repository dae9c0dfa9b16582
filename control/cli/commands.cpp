#include "control/cli/commands.hpp"

#include "control/cli/tables.hpp"
#include "control/json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace cli {

boost::json::object parsed(const std::string& text)
{
    boost::system::error_code error;
    auto value = boost::json::parse(text, error);
    return !error && value.is_object() ? std::move(value.get_object()) : boost::json::object{};
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

int commands::not_reachable(const unreachable& what)
{
    to_.err << "tealctl: gateway not reachable: " << what.why << '\n';
    return exit_unreachable;
}

int commands::refused(const reply& what)
{
    const auto problem = parsed(what.body);
    const auto title = text_at(problem, "title");
    const auto detail = text_at(problem, "detail");
    const auto field = text_at(problem, "field");
    to_.err << "tealctl: " << (title.empty() ? "HTTP status " + std::to_string(what.status) : title)
            << (field.empty() ? "" : " (" + field + ")") << (detail.empty() ? "" : ": " + detail)
            << '\n';
    if (const auto report = text_at(problem, "report"); to_.json && !report.empty()) {
        // A refused switch has a report too; a script reads it where it reads any other.
        const auto answer = client_.send({"GET", report, {}, ""});
        if (const auto* got = std::get_if<reply>(&answer); got != nullptr && got->status == 200) {
            to_.out << control::to_indented_text(parsed(got->body)) << '\n';
        }
    }
    switch (what.status) {
    case 401:
    case 403: return exit_forbidden;
    case 400:
    case 501: return exit_usage;
    default: return exit_refused;
    }
}

std::variant<boost::json::object, int> commands::get(const std::string& target)
{
    const auto answer = client_.send({"GET", target, {}, ""});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    if (got.status != 200) {
        return refused(got);
    }
    return parsed(got.body);
}

int commands::show(
    const boost::json::object& body, void (*table)(std::ostream&, const boost::json::object&, bool))
{
    if (to_.json) {
        to_.out << control::to_indented_text(body) << '\n';
    } else if (!to_.quiet) {
        table(to_.out, body, to_.colors);
    }
    return exit_done;
}

int commands::status()
{
    const auto body = get("/v1/status");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_status);
}

int commands::history()
{
    const auto body = get("/v1/switches");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_history);
}

int commands::pools()
{
    const auto body = get("/v1/pools");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_pools);
}

int commands::sessions(const std::string& sort, std::uint64_t limit)
{
    const auto body =
        get("/v1/sessions?limit=" + std::to_string(limit) +
            (sort.empty() ? "" : "&sort=" + encoded(sort)));
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_sessions);
}

int commands::disconnect(const std::string& session)
{
    const auto answer = client_.send({"DELETE", "/v1/sessions/" + encoded(session), {}, ""});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    return got.status == 204 ? static_cast<int>(exit_done) : refused(got);
}

int commands::abort()
{
    const auto body = get("/v1/status");
    if (const auto* status = std::get_if<int>(&body)) {
        return *status;
    }
    const auto id = text_at(std::get<0>(body), "switch.id");
    if (id.empty()) {
        to_.err << "tealctl: no switch runs\n";
        return exit_refused;
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
    const int ended = wait_for(std::stoull(id), {true, false, std::chrono::seconds(30)});
    if (ended == exit_done || ended == exit_counted) {
        to_.err << "tealctl: switch " << id << " was decided already\n";
        return exit_refused;
    }
    return ended == exit_failed ? static_cast<int>(exit_done) : ended;
}

int commands::rollback(switch_options options)
{
    const auto body = get("/v1/status");
    if (const auto* status = std::get_if<int>(&body)) {
        return *status;
    }
    const auto& status = std::get<0>(body);
    options.to = text_at(status, "previous");
    if (const auto id = text_at(status, "switch.id"); !id.empty() || options.to.empty()) {
        to_.err << "tealctl: "
                << (id.empty() ? "no switch was committed yet" : "switch " + id + " runs") << '\n';
        return exit_refused;
    }
    if (!confirmed(options, status)) {
        return exit_refused;
    }
    return post_switch(
        options, options.if_epoch ? std::to_string(*options.if_epoch) : text_at(status, "epoch"));
}

} // namespace cli
