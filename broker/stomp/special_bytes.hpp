#pragma once

// Finds the bytes that mean something in the head of a frame, 16 at a time. A head is lines of some
// 20 bytes: one call of memchr for each line, colon and forbidden byte costs four times as much.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace stomp::grammar {

// A bit for each byte of bytes[from, from + 16) that is ':', '\' or at most CR (so LF and NUL too,
// and some that mean nothing: the caller looks at the byte). Bytes behind the end have no bit.
inline std::uint32_t special_bits(std::string_view bytes, std::size_t from) noexcept
{
#if defined(__SSE2__)
    if (bytes.size() - from >= 16) {
        const __m128i block =
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + from));
        const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8('\r')), block);
        const __m128i colon = _mm_cmpeq_epi8(block, _mm_set1_epi8(':'));
        const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
        const __m128i any = _mm_or_si128(control, _mm_or_si128(colon, backslash));
        return static_cast<std::uint32_t>(_mm_movemask_epi8(any));
    }
#endif
    std::uint32_t bits = 0;
    const std::string_view block = bytes.substr(from, 16);
    for (std::size_t i = 0; i < block.size(); ++i) {
        const auto c = static_cast<unsigned char>(block[i]);
        bits |= static_cast<std::uint32_t>(c <= '\r' || c == ':' || c == '\\') << i;
    }
    return bits;
}

// Calls `visit(position)` for each such byte from `from` on, in order, while it answers true.
template <class Visit>
void for_each_special(std::string_view bytes, std::size_t from, Visit visit)
{
    for (; from < bytes.size(); from += 16) {
        for (std::uint32_t bits = special_bits(bytes, from); bits != 0; bits &= bits - 1) {
            if (!visit(from + static_cast<std::size_t>(std::countr_zero(bits)))) {
                return;
            }
        }
    }
}

} // namespace stomp::grammar
