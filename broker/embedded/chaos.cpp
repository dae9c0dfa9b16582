#include "broker/embedded/options.hpp"

#include <charconv>

namespace embedded {
namespace {

std::optional<std::uint64_t> number(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::chrono::milliseconds> milliseconds(std::string_view text)
{
    if (text.size() < 3 || text.substr(text.size() - 2) != "ms") {
        return std::nullopt;
    }
    const auto count = number(text.substr(0, text.size() - 2));
    if (!count || *count > 60'000) {
        return std::nullopt;
    }
    return std::chrono::milliseconds{*count};
}

} // namespace

std::optional<std::string> apply_chaos(chaos_options& chaos, std::string_view key_value)
{
    const auto equals = key_value.find('=');
    const std::string_view key = key_value.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : key_value.substr(equals + 1);
    if (value.empty()) {
        return "chaos: KEY=VALUE is expected, not '" + std::string{key_value} + "'";
    }
    if (key == "close_on") {
        chaos.close_on = value;
    } else if (key == "refuse_login") {
        chaos.refuse_login = value;
    } else if (key == "reject_subscribe") {
        chaos.reject_subscribe = value;
    } else if (key == "error_on") {
        chaos.error_on = value;
    } else if (key == "no_receipts") {
        if (value != "0" && value != "1") {
            return "chaos: no_receipts is 0 or 1";
        }
        chaos.no_receipts = value == "1";
    } else if (key == "delay") {
        const auto delay = milliseconds(value);
        if (!delay) {
            return "chaos: delay is a number of milliseconds such as 10ms, at most 60000ms";
        }
        chaos.delay = *delay;
    } else if (key == "stall_after" || key == "die_after") {
        const auto count = number(value);
        if (!count || *count == 0) {
            return "chaos: " + std::string{key} + " is a number of SENDs, at least 1";
        }
        (key == "die_after" ? chaos.die_after : chaos.stall_after) = *count;
    } else {
        return "chaos: unknown key '" + std::string{key} + "'";
    }
    return std::nullopt;
}

} // namespace embedded
