#include "broker/net/utf8.hpp"
#include "broker/websocket/codec.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <cstring>

// Section numbers are RFC 6455's.

namespace websocket {
namespace {

constexpr std::size_t control_bytes_max = 125; // 5.5
constexpr unsigned char fin_bit = 0x80, reserved_bits = 0x70, opcode_bits = 0x0F;
constexpr unsigned char mask_bit = 0x80, length_bits = 0x7F;
constexpr unsigned char length_is_16_bit = 126, length_is_64_bit = 127;

constexpr bool is_control(opcode op) noexcept
{
    return op >= opcode::close;
}

constexpr bool is_known_opcode(unsigned char value) noexcept
{
    return value <= static_cast<unsigned char>(opcode::binary) ||
           (value >= static_cast<unsigned char>(opcode::close) &&
            value <= static_cast<unsigned char>(opcode::pong));
}

// Size of a head by its second byte: two bytes, the extended length, the masking key.
constexpr std::uint8_t head_size(unsigned char second) noexcept
{
    const unsigned char length = second & length_bits;
    const int extended = length == length_is_64_bit ? 8 : length == length_is_16_bit ? 2 : 0;
    return static_cast<std::uint8_t>(2 + extended + ((second & mask_bit) != 0 ? 4 : 0));
}

std::uint64_t big_endian(std::span<const unsigned char> bytes) noexcept
{
    std::uint64_t value = 0;
    for (const unsigned char byte : bytes) {
        value = value << 8 | byte;
    }
    return value;
}

std::string_view as_text(std::span<const char> bytes) noexcept
{
    return {bytes.data(), bytes.size()};
}

} // namespace

static_assert(sizeof(decoder) <= 64, "one for each idle client");

bool may_be_sent(std::uint16_t code) noexcept
{
    // 7.4.1 and the IANA registry: 1004 is unused, 1005, 1006 and 1015 are for reports inside a
    // program.
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

// The result of reading a head.
enum class decoder::step : std::uint8_t {
    need_more, // the head goes on in the next read
    frame,     // a frame has begun
    malformed, // close 1002
    too_big,   // close 1009
};

decoder::decoder(role local_role, text_check check) noexcept : role_(local_role), check_(check) {}

event decoder::next(std::span<char>& bytes, std::size_t message_bytes_max)
{
    if (over_) { // 5.5.1: nothing is read behind a close, and a failed stream has lost its frames'
                 // borders
        bytes = {};
        return {};
    }
    if (!in_payload_) {
        control_.reset(); // the event that pointed into it is over
    }
    while (true) {
        if (!in_payload_) {
            switch (read_head(bytes, message_bytes_max)) {
            case step::need_more: return {};
            case step::frame: break;
            case step::malformed: return fail(close_code::protocol_error);
            case step::too_big: return fail(close_code::message_too_big);
            }
        }
        if (remaining_ > 0 && bytes.empty()) {
            return {};
        }
        if (is_control(frame_opcode_)) {
            return take_control(bytes);
        }
        const event taken = take_data(bytes);
        // An empty fragment says nothing; each costs at least two bytes, so this loop ends with the
        // bytes.
        if (taken.kind != event_kind::need_more) {
            return taken;
        }
    }
}

decoder::step decoder::read_head(std::span<char>& bytes, std::size_t message_bytes_max) noexcept
{
    std::uint8_t wanted = head_bytes_ < 2 ? std::uint8_t{2} : head_size(head_[1]);
    while (true) {
        const std::size_t count = std::min<std::size_t>(wanted - head_bytes_, bytes.size());
        if (count > 0) {
            std::memcpy(head_.data() + head_bytes_, bytes.data(), count);
        }
        bytes = bytes.subspan(count);
        head_bytes_ = static_cast<std::uint8_t>(head_bytes_ + count);
        if (head_bytes_ > 0 && !head_starts_well()) {
            return step::malformed;
        }
        if (head_bytes_ < wanted) {
            return step::need_more;
        }
        const std::uint8_t whole = head_size(head_[1]);
        if (head_bytes_ == whole) {
            return begin_frame(message_bytes_max);
        }
        wanted = whole;
    }
}

// Whatever the first byte, and the second if it is there, say against the frame.
bool decoder::head_starts_well() const noexcept
{
    const unsigned char first = head_[0];
    if ((first & reserved_bits) != 0 || !is_known_opcode(first & opcode_bits)) {
        return false; // 5.2: no extension gave them a meaning
    }
    const auto op = static_cast<opcode>(first & opcode_bits);
    if (is_control(op) && (first & fin_bit) == 0) {
        return false; // 5.5
    }
    if (!is_control(op) &&
        (op == opcode::continuation) == (message_opcode_ == opcode::continuation)) {
        return false; // 5.4: nothing to go on with, or a message inside a message
    }
    if (head_bytes_ < 2) {
        return true;
    }
    const unsigned char second = head_[1];
    if (((second & mask_bit) != 0) != (role_ == role::server)) {
        return false; // 5.1
    }
    return !is_control(op) || (second & length_bits) <= control_bytes_max; // 5.5
}

decoder::step decoder::begin_frame(std::size_t message_bytes_max) noexcept
{
    const std::span<const unsigned char> head{head_.data(), head_bytes_};
    std::uint64_t payload_bytes = head[1] & length_bits;
    // 5.2: the minimal number of bytes must encode the length, and the top bit of 64 must be zero.
    if (payload_bytes == length_is_16_bit) {
        payload_bytes = big_endian(head.subspan(2, 2));
        if (payload_bytes < length_is_16_bit) {
            return step::malformed;
        }
    } else if (payload_bytes == length_is_64_bit) {
        payload_bytes = big_endian(head.subspan(2, 8));
        if (payload_bytes <= 0xFFFF || payload_bytes >> 63 != 0) {
            return step::malformed;
        }
    }
    fin_ = (head[0] & fin_bit) != 0;
    frame_opcode_ = static_cast<opcode>(head[0] & opcode_bits);
    if (!is_control(frame_opcode_)) {
        if (frame_opcode_ != opcode::continuation) {
            message_opcode_ = frame_opcode_;
            message_bytes_ = 0;
        }
        // The limit may have become smaller since the message began.
        const std::uint64_t limit = message_bytes_max;
        if (payload_bytes > limit - std::min(limit, message_bytes_)) {
            return step::too_big;
        }
        message_bytes_ += payload_bytes;
    }
    if (role_ == role::server) {
        std::copy_n(head.end() - 4, 4, mask_.begin());
    }
    remaining_ = payload_bytes;
    mask_offset_ = 0;
    head_bytes_ = 0;
    in_payload_ = true;
    return step::frame;
}

// Takes what is there of the current frame's payload off the front and unmasks it where it lies.
std::span<char> decoder::unmask_front(std::span<char>& bytes) noexcept
{
    const std::size_t count =
        remaining_ < bytes.size() ? static_cast<std::size_t>(remaining_) : bytes.size();
    const std::span<char> taken = bytes.first(count);
    bytes = bytes.subspan(count);
    remaining_ -= count;
    if (role_ == role::server) {
        apply_mask(taken, mask_, mask_offset_);
        mask_offset_ = static_cast<std::uint8_t>((mask_offset_ + count) % mask_.size());
    }
    return taken;
}

event decoder::take_data(std::span<char>& bytes) noexcept
{
    const bool binary = message_opcode_ == opcode::binary;
    const std::span<char> payload = unmask_front(bytes);
    in_payload_ = remaining_ > 0;
    const bool message_end = fin_ && !in_payload_;
    if (!binary && check_ == text_check::strict) {
        // 8.1: fails at the first impossible byte, wherever fragments and reads are cut.
        const auto state =
            net::advance_utf8(static_cast<net::utf8_state>(utf8_state_), as_text(payload));
        utf8_state_ = static_cast<std::uint8_t>(state);
        if (state == net::utf8_state::reject ||
            (message_end && state != net::utf8_state::complete)) {
            return fail(close_code::invalid_payload);
        }
    }
    if (message_end) {
        message_opcode_ = opcode::continuation;
    } else if (payload.empty()) {
        return {};
    }
    return {
        .kind = event_kind::data, .payload = payload, .binary = binary, .message_end = message_end};
}

event decoder::take_control(std::span<char>& bytes)
{
    const std::span<char> part = unmask_front(bytes);
    in_payload_ = remaining_ > 0;
    if (!in_payload_ && !control_) {
        return finish_control(part);
    }
    if (!control_) {
        control_ = std::make_unique<control_buffer>();
    }
    BOOST_ASSERT(control_->size + part.size() <= control_->bytes.size()); // head_starts_well
    std::copy(part.begin(), part.end(), control_->bytes.begin() + control_->size);
    control_->size = static_cast<std::uint8_t>(control_->size + part.size());
    if (in_payload_) {
        return {};
    }
    return finish_control({control_->bytes.data(), control_->size});
}

event decoder::finish_control(std::span<char> payload) noexcept
{
    switch (frame_opcode_) {
    case opcode::close: return finish_close(payload);
    case opcode::ping: return {.kind = event_kind::ping, .payload = payload};
    case opcode::pong: return {.kind = event_kind::pong, .payload = payload};
    case opcode::continuation:
    case opcode::text:
    case opcode::binary: break;
    }
    BOOST_ASSERT_MSG(false, "a data frame taken for a control frame");
    return fail(close_code::internal_error);
}

event decoder::finish_close(std::span<char> payload) noexcept
{
    if (payload.empty()) { // 7.1.5
        over_ = true;
        return {.kind = event_kind::close, .payload = {}, .code = close_code::no_status};
    }
    if (payload.size() == 1) {
        return fail(close_code::protocol_error); // 5.5.1: a body begins with a code of two bytes
    }
    const auto high = static_cast<unsigned char>(payload[0]);
    const auto low = static_cast<unsigned char>(payload[1]);
    const auto code = static_cast<std::uint16_t>(high << 8 | low);
    const std::span<char> reason = payload.subspan(2);
    if (!may_be_sent(code)) {
        return fail(close_code::protocol_error);
    }
    if (!net::is_utf8(as_text(reason))) {
        return fail(close_code::invalid_payload);
    }
    over_ = true;
    return {.kind = event_kind::close, .payload = reason, .code = static_cast<close_code>(code)};
}

event decoder::fail(close_code code) noexcept
{
    over_ = true;
    return {.kind = event_kind::failed, .payload = {}, .code = code};
}

} // namespace websocket
