// `reload` and `config show`.

#include "control/cli/commands.hpp"
#include "control/cli/tables.hpp"
#include "control/record/plain_text.hpp"

#include <boost/json/array.hpp>

namespace cli {

namespace {

const boost::json::array& list_at(const boost::json::object& object, std::string_view name)
{
    static const boost::json::array none;
    const auto* found = object.if_contains(name);
    return found != nullptr && found->is_array() ? found->get_array() : none;
}

std::string line_of(const boost::json::value& text)
{
    return text.is_string() ? control::printable(std::string(text.get_string())) : std::string();
}

void print_reload(std::ostream& out, const boost::json::object& answer, bool)
{
    for (const auto& one : list_at(answer, "changes")) {
        const auto& change = one.as_object();
        const auto from = text_at(change, "from");
        const auto to = text_at(change, "to");
        out << text_at(change, "key") << ": " << (from.empty() ? "(none)" : from) << " -> "
            << (to.empty() ? "(none)" : to) << "  (" << text_at(change, "applies") << ")\n";
    }
    const auto result = text_at(answer, "result");
    if (result == "waits") {
        out << "it will be taken when switch " << text_at(answer, "switch") << " has ended\n";
    } else {
        out
            << (result == "unchanged"     ? "no key has changed\n"
                : result == "would_apply" ? "nothing was changed (--dry-run)\n"
                                          : "the configuration was taken\n");
    }
    std::string restart;
    for (const auto& key : list_at(answer, "restart")) {
        restart += (restart.empty() ? "" : ", ") + line_of(key);
    }
    if (!restart.empty()) {
        out << "a restart is needed for: " << restart << '\n';
    }
}

void print_values(std::ostream& out, const boost::json::object& answer, bool)
{
    for (const auto& [key, value] : answer.at("values").as_object()) {
        if (const auto text = line_of(value); !text.empty()) {
            out << control::printable(std::string(key)) << ": " << text << '\n';
        }
    }
}

} // namespace

int commands::reload(bool dry_run)
{
    const auto answer =
        client_.send({"POST", "/v1/reload", {}, dry_run ? R"({"dry_run":true})" : ""});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    if (got.status != 200 && got.status != 202) {
        const int status = refused(got);
        const auto problem = parsed(got.body).value_or(boost::json::object{});
        for (const auto& error : to_.json ? boost::json::array{} : list_at(problem, "errors")) {
            to_.err << "tealctl: " << line_of(error) << '\n';
        }
        return status;
    }
    const auto body = body_of(got, "changes");
    if (const auto* status = std::get_if<int>(&body)) {
        return *status;
    }
    for (const auto& warning : list_at(std::get<0>(body), "warnings")) {
        to_.err << "tealctl: warning: " << line_of(warning) << '\n';
    }
    return show(std::get<0>(body), print_reload);
}

int commands::show_configuration()
{
    const auto body = get("/v1/config", "values");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_values);
}

} // namespace cli
