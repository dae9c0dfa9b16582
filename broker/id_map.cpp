#include "broker/id_map.hpp"

#include <array>
#include <charconv>

namespace broker {

namespace {

std::optional<std::uint64_t> parse_number(std::string_view text, int base) noexcept
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

void append_hex(std::string& to, std::uint64_t value)
{
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    to.append(digits.data(), end);
}

} // namespace

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

// H6: by its number: those of SENDs come when they are confirmed, others overtake them.
std::optional<owed_answer> owed_answers::take(std::string_view wire_receipt)
{
    const auto number = parse_receipt(wire_receipt);
    return number ? take(*number) : std::nullopt;
}

std::string mint_ack(std::uint32_t nonce, delivery_number number)
{
    std::string id;
    append_hex(id, nonce);
    id += '-';
    append_hex(id, number);
    return id;
}

std::optional<delivery_number> parse_ack(std::uint32_t nonce, std::string_view minted) noexcept
{
    const auto dash = minted.find('-');
    if (dash == minted.npos) {
        return std::nullopt;
    }
    const auto said_nonce = parse_number(minted.substr(0, dash), 16);
    const auto number = parse_number(minted.substr(dash + 1), 16);
    return said_nonce && *said_nonce == nonce ? number : std::nullopt;
}

} // namespace broker
