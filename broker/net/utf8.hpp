#pragma once

// Whether bytes are valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. As a
// whole, or piece by piece: the state between two pieces is one byte. Pure.
// Source: RFC 3629, section 4 (the table of well-formed sequences).

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace net {

// What the bytes so far allow next. `reject` is final.
enum class utf8_state : std::uint8_t {
    complete,   // between two characters
    one_more,   // 80..BF, then complete
    two_more,   // 80..BF, then one_more
    three_more, // 80..BF, then two_more
    after_e0,   // A0..BF, then one_more: less would be an overlong form
    after_ed,   // 80..9F, then one_more: more would be a surrogate
    after_f0,   // 90..BF, then two_more: less would be an overlong form
    after_f4,   // 80..8F, then two_more: more would be above U+10FFFF
    reject,
};

// The state after `bytes`; rejects at the first byte that no valid text can have there.
utf8_state advance_utf8(utf8_state state, std::string_view bytes) noexcept;

bool is_utf8(std::string_view bytes) noexcept;
// How many bytes the character has that `text` begins with; 0: it begins with none, or is empty.
std::size_t utf8_length(std::string_view text) noexcept;

} // namespace net
