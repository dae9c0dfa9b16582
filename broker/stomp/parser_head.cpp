// The head of a frame: its lines, as they come and as far as they are there, and the length that it
// says its body has. A client's is judged; of a broker's only the length is read.

#include "broker/stomp/grammar.hpp"
#include "broker/stomp/parser.hpp"
#include "broker/stomp/special_bytes.hpp"

#include <algorithm>

namespace stomp {

using namespace grammar;

namespace {

constexpr std::size_t unknown_command_max = 64;

} // namespace

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

} // namespace stomp
