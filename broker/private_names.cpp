#include "broker/private_names.hpp"

namespace broker {

namespace {

constexpr std::size_t digits = 32;
constexpr std::string_view hidden = "stomp-subscription";

// Where a whole name of ours begins, from `at` on.
std::size_t find_name(std::string_view text, std::size_t at) noexcept
{
    for (;;) {
        at = text.find(private_prefix, at);
        if (at == text.npos) {
            return at;
        }
        const auto secret = text.substr(at + private_prefix.size()).substr(0, digits);
        if (secret.size() == digits &&
            secret.find_first_not_of("0123456789abcdef") == secret.npos) {
            return at;
        }
        ++at;
    }
}

} // namespace

private_names::private_names(const secret_key& key, std::uint32_t shard) : key_(key), shard_(shard)
{
    barrier_ = std::string{private_prefix} + keyed_digits(key_, "barrier");
}

// K1: the wire ids and link numbers that a client sees reveal nothing of it.
std::string private_names::name(char kind, std::uint64_t number) const
{
    std::string what{kind};
    what += std::to_string(shard_);
    what += '/';
    what += std::to_string(number);
    return std::string{private_prefix} + keyed_digits(key_, what);
}

std::string private_names::of_wire(wire_id id) const
{
    return name('w', static_cast<std::uint64_t>(id));
}

std::string private_names::of_link(link_id id) const
{
    return name('l', static_cast<std::uint64_t>(id));
}

std::string mark_seal::digits_of(std::string_view mark) const
{
    std::string what = std::to_string(shard_);
    what += '/';
    what += mark;
    return keyed_digits(key_, what);
}

std::string mark_seal::seal(std::string_view mark) const
{
    std::string sealed{mark};
    sealed += ';';
    sealed += digits_of(mark);
    return sealed;
}

std::optional<std::string_view> mark_seal::open(std::string_view sealed) const
{
    const auto end = sealed.rfind(';');
    if (end == sealed.npos || sealed.size() - end - 1 != digits) {
        return std::nullopt;
    }
    const std::string_view mark = sealed.substr(0, end);
    return equal_secrets(digits_of(mark), sealed.substr(end + 1)) ? std::optional{mark}
                                                                  : std::nullopt;
}

bool has_private_name(std::string_view text) noexcept
{
    return text.size() >= private_prefix.size() + digits && find_name(text, 0) != text.npos;
}

std::string without_private_names(std::string_view text)
{
    std::string shown;
    std::size_t from = 0;
    for (std::size_t at; (at = find_name(text, from)) != text.npos;
         from = at + private_prefix.size() + digits) {
        shown += text.substr(from, at - from);
        shown += hidden;
    }
    shown += text.substr(from);
    return shown;
}

} // namespace broker
