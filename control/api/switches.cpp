// The routes of switches: start, list, show, watch, abort.

#include "control/api/api.hpp"
#include "control/record/json.hpp"
#include "control/record/report_json.hpp"
#include "control/api/switch_fields.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <charconv>

namespace control {

namespace {

constexpr std::size_t keys_max = 1000;
constexpr auto key_kept = std::chrono::hours(24); // draft-ietf-httpapi-idempotency-key-header
constexpr std::size_t key_bytes_max = 256;

std::optional<std::uint64_t> number_from(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

std::string path_of(switch_number id)
{
    return "/v1/switches/" + std::to_string(id);
}

} // namespace

void api::start_switch(call& the_call)
{
    const std::string key(the_call.request.header("Idempotency-Key").value_or(""));
    if (key.size() > key_bytes_max) {
        the_call.done(problem_response(
            {400, "bad-header", "The Idempotency-Key is too long", "", "Idempotency-Key", {}},
            epoch()));
        return;
    }
    if (!key.empty() && idempotent_replay(the_call, key)) {
        return;
    }
    auto parsed = switch_request_from(the_call.request.body);
    if (auto* wrong = std::get_if<bad_field>(&parsed)) {
        the_call.done(problem_response(
            {wrong->status,
             wrong->status == 422 ? "not-built-yet" : "bad-field",
             wrong->title,
             wrong->detail,
             wrong->field,
             {}},
            epoch()));
        return;
    }
    auto& request = std::get<switch_request>(parsed);
    the_call.note->more = {
        {"from", to_string(control_.state().live)},
        {"to", to_string(request.to)},
        {"reason", request.reason}};
    const auto if_match = the_call.request.header("If-Match");
    if (!if_match) {
        the_call.done(problem_response(
            {428, "no-epoch", "If-Match is required", "send the ETag of GET /v1/status", "", {}},
            epoch()));
        return;
    }
    if (*if_match != "*" && *if_match != "\"" + std::to_string(epoch()) + "\"") {
        the_call.done(problem_response(
            {412,
             "stale-epoch",
             "The epoch has moved on",
             "epoch is " + std::to_string(epoch()) + ", asked for " + std::string(*if_match),
             "",
             {}},
            epoch()));
        return;
    }
    request.who = the_call.who;
    control_.request_switch(
        std::move(request),
        [this, kept = std::make_shared<call>(the_call), key](const switch_answer& answer) {
            answer_switch(*kept, answer, key);
        });
}

bool api::idempotent_replay(call& the_call, const std::string& key)
{
    const auto now = net::clock::now();
    while (!keys_.empty() && keys_.front().since + key_kept < now) {
        keys_.pop_front();
    }
    const auto known = std::ranges::find(keys_, key, &remembered_key::key);
    if (known == keys_.end()) {
        return false;
    }
    if (known->body != the_call.request.body) {
        the_call.done(problem_response(
            {422,
             "key-reused",
             "This Idempotency-Key came with another body",
             "",
             "Idempotency-Key",
             {}},
            epoch()));
        return true;
    }
    const auto* record = control_.find(known->id);
    auto response = json_response(
        202, record != nullptr ? to_json(*record, net::clock::now())
                               : boost::json::object{{"id", known->id}});
    response.headers.emplace_back("Location", path_of(known->id));
    the_call.done(std::move(response));
    return true;
}

void api::answer_switch(call& the_call, const switch_answer& answer, const std::string& key)
{
    the_call.note->audited = answer.outcome == switch_outcome::refused; // it has a report
    const auto* record = control_.find(answer.id);
    const auto report = [&] {
        return record != nullptr ? boost::json::value(to_json(*record, net::clock::now()))
                                 : nullptr;
    };
    switch (answer.outcome) {
    case switch_outcome::accepted: {
        if (!key.empty()) {
            keys_.push_back({key, the_call.request.body, answer.id, net::clock::now()});
            if (keys_.size() > keys_max) {
                keys_.pop_front();
            }
        }
        auto response = json_response(202, report());
        response.headers.emplace_back("Location", path_of(answer.id));
        the_call.done(std::move(response));
        return;
    }
    case switch_outcome::live_already:
        the_call.done(json_response(
            200, boost::json::object{
                     {"epoch", epoch()},
                     {"live", to_string(control_.state().live)},
                     {"message", answer.detail}}));
        return;
    case switch_outcome::busy:
        the_call.done(problem_response(
            {409,
             "switch-running",
             "Another switch runs",
             "switch " + std::to_string(answer.id),
             "",
             {{"switch", report()}}},
            epoch()));
        return;
    case switch_outcome::refused:
        the_call.done(problem_response(
            {422,
             "preflight",
             "Refused by preflight",
             answer.detail,
             "",
             {{"id", answer.id}, {"report", path_of(answer.id)}}},
            epoch()));
        return;
    case switch_outcome::store_failed:
        the_call.done(problem_response(
            {503, "store", "The store takes no writes", answer.detail, "", {}}, epoch()));
        return;
    case switch_outcome::stopping:
        the_call.done(problem_response(
            {503, "stopping", "The gateway is stopping", answer.detail, "", {}}, epoch()));
        return;
    }
}

void api::list_switches(call& the_call)
{
    boost::json::array all;
    for (const auto* one : control_.recent()) {
        all.push_back(to_json(*one, net::clock::now()));
    }
    the_call.done(json_response(200, boost::json::object{{"switches", std::move(all)}}));
}

const switch_record* api::record_of(call& the_call) const
{
    const auto id = number_from(the_call.parameters.at(0));
    const auto* record = id ? control_.find(*id) : nullptr;
    if (record == nullptr) {
        the_call.done(problem_response(
            {404,
             "no-such-switch",
             "No such switch",
             "the last " + std::to_string(switches_kept) + " are kept",
             "id",
             {}},
            epoch()));
    }
    return record;
}

void api::show_switch(call& the_call)
{
    if (const auto* record = record_of(the_call)) {
        the_call.done(json_response(200, to_json(*record, net::clock::now())));
    }
}

void api::watch_switch(call& the_call)
{
    const auto* record = record_of(the_call);
    if (record == nullptr) {
        return;
    }
    const auto seen = number_from(the_call.request.header("Last-Event-ID").value_or("0"));
    if (!seen) {
        the_call.done(problem_response(
            {400, "bad-header", "Not a sequence number", "", "Last-Event-ID", {}}, epoch()));
        return;
    }
    auto response = text_response(200, "text/event-stream", "");
    response.headers.emplace_back("Cache-Control", "no-store");
    response.events = event_stream{record->id, *seen};
    the_call.done(std::move(response));
}

api::event_text api::next_events(event_stream& at) const
{
    const auto* record = control_.find(at.id);
    if (record == nullptr) {
        return {"", true}; // too old, forgotten meanwhile
    }
    event_text out;
    for (const auto& event : record->events.after(at.after)) {
        out.text += "id: " + std::to_string(event.sequence) + "\nevent: " + event.name +
                    "\ndata: " + event.data + "\n\n";
        at.after = event.sequence;
    }
    out.ended = record->events.ended();
    return out;
}

void api::abort_switch_by_id(call& the_call)
{
    const auto* record = record_of(the_call);
    if (record == nullptr) {
        return;
    }
    const auto id = record->id;
    the_call.note->audited = control_.running() == record;
    const auto answer = control_.abort(id, the_call.who);
    const auto* after = control_.find(id);
    const auto report = to_json(*after, net::clock::now());
    if (answer == abort_answer::accepted) {
        the_call.done(json_response(202, report));
        return;
    }
    the_call.done(problem_response(
        {409,
         "decided",
         "Too late to abort",
         "switch " + std::to_string(id) + " is decided",
         "",
         {{"switch", report}}},
        epoch()));
}

void api::go_on(call& the_call)
{
    const auto* record = record_of(the_call);
    if (record == nullptr) {
        return;
    }
    the_call.note->audited = true;
    control_.go(
        record->id, the_call.who,
        [this, id = record->id, done = the_call.done](const go_reply& reply) {
            const auto* now = control_.find(id);
            const boost::json::value report =
                now != nullptr ? boost::json::value(to_json(*now, net::clock::now())) : nullptr;
            switch (reply.outcome) {
            case go_outcome::accepted: done(json_response(202, report)); return;
            case go_outcome::none:
            case go_outcome::not_paused:
                done(problem_response(
                    {409,
                     "not-paused",
                     "It does not wait for go",
                     reply.detail,
                     "",
                     {{"switch", report}}},
                    epoch()));
                return;
            case go_outcome::refused:
                done(problem_response(
                    {422,
                     "preflight",
                     "Refused by preflight; it stays paused",
                     reply.detail,
                     "",
                     {{"switch", report}}},
                    epoch()));
                return;
            }
        });
}

} // namespace control
