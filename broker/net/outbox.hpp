#pragma once

// Bytes on their way to one socket: appended by cores during a turn of the loop, written by the
// driver with one writev at its end. No I/O here.
//
// Threading:  one loop's thread.
// Invariants:
// (1) An empty outbox owns no memory but itself (idle connections are many).
// (2) appended() - written() == size(); both only grow. A core remembers appended() to learn when
//     something it appended has been written.

#include "broker/net/payload.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/uio.h>

namespace net {

class outbox {
public:
    outbox() noexcept;
    outbox(outbox&&) noexcept;
    outbox& operator=(outbox&&) noexcept;
    ~outbox();

    // Copies the bytes.
    void append(std::string_view bytes);
    // Refers to bytes from `offset` on; small payloads are copied instead (a copy of 1 KiB is
    // cheaper than an iovec).
    void append(const payload_ref& shared, std::size_t offset = 0);

    std::size_t size() const noexcept;
    bool empty() const noexcept { return size() == 0; }
    std::uint64_t appended() const noexcept;
    std::uint64_t written() const noexcept;

    // Memory that is this outbox's own: its blocks, full or not. Payloads are their owners' together
    // (payload::bytes_alive).
    std::size_t held() const noexcept;

    // Fills `into` with the front of the queue; returns how many entries were used.
    std::size_t gather(std::span<iovec> into) const noexcept;
    // The first `count` bytes were written.
    void consume(std::size_t count) noexcept;
    void clear() noexcept; // counts what was dropped as written

    // Everything queued, joined; for tests.
    std::string text() const;

private:
    struct state;
    std::unique_ptr<state> state_; // null while nothing is queued
    std::uint64_t appended_ = 0;
    std::uint64_t written_ = 0;
};

} // namespace net
