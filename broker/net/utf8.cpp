#include "broker/net/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace net {

namespace {

// What a lead byte asks for (RFC 3629 section 4): how many bytes follow, and the bounds of the
// first of them, which is where overlong forms, surrogates and code points above U+10FFFF show.
struct lead {
    std::size_t following;
    unsigned char low;
    unsigned char high;
};

lead lead_of(unsigned char byte) noexcept
{
    if (byte >= 0xC2 && byte <= 0xDF) {
        return {1, 0x80, 0xBF};
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        const unsigned char low = byte == 0xE0 ? 0xA0 : 0x80;
        const unsigned char high = byte == 0xED ? 0x9F : 0xBF;
        return {2, low, high};
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        const unsigned char low = byte == 0xF0 ? 0x90 : 0x80;
        const unsigned char high = byte == 0xF4 ? 0x8F : 0xBF;
        return {3, low, high};
    }
    return {0, 0, 0};
}

// Eight bytes at once: nearly all of STOMP and JSON is ASCII.
const char* skip_ascii(const char* at, const char* end) noexcept
{
    while (end - at >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof(word));
        if ((word & 0x8080808080808080U) != 0) {
            break;
        }
        at += 8;
    }
    while (at != end && static_cast<unsigned char>(*at) < 0x80) {
        ++at;
    }
    return at;
}

} // namespace

bool is_utf8(std::string_view bytes) noexcept
{
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    while (at != end) {
        if (static_cast<unsigned char>(*at) < 0x80) {
            at = skip_ascii(at, end);
            continue;
        }
        const lead needs = lead_of(static_cast<unsigned char>(*at));
        if (needs.following == 0 || static_cast<std::size_t>(end - at) <= needs.following) {
            return false;
        }
        const auto second = static_cast<unsigned char>(at[1]);
        if (second < needs.low || second > needs.high) {
            return false;
        }
        for (std::size_t i = 2; i <= needs.following; ++i) {
            if ((static_cast<unsigned char>(at[i]) & 0xC0) != 0x80) {
                return false;
            }
        }
        at += needs.following + 1;
    }
    return true;
}

} // namespace net
