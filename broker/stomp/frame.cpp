#include "broker/stomp/frame.hpp"

#include <algorithm>

namespace stomp {
namespace {

// The character after the backslash for `c`, or 0 if this version does not escape it.
char escape_letter(char c, version v) noexcept
{
    if (v == version::v10) {
        return 0;
    }
    switch (c) {
    case '\n': return 'n';
    case ':': return 'c';
    case '\\': return '\\';
    case '\r': return v == version::v12 ? 'r' : '\0';
    default: return 0;
    }
}

// Bytes that no escape of this version can carry and that would end the line, the head or the
// frame.
bool is_inexpressible(char c, version v) noexcept
{
    return c == '\0' || (v == version::v10 && (c == '\n' || c == '\r'));
}

template <class Headers>
auto find_first(const Headers& headers, std::string_view name) noexcept
{
    return std::find_if(headers.begin(), headers.end(), [name](const auto& h) {
        const auto& [header_name, value] = h;
        return std::string_view{header_name} == name;
    });
}

} // namespace

std::string_view to_string(version v) noexcept
{
    switch (v) {
    case version::v10: return "1.0";
    case version::v11: return "1.1";
    case version::v12: return "1.2";
    }
    return {};
}

std::string_view to_string(command c) noexcept
{
    switch (c) {
    case command::connect: return "CONNECT";
    case command::stomp: return "STOMP";
    case command::send: return "SEND";
    case command::subscribe: return "SUBSCRIBE";
    case command::unsubscribe: return "UNSUBSCRIBE";
    case command::ack: return "ACK";
    case command::nack: return "NACK";
    case command::begin: return "BEGIN";
    case command::commit: return "COMMIT";
    case command::abort: return "ABORT";
    case command::disconnect: return "DISCONNECT";
    case command::connected: return "CONNECTED";
    case command::message: return "MESSAGE";
    case command::receipt: return "RECEIPT";
    case command::error: return "ERROR";
    case command::unknown: break;
    }
    return {};
}

std::optional<std::string_view> frame_view::find(std::string_view name) const noexcept
{
    const auto found = find_first(headers, name);
    if (found == headers.end()) {
        return std::nullopt;
    }
    return trims_values ? trimmed(found->value) : found->value;
}

frame::frame(const frame_view& view)
    : command{view.command}, body{view.body}, has_content_length{view.has_content_length},
      trims_values{view.trims_values}
{
    headers.reserve(view.headers.size());
    for (const header& h : view.headers) {
        headers.emplace_back(h.name, h.value);
    }
}

frame_view frame::view() const
{
    frame_view result;
    result.command = command;
    result.headers.reserve(headers.size());
    for (const auto& [name, value] : headers) {
        result.headers.push_back({name, value});
    }
    result.body = body;
    result.has_content_length = has_content_length;
    result.trims_values = trims_values;
    return result;
}

std::optional<std::string_view> frame::find(std::string_view name) const noexcept
{
    const auto found = find_first(headers, name);
    if (found == headers.end()) {
        return std::nullopt;
    }
    return trims_values ? trimmed(found->second) : std::string_view{found->second};
}

bool frame::operator==(const frame& other) const
{
    return command == other.command && headers == other.headers && body == other.body &&
           has_content_length == other.has_content_length;
}

std::string_view trimmed(std::string_view text) noexcept
{
    const auto first = text.find_first_not_of(" \t");
    if (first == text.npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string escape(std::string_view text, version v)
{
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        if (const char letter = escape_letter(c, v); letter != 0) {
            result += '\\';
            result += letter;
        } else {
            result += is_inexpressible(c, v) ? ' ' : c;
        }
    }
    return result;
}

std::optional<std::string> unescape(std::string_view raw, version v)
{
    if (v == version::v10) {
        return std::string{raw};
    }
    std::string result;
    result.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '\\') {
            result += raw[i];
            continue;
        }
        // 1.2, "Value Encoding": undefined escape sequences MUST be treated as a fatal error.
        if (++i == raw.size()) {
            return std::nullopt;
        }
        switch (raw[i]) {
        case 'n': result += '\n'; break;
        case 'c': result += ':'; break;
        case '\\': result += '\\'; break;
        case 'r':
            if (v != version::v12) {
                return std::nullopt;
            }
            result += '\r';
            break;
        default: return std::nullopt;
        }
    }
    return result;
}

} // namespace stomp
