#include "broker/ids.hpp"

#include <charconv>

namespace broker {

std::optional<std::uint64_t> parse_number(std::string_view text, int base) noexcept
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::string to_wire(wire_id id)
{
    return "s" + std::to_string(static_cast<std::uint64_t>(id));
}

std::optional<wire_id> parse_wire_id(std::string_view text) noexcept
{
    if (!text.starts_with('s')) {
        return std::nullopt;
    }
    const auto number = parse_number(text.substr(1), 10);
    return number ? std::optional{static_cast<wire_id>(*number)} : std::nullopt;
}

std::optional<std::uint64_t> parse_receipt(std::string_view wire_receipt) noexcept
{
    return wire_receipt.starts_with('r') ? parse_number(wire_receipt.substr(1), 10) : std::nullopt;
}

} // namespace broker
