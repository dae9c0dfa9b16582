#include "broker/quoted_lines.hpp"

#include <algorithm>
#include <array>

namespace broker {

namespace {

constexpr std::size_t run_min = 3; // shorter parts are found in any text

// Words that brokers quote by themselves, and not from a frame.
constexpr std::array<std::string_view, 2> own_words{"vhost '", "user was '"};

bool plain(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && c != '\'' && c != '"' && c != '\\' && c != '%';
}

// Of destinations, as RabbitMQ names them.
constexpr std::array<std::string_view, 4> types{"topic", "queue", "exchange", "amqqueue"};

// How the gateway writes them; never what a client is to blame for.
bool ours(std::string_view name) noexcept
{
    return name == "receipt" || name == "transaction" || name == "content-length";
}

template <class F>
std::optional<header_line> first_line(std::string_view head, F&& is)
{
    head.remove_prefix(std::min(head.size(), head.find('\n') + 1)); // the command
    while (!head.empty() && head.front() != '\n') {
        const auto line = head.substr(0, head.find('\n'));
        head.remove_prefix(std::min(head.size(), line.size() + 1));
        const auto colon = line.find(':');
        if (colon == line.npos || ours(line.substr(0, colon))) {
            continue;
        }
        if (auto found = is(line.substr(0, colon), line.substr(colon + 1))) {
            return found;
        }
    }
    return std::nullopt;
}

} // namespace

quoted_lines::quoted_lines(std::string text) : text_(std::move(text))
{
    for (const std::string_view words : own_words) {
        for (auto at = text_.find(words); at != text_.npos; at = text_.find(words, at)) {
            const auto end = text_.find('\'', at + words.size());
            text_.erase(at, end == text_.npos ? text_.npos : end + 1 - at);
        }
    }
    constexpr std::string_view before = "is not a valid ", behind = " destination";
    if (const auto at = text_.rfind(before); at != text_.npos) {
        const auto word = std::string_view{text_}.substr(at + before.size());
        type_ = word.substr(0, std::min(word.find(' '), word.size()));
        type_ = word.substr(type_.size()).starts_with(behind) ? type_ : "";
    }
    const auto first = text_.find_first_of("'\"");
    const auto last = text_.find_last_of("'\"");
    if (first != text_.npos && last > first) {
        region_ = text_.substr(first + 1, last - first - 1);
    }
}

bool quoted_lines::quoted(std::string_view value) const
{
    if (value.empty() || value.size() > region_.size()) {
        return false;
    }
    for (auto at = text_.find(value); at != text_.npos; at = text_.find(value, at + 1)) {
        const auto end = at + value.size();
        if (at > 0 && end < text_.size() && text_[at - 1] == text_[end] &&
            (text_[end] == '\'' || text_[end] == '"')) {
            return true;
        }
    }
    return false;
}

// E2: of a value that a broker may print otherwise, any part of it.
bool quoted_lines::touches(std::string_view value) const
{
    const std::size_t whole = value.size();
    while (!value.empty()) {
        const auto end = std::find_if_not(value.begin(), value.end(), plain);
        const std::string_view run{value.begin(), end};
        if (run.size() >= run_min && run.size() < whole && region_.find(run) != region_.npos) {
            return true;
        }
        value.remove_prefix(run.size());
        if (!value.empty()) { // with what belongs to it: "\\c", "%2f"
            const std::size_t part = value.front() == '\\' ? 2 : value.front() == '%' ? 3 : 1;
            value.remove_prefix(std::min(part, value.size()));
        }
    }
    return false;
}

std::optional<header_line> quoted_lines::destination(std::string_view value) const
{
    if (quoted(value) || touches(value)) {
        return header_line{"destination", std::string{value}};
    }
    // "/topic/a/b" is said as '/a/b', "/exchange/e/k" as 'e', "/queue/q" as 'q'.
    std::string_view type = "/amq/queue";
    if (!value.starts_with("/amq/queue/")) {
        type = value.substr(0, value.find('/', 1));
    }
    if (type.size() >= value.size()) {
        return std::nullopt;
    }
    const std::string_view said_type = type == "/amq/queue" ? "amqqueue" : type.substr(1);
    if (!type_.empty() && type_ != said_type &&
        std::ranges::find(types, std::string_view{type_}) != types.end()) {
        return std::nullopt; // of another type
    }
    const auto rest = value.substr(type.size()); // with its slash
    if (type == "/exchange") {
        const auto exchange = rest.substr(1, rest.find('/', 1) - 1);
        if (quoted(exchange)) {
            return header_line{
                "destination", std::string{type} + "/" + std::string{exchange}, true};
        }
    }
    if (quoted(rest) || quoted(rest.substr(1))) {
        return header_line{"destination", std::string{value}};
    }
    return std::nullopt;
}

std::optional<header_line> quoted_lines::value_in(std::string_view head) const
{
    return any() ? first_line(
                       head,
                       [&](std::string_view name,
                           std::string_view value) -> std::optional<header_line> {
                           if (name == "destination") {
                               return destination(value);
                           }
                           return quoted(value) || touches(value)
                                      ? std::optional{header_line{
                                            std::string{name}, std::string{value}}}
                                      : std::nullopt;
                       })
                 : std::nullopt;
}

std::optional<header_line> quoted_lines::name_in(std::string_view head) const
{
    return any() ? first_line(
                       head,
                       [&](std::string_view name,
                           std::string_view value) -> std::optional<header_line> {
                           return name != "destination" && name.size() >= run_min && quoted(name)
                                      ? std::optional{header_line{
                                            std::string{name}, std::string{value}}}
                                      : std::nullopt;
                       })
                 : std::nullopt;
}

} // namespace broker
