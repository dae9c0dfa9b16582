#pragma once

// Incremental STOMP parser for all versions and both directions, without I/O and without a buffer
// of its own.
//
// The caller keeps the bytes that are not parsed yet, and parse() looks at their front. While a
// frame is incomplete, parse() answers need_more and remembers how far it looked. The caller calls
// again with the *same front* and more bytes after it. So a frame that lies whole in a read buffer
// is never copied, and a frame that arrives byte by byte is scanned once.
//
// The parser treats its two kinds of peers differently. A *client* is judged: bytes that are not
// STOMP end its stream. The frames of a *broker* are forwarded and not judged: only lengths are
// interpreted, and an error in anything else costs nothing.
//
// Invariants:
// (1) The work is linear in the bytes, however they are split.
// (2) A client's frame is delivered only if its command, counts, sizes, header lines and escapes
//     are valid for its version. CONNECT, STOMP and CONNECTED are parsed without escapes (1.2,
//     "Value Encoding").
// (3) The split changes neither what is delivered nor which fault ends the stream.
// (4) A body is refused on every client frame but SEND, and content-length is not interpreted as a
//     length on these frames. A frame that is hidden in a body must never run with a neighbour's
//     ids (brokers.md, BEGIN with content-length).
// (5) Loose forms are delivered in the strict form: no blanks around a length, no CR before LF, no
//     NUL between frames. So no later reader of the forwarded bytes can find another end of the
//     frame.
// (6) A broker's frame that is larger than its limits costs only that frame. Its head is delivered
//     as far as it says what the frame answers. The rest is passed over and not kept.

#include "broker/stomp/error.hpp"
#include "broker/stomp/frame.hpp"
#include "broker/stomp/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace stomp {

class frame_skipper;

// Whose bytes are read.
enum class peer : std::uint8_t {
    client, // judged
    broker, // forwarded, not judged
};

enum class parse_status : std::uint8_t {
    need_more,  // nothing consumed: call again with more bytes
    frame,      // `out` is filled, `consumed` bytes belong to it
    heart_beat, // `consumed` bytes of EOL or NUL between frames
    skipped,    // a broker's frame that is too large: `out` has its head (maybe not all of it) and
                // no body
    skipping,   // `consumed` bytes of such a frame
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
    explicit parser(peer reads = peer::client) noexcept;
    parser(parser&&) noexcept;
    parser& operator=(parser&&) noexcept;
    ~parser();

    // At a frame border only: the next frame is read by that version's rules. A broker may send
    // commands that STOMP does not have from then on; before, they mean that it is none.
    void set_version(version v) noexcept
    {
        version_ = v;
        negotiated_ = true;
    }

    parse_result parse(std::string_view bytes, const limits& bounds, frame_view& out);

    // True between frames: nothing of a frame has been seen.
    bool at_frame_border() const noexcept { return scanned_ == 0 && skipper_ == nullptr; }

private:
    // ---- parser_head.cpp
    errc scan_head(std::string_view front, const limits& bounds, std::vector<header>& headers);
    errc end_line(
        std::string_view front, std::size_t lf, const limits& bounds, std::vector<header>& headers);
    errc check_size(std::size_t end, const limits& bounds) const noexcept;
    errc check_nul(std::size_t at, const limits& bounds) const noexcept;
    errc check_cr(std::string_view front, std::size_t at, const limits& bounds) const noexcept;
    errc check_partial_line(std::string_view front, const limits& bounds) const noexcept;
    errc check_head(std::string_view head, const limits& bounds, std::vector<header>& headers);
    errc check_lengths(std::vector<header>& headers);
    void read_length(std::vector<header>& headers);
    bool may_be_unknown(std::string_view line) const noexcept;

    // ---- parser.cpp
    parse_result
    parse_body(std::string_view front, const limits& bounds, bool headers_filled, frame_view& out);
    parse_result
    incomplete(std::string_view front, const limits& bounds, std::size_t lacking, frame_view& out);
    parse_result give_up(errc fault, std::string_view front, frame_view& out);
    parse_result begin_skipping(std::string_view front, frame_view& out);
    parse_result skip(std::string_view bytes, frame_view& out);
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
    peer reads_;
    bool negotiated_ = false;
    bool known_length_ = false;
    bool has_backslash_ = false; // in the head
    std::unique_ptr<frame_skipper> skipper_; // inside a frame that is too large
};

} // namespace stomp
