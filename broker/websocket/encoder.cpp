#include "broker/net/utf8.hpp"
#include "broker/websocket/codec.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

// Section numbers are RFC 6455's.

namespace websocket {
namespace {

constexpr std::size_t control_bytes_max = 125; // 5.5
constexpr std::size_t reason_bytes_max = control_bytes_max - 2;
constexpr std::size_t masking_chunk_bytes = 4096;

// Both kinds of head: fin, opcode and the shortest length that fits (5.2).
frame_head
head_without_mask(opcode op, std::uint64_t payload_bytes, unsigned char mask_bit) noexcept
{
    const auto length_byte = [mask_bit](std::uint64_t length) {
        return static_cast<char>(mask_bit | static_cast<unsigned char>(length));
    };
    frame_head head{};
    head.bytes[0] = static_cast<char>(0x80 | static_cast<unsigned char>(op));
    int extended_bytes = 0;
    if (payload_bytes < 126) {
        head.bytes[1] = length_byte(payload_bytes);
    } else if (payload_bytes <= 0xFFFF) {
        head.bytes[1] = length_byte(126);
        extended_bytes = 2;
    } else {
        head.bytes[1] = length_byte(127);
        extended_bytes = 8;
    }
    head.size = 2;
    for (int shift = 8 * (extended_bytes - 1); shift >= 0; shift -= 8) {
        head.bytes[head.size++] = static_cast<char>(payload_bytes >> shift & 0xFF);
    }
    return head;
}

// 5.3 asks for keys that a page's script cannot guess, so that it cannot write chosen bytes past a
// proxy. Here the client role is the gateway, whose dials no script sees; splitmix64 from a seed of
// the system's is enough.
std::array<unsigned char, 4> random_mask()
{
    thread_local std::uint64_t state = [] {
        std::random_device system;
        return std::uint64_t{system()} << 32 | system();
    }();
    state += 0x9E3779B97F4A7C15;
    std::uint64_t mixed = state;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return std::bit_cast<std::array<unsigned char, 4>>(static_cast<std::uint32_t>(mixed >> 32));
}

// The payload is the caller's and stays as it is, so masking needs a copy; it is made in chunks on
// the stack.
void append_masked(net::outbox& out, opcode op, std::string_view payload)
{
    const std::array<unsigned char, 4> mask = random_mask();
    const frame_head head = encode_head(op, payload.size(), mask);
    std::array<char, std::tuple_size_v<decltype(head.bytes)> + masking_chunk_bytes> chunk;
    char* at = std::copy_n(head.bytes.begin(), head.size, chunk.begin());
    std::size_t done = 0;
    do {
        const std::size_t count = std::min(payload.size() - done, masking_chunk_bytes);
        std::copy_n(payload.data() + done, count, at);
        apply_mask({at, count}, mask, done);
        out.append(
            std::string_view{chunk.data(), static_cast<std::size_t>(at - chunk.data()) + count});
        done += count;
        at = chunk.data();
    } while (done < payload.size());
}

// The longest front of at most `bytes_max` bytes that does not cut a character.
std::string_view cut_at_character(std::string_view text, std::size_t bytes_max) noexcept
{
    if (text.size() <= bytes_max) {
        return text;
    }
    std::size_t size = bytes_max;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
        --size;
    }
    return text.substr(0, size);
}

} // namespace

frame_head encode_head(opcode op, std::uint64_t payload_bytes) noexcept
{
    return head_without_mask(op, payload_bytes, 0);
}

frame_head
encode_head(opcode op, std::uint64_t payload_bytes, std::array<unsigned char, 4> mask) noexcept
{
    frame_head head = head_without_mask(op, payload_bytes, 0x80);
    for (const unsigned char byte : mask) {
        head.bytes[head.size++] = static_cast<char>(byte);
    }
    return head;
}

void apply_mask(
    std::span<char> bytes, std::array<unsigned char, 4> mask, std::size_t offset) noexcept
{
    std::array<unsigned char, 8> turned; // the key from `offset` on, twice
    for (std::size_t i = 0; i < turned.size(); ++i) {
        turned[i] = mask[(offset + i) % mask.size()];
    }
    const auto key = std::bit_cast<std::uint64_t>(turned);
    char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 32; left -= 32, at += 32) { // four words at once become vector instructions
        std::uint64_t words[4];
        std::memcpy(words, at, sizeof words);
        for (std::uint64_t& word : words) {
            word ^= key;
        }
        std::memcpy(at, words, sizeof words);
    }
    for (; left >= 8; left -= 8, at += 8) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof word);
        word ^= key;
        std::memcpy(at, &word, sizeof word);
    }
    for (std::size_t i = 0; i < left; ++i) {
        at[i] = static_cast<char>(static_cast<unsigned char>(at[i]) ^ turned[i]);
    }
}

void append_message(net::outbox& out, role from, opcode op, std::string_view payload)
{
    BOOST_ASSERT_MSG(
        op < opcode::close || payload.size() <= control_bytes_max, "a control frame too long");
    switch (from) {
    case role::server:
        out.append(encode_head(op, payload.size()).view());
        if (!payload.empty()) {
            out.append(payload);
        }
        return;
    case role::client: append_masked(out, op, payload); return;
    }
}

void append_message(
    net::outbox& out, opcode op, std::string_view head, const net::payload_ref& rest,
    std::size_t offset)
{
    const std::size_t rest_bytes = rest ? rest->size() : 0;
    BOOST_ASSERT_MSG(offset <= rest_bytes, "a message that begins behind its payload");
    out.append(encode_head(op, head.size() + rest_bytes - offset).view());
    if (!head.empty()) {
        out.append(head);
    }
    if (offset < rest_bytes) {
        out.append(rest, offset);
    }
}

void append_pong(net::outbox& out, role from, std::span<const char> payload)
{
    append_message(out, from, opcode::pong, {payload.data(), payload.size()});
}

void append_close(net::outbox& out, role from, close_code code, std::string_view reason)
{
    if (code == close_code::no_status) { // 7.4.1: never on the wire; a close without a body says it
        append_message(out, from, opcode::close, {});
        return;
    }
    const auto value = static_cast<std::uint16_t>(code);
    BOOST_ASSERT_MSG(may_be_sent(value), "a close code that is not for the wire");
    // A broker's text may be anything; the peer would answer a reason that is not UTF-8 with 1007.
    std::string_view said = cut_at_character(reason, reason_bytes_max);
    if (!net::is_utf8(said)) {
        said = {};
    }
    std::array<char, control_bytes_max> body;
    body[0] = static_cast<char>(value >> 8);
    body[1] = static_cast<char>(value & 0xFF);
    std::copy(said.begin(), said.end(), body.begin() + 2);
    append_message(out, from, opcode::close, {body.data(), 2 + said.size()});
}

} // namespace websocket
