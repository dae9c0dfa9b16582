#include "broker/stomp/parser.hpp"

#include "broker/stomp/frame_skipper.hpp"
#include "broker/stomp/grammar.hpp"

#include <algorithm>

namespace stomp {

using namespace grammar;

namespace {

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
