#include "gateway/transports/sockjs/message_text.hpp"

#include "broker/net/utf8.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <array>
#include <cstring>
#include <optional>

namespace gateway::sockjs {

namespace {

// ---- out

// Collects small pieces, so that the outbox gets few.
template <class Out>
class piece_writer {
public:
    explicit piece_writer(Out& out) noexcept : out_(out) {}
    ~piece_writer() { flush(); }
    void put(std::string_view text)
    {
        if (text.size() > buffer_.size() - size_) {
            flush();
        }
        if (text.size() > buffer_.size()) {
            out_.append(text);
            return;
        }
        std::memcpy(buffer_.data() + size_, text.data(), text.size());
        size_ += text.size();
    }
    void put_unit(unsigned utf16)
    {
        static constexpr std::string_view digits = "0123456789abcdef";
        const std::array<char, 6> text{
            '\\',
            'u',
            digits[utf16 >> 12 & 15],
            digits[utf16 >> 8 & 15],
            digits[utf16 >> 4 & 15],
            digits[utf16 & 15]};
        put({text.data(), text.size()});
    }

private:
    void flush()
    {
        if (size_ > 0) {
            out_.append(std::string_view{buffer_.data(), size_});
            size_ = 0;
        }
    }
    Out& out_;
    std::array<char, 4096> buffer_;
    std::size_t size_ = 0;
};

bool is_plain(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

template <class Out>
void put_ascii(piece_writer<Out>& to, char c)
{
    switch (c) {
    case '"': to.put("\\\""); return;
    case '\\': to.put("\\\\"); return;
    case '\b': to.put("\\b"); return;
    case '\f': to.put("\\f"); return;
    case '\n': to.put("\\n"); return;
    case '\r': to.put("\\r"); return;
    case '\t': to.put("\\t"); return;
    default: to.put_unit(static_cast<unsigned char>(c)); return;
    }
}

// The character that `text`, which is valid and not ASCII, consists of.
unsigned code_point(std::string_view text) noexcept
{
    unsigned code = static_cast<unsigned char>(text[0]) & (0x7FU >> text.size());
    for (const char c : text.substr(1)) {
        code = code << 6 | (static_cast<unsigned char>(c) & 0x3FU);
    }
    return code;
}

// What browsers and proxies mangle: sockjs-protocol 0.3.3, "escapable_by_server".
bool is_mangled(unsigned code) noexcept
{
    return (code >= 0x200C && code <= 0x200F) || (code >= 0x2028 && code <= 0x202F) ||
           (code >= 0x2060 && code <= 0x206F) || code >= 0xFFF0;
}

template <class Out>
void put_character(piece_writer<Out>& to, std::string_view text)
{
    const unsigned code = code_point(text);
    if (code > 0xFFFF) { // two units of UTF-16
        to.put_unit(0xD800 + ((code - 0x10000) >> 10));
        to.put_unit(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else if (is_mangled(code)) {
        to.put_unit(code);
    } else {
        to.put(text);
    }
}

template <class Out>
std::size_t quote(Out& out, std::string_view bytes)
{
    piece_writer<Out> to{out};
    std::size_t replaced = 0;
    while (!bytes.empty()) {
        std::size_t plain = 0;
        while (plain < bytes.size() && is_plain(bytes[plain])) {
            ++plain;
        }
        to.put(bytes.substr(0, plain));
        bytes.remove_prefix(plain);
        if (bytes.empty()) {
            break;
        }
        std::size_t size = net::utf8_length(bytes);
        if (size == 0) {
            to.put("?");
            ++replaced;
            size = 1;
        } else if (size == 1) {
            put_ascii(to, bytes.front());
        } else {
            put_character(to, bytes.substr(0, size));
        }
        bytes.remove_prefix(size);
    }
    return replaced;
}

// ---- in

std::optional<unsigned> unit_at(std::string_view text, std::size_t at) noexcept
{
    if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') {
        return std::nullopt;
    }
    unsigned unit = 0;
    for (const char c : text.substr(at + 2, 4)) {
        const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                               : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                               : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                                      : 16;
        if (digit == 16) {
            return std::nullopt;
        }
        unit = unit << 4 | digit;
    }
    return unit;
}

// A string of JavaScript may be cut between the halves of a pair: JSON.stringify says such a half by
// its number.
std::string without_lone_halves(std::string_view json)
{
    std::string fixed{json};
    for (std::size_t at = 0; (at = fixed.find('\\', at)) != std::string::npos;) {
        const auto unit = unit_at(fixed, at);
        if (!unit) {
            at += 2; // the escaped character is no escape
            continue;
        }
        const auto next = unit_at(fixed, at + 6);
        const bool high = *unit >= 0xD800 && *unit <= 0xDBFF;
        if (high && next && *next >= 0xDC00 && *next <= 0xDFFF) {
            at += 12;
            continue;
        }
        if (*unit >= 0xD800 && *unit <= 0xDFFF) {
            fixed.replace(at, 6, "\\ufffd");
        }
        at += 6;
    }
    return fixed;
}

// Takes strings, in an array or alone, and refuses everything else where it begins.
struct message_handler {
    static constexpr std::size_t max_object_size = 0;
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = 0;
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    using error_code = boost::json::error_code;
    using string_view = boost::json::string_view;

    messages* into = nullptr;
    bool in_array = false;
    bool other = false; // a value that is no message

    bool refuse(error_code& ec)
    {
        other = true;
        ec = boost::json::error::syntax;
        return false;
    }
    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_array_begin(error_code& ec)
    {
        if (in_array) {
            return refuse(ec);
        }
        in_array = true;
        return true;
    }
    bool on_array_end(std::size_t, error_code&) { return true; }
    bool on_object_begin(error_code& ec) { return refuse(ec); }
    bool on_object_end(std::size_t, error_code& ec) { return refuse(ec); }
    bool on_string_part(string_view text, std::size_t, error_code&)
    {
        into->bytes.append(text.data(), text.size());
        return true;
    }
    bool on_string(string_view text, std::size_t, error_code&)
    {
        into->bytes.append(text.data(), text.size());
        into->ends.push_back(static_cast<std::uint32_t>(into->bytes.size()));
        return true;
    }
    bool on_key_part(string_view, std::size_t, error_code& ec) { return refuse(ec); }
    bool on_key(string_view, std::size_t, error_code& ec) { return refuse(ec); }
    bool on_number_part(string_view, error_code& ec) { return refuse(ec); }
    bool on_int64(std::int64_t, string_view, error_code& ec) { return refuse(ec); }
    bool on_uint64(std::uint64_t, string_view, error_code& ec) { return refuse(ec); }
    bool on_double(double, string_view, error_code& ec) { return refuse(ec); }
    bool on_bool(bool, error_code& ec) { return refuse(ec); }
    bool on_null(error_code& ec) { return refuse(ec); }
    bool on_comment_part(string_view, error_code& ec) { return refuse(ec); }
    bool on_comment(string_view, error_code& ec) { return refuse(ec); }
};

struct parsed {
    boost::json::error_code failed;
    bool in_array = false, other = false;
};

parsed parse(std::string_view json, messages& into)
{
    into = {};
    boost::json::basic_parser<message_handler> parser{boost::json::parse_options{}};
    parser.handler().into = &into;
    parsed result;
    const std::size_t used = parser.write_some(false, json.data(), json.size(), result.failed);
    if (!result.failed && used < json.size() &&
        json.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
        result.failed = boost::json::error::extra_data;
    }
    result.in_array = parser.handler().in_array;
    result.other = parser.handler().other;
    return result;
}

} // namespace

std::size_t append_quoted(net::outbox& out, std::string_view bytes)
{
    return quote(out, bytes);
}

std::size_t append_quoted(std::string& out, std::string_view bytes)
{
    return quote(out, bytes);
}

std::string in_quotes(std::string_view text)
{
    std::string made{'"'};
    append_quoted(made, text);
    return made += '"';
}

decoding decode_messages(std::string_view json, single_string single, messages& into)
{
    auto came = parse(json, into);
    if (came.failed && !came.other && json.find("\\u") != std::string_view::npos) {
        came = parse(without_lone_halves(json), into);
    }
    if (!came.failed && (came.in_array || (single == single_string::yes && into.count() == 1))) {
        return decoding::done;
    }
    into = {};
    return !came.failed || (came.other && !came.in_array) ? decoding::no_array : decoding::broken;
}

} // namespace gateway::sockjs
