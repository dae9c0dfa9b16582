#pragma once

// RFC 6455 frames for both roles, without I/O: decoding with unmasking in place, encoding of heads,
// and the rules of ping and close. There are no extensions: permessage-deflate is neither offered
// nor accepted (design.md section 11).
//
// Limits:     `message_bytes_max` bounds the payload of one frame and of one message (close 1009).
//             A control frame's payload is at most 125 bytes (RFC 6455, 5.5).

#include "broker/net/outbox.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace websocket {

enum class role : std::uint8_t { server, client };
enum class opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

// RFC 6455, 7.4.1.
enum class close_code : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    no_status = 1005,
    abnormal = 1006,
    invalid_payload = 1007,
    policy_violation = 1008,
    message_too_big = 1009,
    internal_error = 1011,
    service_restart = 1012,
    try_again_later = 1013,
};
bool may_be_sent(std::uint16_t code) noexcept; // 1000-1003, 1007-1014, 3000-4999

enum class event_kind : std::uint8_t {
    need_more, // all bytes consumed
    data,      // `payload`: unmasked bytes of a text or binary message, maybe a part of it
    ping,      // `payload` to be said again in a pong
    pong,
    close,  // the peer's close; `code` (no_status if it gave none), `payload` = reason
    failed, // `code` to close with: protocol_error, invalid_payload or message_too_big; the stream
            // is lost
};

struct event {
    event_kind kind = event_kind::need_more;
    // Points into the bytes given; of a control frame that was split over reads, into the decoder.
    std::span<char> payload;
    bool binary = false;      // data: opcode of the message it belongs to
    bool message_end = false; // data: last bytes of the message (may come with an empty payload)
    close_code code = close_code::normal;
};

// Whether text messages must be UTF-8 (RFC 6455, 8.1). RabbitMQ sends bodies of any bytes as text:
// towards a broker the check would cost the link, so there it is left to who hands the text on.
enum class text_check : std::uint8_t { strict, none };

// Turns bytes into events. Holds no payload but a control frame that is split over reads.
class decoder {
public:
    explicit decoder(role local_role, text_check check = text_check::strict) noexcept;
    // Takes one event off the front of `bytes`. Call until need_more. After failed or close nothing
    // more comes.
    event next(std::span<char>& bytes, std::size_t message_bytes_max);

private:
    // A control frame's payload while it is split over reads.
    struct control_buffer {
        std::array<char, 125> bytes;
        std::uint8_t size = 0;
    };
    enum class step : std::uint8_t; // what reading a head came to

    step read_head(std::span<char>& bytes, std::size_t message_bytes_max) noexcept;
    bool head_starts_well() const noexcept;
    step begin_frame(std::size_t message_bytes_max) noexcept;
    event take_data(std::span<char>& bytes) noexcept;
    event take_control(std::span<char>& bytes);
    event finish_control(std::span<char> payload) noexcept;
    event finish_close(std::span<char> payload) noexcept;
    event fail(close_code code) noexcept;
    std::span<char> unmask_front(std::span<char>& bytes) noexcept;

    std::unique_ptr<control_buffer> control_; // null unless a control frame is split over reads
    std::uint64_t remaining_ = 0;             // payload bytes of the current frame not yet seen
    std::uint64_t message_bytes_ = 0;         // of the current message so far, by its frames' heads
    std::array<unsigned char, 14> head_{};
    std::array<unsigned char, 4> mask_{};
    std::uint8_t head_bytes_ = 0;
    std::uint8_t mask_offset_ = 0;
    std::uint8_t utf8_state_ = 0;
    role role_;
    opcode frame_opcode_ = opcode::continuation;
    opcode message_opcode_ = opcode::continuation; // continuation: no message is open
    text_check check_;
    bool fin_ = false;
    bool in_payload_ = false;
    bool over_ = false;
};

// Head of an unfragmented frame: at most 14 bytes. Server role sends unmasked; client role gives a
// mask.
struct frame_head {
    std::array<char, 14> bytes;
    std::uint8_t size;
    std::string_view view() const noexcept { return {bytes.data(), size}; }
};
frame_head encode_head(opcode op, std::uint64_t payload_bytes) noexcept;
frame_head
encode_head(opcode op, std::uint64_t payload_bytes, std::array<unsigned char, 4> mask) noexcept;
void apply_mask(
    std::span<char> bytes, std::array<unsigned char, 4> mask, std::size_t offset = 0) noexcept;

// A whole message in one frame. The client role masks (with a fast PRNG seeded from the system once
// per thread).
void append_message(net::outbox& out, role from, opcode op, std::string_view payload);
// Server role only: head part copied, the rest shared.
void append_message(
    net::outbox& out, opcode op, std::string_view head, const net::payload_ref& rest,
    std::size_t offset = 0);
void append_pong(net::outbox& out, role from, std::span<const char> payload);
// `reason` is cut to 123 bytes at a UTF-8 border; no_status sends an empty close frame.
void append_close(net::outbox& out, role from, close_code code, std::string_view reason);

} // namespace websocket
