#include "tests/load/numbered_body.hpp"

#include <algorithm>
#include <charconv>

namespace load {
namespace {

constexpr std::size_t publisher_at = 1, publisher_digits = 7;
constexpr std::size_t sequence_at = 9, sequence_digits = 10;
constexpr std::size_t scheduled_at = 20, scheduled_digits = 19;

void put_digits(std::string& into, std::size_t at, std::size_t digits, std::uint64_t value)
{
    for (std::size_t i = digits; i-- > 0; value /= 10) {
        into[at + i] = static_cast<char>('0' + value % 10);
    }
}

template <class Integer>
bool take_digits(std::string_view from, std::size_t at, std::size_t digits, Integer& into) noexcept
{
    const char* const first = from.data() + at;
    const auto [end, error] = std::from_chars(first, first + digits, into);
    return error == std::errc{} && end == first + digits && *first != '-';
}

} // namespace

numbered_body::numbered_body(std::size_t size)
{
    buffer_.assign(std::max(size, size_min), ' ');
    while (pattern_.size() < buffer_.size() + 26) {
        pattern_ += "abcdefghijklmnopqrstuvwxyz";
    }
}

std::string_view numbered_body::padding(std::uint32_t sequence) const noexcept
{
    return std::string_view{pattern_}.substr(sequence % 26, buffer_.size() - size_min);
}

std::string_view numbered_body::encode(const message_number& number)
{
    buffer_[0] = letter(number.kind);
    put_digits(buffer_, publisher_at, publisher_digits, number.publisher);
    put_digits(buffer_, sequence_at, sequence_digits, number.sequence);
    put_digits(
        buffer_, scheduled_at, scheduled_digits, static_cast<std::uint64_t>(number.scheduled_ns));
    const std::string_view rest = padding(number.sequence);
    std::copy(rest.begin(), rest.end(), buffer_.begin() + size_min);
    return buffer_;
}

std::optional<message_number> numbered_body::decode(std::string_view body) const noexcept
{
    if (body.size() != buffer_.size()) {
        return std::nullopt;
    }
    const auto kind = std::find_if(
        all_kinds.begin(), all_kinds.end(), [body](stream_kind k) { return letter(k) == body[0]; });
    message_number number;
    if (kind == all_kinds.end() ||
        !take_digits(body, publisher_at, publisher_digits, number.publisher) ||
        !take_digits(body, sequence_at, sequence_digits, number.sequence) ||
        !take_digits(body, scheduled_at, scheduled_digits, number.scheduled_ns) || body[8] != ' ' ||
        body[19] != ' ' || body[39] != ' ' || body.substr(size_min) != padding(number.sequence)) {
        return std::nullopt;
    }
    number.kind = *kind;
    return number;
}

} // namespace load
