#include "broker/stomp/parser.hpp"

#include "broker/stomp/special_bytes.hpp"

#include <algorithm>
#include <limits>

namespace stomp {
namespace {

constexpr errc no_fault{};

std::optional<command> find_command(std::string_view line) noexcept
{
    const auto if_equal = [line](command c) {
        return line == to_string(c) ? std::optional{c} : std::nullopt;
    };
    switch (line.size()) {
    case 3: return if_equal(command::ack);
    case 4: return line[0] == 'S' ? if_equal(command::send) : if_equal(command::nack);
    case 5:
        switch (line[0]) {
        case 'S': return if_equal(command::stomp);
        case 'B': return if_equal(command::begin);
        case 'A': return if_equal(command::abort);
        default: return if_equal(command::error);
        }
    case 6: return if_equal(command::commit);
    case 7:
        switch (line[0]) {
        case 'M': return if_equal(command::message);
        case 'R': return if_equal(command::receipt);
        default: return if_equal(command::connect);
        }
    case 9: return line[0] == 'S' ? if_equal(command::subscribe) : if_equal(command::connected);
    case 10: return if_equal(command::disconnect);
    case 11: return if_equal(command::unsubscribe);
    default: return std::nullopt;
    }
}

// Whether a command line that goes on behind `partial` can still become a command.
bool may_become_command(std::string_view partial, version v) noexcept
{
    if (v == version::v12 && partial.ends_with('\r')) {
        return find_command(partial.substr(0, partial.size() - 1)).has_value();
    }
    for (auto c = command::connect; c <= command::error;
         c = static_cast<command>(static_cast<int>(c) + 1)) {
        if (to_string(c).starts_with(partial)) {
            return true;
        }
    }
    return false;
}

// 1.2: EOL is LF or CR LF. In 1.0 and 1.1 a CR belongs to the line.
std::string_view without_eol_cr(std::string_view line, version v) noexcept
{
    return v == version::v12 && line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

// 1.2, "Body": only SEND, MESSAGE and ERROR may have one.
bool carries_body(command c) noexcept
{
    return c == command::send || c == command::message || c == command::error;
}

bool is_escaped(command c, version v) noexcept
{
    return v != version::v10 && c != command::connect && c != command::stomp &&
           c != command::connected;
}

bool escapes_are_defined(std::string_view head, version v) noexcept
{
    auto at = head.find('\\');
    while (at != head.npos) {
        // There is always a next character: the head ends with LF, and "\<LF>" is no escape.
        const char letter = head[at + 1];
        if (letter != 'n' && letter != 'c' && letter != '\\' &&
            !(letter == 'r' && v == version::v12)) {
            return false;
        }
        at = head.find('\\', at + 2);
    }
    return true;
}

// Saturates, so that an absurd length is too large and not malformed.
std::optional<std::size_t> parse_length(std::string_view digits) noexcept
{
    constexpr std::size_t max = std::numeric_limits<std::size_t>::max();
    std::size_t result = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        const auto digit = static_cast<std::size_t>(c - '0');
        result = result > (max - digit) / 10 ? max : result * 10 + digit;
    }
    return digits.empty() ? std::nullopt : std::optional{result};
}

// EOLs and what must not stand between frames. A CR at the end of the bytes waits for its LF.
// Every version may send CR LF here: it is only a sign of life.
parse_result parse_between_frames(std::string_view bytes) noexcept
{
    std::size_t eols = 0;
    while (eols < bytes.size()) {
        if (bytes[eols] == '\n') {
            eols += 1;
        } else if (bytes.substr(eols).starts_with("\r\n")) {
            eols += 2;
        } else {
            break;
        }
    }
    if (eols > 0) {
        return {.status = parse_status::heart_beat, .consumed = eols};
    }
    if (bytes == "\r") {
        return {};
    }
    return {.status = parse_status::failed, .error = errc::stray_bytes};
}

// Splits the lines of a head that was found valid.
void fill_headers(std::string_view head, version v, std::vector<header>& headers)
{
    headers.clear();
    std::size_t start = head.find('\n') + 1;
    for (;;) {
        const std::size_t end = head.find('\n', start);
        const std::string_view line = without_eol_cr(head.substr(start, end - start), v);
        if (line.empty()) {
            return;
        }
        const std::size_t colon = line.find(':');
        headers.push_back({line.substr(0, colon), line.substr(colon + 1)});
        start = end + 1;
    }
}

} // namespace

// The front is cut to what a frame may have. So each check sees the same bytes in every split, and
// whatever is incomplete at the cut is too large.
parse_result parser::parse(std::string_view bytes, const limits& bounds, frame_view& out)
{
    if (at_frame_border()) {
        if (bytes.empty()) {
            return {};
        }
        if (const char c = bytes.front(); c == '\n' || c == '\r' || c == '\0') {
            return parse_between_frames(bytes);
        }
    }
    const std::string_view front = bytes.substr(0, bounds.frame_bytes);
    bool filled = false;
    if (head_bytes_ == 0) {
        filled = at_frame_border();
        out.headers.clear();
        if (const errc fault = scan_head(front, bounds, out.headers); fault != no_fault) {
            return fail(fault);
        }
        if (head_bytes_ == 0) {
            return incomplete(front, bounds, 0);
        }
        const std::string_view head = front.substr(0, head_bytes_);
        if (!filled) {
            fill_headers(head, version_, out.headers);
            filled = true;
        }
        if (const errc fault = check_head(head, bounds, out.headers); fault != no_fault) {
            return fail(fault);
        }
    }
    return parse_body(front, bounds, filled, out);
}

// Goes over the special bytes behind scanned_ in the order in which they stand, so the fault that is
// found first does not depend on how the bytes were split.
errc parser::scan_head(
    std::string_view front, const limits& bounds, std::vector<header>& headers)
{
    errc fault = no_fault;
    std::size_t looked = front.size();
    detail::for_each_special(front, scanned_, [&](std::size_t at) {
        switch (front[at]) {
        case ':':
            colon_ = colon_ == 0 ? at : colon_;
            return true;
        case '\n':
            fault = end_line(front, at, bounds, headers);
            return fault == no_fault && head_bytes_ == 0;
        case '\0':
            fault = check_size(at, bounds);
            fault = fault == no_fault ? errc::bad_header : fault;
            return false;
        case '\\':
            has_backslash_ = true;
            return true;
        case '\r':
            if (version_ != version::v12) {
                return true;
            }
            if (at + 1 == front.size()) {
                looked = at; // to be seen again with what follows
                return false;
            }
            fault = check_cr(front, at, bounds);
            return fault == no_fault;
        default: return true;
        }
    });
    if (line_start_ == 0 && fault != no_fault) {
        return errc::unknown_command;
    }
    if (fault != no_fault || head_bytes_ != 0) {
        return fault;
    }
    scanned_ = looked;
    return check_partial_line(front, bounds);
}

// A whole line is there: the command, a header, or the blank line that ends the head.
errc parser::end_line(
    std::string_view front, std::size_t lf, const limits& bounds, std::vector<header>& headers)
{
    const std::string_view line =
        without_eol_cr(front.substr(line_start_, lf - line_start_), version_);
    if (line_start_ == 0) {
        const auto found = find_command(line);
        if (!found) {
            return errc::unknown_command;
        }
        command_ = *found;
    } else if (line.empty()) {
        head_bytes_ = lf + 1;
    } else {
        if (const errc fault = check_size(line_start_ + line.size(), bounds); fault != no_fault) {
            return fault;
        }
        if (colon_ <= line_start_) {
            return errc::bad_header;
        }
        const std::size_t name_bytes = colon_ - line_start_;
        headers.push_back({line.substr(0, name_bytes), line.substr(name_bytes + 1)});
        ++header_count_;
    }
    line_start_ = lf + 1;
    colon_ = 0;
    return no_fault;
}

// Whether this line may be a header line, and one that goes on until `end`.
errc parser::check_size(std::size_t end, const limits& bounds) const noexcept
{
    if (end > line_start_ && header_count_ >= bounds.header_count) {
        return errc::too_many_headers;
    }
    return end - line_start_ > bounds.header_line_bytes ? errc::header_line_too_long : no_fault;
}

// 1.2, "Augmented BNF": no CR within a line. A broker might take one for an EOL.
errc parser::check_cr(
    std::string_view front, std::size_t at, const limits& bounds) const noexcept
{
    if (const errc fault = check_size(at, bounds); fault != no_fault) {
        return fault;
    }
    return front[at + 1] == '\n' ? no_fault : errc::bad_header;
}

// What is already wrong with the last line although its LF is still to come.
errc parser::check_partial_line(std::string_view front, const limits& bounds) const noexcept
{
    const std::string_view partial = front.substr(std::min(line_start_, front.size()));
    if (line_start_ == 0) {
        return may_become_command(partial, version_) ? no_fault : errc::unknown_command;
    }
    return check_size(line_start_ + without_eol_cr(partial, version_).size(), bounds);
}

errc parser::check_head(
    std::string_view head, const limits& bounds, const std::vector<header>& headers) noexcept
{
    if (has_backslash_ && is_escaped(command_, version_) && !escapes_are_defined(head, version_)) {
        return errc::bad_escape;
    }
    known_length_ = false;
    if (!carries_body(command_)) {
        return no_fault;
    }
    for (const header& h : headers) {
        if (h.name != "content-length") {
            continue;
        }
        const auto length = parse_length(h.value);
        // Peers differ in which of two lengths counts: one could hide a frame from the other.
        if (!length || (known_length_ && *length != body_bytes_)) {
            return errc::bad_content_length;
        }
        known_length_ = true;
        body_bytes_ = *length;
    }
    // The frame is head, body and NUL; the head alone is within the bound.
    if (known_length_ && body_bytes_ >= bounds.frame_bytes - head.size()) {
        return errc::frame_too_large;
    }
    return no_fault;
}

parse_result parser::parse_body(
    std::string_view front, const limits& bounds, bool headers_filled, frame_view& out)
{
    std::size_t nul = head_bytes_;
    if (known_length_) {
        nul += body_bytes_;
    } else if (carries_body(command_)) {
        nul = front.find('\0', std::max(scanned_, head_bytes_));
    }
    if (nul >= front.size()) {
        return incomplete(front, bounds, known_length_ ? nul + 1 - front.size() : 0);
    }
    if (front[nul] != '\0') {
        return fail(known_length_ ? errc::missing_nul : errc::unexpected_body);
    }
    if (!headers_filled) {
        fill_headers(front.substr(0, head_bytes_), version_, out.headers);
    }
    out.command = command_;
    out.body = front.substr(head_bytes_, nul - head_bytes_);
    out.has_content_length = known_length_;
    reset();
    return {.status = parse_status::frame, .consumed = nul + 1};
}

parse_result parser::incomplete(
    std::string_view front, const limits& bounds, std::size_t lacking) noexcept
{
    if (front.size() >= bounds.frame_bytes) {
        return fail(errc::frame_too_large);
    }
    // While the head is incomplete, scan_head() says how far it looked.
    scanned_ = head_bytes_ == 0 ? scanned_ : front.size();
    return {.lacking = lacking};
}

parse_result parser::fail(errc fault) noexcept
{
    reset();
    return {.status = parse_status::failed, .error = fault};
}

void parser::reset() noexcept
{
    scanned_ = 0;
    line_start_ = 0;
    colon_ = 0;
    header_count_ = 0;
    head_bytes_ = 0;
    body_bytes_ = 0;
    known_length_ = false;
    has_backslash_ = false;
}

} // namespace stomp
