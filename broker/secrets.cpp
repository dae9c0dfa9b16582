#include "broker/secrets.hpp"

#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <sys/random.h>

namespace broker {

namespace {

class sip_state {
public:
    explicit sip_state(const secret_key& key) noexcept
        : v_{key.first ^ 0x736f6d6570736575ULL, key.second ^ 0x646f72616e646f6dULL,
             key.first ^ 0x6c7967656e657261ULL, key.second ^ 0x7465646279746573ULL}
    {
    }
    void take(std::uint64_t word) noexcept
    {
        v_[3] ^= word;
        rounds(2);
        v_[0] ^= word;
    }
    std::uint64_t end() noexcept
    {
        v_[2] ^= 0xff;
        rounds(4);
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

private:
    void rounds(int count) noexcept
    {
        auto& [a, b, c, d] = v_;
        for (; count > 0; --count) {
            a += b;
            b = std::rotl(b, 13) ^ a;
            a = std::rotl(a, 32);
            c += d;
            d = std::rotl(d, 16) ^ c;
            a += d;
            d = std::rotl(d, 21) ^ a;
            c += b;
            b = std::rotl(b, 17) ^ c;
            c = std::rotl(c, 32);
        }
    }

    std::array<std::uint64_t, 4> v_;
};

void append_digits(std::string& to, std::uint64_t value)
{
    constexpr std::string_view digits = "0123456789abcdef";
    for (int shift = 60; shift >= 0; shift -= 4) {
        to += digits[value >> shift & 0xf];
    }
}

} // namespace

secrets draw_secrets()
{
    secrets drawn;
    // At most 256 bytes come whole or not at all (getentropy(3)).
    if (getentropy(&drawn, sizeof drawn) != 0) {
        throw std::system_error{errno, std::generic_category(), "getentropy"};
    }
    return drawn;
}

std::uint64_t keyed_digest(const secret_key& key, std::string_view text) noexcept
{
    sip_state state{key};
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        word |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * (i % 8));
        if (i % 8 == 7) {
            state.take(word);
            word = 0;
        }
    }
    state.take(word | std::uint64_t{text.size()} << 56);
    return state.end();
}

std::string keyed_digits(const secret_key& key, std::string_view text)
{
    std::string numbered{"0"};
    numbered += text;
    std::string digits;
    append_digits(digits, keyed_digest(key, numbered));
    numbered.front() = '1';
    append_digits(digits, keyed_digest(key, numbered));
    return digits;
}

bool equal_secrets(std::string_view one, std::string_view other) noexcept
{
    if (one.size() != other.size()) {
        return false;
    }
    unsigned differs = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        differs |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]);
    }
    return differs == 0;
}

} // namespace broker
