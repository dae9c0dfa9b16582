#include "broker/stomp/parser.hpp"

#include "broker/stomp/grammar.hpp"
#include "broker/stomp/special_bytes.hpp"

#include <algorithm>

namespace stomp {

using namespace grammar;

namespace {

constexpr errc no_fault{};

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

// H22: a frame ends where it says, not where a read or a WebSocket message ends.
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

// Goes over the special bytes behind scanned_ in the order in which they stand, so the fault that
// is found first does not depend on how the bytes were split.
errc parser::scan_head(std::string_view front, const limits& bounds, std::vector<header>& headers)
{
    errc fault = no_fault;
    std::size_t looked = front.size();
    for_each_special(front, scanned_, [&](std::size_t at) {
        switch (front[at]) {
        case ':': colon_ = colon_ == 0 ? at : colon_; return true;
        case '\n':
            fault = end_line(front, at, bounds, headers);
            return fault == no_fault && head_bytes_ == 0;
        case '\0':
            fault = check_size(at, bounds);
            fault = fault == no_fault ? errc::bad_header : fault;
            return false;
        case '\\': has_backslash_ = true; return true;
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
errc parser::check_cr(std::string_view front, std::size_t at, const limits& bounds) const noexcept
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

parse_result
parser::incomplete(std::string_view front, const limits& bounds, std::size_t lacking) noexcept
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
