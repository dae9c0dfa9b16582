#pragma once

// One stream socket on a readiness loop. It reads into the loop's buffer and writes its outbox with
// one writev a turn. It is the base class of every connection: of clients, of links to brokers, of
// the embedded broker and of the load generator.
//
// Threading:  one loop's thread.
// Lifetime:   owned by a table of its owner. on_closed is the last call that it makes. The owner
//             destroys it after that call, and never from inside on_bytes: closing is deferred to
//             the end of the turn.
// Limits:     on_bytes is called at most once a turn, with at most 16 KiB (set_read_quantum).
//
// wrap() puts a layer (TLS) between it and its socket. All else stays as it is: bytes come and go by
// the same calls, in the same turns and within the same limits.
//
// A carried connection has no socket of its own: its bytes come and go inside other connections'
// (SockJS over HTTP). To who derives from it nothing else is different.

#include "broker/net/outbox.hpp"
#include "broker/net/readiness_loop.hpp"
#include "broker/net/stream_layer.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace net {

// A connection's socket without its connection, with the layer that was between them: on its way to
// another one, maybe on another thread.
class loose_socket {
public:
    explicit loose_socket(int descriptor, std::unique_ptr<stream_layer> layer = {}) noexcept
        : layer_(std::move(layer)), descriptor_(descriptor)
    {
    }
    loose_socket(loose_socket&& other) noexcept
        : layer_(std::move(other.layer_)), descriptor_(std::exchange(other.descriptor_, -1))
    {
    }
    loose_socket& operator=(loose_socket&& other) noexcept
    {
        std::swap(layer_, other.layer_);
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~loose_socket();

private:
    friend class connection;
    std::unique_ptr<stream_layer> layer_; // whose handshake is done; null: there is none
    int descriptor_;
};

class connection : public ready_handler, public flushable {
public:
    static constexpr std::size_t read_quantum_max = 16 * 1024;

    // Takes ownership of a non-blocking descriptor. connecting: a connect() is under way;
    // on_connected is called first.
    enum class origin : std::uint8_t { accepted, connecting };
    connection(readiness_loop& loop, int descriptor, origin from);
    // Goes on with a socket that another connection gave away, or with one that was accepted.
    connection(readiness_loop& loop, loose_socket socket);
    explicit connection(readiness_loop& loop); // carried
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    virtual ~connection();

    // From now on the socket's bytes are the layer's; `came_already`: what was read of them. Until its
    // handshake is over nothing is read or written, and closing is close_now. Then on_connected is
    // called, of an accepted connection too. The handshake's first step is made at once where its bytes
    // are there. REQUIRES: nothing was queued; once.
    void wrap(std::unique_ptr<stream_layer> layer, std::span<const char> came_already = {});
    bool wrapped() const noexcept { return layer_ != nullptr; }
    // Why the layer failed, or how the peer broke it off; empty: it did not.
    std::string layer_failure() const { return layer_ ? layer_->failure() : std::string{}; }
    // See stream_layer::held.
    std::size_t layer_held() const noexcept { return layer_ ? layer_->held() : 0; }

    outbox& out() noexcept { return outbox_; }
    const outbox& out() const noexcept { return outbox_; }
    // Appends were made: flush at the end of this turn.
    void touch() noexcept { loop_.mark_dirty(*this); }

    void pause_reading();
    void resume_reading();
    bool reading() const noexcept { return reading_; }
    // The socket took all that was given to it so far.
    bool flowing() const noexcept { return carried() ? outbox_.empty() : writable_; }

    // ---- of a carried connection, by who carries
    bool carried() const noexcept { return descriptor_ == no_socket; }
    void carry_in(std::span<char> bytes); // REQUIRES: reading()
    void carry_fin();                     // no more will come
    void carry_out(std::size_t count);    // the first bytes of the outbox were taken

    // Gives the socket away; this object is not called any more. Bytes that were read are the
    // caller's. REQUIRES: not carried, not connecting, nothing is queued.
    loose_socket release() noexcept;

    // Writes what is queued, then shuts down for writing, then waits for the peer's FIN or
    // `linger`; then on_closed. What comes in is discarded. A peer that takes none of the queue for
    // `linger`, or not all of it within 16 times that, is cut off (timed_out). While connecting it
    // is close_now.
    void close_after_flush(duration linger = std::chrono::seconds{2});
    // Closes at the end of this turn; what is queued is not written.
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
    virtual void on_connected() {} // connect() is decided, the layer's handshake is done
    // `bytes` may be changed in place (unmasking); it is reused after the call.
    virtual void on_bytes(std::span<char> bytes) = 0;
    // False: who has finished sending is gone, although bytes of it that are not read now may lie in
    // the socket.
    virtual bool unread_matters() const { return true; }
    virtual void on_written() {} // after a flush that wrote something
    virtual void on_peer_fin() { close_after_flush(); }
    // Last call; the object may be destroyed in it. `reason` is success when this side closed and
    // all was written.
    virtual void on_closed(boost::system::error_code reason) = 0;
    // In on_closed: the layer is not needed any more, although this object is.
    void drop_layer() noexcept { layer_.reset(); }
    // Carried: the end of a turn in which something was appended, or reading or closing changed.
    virtual void on_carried_turn() {}
    void set_read_quantum(std::size_t bytes) noexcept
    {
        read_quantum_ = static_cast<std::uint32_t>(bytes);
    }

private:
    enum class phase : std::uint8_t {
        connecting, // connect() is not decided yet
        securing,   // the layer's handshake
        open,
        flushing, // close_after_flush: the rest of the outbox is on its way
        shut,     // FIN sent, the peer's is awaited
        closed,   // on_closed is due at the end of the turn, or was called
    };
    struct linger_timer;
    static constexpr int closed_socket = -1, no_socket = -2;

    void on_ready(std::uint32_t epoll_events) final;
    void flush() final;
    bool wants_bytes() const noexcept;
    bool leaves_unread() const;
    void connect_decided();
    void read_some();
    // ---- with a layer (connection_layer.cpp)
    bool layer_is_ready(std::uint32_t epoll_events);
    void secure();
    void read_layer();
    void layer_came_to(stream_layer::outcome came);
    bool write_layer();
    bool finish_layer();
    void peer_finished();
    bool write_some();
    void shut_down();
    void update_interest();
    void close_with(int error);
    int socket_error() const noexcept;

    readiness_loop& loop_;
    outbox outbox_;
    std::uint64_t bytes_read_ = 0;
    std::unique_ptr<linger_timer> linger_; // only while shutting down
    std::unique_ptr<stream_layer> layer_;  // null: the socket itself
    int descriptor_;
    int error_ = 0; // errno that on_closed will report
    std::uint32_t interest_ = 0;
    std::uint32_t read_quantum_ = read_quantum_max;
    phase phase_;
    bool registered_ : 1 = false; // in the epoll set
    bool reading_ : 1 = true;
    bool writable_ : 1; // false from a full socket buffer to EPOLLOUT
    bool fin_seen_ : 1 = false;
    // The layer's: it holds bytes that no event announces, and the loop will call again for them;
    // what it was to do waits for the socket's other direction.
    bool unread_ : 1 = false, called_again_ : 1 = false;
    bool read_wants_write_ : 1 = false, write_wants_read_ : 1 = false;
};

// Two tables of virtual functions, the hook of the dirty list, the outbox's three words; no buffer.
static_assert(sizeof(connection) <= 112);

} // namespace net
