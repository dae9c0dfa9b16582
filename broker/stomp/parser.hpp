#pragma once

// Incremental STOMP parser, all versions, both directions, without I/O and without a buffer of its
// own.
//
// The caller keeps the unparsed bytes: parse() looks at their front. While a frame is incomplete it
// answers need_more and remembers how far it looked; the caller calls again with the *same front*
// and more behind it. So a frame that lies whole in a read buffer is never copied, and one that
// comes byte by byte is scanned once.
//
// Invariants:
// (1) Work is linear in the bytes, whatever the split.
// (2) A frame is only delivered if commands, counts, sizes, header lines and escapes are valid for
//     its version. CONNECT, STOMP and CONNECTED are parsed without escapes (1.2, "Value Encoding").
// (3) What is delivered, and which fault ends the stream, does not depend on the split.
// (4) A body is refused on every client frame but SEND, and content-length there is not interpreted
//     as a length: a frame hidden in a body must never run with a neighbour's ids (HAZARDS.md,
//     BEGIN with content-length).

#include "broker/stomp/error.hpp"
#include "broker/stomp/frame.hpp"
#include "broker/stomp/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace stomp {

enum class parse_status : std::uint8_t {
    need_more,  // nothing consumed: call again with more bytes
    frame,      // `out` is filled, `consumed` bytes belong to it
    heart_beat, // `consumed` bytes of EOL between frames
    failed,     // `error` says why; the stream is lost
};

struct parse_result {
    parse_status status = parse_status::need_more;
    std::size_t consumed = 0;
    errc error{};
    // For need_more inside a body of known length: how many bytes the frame lacks, else 0. A driver
    // may read that many.
    std::size_t lacking = 0;
};

class parser {
public:
    parser() noexcept = default;
    // At a frame border only: the next frame is read by that version's rules.
    void set_version(version v) noexcept { version_ = v; }

    parse_result parse(std::string_view bytes, const limits& bounds, frame_view& out);

    // True between frames: nothing of a frame has been seen.
    bool at_frame_border() const noexcept { return scanned_ == 0; }

private:
    errc scan_head(std::string_view front, const limits& bounds, std::vector<header>& headers);
    errc end_line(
        std::string_view front, std::size_t lf, const limits& bounds, std::vector<header>& headers);
    errc check_size(std::size_t end, const limits& bounds) const noexcept;
    errc check_cr(std::string_view front, std::size_t at, const limits& bounds) const noexcept;
    errc check_partial_line(std::string_view front, const limits& bounds) const noexcept;
    errc check_head(
        std::string_view head, const limits& bounds, const std::vector<header>& headers) noexcept;
    parse_result
    parse_body(std::string_view front, const limits& bounds, bool headers_filled, frame_view& out);
    parse_result
    incomplete(std::string_view front, const limits& bounds, std::size_t lacking) noexcept;
    parse_result fail(errc fault) noexcept;
    void reset() noexcept;

    std::size_t scanned_ = 0;      // bytes of the front known to hold no end of frame
    std::size_t line_start_ = 0;   // of the first line whose LF has not been seen
    std::size_t colon_ = 0;        // the first one of that line, 0 while there is none
    std::size_t header_count_ = 0; // complete header lines before line_start_
    std::size_t head_bytes_ = 0;   // command and header lines with the blank line, or 0 before
    std::size_t body_bytes_ = 0;   // with known_length_: from content-length
    stomp::command command_ = stomp::command::send; // once line_start_ > 0
    version version_ = version::v12;                // 1.2 until negotiated
    bool known_length_ = false;
    bool has_backslash_ = false; // in the head
};

} // namespace stomp
