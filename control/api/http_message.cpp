#include "control/api/http_message.hpp"

#include "control/record/json.hpp"

#include <algorithm>

namespace control {

namespace {

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// -1: not a hexadecimal digit.
int hex(char c) noexcept
{
    const char l = lower(c);
    if (l >= '0' && l <= '9') {
        return l - '0';
    }
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// RFC 3986 section 2.1; a NUL is refused, no name here has one.
std::optional<std::string> decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 1 < text.size() ? hex(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0) {
            return std::nullopt;
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

template <class Take>
bool split(std::string_view text, char separator, Take take)
{
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        if (!take(text.substr(0, end))) {
            return false;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

} // namespace

std::optional<std::string_view> http_request::header(std::string_view name) const
{
    for (const auto& [key, value] : headers) {
        if (std::ranges::equal(key, name, {}, lower, lower)) {
            return value;
        }
    }
    return std::nullopt;
}

std::size_t http_request::count(std::string_view name) const
{
    return static_cast<std::size_t>(std::ranges::count_if(headers, [name](const auto& field) {
        return std::ranges::equal(field.first, name, {}, lower, lower);
    }));
}

http_response json_response(unsigned status, const boost::json::value& body)
{
    return text_response(status, "application/json", to_text(body) + "\n");
}

http_response text_response(unsigned status, std::string_view type, std::string body)
{
    return {status, {{"Content-Type", std::string(type)}}, std::move(body), std::nullopt};
}

http_response problem_response(const problem& what, epoch_number epoch)
{
    boost::json::object body;
    body["type"] = "urn:teal:problem:" + std::string(what.name);
    body["title"] = what.title;
    body["status"] = what.status;
    body["detail"] = what.detail;
    body["epoch"] = epoch;
    if (!what.field.empty()) {
        body["field"] = what.field;
    }
    for (const auto& [key, value] : what.more) {
        body[key] = value;
    }
    return text_response(what.status, "application/problem+json", to_text(body) + "\n");
}

std::optional<std::string_view> request_target::parameter(std::string_view name) const
{
    const auto found = std::ranges::find(
        query, name, [](const auto& pair) { return std::string_view(pair.first); });
    return found == query.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

std::optional<request_target> target_from(std::string_view text)
{
    if (!text.starts_with('/')) {
        return std::nullopt;
    }
    const auto question = std::min(text.find('?'), text.size());
    request_target target;
    const bool path_fits = split(text.substr(1, question - 1), '/', [&](std::string_view part) {
        auto name = decoded(part);
        return name && (target.parts.push_back(std::move(*name)), true);
    });
    const bool query_fits =
        split(text.substr(std::min(question + 1, text.size())), '&', [&](std::string_view pair) {
            const auto equals = std::min(pair.find('='), pair.size());
            auto name = decoded(pair.substr(0, equals));
            auto value = decoded(pair.substr(std::min(equals + 1, pair.size())));
            return name && value &&
                   (target.query.emplace_back(std::move(*name), std::move(*value)), true);
        });
    return path_fits && query_fits ? std::optional(std::move(target)) : std::nullopt;
}

} // namespace control
