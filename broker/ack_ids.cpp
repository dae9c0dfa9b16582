#include "broker/ack_ids.hpp"

#include <array>
#include <charconv>

namespace broker {

namespace {

void append_hex(std::string& to, std::uint64_t value)
{
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    to.append(digits.data(), end);
}

} // namespace

std::uint64_t ack_ids::digest(session_id of, const given_ack& what) const noexcept
{
    std::array<char, 32> text;
    const auto put = [&](std::size_t at, std::uint64_t value) {
        for (std::size_t i = 0; i < 8; ++i) {
            text[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
        }
    };
    put(0, shard_);
    put(8, static_cast<std::uint64_t>(of));
    put(16, what.number);
    put(24, what.subscription);
    return keyed_digest(key_, {text.data(), text.size()});
}

std::string ack_ids::mint(session_id to, const given_ack& what) const
{
    std::string id;
    append_hex(id, digest(to, what));
    id += '-';
    append_hex(id, what.number);
    id += '-';
    append_hex(id, what.subscription);
    return id;
}

std::optional<given_ack> ack_ids::parse(session_id from, std::string_view id) const noexcept
{
    const auto first = id.find('-');
    const auto second = first == id.npos ? first : id.find('-', first + 1);
    if (second == id.npos) {
        return std::nullopt;
    }
    const auto said = parse_number(id.substr(0, first), 16);
    const auto number = parse_number(id.substr(first + 1, second - first - 1), 16);
    const auto subscription = parse_number(id.substr(second + 1), 16);
    if (!said || !number || !subscription || *subscription > ~std::uint32_t{0}) {
        return std::nullopt;
    }
    const given_ack what{*number, static_cast<std::uint32_t>(*subscription)};
    return digest(from, what) == *said ? std::optional{what} : std::nullopt;
}

} // namespace broker
