#include "broker/websocket/http_head.hpp"

#include "broker/websocket/upgrade.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <iterator>

namespace websocket {
namespace {

namespace http = boost::beast::http;

constexpr bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

constexpr char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) noexcept
{
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The fault of the bytes before any parsing; nullptr: none. Requests are smuggled by heads that two
// programs split into lines differently. So every line end except CR LF is refused (RFC 9112, 2.2
// and 5.2).
const char* fault_of_lines(std::string_view head, std::size_t bytes_max) noexcept
{
    if (head.size() > bytes_max)
        return "the HTTP head is too long";
    if (end_of_head(head) != head.size())
        return "the HTTP head does not end with its bytes";
    for (std::size_t i = 0; i < head.size(); ++i) {
        if (head[i] == '\0')
            return "the HTTP head has a NUL";
        if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r'))
            return "the HTTP head has an LF without a CR";
        if (head[i] != '\r')
            continue;
        if (head[i + 1] != '\n') // there is a next byte: the head ends with an LF
            return "the HTTP head has a CR without an LF";
        if (i + 2 < head.size() && (head[i + 2] == ' ' || head[i + 2] == '\t'))
            return "the HTTP head has a folded line";
    }
    return nullptr;
}

// Beast's parser for either direction; fills `parser` or says what is wrong.
template <class Parser>
std::optional<std::string> parse(
    Parser& parser, std::string_view head, std::size_t bytes_max,
    http_versions allowed = http_versions::only_1_1)
{
    if (const char* fault = fault_of_lines(head, bytes_max))
        return fault;
    boost::system::error_code failed;
    parser.header_limit(static_cast<std::uint32_t>(bytes_max));
    parser.skip(true); // a body is refused by its fields, not read
    parser.put(boost::asio::buffer(head.data(), head.size()), failed);
    if (failed)
        return "the HTTP head is malformed: " + failed.message();
    if (!parser.is_header_done())
        return "the HTTP head is not complete";
    const bool old = parser.get().version() == 10 && allowed == http_versions::from_1_0;
    if (parser.get().version() != 11 && !old)
        return "the version is not HTTP/1.1";
    // A search for a field walks over all fields.
    const auto& fields = parser.get();
    if (static_cast<std::size_t>(std::distance(fields.begin(), fields.end())) > http_fields_max)
        return "the HTTP head has too many fields";
    return std::nullopt;
}

// An aggregate can be made from a string too (C++20), so the error has to be called one.
http_head_result refused(std::string sentence)
{
    return {boost::system::in_place_error, std::move(sentence)};
}

template <class Message>
http_head with_fields(const Message& message)
{
    http_head head;
    for (const auto& field : message)
        head.fields.emplace_back(std::string{field.name_string()}, std::string{field.value()});
    return head;
}

} // namespace

bool same_but_for_case(std::string_view a, std::string_view b) noexcept
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
        return lower(left) == lower(right);
    });
}

bool starts_with_but_for_case(std::string_view text, std::string_view prefix) noexcept
{
    return same_but_for_case(text.substr(0, prefix.size()), prefix);
}

bool is_token(std::string_view text) noexcept
{
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
               marks.find(c) != std::string_view::npos;
    });
}

std::size_t http_head::count(std::string_view name) const noexcept
{
    return static_cast<std::size_t>(
        std::count_if(fields.begin(), fields.end(), [name](const auto& field) {
            return same_but_for_case(field.first, name);
        }));
}

std::optional<std::string_view> http_head::find(std::string_view name) const noexcept
{
    for (const auto& [field, value] : fields)
        if (same_but_for_case(field, name))
            return value;
    return std::nullopt;
}

std::vector<std::string_view> http_head::items(std::string_view name) const
{
    std::vector<std::string_view> found;
    for (const auto& [field, value] : fields) {
        if (!same_but_for_case(field, name))
            continue;
        std::string_view left = value;
        while (!left.empty()) {
            const std::size_t comma = std::min(left.find(','), left.size());
            if (const std::string_view item = trimmed(left.substr(0, comma)); !item.empty())
                found.push_back(item);
            left.remove_prefix(std::min(comma + 1, left.size()));
        }
    }
    return found;
}

bool http_head::lists(std::string_view name, std::string_view token) const
{
    const std::vector<std::string_view> found = items(name);
    return std::any_of(found.begin(), found.end(), [token](std::string_view item) {
        return same_but_for_case(item, token);
    });
}

std::optional<std::string_view> http_head::repeated_websocket_field(
    std::span<const std::string_view> may_repeat) const noexcept
{
    for (const auto& [field, value] : fields) {
        const std::string_view name = field;
        const bool may = std::any_of(
            may_repeat.begin(), may_repeat.end(),
            [name](std::string_view one) { return same_but_for_case(one, name); });
        if (!may && starts_with_but_for_case(name, "Sec-WebSocket-") && count(name) > 1)
            return name;
    }
    return std::nullopt;
}

http_head_result
parse_request_head(std::string_view head, std::size_t bytes_max, http_versions allowed)
{
    http::request_parser<http::empty_body> parser;
    head.remove_prefix(empty_lines_in_front(head));
    if (std::optional<std::string> fault = parse(parser, head, bytes_max, allowed))
        return refused(*std::move(fault));
    const auto& message = parser.get();
    http_head parsed = with_fields(message);
    parsed.method = std::string{message.method_string()};
    parsed.target = std::string{message.target()};
    parsed.http_1_0 = message.version() == 10;
    return parsed;
}

http_head_result parse_response_head(std::string_view head, std::size_t bytes_max)
{
    http::response_parser<http::empty_body> parser;
    if (std::optional<std::string> fault = parse(parser, head, bytes_max))
        return refused(*std::move(fault));
    http_head parsed = with_fields(parser.get());
    parsed.status = static_cast<int>(parser.get().result_int());
    return parsed;
}

} // namespace websocket
