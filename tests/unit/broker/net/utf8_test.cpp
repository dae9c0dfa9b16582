// Proves that is_utf8 agrees with RFC 3629: every code point is accepted at every offset of the
// eight-byte stride, and every ill-formed sequence of up to three bytes is refused, by comparison
// with a decoder that goes by the definition.

#include "broker/net/utf8.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace {

// RFC 3629 section 3, read literally.
std::string encode(std::uint32_t point)
{
    const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
    if (point < 0x80) {
        return {byte(point)};
    }
    if (point < 0x800) {
        return {byte(0xC0 | point >> 6), byte(0x80 | (point & 0x3F))};
    }
    if (point < 0x10000) {
        return {
            byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 0x3F)),
            byte(0x80 | (point & 0x3F))};
    }
    return {
        byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 0x3F)),
        byte(0x80 | (point >> 6 & 0x3F)), byte(0x80 | (point & 0x3F))};
}

// Decodes a sequence at the front, re-encodes it, and takes it only if that gives the same bytes.
bool valid_by_definition(std::string_view bytes)
{
    while (!bytes.empty()) {
        bool found = false;
        for (std::size_t length = 1; length <= 4 && length <= bytes.size() && !found; ++length) {
            constexpr std::uint32_t lead_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
            std::uint32_t point = static_cast<unsigned char>(bytes[0]) & lead_mask[length];
            for (std::size_t i = 1; i < length; ++i) {
                point = point << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3FU);
            }
            const bool scalar = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
            if (scalar && encode(point) == bytes.substr(0, length)) {
                bytes.remove_prefix(length);
                found = true;
            }
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

TEST(Utf8, EveryCodePointIsValidAndSurrogatesAreNot)
{
    for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
        const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        ASSERT_EQ(net::is_utf8(std::string(point % 9, 'a') + encode(point) + "z"), !surrogate)
            << point;
    }
    EXPECT_FALSE(net::is_utf8(encode(0x110000)));
}

TEST(Utf8, AgreesWithTheDefinitionOnAllShortSequences)
{
    std::string bytes(3, '\0');
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            for (const int third :
                 {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xFF}) {
                bytes[0] = static_cast<char>(first);
                bytes[1] = static_cast<char>(second);
                bytes[2] = static_cast<char>(third);
                ASSERT_EQ(net::is_utf8(bytes), valid_by_definition(bytes))
                    << first << ' ' << second << ' ' << third;
            }
        }
    }
}

TEST(Utf8, FourByteFormsAreBoundedAboveAndBelow)
{
    for (int first = 0xF0; first < 0x100; ++first) {
        for (int second = 0; second < 256; ++second) {
            for (const int last : {0x7F, 0x80, 0xBF, 0xC0}) {
                const std::string bytes{
                    static_cast<char>(first), static_cast<char>(second), '\x80',
                    static_cast<char>(last)};
                ASSERT_EQ(net::is_utf8(bytes), valid_by_definition(bytes))
                    << first << ' ' << second << ' ' << last;
            }
        }
    }
}

TEST(Utf8, ACutSequenceIsInvalidAndNothingIsValid)
{
    EXPECT_TRUE(net::is_utf8({}));
    const std::string whole = "12345678\xF0\x9F\x8C\x8A";
    EXPECT_TRUE(net::is_utf8(whole));
    for (std::size_t cut = 9; cut < whole.size(); ++cut) {
        EXPECT_FALSE(net::is_utf8(whole.substr(0, cut))) << cut;
    }
}

} // namespace
