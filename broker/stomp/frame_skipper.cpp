#include "broker/stomp/frame_skipper.hpp"

#include "broker/stomp/grammar.hpp"

#include <algorithm>
#include <array>

namespace stomp {
namespace {

// The headers that a NACK, an ACK, a RECEIPT or a log line needs.
constexpr std::array<std::string_view, 6> noted_names{"subscription", "ack",        "message-id",
                                                      "destination",  "receipt-id", "redelivered"};
constexpr std::size_t line_kept_max = 4096; // a longer one is none of these

} // namespace

frame_skipper::frame_skipper(const frame_view& read)
{
    noted_.command = read.command;
    for (const header& h : read.headers) {
        note(h.name, h.value);
    }
}

void frame_skipper::begin_body(std::optional<std::size_t> known) noexcept
{
    at_ = known ? place::known_body : place::body_to_nul;
    left_ = known.value_or(0);
}

frame_skipper::step frame_skipper::pass(std::string_view bytes)
{
    switch (at_) {
    case place::head: return pass_head(bytes);
    case place::known_body:
        if (left_ == 0) {
            const bool ends = bytes.front() == '\0';
            return {.consumed = ends ? 1U : 0U, .over = ends, .failed = !ends};
        } else {
            const std::size_t part = std::min(left_, bytes.size());
            left_ -= part;
            return {.consumed = part};
        }
    case place::body_to_nul: break;
    }
    const std::size_t nul = bytes.find('\0');
    return nul == bytes.npos ? step{.consumed = bytes.size()}
                             : step{.consumed = nul + 1, .over = true};
}

frame_skipper::step frame_skipper::pass_head(std::string_view bytes)
{
    const std::size_t lf = bytes.find('\n');
    const std::string_view part = bytes.substr(0, lf);
    const std::size_t room = line_kept_max - line_.size();
    line_.append(part.substr(0, room));
    line_cut_ |= part.size() > room;
    if (lf == bytes.npos) {
        return {.consumed = bytes.size()};
    }
    const bool blank = !line_cut_ && grammar::without_eol_cr(line_).empty();
    if (!blank && !line_cut_) {
        take_line();
    }
    line_.clear();
    line_cut_ = false;
    if (blank) {
        begin_body(length_);
    }
    return {.consumed = lf + 1, .head_ended = blank};
}

void frame_skipper::take_line()
{
    const std::string_view line = grammar::without_eol_cr(line_);
    const std::size_t colon = line.find(':');
    if (colon != line.npos) {
        note(line.substr(0, colon), line.substr(colon + 1));
    }
}

void frame_skipper::note(std::string_view name, std::string_view value)
{
    if (name == "content-length" && !length_) {
        length_ = grammar::parse_length(grammar::strict_length(value));
    }
    if (std::ranges::find(noted_names, name) != noted_names.end() && !noted_.find(name) &&
        value.size() <= line_kept_max) {
        noted_.headers.emplace_back(name, value);
    }
}

} // namespace stomp
