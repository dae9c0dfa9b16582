#pragma once

// Remembers which bytes of a carry buffer arrived in text messages and which in binary ones.
// WebSocket messages may cut and join STOMP frames in any way, and a frame is forwarded in the kind
// in which it arrived. A frame that arrived in both kinds is binary.
//
// Lifetime:   beside the buffer. It is told what is appended to the buffer and what is dropped from
//             its front.
// Invariants:
// (1) A buffer whose bytes are all of one kind needs no memory here. Nearly every buffer is of one
//     kind.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gateway {

class message_kinds {
public:
    // The buffer is empty, and the next bytes are of that kind.
    void restart(bool binary) noexcept;
    // Bytes of that kind are appended to the `size` that the buffer has.
    void append(std::size_t size, bool binary);
    void drop(std::size_t front_bytes);
    // The whole buffer, of `size` bytes, is of one frame.
    void join(std::size_t size) noexcept
    {
        if (flips_ != nullptr) {
            restart(any_binary(0, size));
        }
    }

    // Whether any of the bytes [from, to) came in a binary message. REQUIRES: from < to.
    bool any_binary(std::size_t from, std::size_t to) const noexcept
    {
        return flips_ == nullptr ? first_binary_ : any_binary_of_both(from, to);
    }
    // The memory that this takes.
    std::size_t weight() const noexcept
    {
        return flips_ == nullptr ? 0 : flips_->capacity() * sizeof(std::size_t);
    }

private:
    bool any_binary_of_both(std::size_t from, std::size_t to) const noexcept;

    // Where in the buffer the kind changes, ascending.
    std::unique_ptr<std::vector<std::size_t>> flips_;
    bool first_binary_ = false; // the kind of the buffer's first byte
};

} // namespace gateway
