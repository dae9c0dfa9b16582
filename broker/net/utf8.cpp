#include "broker/net/utf8.hpp"

#include <cstddef>
#include <cstring>

namespace net {
namespace {

constexpr bool in_range(unsigned char byte, unsigned char first, unsigned char last) noexcept
{
    return byte >= first && byte <= last;
}

constexpr utf8_state after_first(unsigned char byte) noexcept
{
    if (byte < 0x80) {
        return utf8_state::complete;
    }
    if (in_range(byte, 0xC2, 0xDF)) { // C0 and C1 begin overlong forms only
        return utf8_state::one_more;
    }
    if (byte == 0xE0) {
        return utf8_state::after_e0;
    }
    if (byte == 0xED) {
        return utf8_state::after_ed;
    }
    if (in_range(byte, 0xE1, 0xEF)) {
        return utf8_state::two_more;
    }
    if (byte == 0xF0) {
        return utf8_state::after_f0;
    }
    if (in_range(byte, 0xF1, 0xF3)) {
        return utf8_state::three_more;
    }
    return byte == 0xF4 ? utf8_state::after_f4 : utf8_state::reject;
}

constexpr utf8_state after(utf8_state state, unsigned char byte) noexcept
{
    const auto when = [byte](unsigned char first, unsigned char last, utf8_state next) {
        return in_range(byte, first, last) ? next : utf8_state::reject;
    };
    switch (state) {
    case utf8_state::complete: return after_first(byte);
    case utf8_state::one_more: return when(0x80, 0xBF, utf8_state::complete);
    case utf8_state::two_more: return when(0x80, 0xBF, utf8_state::one_more);
    case utf8_state::three_more: return when(0x80, 0xBF, utf8_state::two_more);
    case utf8_state::after_e0: return when(0xA0, 0xBF, utf8_state::one_more);
    case utf8_state::after_ed: return when(0x80, 0x9F, utf8_state::one_more);
    case utf8_state::after_f0: return when(0x90, 0xBF, utf8_state::two_more);
    case utf8_state::after_f4: return when(0x80, 0x8F, utf8_state::two_more);
    case utf8_state::reject: break;
    }
    return utf8_state::reject;
}

// Skips whole ASCII blocks: nearly all of STOMP is ASCII, and this runs over every text message.
const char* skip_ascii(const char* at, const char* end) noexcept
{
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    while (end - at >= 32) {
        std::uint64_t words[4];
        std::memcpy(words, at, sizeof words);
        if (((words[0] | words[1] | words[2] | words[3]) & high_bits) != 0) {
            break;
        }
        at += sizeof words;
    }
    while (end - at >= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof word);
        if ((word & high_bits) != 0) {
            break;
        }
        at += sizeof word;
    }
    return at;
}

} // namespace

utf8_state advance_utf8(utf8_state state, std::string_view bytes) noexcept
{
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    while (at != end) {
        if (state == utf8_state::complete && static_cast<unsigned char>(*at) < 0x80) {
            at = skip_ascii(at, end);
            while (at != end && static_cast<unsigned char>(*at) < 0x80) {
                ++at;
            }
            continue;
        }
        state = after(state, static_cast<unsigned char>(*at));
        if (state == utf8_state::reject) {
            return state;
        }
        ++at;
    }
    return state;
}

bool is_utf8(std::string_view bytes) noexcept
{
    return advance_utf8(utf8_state::complete, bytes) == utf8_state::complete;
}

std::size_t utf8_length(std::string_view text) noexcept
{
    utf8_state state = utf8_state::complete;
    for (std::size_t i = 0; i < text.size(); ++i) {
        state = after(state, static_cast<unsigned char>(text[i]));
        if (state == utf8_state::complete) {
            return i + 1;
        }
        if (state == utf8_state::reject) {
            return 0;
        }
    }
    return 0;
}

} // namespace net
