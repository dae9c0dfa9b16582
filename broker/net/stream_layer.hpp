#pragma once

// What stands between a connection and its socket: TLS. A connection that has none reads and writes
// its socket itself. Whoever uses a connection does not learn which it is.
//
// Threading:  one loop's thread.
// Lifetime:   owned by its connection, which also owns the descriptor.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace net {

struct syscall_counts;

class stream_layer {
public:
    enum class outcome : std::uint8_t {
        done,
        wants_read,  // goes on once the socket is readable, whatever was asked for
        wants_write, // goes on once the socket is writable
        ended,       // the peer has said that this was all
        cut,         // the socket's end came without that
        failed,      // see failure()
    };
    struct progress {
        outcome came = outcome::done;
        std::size_t bytes = 0; // read or written; none unless `done`
    };

    stream_layer() = default;
    stream_layer(const stream_layer&) = delete;
    stream_layer& operator=(const stream_layer&) = delete;
    virtual ~stream_layer() = default;

    // Once, before all else. `came_already`: what was read from the socket before there was a layer.
    virtual void
    attach(int descriptor, syscall_counts& counts, std::span<const char> came_already) = 0;
    // The connection and its socket have moved to another loop.
    virtual void moved_to(syscall_counts& counts) noexcept = 0;
    // Until it is `done`.
    virtual outcome handshake() = 0;
    virtual progress read(std::span<char> into) = 0;
    // `done`: the kernel has all of `bytes`. Until then the same bytes come again, in front of others:
    // they stay in their outbox, so that an outbox that is empty holds nothing back in its layer.
    virtual progress write(std::span<const char> from) = 0;
    // Says to the peer that this was all. REQUIRES: nothing waits to be written.
    virtual outcome finish() = 0;
    // Holds bytes that the socket will not announce again. They may be a part of something only.
    virtual bool holds_unread() const noexcept = 0;
    // Memory that is in use for what the peer sent or has not finished, beside what every idle
    // connection costs.
    virtual std::size_t held() const noexcept = 0;
    // What went wrong, in a sentence without its full stop; empty: nothing did.
    virtual std::string failure() const = 0;
};

} // namespace net
