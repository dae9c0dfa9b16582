#include "broker/stomp/grammar.hpp"

#include <limits>

namespace stomp::grammar {

std::optional<command> find_command(std::string_view line) noexcept
{
    const auto if_equal = [line](command c) {
        return line == to_string(c) ? std::optional{c} : std::nullopt;
    };
    switch (line.size()) {
    case 3: return if_equal(command::ack);
    case 4: return line[0] == 'S' ? if_equal(command::send) : if_equal(command::nack);
    case 5:
        switch (line[0]) {
        case 'S': return if_equal(command::stomp);
        case 'B': return if_equal(command::begin);
        case 'A': return if_equal(command::abort);
        default: return if_equal(command::error);
        }
    case 6: return if_equal(command::commit);
    case 7:
        switch (line[0]) {
        case 'M': return if_equal(command::message);
        case 'R': return if_equal(command::receipt);
        default: return if_equal(command::connect);
        }
    case 9: return line[0] == 'S' ? if_equal(command::subscribe) : if_equal(command::connected);
    case 10: return if_equal(command::disconnect);
    case 11: return if_equal(command::unsubscribe);
    default: return std::nullopt;
    }
}

bool may_become_command(std::string_view partial) noexcept
{
    if (partial.ends_with('\r')) {
        return find_command(without_eol_cr(partial)).has_value();
    }
    for (auto c = command::connect; c <= command::error;
         c = static_cast<command>(static_cast<int>(c) + 1)) {
        if (to_string(c).starts_with(partial)) {
            return true;
        }
    }
    return false;
}

bool escapes_are_defined(std::string_view head, version v) noexcept
{
    auto at = head.find('\\');
    while (at != head.npos) {
        // There is always a next character: the head ends with LF, and "\<LF>" is no escape.
        const char letter = head[at + 1];
        if (letter != 'n' && letter != 'c' && letter != '\\' &&
            !(letter == 'r' && v == version::v12)) {
            return false;
        }
        at = head.find('\\', at + 2);
    }
    return true;
}

std::string_view strict_length(std::string_view value) noexcept
{
    if (value.empty() || (value.front() > '0' && value.back() > ' ')) {
        return value; // as nearly all are
    }
    value = trimmed(value);
    while (value.size() > 1 && value.front() == '0') {
        value.remove_prefix(1);
    }
    return value;
}

std::optional<std::size_t> parse_length(std::string_view digits) noexcept
{
    constexpr std::size_t max = std::numeric_limits<std::size_t>::max();
    std::size_t result = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        const auto digit = static_cast<std::size_t>(c - '0');
        result = result > (max - digit) / 10 ? max : result * 10 + digit;
    }
    return digits.empty() ? std::nullopt : std::optional{result};
}

} // namespace stomp::grammar
