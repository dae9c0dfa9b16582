#include "control/record/plain_text.hpp"

#include "broker/net/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace control {

namespace {

struct character {
    std::uint32_t code = 0;
    std::size_t bytes = 1;
    bool valid = false; // else a byte that belongs to none
};

// The first character of a text that is not empty.
character first_of(std::string_view text) noexcept
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const std::size_t length = net::utf8_length(text);
    if (length <= 1) {
        return {byte(0), 1, length == 1};
    }
    std::uint32_t code = byte(0) & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        code = code << 6 | (byte(i) & 0x3FU);
    }
    return {code, length, true};
}

struct range {
    std::uint32_t first, last;
};
// Obeyed or hidden by terminals, pagers and editors.
constexpr std::array<range, 14> unprintable{{
    {0x00, 0x1F},       // C0
    {0x7F, 0x9F},       // DEL, C1: U+009B begins a control sequence
    {0xAD, 0xAD},       // soft hyphen
    {0x61C, 0x61C},     // bidirectional
    {0x115F, 0x1160},   // fillers
    {0x180B, 0x180E},   // variation selectors, vowel separator
    {0x200B, 0x200F},   // zero width; bidirectional marks
    {0x2028, 0x202E},   // line and paragraph separator; bidirectional embeddings and overrides
    {0x2060, 0x206F},   // invisible operators; bidirectional isolates
    {0x3164, 0x3164},   // filler
    {0xFEFF, 0xFEFF},   // byte order mark
    {0xFFF0, 0xFFFB},   // interlinear annotation
    {0xFFFE, 0xFFFF},   // no characters
    {0xE0000, 0xE0FFF}, // tags, variation selectors
}};

bool is_unprintable(std::uint32_t code) noexcept
{
    return std::ranges::any_of(
        unprintable, [code](const range& r) { return code >= r.first && code <= r.last; });
}

bool is_plain(char c) noexcept
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

template <class... Value>
void append(std::string& out, const char* format, Value... value)
{
    std::array<char, 16> text{};
    const int length = std::snprintf(text.data(), text.size(), format, value...);
    out.append(text.data(), static_cast<std::size_t>(length));
}

void append_json_escape(std::string& out, std::uint32_t code)
{
    switch (code) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
    }
    if (code < 0x10000) {
        append(out, "\\u%04x", static_cast<unsigned>(code));
        return;
    }
    const auto above = static_cast<unsigned>(code - 0x10000);
    append(out, "\\u%04x", 0xD800U + (above >> 10));
    append(out, "\\u%04x", 0xDC00U + (above & 0x3FFU));
}

} // namespace

std::string json_string(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + 2);
    out += '"';
    while (!text.empty()) {
        const auto plain = std::ranges::find_if_not(text, is_plain) - text.begin();
        out.append(text.substr(0, static_cast<std::size_t>(plain)));
        text.remove_prefix(static_cast<std::size_t>(plain));
        if (text.empty()) {
            break;
        }
        const auto one = first_of(text);
        if (!one.valid) {
            append(out, "\\\\x%02X", static_cast<unsigned>(one.code));
        } else if (is_unprintable(one.code) || one.code == '"' || one.code == '\\') {
            append_json_escape(out, one.code);
        } else {
            out.append(text.substr(0, one.bytes));
        }
        text.remove_prefix(one.bytes);
    }
    out += '"';
    return out;
}

std::string printable(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto one = first_of(text);
        if (!one.valid) {
            append(out, "\\x%02X", static_cast<unsigned>(one.code));
        } else if (!is_unprintable(one.code)) {
            out.append(text.substr(0, one.bytes));
        } else {
            append(
                out, one.code < 0x10000 ? "\\u%04x" : "\\U%08x", static_cast<unsigned>(one.code));
        }
        text.remove_prefix(one.bytes);
    }
    return out;
}

std::size_t characters_in(std::string_view text) noexcept
{
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

} // namespace control
