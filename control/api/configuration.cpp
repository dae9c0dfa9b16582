// The routes of the configuration: loaded again, with what changes; and shown.

#include "control/api/api.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace control {

namespace {

boost::json::array texts(const std::vector<std::string>& all)
{
    return boost::json::array(all.begin(), all.end());
}

boost::json::object to_json(const reload_answer& answer)
{
    boost::json::array changes;
    boost::json::array restart;
    for (const auto& one : answer.changes) {
        changes.push_back(boost::json::object{
            {"key", one.key}, {"from", one.from}, {"to", one.to}, {"applies", one.applies}});
        if (one.needs_restart) {
            restart.push_back(boost::json::string(one.key));
        }
    }
    boost::json::object body{
        {"result", to_string(answer.result)},
        {"changes", std::move(changes)},
        {"restart", std::move(restart)},
        {"warnings", texts(answer.warnings)}};
    if (answer.waits_for != 0) {
        body["switch"] = answer.waits_for;
    }
    return body;
}

// The body is empty or {"dry_run": true}; nullopt: neither.
std::optional<bool> dry_run_of(std::string_view body)
{
    if (body.empty()) {
        return false;
    }
    boost::system::error_code error;
    const auto parsed = boost::json::parse(body, error);
    const auto* object = error ? nullptr : parsed.if_object();
    if (object == nullptr) {
        return std::nullopt;
    }
    for (const auto& [key, value] : *object) {
        if (key != "dry_run" || !value.is_bool()) {
            return std::nullopt;
        }
    }
    const auto* wanted = object->if_contains("dry_run");
    return wanted != nullptr && wanted->get_bool();
}

} // namespace

void api::reload(call& the_call)
{
    const auto only_tell = dry_run_of(the_call.request.body);
    if (!only_tell) {
        the_call.done(problem_response(
            {400, "bad-field", "Bad body", "nothing, or {\"dry_run\": true}", "dry_run", {}},
            epoch()));
        return;
    }
    the_call.note->audited = !*only_tell;
    control_.reload_configuration(
        the_call.who, *only_tell, [this, done = the_call.done](const reload_answer& answer) {
            if (answer.result != reload_result::refused) {
                done(json_response(
                    answer.result == reload_result::waits ? 202 : 200, to_json(answer)));
                return;
            }
            const auto count = answer.errors.size();
            done(problem_response(
                {422,
                 "bad-configuration",
                 "The configuration has errors, the running one stays",
                 (answer.errors.empty() ? std::string() : answer.errors.front()) +
                     (count > 1 ? " (and " + std::to_string(count - 1) + " more)" : ""),
                 "",
                 {{"errors", texts(answer.errors)}}},
                epoch()));
        });
}

void api::configuration(call& the_call)
{
    boost::json::object values;
    for (const auto& [key, text] : control_.configuration()) {
        values[key] = text;
    }
    the_call.done(json_response(200, boost::json::object{{"values", std::move(values)}}));
}

} // namespace control
