#pragma once

// One stream socket on a readiness loop: reads into the loop's buffer, writes its outbox with one writev a turn.
// Base of every connection: clients, links to brokers, the embedded broker's, the load generator's.
//
// Threading:  one loop's thread.
// Lifetime:   owned by a table of its owner; on_closed is the last call it makes, after which the owner destroys it
//             (never from inside on_bytes: closing is deferred to the end of the turn).
// Limits:     one call of on_bytes gets at most 16 KiB a turn (set_read_quantum).

#include "broker/net/outbox.hpp"
#include "broker/net/readiness_loop.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace net {

class connection : public ready_handler, public flushable {
public:
    // Takes ownership of a non-blocking descriptor. connecting: a connect() is under way; on_connected comes first.
    enum class origin : std::uint8_t { accepted, connecting };
    connection(readiness_loop& loop, int descriptor, origin from);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    virtual ~connection();

    outbox& out() noexcept { return outbox_; }
    const outbox& out() const noexcept { return outbox_; }
    // Appends were made: flush at the end of this turn.
    void touch() noexcept { loop_.mark_dirty(*this); }

    void pause_reading();
    void resume_reading();
    bool reading() const noexcept { return reading_; }

    // Writes what is queued, then shuts down for writing, then waits for the peer's FIN or `linger`; then on_closed.
    void close_after_flush(duration linger = std::chrono::seconds{2});
    // Closes at the end of this turn; what is queued is dropped.
    void close_now();
    bool closing() const noexcept { return phase_ >= phase::flushing; }

    // Bytes that the kernel still holds unsent (SIOCOUTQ), or 0.
    std::size_t kernel_unsent() const noexcept;
    int descriptor() const noexcept { return descriptor_; }
    readiness_loop& loop() noexcept { return loop_; }
    // Bytes read and written so far: "time without progress" is watched on these.
    std::uint64_t bytes_read() const noexcept { return bytes_read_; }
    std::uint64_t bytes_written() const noexcept { return outbox_.written(); }

protected:
    virtual void on_connected() {}
    // `bytes` may be changed in place (unmasking); it is reused after the call.
    virtual void on_bytes(std::span<char> bytes) = 0;
    virtual void on_written() {}             // after a flush that wrote something
    virtual void on_peer_fin() { close_after_flush(); }
    // Last call. `reason` is success when this side closed.
    virtual void on_closed(boost::system::error_code reason) = 0;
    void set_read_quantum(std::size_t bytes) noexcept { read_quantum_ = bytes; }

private:
    enum class phase : std::uint8_t { connecting, open, flushing, shut, closed };
    void on_ready(std::uint32_t epoll_events) final;
    void flush() final;
    void update_interest();
    struct linger_timer;

    readiness_loop& loop_;
    outbox outbox_;
    std::uint64_t bytes_read_ = 0;
    std::unique_ptr<linger_timer> linger_; // only while shutting down
    int descriptor_;
    std::uint32_t interest_ = 0;
    std::uint32_t read_quantum_ = 16 * 1024;
    phase phase_;
    bool reading_ = true;
};

} // namespace net
