// The audit of what was asked for and refused: by a token that may not, a stale epoch, a store that takes
// no writes. What is done, or refused by the service, the service audits.

#include "control/api/api.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace control {

namespace {

constexpr auto strangers_window = std::chrono::seconds(10);
constexpr std::uint64_t strangers_told = 20; // in a window

std::string_view verb_of(std::string_view method, std::string_view pattern) noexcept
{
    if (pattern == "/v1/switches") {
        return "switch";
    }
    if (pattern == "/v1/drain") {
        return "drain_self";
    }
    if (method == "DELETE" && pattern == "/v1/sessions/{id}") {
        return "disconnect";
    }
    const auto slash = pattern.rfind('/');
    const auto last = slash == pattern.npos ? pattern : pattern.substr(slash + 1);
    return last.starts_with('{') ? pattern : last;
}

// "title: detail" of a problem document.
std::string reason_in(const http_response& answer)
{
    boost::system::error_code error;
    const auto body = boost::json::parse(answer.body, error);
    const auto* object = error ? nullptr : body.if_object();
    std::string text;
    for (const auto* field : {"title", "detail"}) {
        const auto* found = object != nullptr ? object->if_contains(field) : nullptr;
        if (found != nullptr && found->is_string() && !found->get_string().empty()) {
            text += (text.empty() ? "" : ": ") + std::string(found->get_string());
        }
    }
    return text;
}

} // namespace

void api::audit_refusal(
    const audit_note& note, const http_request& request, std::string_view pattern,
    const http_response& answer)
{
    std::vector<log_field> fields{
        {"who", note.who.empty() ? "unknown, " + request.peer : note.who},
        {"what", verb_of(request.method, pattern)},
        {"target", request.method + " " + request.target}};
    fields.insert(fields.end(), note.more.begin(), note.more.end());
    fields.insert(
        fields.end(), {{"epoch", epoch()},
                       {"result", "refused"},
                       {"status", answer.status},
                       {"detail", reason_in(answer)}});
    if (note.stranger || note.who.empty()) {
        const auto now = net::clock::now();
        if (now >= strangers_until_) {
            strangers_until_ = now + strangers_window;
            strangers_ = 0;
        }
        if (++strangers_ > strangers_told) {
            ++strangers_untold_;
            return;
        }
        if (strangers_untold_ > 0) {
            fields.emplace_back("untold", std::exchange(strangers_untold_, 0));
        }
    }
    log_.audit(std::move(fields));
}

} // namespace control
