// A connection with a layer between it and its socket: the layer's handshake, and what it makes of
// readiness. A layer may hold bytes that the socket will not announce again, and may want to read in
// order to write and the other way round.

#include "broker/net/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>

namespace net {

namespace {

constexpr std::size_t record_bytes_max = 16 * 1024; // what one call of write() is given
constexpr int records_max = 16;                     // a turn; the rest waits for the next pass
constexpr std::size_t iovecs_max = 64;

using outcome = stream_layer::outcome;

// The front of an outbox in one piece: a record is encrypted as a whole.
std::span<const char> flattened(const outbox& from)
{
    thread_local std::array<char, record_bytes_max> record;
    std::array<iovec, iovecs_max> pieces;
    const std::size_t count = from.gather(pieces);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count && size < record.size(); ++i) {
        const std::size_t taken = std::min(record.size() - size, pieces[i].iov_len);
        std::memcpy(record.data() + size, pieces[i].iov_base, taken);
        size += taken;
    }
    return std::span{record}.first(size);
}

} // namespace

// Returns whether that was all there is to do. The loop's own call (0) stands for the bytes that the
// layer holds; while it is due, an event does not read as well: on_bytes is called once a turn.
bool connection::layer_is_ready(std::uint32_t epoll_events)
{
    const bool by_call = epoll_events == 0;
    const bool readable = by_call || (epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
    const bool writable = (epoll_events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    if (by_call) {
        called_again_ = false;
    }
    if (readable && write_wants_read_) {
        write_wants_read_ = false;
        writable_ = true;
        touch();
    }
    if (phase_ == phase::securing) {
        if (readable || writable) {
            secure();
        }
        return true;
    }
    const bool read_may_go_on = writable && read_wants_write_;
    read_wants_write_ = read_wants_write_ && !writable;
    if ((by_call || read_may_go_on || called_again_) && wants_bytes()) {
        if ((epoll_events & EPOLLOUT) != 0) {
            writable_ = true;
        }
        touch();
        if (!called_again_) {
            read_layer();
        }
        return true;
    }
    return by_call;
}

void connection::secure()
{
    read_wants_write_ = false;
    unread_ = false;
    switch (layer_->handshake()) {
    case outcome::done:
        phase_ = phase::open;
        writable_ = true;
        unread_ = layer_->holds_unread();
        on_connected();
        break;
    case outcome::wants_read: break;
    case outcome::wants_write: read_wants_write_ = true; break;
    case outcome::ended:
    case outcome::cut:
    case outcome::failed: close_with(EPROTO); break;
    }
    touch();
}

void connection::read_layer()
{
    const std::span<char> buffer = loop_.read_buffer();
    const auto into = buffer.first(std::min<std::size_t>(buffer.size(), read_quantum_));
    std::size_t filled = 0;
    auto came = outcome::done;
    while (came == outcome::done && filled < into.size()) {
        const auto read = layer_->read(into.subspan(filled));
        came = read.came;
        filled += read.bytes;
    }
    unread_ = came == outcome::done && layer_->holds_unread();
    read_wants_write_ = came == outcome::wants_write;
    touch();
    bytes_read_ += filled;
    if (filled > 0 && phase_ == phase::open) {
        on_bytes(into.first(filled));
    }
    if (layer_ != nullptr) { // else the socket was given away, and its next connection reads on
        layer_came_to(came);
    }
}

void connection::layer_came_to(outcome came)
{
    switch (came) {
    case outcome::done:
    case outcome::wants_read:
    case outcome::wants_write: break;
    case outcome::ended:
    case outcome::cut: peer_finished(); break;
    case outcome::failed: close_with(phase_ == phase::shut ? 0 : EPROTO); break;
    }
}

// Returns whether anything was written.
bool connection::write_layer()
{
    bool wrote = false;
    for (int i = 0; i < records_max && writable_ && !outbox_.empty(); ++i) {
        const auto written = layer_->write(flattened(outbox_));
        switch (written.came) {
        case outcome::done:
            outbox_.consume(written.bytes);
            wrote = true;
            break;
        case outcome::wants_read:
            writable_ = false;
            write_wants_read_ = true;
            break;
        case outcome::wants_write:
            writable_ = false; // B3, N23: the record stays in the outbox, which is not empty then
            break;
        case outcome::ended:
        case outcome::cut:
        case outcome::failed:
            writable_ = false;
            close_with(EPROTO);
            break;
        }
    }
    if (writable_ && !outbox_.empty()) {
        touch();
    }
    return wrote;
}

// Returns whether the peer knows, or will never know, that this was all.
bool connection::finish_layer()
{
    if (!writable_) {
        return false;
    }
    switch (layer_->finish()) {
    case outcome::wants_write: writable_ = false; return false;
    case outcome::wants_read:
        writable_ = false;
        write_wants_read_ = true;
        return false;
    case outcome::done:
    case outcome::ended:
    case outcome::cut:
    case outcome::failed: break;
    }
    return true;
}

} // namespace net
