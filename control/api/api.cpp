#include "control/api/api.hpp"

#include "control/api/status_json.hpp"
#include "control/api/dashboard_document.hpp"
#include "control/record/json.hpp"
#include "control/record/wall_time.hpp"
#include "control/api/openapi_document.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>

namespace control {

namespace {

constexpr std::size_t body_bytes_max = 64 * 1024;

// The page brings its own script and style, known by their hashes (CSP level 2, 5.2), and asks this
// gateway, nobody else; and nobody frames it.
constexpr std::string_view dashboard_policy =
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// "/" has no parts, as in target_from().
std::vector<std::string_view> parts_of(std::string_view pattern)
{
    std::vector<std::string_view> parts;
    while (pattern.size() > 1 && pattern.starts_with('/')) {
        pattern.remove_prefix(1);
        const auto end = std::min(pattern.find('/'), pattern.size());
        parts.push_back(pattern.substr(0, end));
        pattern.remove_prefix(end);
    }
    return parts;
}

// The values of the pattern's {names}, where it fits.
std::optional<std::vector<std::string>>
match(std::string_view pattern, const std::vector<std::string>& path)
{
    const auto parts = parts_of(pattern);
    std::vector<std::string> values;
    if (parts.size() != path.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].starts_with('{')) {
            values.push_back(path[i]);
        } else if (parts[i] != path[i]) {
            return std::nullopt;
        }
    }
    return values;
}

} // namespace

api::api(control_service& control, api_options options, log_sink log)
    : control_(control), options_(std::move(options)), log_(std::move(log))
{
}

std::span<const api::route> api::routes() noexcept
{
    static constexpr std::array<route, 22> table{{
        {"GET", "/v1/status", role::viewer, &api::status},
        {"POST", "/v1/switches", role::operator_, &api::start_switch},
        {"GET", "/v1/switches", role::viewer, &api::list_switches},
        {"GET", "/v1/switches/{id}", role::viewer, &api::show_switch},
        {"GET", "/v1/switches/{id}/events", role::viewer, &api::watch_switch},
        {"POST", "/v1/switches/{id}/abort", role::operator_, &api::abort_switch_by_id},
        {"POST", "/v1/switches/{id}/go", role::operator_, &api::go_on},
        {"GET", "/v1/pools", role::viewer, &api::pools},
        {"GET", "/v1/sessions", role::viewer, &api::sessions},
        {"DELETE", "/v1/sessions/{id}", role::operator_, &api::disconnect},
        {"POST", "/v1/endpoints/{color}/{name}/drain", role::operator_, &api::drain_endpoint},
        {"POST", "/v1/endpoints/{color}/{name}/undrain", role::operator_, &api::undrain_endpoint},
        {"POST", "/v1/drain", role::operator_, &api::drain_self},
        {"GET", "/v1/drain", role::viewer, &api::show_way_out},
        {"POST", "/v1/reload", role::operator_, &api::reload},
        {"GET", "/v1/config", role::viewer, &api::configuration},
        {"GET", "/v1/members", role::viewer, &api::members},
        {"GET", "/livez", role::none, &api::live},
        {"GET", "/readyz", role::none, &api::ready},
        {"GET", "/metrics", role::viewer, &api::metrics},
        {"GET", "/openapi.json", role::none, &api::openapi},
        {"GET", "/", role::none, &api::dashboard},
    }};
    return table;
}

void api::handle(http_request request, respond done)
{
    const auto pattern = std::make_shared<std::string_view>("other");
    const auto note = std::make_shared<audit_note>();
    const http_request asked{request.method, request.target, {}, {}, request.peer};
    call the_call{
        std::move(request), {}, {}, {}, note,
        [this, pattern, note, asked, done = std::move(done)](auto answer) {
            if (options_.answered) {
                options_.answered(*pattern, answer.status);
            }
            if (asked.method != "GET" && answer.status >= 400 && !note->audited) {
                audit_refusal(*note, asked, *pattern, answer);
            }
            done(std::move(answer));
        }};
    auto target = target_from(the_call.request.target);
    if (!target) {
        the_call.done(problem_response(
            {400, "bad-target", "The request's target is not valid", "", "", {}}, epoch()));
        return;
    }
    the_call.target = std::move(*target);
    if (auto refused = refused_repeats(the_call.request)) {
        the_call.done(std::move(*refused));
        return;
    }
    if (auto refused = refused_origin(the_call.request)) {
        the_call.done(std::move(*refused));
        return;
    }
    std::string allowed;
    for (const auto& one : routes()) {
        auto values = match(one.pattern, the_call.target.parts);
        if (!values) {
            continue;
        }
        if (one.method != the_call.request.method) {
            allowed += (allowed.empty() ? "" : ", ") + std::string(one.method);
            continue;
        }
        *pattern = one.pattern;
        the_call.parameters = std::move(*values);
        const bool open = options_.open_metrics && one.handler == &api::metrics;
        if (auto refused = refused_role(the_call, open ? role::none : one.needed)) {
            the_call.done(std::move(*refused));
        } else if (the_call.request.body.size() > body_bytes_max) {
            the_call.done(problem_response(
                {413, "too-large", "The body is too large", "at most 64 KiB", "", {}}, epoch()));
        } else {
            (this->*one.handler)(the_call);
        }
        return;
    }
    if (allowed.empty()) {
        the_call.done(problem_response(
            {404, "not-found", "There is nothing here", the_call.request.target, "", {}}, epoch()));
        return;
    }
    auto response = problem_response(
        {405, "method", "Not this method", "allowed: " + allowed, "", {}}, epoch());
    response.headers.emplace_back("Allow", allowed);
    the_call.done(std::move(response));
}

void api::status(call& the_call)
{
    control_.snapshot([this, done = the_call.done](const gateway_snapshot& all) {
        const auto how = health_of(
            {.now = all,
             .members = control_.member_count(),
             .stored = control_.state(),
             .switching = control_.running() != nullptr,
             .ready = control_.ready(),
             .not_ready_because = control_.not_ready_because(),
             .store_trouble = control_.store_trouble(),
             .stuck = options_.stuck ? options_.stuck() : std::string(),
             .wall = wall_time});
        auto response = json_response(
            200, status_json(all, control_.state(), control_.running(), options_.version, how));
        response.headers.emplace_back("ETag", "\"" + std::to_string(epoch()) + "\"");
        response.headers.emplace_back("Cache-Control", "no-store");
        done(std::move(response));
    });
}

void api::pools(call& the_call)
{
    control_.snapshot([done = the_call.done](const gateway_snapshot& all) {
        done(json_response(200, pools_json(all.total)));
    });
}

void api::members(call& the_call)
{
    control_.snapshot([done = the_call.done](const gateway_snapshot& all) {
        boost::json::array members;
        for (const auto& [number, one] : all.members) {
            members.push_back(boost::json::object{
                {"member", number}, {"clients", one.clients}, {"sessions", to_json(one.sessions)}});
        }
        done(json_response(200, boost::json::object{{"members", std::move(members)}}));
    });
}

void api::live(call& the_call)
{
    const auto stuck = options_.stuck ? options_.stuck() : std::string();
    the_call.done(
        stuck.empty() ? text_response(200, "text/plain", "ok\n")
                      : text_response(503, "text/plain", stuck + "\n"));
}

// Asks neither brokers nor the store: a gateway whose brokers are down keeps its clients.
void api::ready(call& the_call)
{
    the_call.done(
        control_.ready() ? text_response(200, "text/plain", "ready\n")
                         : text_response(503, "text/plain", control_.not_ready_because() + "\n"));
}

void api::metrics(call& the_call)
{
    the_call.done(
        text_response(200, "text/plain; version=0.0.4; charset=utf-8", options_.metrics()));
}

void api::openapi(call& the_call)
{
    the_call.done(text_response(200, "application/json", std::string(openapi_document)));
}

// Open to everybody, as it says nothing by itself: its script asks the routes above, with the
// reader's token where one is needed.
void api::dashboard(call& the_call)
{
    auto response = text_response(200, "text/html; charset=utf-8", std::string(dashboard_document));
    response.headers.emplace_back(
        "Content-Security-Policy", "default-src 'none'; style-src 'sha256-" +
                                       std::string(dashboard_document_style_hash) +
                                       "'; script-src 'sha256-" +
                                       std::string(dashboard_document_script_hash) + "'; " +
                                       std::string(dashboard_policy));
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    response.headers.emplace_back("Cache-Control", "no-cache");
    the_call.done(std::move(response));
}

} // namespace control
