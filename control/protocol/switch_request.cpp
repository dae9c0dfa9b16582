#include "control/protocol/switch_request.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace control {

namespace {

struct unit {
    std::string_view name;
    net::duration length;
};
// Longest first, which is the order that to_text() tries.
constexpr std::array<unit, 4> units{{
    {"h", std::chrono::hours(1)},
    {"m", std::chrono::minutes(1)},
    {"s", std::chrono::seconds(1)},
    {"ms", std::chrono::milliseconds(1)},
}};
constexpr double amount_max = 1e9;

// Digits and at most one point among them: from_chars alone would take ".5", "5." and "inf".
std::optional<double> number_from(std::string_view text)
{
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.empty() || !digit(text.front()) || !digit(text.back())) {
        return std::nullopt;
    }
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc{} || end != text.data() + text.size() || value > amount_max) {
        return std::nullopt;
    }
    return value;
}

} // namespace

std::string_view to_string(hold_policy policy) noexcept
{
    switch (policy) {
    case hold_policy::abort: return "abort";
    case hold_policy::pin: return "pin";
    case hold_policy::cut: return "cut";
    }
    return "abort";
}

std::optional<hold_policy> hold_policy_from(std::string_view name) noexcept
{
    for (const auto policy : {hold_policy::abort, hold_policy::pin, hold_policy::cut}) {
        if (to_string(policy) == name) {
            return policy;
        }
    }
    return std::nullopt;
}

std::uint64_t failure_limit::allowed(std::uint64_t sessions) const noexcept
{
    return static_cast<std::uint64_t>(
        percent ? static_cast<double>(sessions) * amount / 100 : amount);
}

std::optional<failure_limit> failure_limit_from(std::string_view text)
{
    const bool percent = text.ends_with('%');
    if (percent) {
        text.remove_suffix(1);
    }
    const auto amount = number_from(text);
    if (!amount || (percent ? *amount > 100 : *amount != std::floor(*amount))) {
        return std::nullopt;
    }
    return failure_limit{*amount, percent};
}

std::optional<net::duration> duration_from(std::string_view text)
{
    const auto digits = text.find_last_of("0123456789");
    if (digits == std::string_view::npos) {
        return std::nullopt;
    }
    const auto amount = number_from(text.substr(0, digits + 1));
    for (const auto& [name, length] : units) {
        if (amount && text.substr(digits + 1) == name) {
            const double ticks = *amount * static_cast<double>(length.count());
            if (ticks > static_cast<double>(net::duration(std::chrono::hours(24 * 365)).count())) {
                return std::nullopt;
            }
            return net::duration(static_cast<net::duration::rep>(ticks));
        }
    }
    return std::nullopt;
}

std::string to_text(net::duration value)
{
    for (const auto& [name, length] : units) {
        if (value.count() != 0 && value % length == net::duration::zero()) {
            return std::to_string(value / length) + std::string(name);
        }
    }
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(value).count()) +
           "ms";
}

} // namespace control
