// The routes of one endpoint: drained, or taken back; and of this gateway itself.

#include "control/api/api.hpp"
#include "control/api/status_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace control {

namespace {

// The pool of that color, and which of its endpoints was meant.
http_response drained_response(broker::color color, bool drained, const drain_answer& answer)
{
    const auto& known = answer.total.endpoints[color];
    const auto at = std::ranges::find(known, answer.name, &endpoint_snapshot::name);
    const std::uint64_t sessions = at == known.end() ? 0 : at->sessions;
    auto body = pools_json(answer.total).at(to_string(color)).as_object();
    body["color"] = to_string(color);
    body["endpoint"] = answer.name;
    // 202: sessions that are bound there move from now on. GET /v1/pools shows how far they are.
    return json_response(drained && sessions > 0 ? 202 : 200, body);
}

problem problem_of(const drain_answer& answer)
{
    switch (answer.outcome) {
    case drain_outcome::no_such_endpoint:
        return {404, "no-such-endpoint", "No such endpoint", answer.detail, "name", {}};
    case drain_outcome::nowhere_to_go:
        return {
            409,
            "nowhere-to-go",
            "No other endpoint takes its sessions",
            answer.detail,
            "",
            {{"sessions", answer.sessions}, {"others", answer.others}}};
    case drain_outcome::busy:
        return {409, "switch-running", "A switch runs", answer.detail, "", {{"id", answer.id}}};
    case drain_outcome::stopping:
        return {503, "stopping", "The gateway is stopping", answer.detail, "", {}};
    case drain_outcome::accepted:
    case drain_outcome::unanswered: break;
    }
    return {503, "unanswered", "Not every part of the gateway answered", answer.detail, "", {}};
}

// The body is empty or {"force": true}; nullopt: neither.
std::optional<bool> force_of(std::string_view body)
{
    if (body.empty()) {
        return false;
    }
    boost::system::error_code error;
    const auto parsed = boost::json::parse(body, error);
    const auto* object = error ? nullptr : parsed.if_object();
    if (object == nullptr || object->size() > 1) {
        return std::nullopt;
    }
    const auto* wanted = object->if_contains("force");
    if (wanted == nullptr) {
        return object->empty() ? std::optional(false) : std::nullopt;
    }
    return wanted->is_bool() ? std::optional(wanted->get_bool()) : std::nullopt;
}

} // namespace

void api::drain_endpoint(call& the_call)
{
    order_endpoint(the_call, true);
}

void api::undrain_endpoint(call& the_call)
{
    order_endpoint(the_call, false);
}

void api::order_endpoint(call& the_call, bool drained)
{
    const auto color = broker::color_from(the_call.parameters.at(0));
    if (!color) {
        the_call.done(problem_response(
            {404, "no-such-endpoint", "No such endpoint", "blue or green", "color", {}}, epoch()));
        return;
    }
    const auto force = force_of(the_call.request.body);
    if (!force || (*force && !drained)) {
        the_call.done(problem_response(
            {400, "bad-field", "Bad body", "nothing, or of drain {\"force\": true}", "force", {}},
            epoch()));
        return;
    }
    the_call.note->audited = true;
    control_.drain_endpoint(
        {*color, the_call.parameters.at(1), drained, the_call.who, *force},
        [this, color = *color, drained, done = the_call.done](const drain_answer& answer) {
            done(
                answer.outcome == drain_outcome::accepted
                    ? drained_response(color, drained, answer)
                    : problem_response(problem_of(answer), epoch()));
        });
}

namespace {

http_response way_out_response(unsigned status, const way_out_state& now)
{
    auto response = json_response(
        status, boost::json::object{{"stage", to_string(now.stage)}, {"clients", now.clients}});
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

} // namespace

// 202: it leaves; 200: it has left. Asked again it goes on.
void api::drain_self(call& the_call)
{
    control_.drain_self(the_call.who);
    const auto now = control_.way_out();
    the_call.done(way_out_response(now.stage == way_out_stage::drained ? 200 : 202, now));
}

void api::show_way_out(call& the_call)
{
    the_call.done(way_out_response(200, control_.way_out()));
}

} // namespace control
