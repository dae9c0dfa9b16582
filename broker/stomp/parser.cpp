#include "broker/stomp/parser.hpp"

#include "broker/stomp/frame_skipper.hpp"
#include "broker/stomp/grammar.hpp"
#include "broker/stomp/special_bytes.hpp"

#include <algorithm>

namespace stomp {

using namespace grammar;

namespace {

constexpr errc no_fault{};

constexpr std::string_view content_length = "content-length";
constexpr std::size_t unknown_command_max = 64;

// EOLs and NULs, which every version may have here: they are only a sign of life. A CR at the end
// of the bytes waits for its LF; one without is a client's fault.
parse_result parse_between_frames(std::string_view bytes, peer reads) noexcept
{
    std::size_t passed = 0;
    while (passed < bytes.size()) {
        if (bytes[passed] == '\n' || bytes[passed] == '\0' ||
            (bytes[passed] == '\r' && reads == peer::broker)) {
            passed += 1;
        } else if (bytes.substr(passed).starts_with("\r\n")) {
            passed += 2;
        } else {
            break;
        }
    }
    if (passed > 0) {
        return {.status = parse_status::heart_beat, .consumed = passed};
    }
    if (bytes == "\r") {
        return {};
    }
    return {.status = parse_status::failed, .error = errc::stray_bytes};
}

// Splits the complete lines of a head that was read before. A broker's line without a colon is no
// header and not passed on.
void fill_headers(std::string_view head, std::vector<header>& headers)
{
    headers.clear();
    std::size_t start = head.find('\n') + 1;
    while (start < head.size()) {
        const std::size_t end = head.find('\n', start);
        const std::string_view line = without_eol_cr(head.substr(start, end - start));
        if (line.empty()) {
            return;
        }
        if (const std::size_t colon = line.find(':'); colon != line.npos) {
            headers.push_back({line.substr(0, colon), line.substr(colon + 1)});
        }
        start = end + 1;
    }
}

} // namespace

parser::parser(peer reads) noexcept : reads_{reads} {}
parser::parser(parser&&) noexcept = default;
parser& parser::operator=(parser&&) noexcept = default;
parser::~parser() = default;

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
            return parse_between_frames(bytes, reads_);
        }
    } else if (skipper_ != nullptr) {
        return skip(bytes, out);
    }
    const std::string_view front = bytes.substr(0, bounds.frame_bytes);
    bool filled = false;
    if (head_bytes_ == 0) {
        filled = at_frame_border();
        out.headers.clear();
        if (const errc fault = scan_head(front, bounds, out.headers); fault != no_fault) {
            return give_up(fault, front, out);
        }
        if (head_bytes_ == 0) {
            return incomplete(front, bounds, 0, out);
        }
        const std::string_view head = front.substr(0, head_bytes_);
        if (!filled) {
            fill_headers(head, out.headers);
            filled = true;
        }
        if (const errc fault = check_head(head, bounds, out.headers); fault != no_fault) {
            return give_up(fault, front, out);
        }
    }
    return parse_body(front, bounds, filled, out);
}

// Goes over the special bytes after scanned_ in their order. So the fault that is found first does
// not depend on how the bytes were split.
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
        case '\0': fault = check_nul(at, bounds); return fault == no_fault;
        case '\\': has_backslash_ = true; return true;
        case '\r':
            if (at + 1 == front.size() && reads_ == peer::client) {
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
    const std::string_view line = without_eol_cr(front.substr(line_start_, lf - line_start_));
    if (line_start_ == 0) {
        const auto found = find_command(line);
        if (!found && !may_be_unknown(line)) {
            return errc::unknown_command;
        }
        command_ = found.value_or(command::unknown);
    } else if (line.empty()) {
        head_bytes_ = lf + 1;
    } else {
        if (const errc fault = check_size(line_start_ + line.size(), bounds); fault != no_fault) {
            return fault;
        }
        if (colon_ <= line_start_ && reads_ == peer::client) {
            return errc::bad_header;
        }
        if (colon_ != 0) {
            const std::size_t name_bytes = colon_ - line_start_;
            headers.push_back({line.substr(0, name_bytes), line.substr(name_bytes + 1)});
        }
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
    return end - line_start_ > bounds.header_line_bytes && reads_ == peer::client
               ? errc::header_line_too_long
               : no_fault;
}

// A broker's value may hold one (1.2, "Augmented BNF").
errc parser::check_nul(std::size_t at, const limits& bounds) const noexcept
{
    if (reads_ == peer::broker && line_start_ != 0) {
        return no_fault;
    }
    const errc fault = check_size(at, bounds);
    return fault == no_fault ? errc::bad_header : fault;
}

// 1.2, "Augmented BNF": no CR within a line. A broker might take one for an EOL, and RabbitMQ ends
// a link for one in a frame of any version.
errc parser::check_cr(std::string_view front, std::size_t at, const limits& bounds) const noexcept
{
    if (reads_ == peer::broker) {
        return no_fault;
    }
    if (const errc fault = check_size(at, bounds); fault != no_fault) {
        return fault;
    }
    return front[at + 1] == '\n' ? no_fault : errc::bad_header;
}

// The fault that the last line already has although its LF has not arrived yet.
errc parser::check_partial_line(std::string_view front, const limits& bounds) const noexcept
{
    const std::string_view partial = front.substr(std::min(line_start_, front.size()));
    if (line_start_ == 0) {
        return may_become_command(partial) || may_be_unknown(without_eol_cr(partial))
                   ? no_fault
                   : errc::unknown_command;
    }
    return check_size(line_start_ + without_eol_cr(partial).size(), bounds);
}

// Once a peer has shown that it is a broker, it may say commands that STOMP does not have. Another
// peer may not.
bool parser::may_be_unknown(std::string_view line) const noexcept
{
    return reads_ == peer::broker && negotiated_ && line.size() <= unknown_command_max;
}

errc parser::check_head(std::string_view head, const limits& bounds, std::vector<header>& headers)
{
    if (reads_ == peer::broker) {
        read_length(headers);
    } else {
        if (has_backslash_ && is_escaped(command_, version_) &&
            !escapes_are_defined(head, version_)) {
            return errc::bad_escape;
        }
        if (const errc fault = check_lengths(headers); fault != no_fault) {
            return fault;
        }
    }
    // The frame is head, body and NUL; the head alone is within the bound.
    if (known_length_ && body_bytes_ >= bounds.frame_bytes - head.size()) {
        return errc::frame_too_large;
    }
    return no_fault;
}

// A client's content-length: each value in its strict form, and all alike. Peers differ in which of
// two lengths counts, and in whether blanks around the name belong to it: one could hide a frame
// from the other.
errc parser::check_lengths(std::vector<header>& headers)
{
    for (header& h : headers) {
        if (h.name.size() < content_length.size()) {
            continue;
        }
        if (h.name != content_length) {
            if (trimmed(h.name) == content_length) {
                return errc::bad_content_length;
            }
            continue;
        }
        if (!carries_body(command_)) {
            continue;
        }
        h.value = strict_length(h.value);
        const auto length = parse_length(h.value);
        if (!length || (known_length_ && *length != body_bytes_)) {
            return errc::bad_content_length;
        }
        known_length_ = true;
        body_bytes_ = *length;
    }
    return no_fault;
}

// A broker's: the first that is a length counts, in any frame, and is the only one that is passed
// on.
void parser::read_length(std::vector<header>& headers)
{
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (headers[i].name != content_length) {
            continue;
        }
        headers[i].value = strict_length(headers[i].value);
        const auto length = parse_length(headers[i].value);
        if (length && !known_length_) {
            known_length_ = true;
            body_bytes_ = *length;
        } else {
            headers.erase(headers.begin() + static_cast<std::ptrdiff_t>(i--));
        }
    }
}

parse_result parser::parse_body(
    std::string_view front, const limits& bounds, bool headers_filled, frame_view& out)
{
    std::size_t nul = head_bytes_;
    if (known_length_) {
        nul += body_bytes_;
    } else if (carries_body(command_) || reads_ == peer::broker) {
        nul = front.find('\0', std::max(scanned_, head_bytes_));
    }
    if (nul >= front.size()) {
        return incomplete(front, bounds, known_length_ ? nul + 1 - front.size() : 0, out);
    }
    if (front[nul] != '\0') {
        return fail(known_length_ ? errc::missing_nul : errc::unexpected_body);
    }
    if (!headers_filled) {
        fill_headers(front.substr(0, head_bytes_), out.headers);
        if (known_length_ || reads_ == peer::broker) { // they are to be given in strict form again
            known_length_ = false;
            reads_ == peer::broker ? read_length(out.headers) : void(check_lengths(out.headers));
        }
    }
    out.command = command_;
    out.body = front.substr(head_bytes_, nul - head_bytes_);
    out.has_content_length = known_length_;
    out.trims_values = version_ == version::v10;
    reset();
    return {.status = parse_status::frame, .consumed = nul + 1};
}

parse_result parser::incomplete(
    std::string_view front, const limits& bounds, std::size_t lacking, frame_view& out)
{
    if (front.size() >= bounds.frame_bytes) {
        return give_up(errc::frame_too_large, front, out);
    }
    // While the head is incomplete, scan_head() says how far it looked.
    scanned_ = head_bytes_ == 0 ? scanned_ : front.size();
    return {.lacking = lacking};
}

// A fault ends the stream, but for what is too much of a broker's.
parse_result parser::give_up(errc fault, std::string_view front, frame_view& out)
{
    const bool too_much = fault == errc::frame_too_large || fault == errc::too_many_headers;
    return reads_ == peer::broker && too_much && line_start_ != 0 ? begin_skipping(front, out)
                                                                  : fail(fault);
}

parse_result parser::begin_skipping(std::string_view front, frame_view& out)
{
    const std::size_t head = head_bytes_ == 0 ? line_start_ : head_bytes_;
    fill_headers(front.substr(0, head), out.headers);
    out.command = command_;
    out.body = {};
    out.has_content_length = false;
    out.trims_values = version_ == version::v10;
    skipper_ = std::make_unique<frame_skipper>(out);
    // The part of it that is passed on has no body.
    std::erase_if(out.headers, [](const header& h) { return h.name == content_length; });
    parse_result result{.status = parse_status::skipping, .consumed = head};
    if (head_bytes_ != 0) {
        skipper_->begin_body(known_length_ ? std::optional{body_bytes_} : std::nullopt);
        result.status = parse_status::skipped;
    }
    return result;
}

parse_result parser::skip(std::string_view bytes, frame_view& out)
{
    if (bytes.empty()) {
        return {};
    }
    const frame_skipper::step step = skipper_->pass(bytes);
    parse_result result{.status = parse_status::skipping, .consumed = step.consumed};
    if (step.head_ended) {
        out = skipper_->noted(); // valid until the frame has passed
        out.trims_values = version_ == version::v10;
        result.status = parse_status::skipped;
    }
    if (step.failed) {
        return fail(errc::missing_nul);
    }
    if (step.over) {
        reset();
    }
    return result;
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
    if (skipper_ != nullptr) {
        skipper_.reset();
    }
}

} // namespace stomp
