#include "control/api/switch_fields.hpp"

#include <boost/json/parse.hpp>

namespace control {

namespace {

constexpr std::size_t reason_bytes_max = 1000;

std::optional<std::string_view> text_of(const boost::json::value& value)
{
    return value.is_string() ? std::optional<std::string_view>(value.get_string()) : std::nullopt;
}

std::optional<bad_field> read_hold_policy(switch_request& request, const boost::json::value& value)
{
    const auto policy = hold_policy_from(text_of(value).value_or(""));
    if (!policy) {
        return bad_field{400, "Not a policy", "abort, pin or cut", "on_hold_timeout"};
    }
    request.on_hold_timeout = policy;
    return std::nullopt;
}

std::optional<bad_field> read_max_failed(switch_request& request, const boost::json::value& value)
{
    boost::system::error_code error;
    const auto text = text_of(value);
    const auto whole = value.is_number() ? value.to_number<std::uint32_t>(error) : 0;
    request.max_failed = text ? failure_limit_from(*text)
                         : value.is_number() && !error
                             ? std::optional(failure_limit{static_cast<double>(whole), false})
                             : std::nullopt;
    return request.max_failed
               ? std::nullopt
               : std::optional(bad_field{400, "Not a limit", "N or \"P%\"", "max_failed"});
}

std::optional<bad_field>
read_field(switch_request& request, std::string_view key, const boost::json::value& value)
{
    if (key == "to") {
        const auto color = broker::color_from(text_of(value).value_or(""));
        request.to = color.value_or(request.to);
        return color ? std::nullopt
                     : std::optional(bad_field{400, "Not a color", "blue or green", "to"});
    }
    if (key == "on_hold_timeout") {
        return read_hold_policy(request, value);
    }
    if (key == "max_failed") {
        return read_max_failed(request, value);
    }
    if (key == "deadline") {
        request.deadline = duration_from(text_of(value).value_or(""));
        const bool fits = request.deadline && request.deadline->count() > 0;
        return fits ? std::nullopt
                    : std::optional(
                          bad_field{400, "Not a duration", "as in \"90s\" or \"2m\"", "deadline"});
    }
    if (key == "reason") {
        const auto text = text_of(value);
        request.reason = text.value_or("");
        const bool fits = text && text->size() <= reason_bytes_max;
        return fits ? std::nullopt
                    : std::optional(
                          bad_field{400, "Not a reason", "text of at most 1000 bytes", "reason"});
    }
    if (key == "dry_run") {
        request.dry_run = value.is_bool() && value.get_bool();
        return value.is_bool()
                   ? std::nullopt
                   : std::optional(bad_field{400, "Not a truth value", "true or false", "dry_run"});
    }
    if (key == "pause") {
        request.pause = value.is_bool() && value.get_bool();
        return value.is_bool()
                   ? std::nullopt
                   : std::optional(bad_field{400, "Not a truth value", "true or false", "pause"});
    }
    return bad_field{400, "Unknown field", "", std::string(key)};
}

} // namespace

std::variant<switch_request, bad_field> switch_request_from(std::string_view body)
{
    boost::system::error_code error;
    const auto parsed = boost::json::parse(body, error);
    const auto* object = error ? nullptr : parsed.if_object();
    if (object == nullptr) {
        return bad_field{400, "The body is not a JSON object", error ? error.message() : "", ""};
    }
    switch_request request;
    for (const auto& [key, value] : *object) {
        if (auto wrong = read_field(request, key, value)) {
            return *wrong;
        }
    }
    if (!object->contains("to")) {
        return bad_field{400, "The color is missing", "blue or green", "to"};
    }
    if (request.pause && request.dry_run) {
        return bad_field{400, "A dry run does not pause", "pause or dry_run", "pause"};
    }
    return request;
}

} // namespace control
