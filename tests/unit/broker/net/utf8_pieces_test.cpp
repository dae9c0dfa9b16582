// Proves the UTF-8 check against a decoder of code points written from the definition, for every
// sequence of up to two bytes, every sequence of three and four by their borders, and every place
// of a fault in a long text.

#include "broker/net/utf8.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace net {
namespace {

// RFC 3629 by its words: the length by the first byte, the value, the shortest form, no surrogates,
// the maximum.
bool is_utf8_by_definition(std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto first = static_cast<unsigned char>(bytes[0]);
        const std::size_t size = first < 0x80   ? 1
                                 : first < 0xC0 ? 0
                                 : first < 0xE0 ? 2
                                 : first < 0xF0 ? 3
                                 : first < 0xF8 ? 4
                                                : 0;
        if (size == 0 || bytes.size() < size)
            return false;
        std::uint32_t value = size == 1 ? first : first & (0x7Fu >> size);
        for (std::size_t i = 1; i < size; ++i) {
            const auto byte = static_cast<unsigned char>(bytes[i]);
            if ((byte & 0xC0) != 0x80)
                return false;
            value = value << 6 | (byte & 0x3Fu);
        }
        constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
            return false;
        bytes.remove_prefix(size);
    }
    return true;
}

TEST(Utf8, AgreesWithTheDefinition)
{
    constexpr unsigned char borders[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F,
                                         0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xFF};
    std::size_t valid = 0;
    const auto check = [&](const std::string& bytes) {
        const bool expected = is_utf8_by_definition(bytes);
        valid += expected;
        ASSERT_EQ(is_utf8(bytes), expected) << testing::PrintToString(bytes);
    };
    for (int a = 0; a < 256; ++a) {
        const std::string first(1, static_cast<char>(a));
        check(first);
        for (int b = 0; b < 256; ++b) {
            const std::string second = first + static_cast<char>(b);
            check(second);
            for (const unsigned char c : borders) {
                check(second + static_cast<char>(c));
                for (const unsigned char d : borders)
                    check(second + static_cast<char>(c) + static_cast<char>(d));
            }
        }
    }
    EXPECT_GT(valid, 100'000u);
}

TEST(Utf8, StateGoesOnFromPieceToPiece)
{
    const std::string text = "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80z";
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const std::string_view whole{text};
        const utf8_state middle = advance_utf8(utf8_state::complete, whole.substr(0, i));
        EXPECT_NE(middle, utf8_state::reject);
        EXPECT_EQ(middle == utf8_state::complete, is_utf8_by_definition(whole.substr(0, i)));
        EXPECT_EQ(advance_utf8(middle, whole.substr(i)), utf8_state::complete);
    }
}

TEST(Utf8, RejectIsFinal)
{
    EXPECT_EQ(advance_utf8(utf8_state::reject, "a"), utf8_state::reject);
    EXPECT_EQ(advance_utf8(utf8_state::reject, ""), utf8_state::reject);
}

TEST(Utf8, FindsAFaultAnywhereInALongText)
{
    for (std::size_t size = 1; size <= 100; ++size) {
        std::string text(size, 'x');
        EXPECT_TRUE(is_utf8(text));
        for (std::size_t at = 0; at < size; ++at) {
            text[at] = '\x80';
            EXPECT_FALSE(is_utf8(text)) << at << " of " << size;
            text[at] = 'x';
        }
    }
}

TEST(Utf8, LengthOfTheFirstCharacter)
{
    EXPECT_EQ(utf8_length(""), 0u);
    EXPECT_EQ(utf8_length("ab"), 1u);
    EXPECT_EQ(utf8_length("\xC3\xA4z"), 2u);
    EXPECT_EQ(utf8_length("\xE2\x82\xAC"), 3u);
    EXPECT_EQ(utf8_length("\xF0\x9F\x98\x80\x80"), 4u);
    for (const auto* none : {"\x80", "\xC0\x80", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
        EXPECT_EQ(utf8_length(none), 0u) << none;
    }
}

TEST(Utf8, EmptyIsValid)
{
    EXPECT_TRUE(is_utf8({}));
}

} // namespace
} // namespace net
