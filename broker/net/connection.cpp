#include "broker/net/connection.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace net {

namespace {

constexpr std::size_t iovecs_max = 64;
constexpr int writes_max = 4;          // of 64 iovecs each; the rest waits for the next pass
constexpr int linger_periods_max = 16; // for a peer that takes its queue slowly

} // namespace

// Bounds the time that closing takes.
struct connection::linger_timer final : timer {
    linger_timer(connection& owner_, duration period_) : owner(owner_), period(period_)
    {
        restart();
    }
    void restart()
    {
        written = owner.bytes_written();
        owner.loop_.timers().arm(*this, owner.loop_.now() + period);
    }
    void on_timer(time_point) override
    {
        if (owner.phase_ != phase::flushing) {
            owner.close_with(0);
        } else if (owner.bytes_written() == written || --periods_left == 0) {
            owner.close_with(ETIMEDOUT);
        } else {
            restart();
        }
    }

    connection& owner;
    duration period;
    std::uint64_t written = 0;
    int periods_left = linger_periods_max;
};

connection::connection(readiness_loop& loop, int descriptor, origin from)
    : loop_(loop), descriptor_(descriptor),
      phase_(from == origin::connecting ? phase::connecting : phase::open),
      writable_(from == origin::accepted)
{
    BOOST_ASSERT(descriptor >= 0);
    update_interest();
}

connection::connection(readiness_loop& loop, loose_socket socket)
    : loop_(loop), layer_(std::move(socket.layer_)),
      descriptor_(std::exchange(socket.descriptor_, closed_socket)), phase_(phase::open),
      writable_(true)
{
    BOOST_ASSERT(descriptor_ >= 0);
    if (layer_ != nullptr) {
        layer_->moved_to(loop_.syscalls());
        unread_ = true; // it may hold bytes, or know an end, that the socket will not announce again
    }
    update_interest();
}

connection::connection(readiness_loop& loop)
    : loop_(loop), descriptor_(no_socket), phase_(phase::open), writable_(false)
{
}

connection::~connection()
{
    if (descriptor_ >= 0) {
        if (registered_) {
            loop_.remove(descriptor_, *this);
        }
        ++loop_.syscalls().close;
        ::close(descriptor_);
    }
    if (called_again_) {
        loop_.forget(*this);
    }
}

void connection::wrap(std::unique_ptr<stream_layer> layer, std::span<const char> came_already)
{
    BOOST_ASSERT_MSG(layer_ == nullptr && outbox_.empty(), "a stream is wrapped from its begin");
    layer_ = std::move(layer);
    layer_->attach(descriptor_, loop_.syscalls(), came_already);
    if (phase_ == phase::open) {
        phase_ = phase::securing;
        touch();
        if (!came_already.empty()) {
            secure();
        }
    }
}

void connection::pause_reading()
{
    reading_ = false;
    touch(); // the epoll set learns of it at the end of the turn, if it still holds then
}

void connection::resume_reading()
{
    reading_ = true;
    touch();
}

void connection::close_after_flush(duration linger)
{
    if (phase_ == phase::connecting || phase_ == phase::securing) {
        close_now();
    } else if (phase_ == phase::open) {
        phase_ = phase::flushing;
        linger_ = std::make_unique<linger_timer>(*this, linger);
        touch();
    }
}

void connection::close_now()
{
    close_with(0);
}

std::size_t connection::kernel_unsent() const noexcept
{
    int unsent = 0;
    if (descriptor_ < 0 || ::ioctl(descriptor_, SIOCOUTQ, &unsent) != 0 || unsent < 0) {
        return 0;
    }
    return static_cast<std::size_t>(unsent);
}

// The first reason stays. on_closed comes from flush(), when nothing of this object is on the
// stack.
void connection::close_with(int error)
{
    if (phase_ != phase::closed) {
        phase_ = phase::closed;
        error_ = error;
        touch();
    }
}

int connection::socket_error() const noexcept
{
    int error = 0;
    socklen_t size = sizeof(error);
    return ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

bool connection::wants_bytes() const noexcept
{
    switch (phase_) {
    case phase::open: return reading_ && !fin_seen_;
    case phase::flushing: // a pause ends with closing: the FIN must be seen
    case phase::shut: return !fin_seen_;
    case phase::securing: return !read_wants_write_;
    case phase::connecting:
    case phase::closed: break;
    }
    return false;
}

bool connection::leaves_unread() const
{
    return phase_ == phase::open && !reading_ && !fin_seen_ && !unread_matters();
}

void connection::on_ready(std::uint32_t epoll_events)
{
    if (phase_ == phase::connecting) {
        connect_decided();
        return;
    }
    if (phase_ == phase::closed) {
        called_again_ = called_again_ && epoll_events != 0;
        return;
    }
    if (layer_ != nullptr && layer_is_ready(epoll_events)) {
        return;
    }
    if ((epoll_events & EPOLLOUT) != 0) {
        writable_ = true;
        touch();
    }
    if (wants_bytes()) {
        if ((epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            read_some();
        }
    } else if ((epoll_events & EPOLLERR) != 0) {
        close_with(socket_error());
    } else if ((epoll_events & (EPOLLRDHUP | EPOLLHUP)) != 0 && leaves_unread()) {
        peer_finished();
    } else if ((epoll_events & EPOLLHUP) != 0) {
        // The peer is gone, and bytes of it may lie in a socket that is not read now. HUP cannot be
        // masked, so the epoll set gets the descriptor back when reading goes on; what is queued
        // fails with EPIPE in flush().
        loop_.remove(descriptor_, *this);
        registered_ = false;
        writable_ = true;
        touch();
    }
}

void connection::connect_decided()
{
    if (const int error = socket_error(); error != 0) {
        close_with(error);
        return;
    }
    writable_ = true;
    touch();
    if (layer_ != nullptr) {
        phase_ = phase::securing;
        secure();
    } else {
        phase_ = phase::open;
        on_connected();
    }
}

void connection::read_some()
{
    if (layer_ != nullptr) {
        read_layer();
        return;
    }
    const std::span<char> buffer = loop_.read_buffer();
    const std::size_t wanted = std::min<std::size_t>(buffer.size(), read_quantum_);
    ++loop_.syscalls().recv;
    const ssize_t count = ::recv(descriptor_, buffer.data(), wanted, 0);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            // After our FIN all is said: how the peer goes does not matter.
            close_with(phase_ == phase::shut ? 0 : errno);
        }
        return;
    }
    if (count == 0) {
        peer_finished();
        return;
    }
    bytes_read_ += static_cast<std::uint64_t>(count);
    if (phase_ == phase::open) {
        on_bytes(buffer.first(static_cast<std::size_t>(count)));
    }
}

void connection::peer_finished()
{
    fin_seen_ = true;
    touch(); // EOF stays readable: it must leave the epoll set
    if (phase_ == phase::shut) {
        close_with(0);
    } else if (phase_ == phase::open) {
        on_peer_fin();
    }
}

// Returns whether anything was written.
bool connection::write_some()
{
    if (layer_ != nullptr) {
        return write_layer();
    }
    std::array<iovec, iovecs_max> pieces;
    bool wrote = false;
    for (int i = 0; i < writes_max && writable_ && !outbox_.empty(); ++i) {
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = outbox_.gather(pieces);
        std::size_t gathered = 0;
        for (std::size_t j = 0; j < message.msg_iovlen; ++j) {
            gathered += pieces[j].iov_len;
        }
        ++loop_.syscalls().send;
        const ssize_t count =
            ::sendmsg(descriptor_, &message, MSG_NOSIGNAL); // writev raises SIGPIPE
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno != EAGAIN) {
                close_with(errno);
            }
            writable_ = false;
            break;
        }
        outbox_.consume(static_cast<std::size_t>(count));
        wrote = wrote || count > 0;
        writable_ = static_cast<std::size_t>(count) == gathered; // less: the socket is full
    }
    if (writable_ && !outbox_.empty()) {
        touch();
    }
    return wrote;
}

void connection::shut_down()
{
    if (layer_ != nullptr && !finish_layer()) {
        return;
    }
    phase_ = phase::shut;
    if (carried() || ::shutdown(descriptor_, SHUT_WR) != 0 || fin_seen_) {
        close_with(0);
    } else {
        linger_->restart();
    }
}

void connection::flush()
{
    if (phase_ == phase::closed) {
        if (descriptor_ == closed_socket) {
            return; // on_closed was called, or the socket was given away
        }
        if (registered_) {
            loop_.remove(descriptor_, *this);
            registered_ = false;
        }
        if (!carried()) {
            ++loop_.syscalls().close;
            ::close(descriptor_);
        }
        descriptor_ = closed_socket;
        linger_.reset();
        // The owner may destroy this object now.
        on_closed({error_, boost::system::system_category()});
        return;
    }
    const bool wrote = phase_ != phase::connecting && phase_ != phase::securing && write_some();
    if (phase_ == phase::flushing && outbox_.empty()) {
        shut_down();
    }
    if (carried()) {
        on_carried_turn();
    } else if (phase_ != phase::closed) {
        update_interest();
    }
    if (wrote) {
        on_written();
    }
}

void connection::update_interest()
{
    const bool waits_to_write =
        phase_ == phase::connecting || read_wants_write_ ||
        (!writable_ && !write_wants_read_ && (!outbox_.empty() || phase_ == phase::flushing));
    const std::uint32_t wanted =
        (wants_bytes() || write_wants_read_ ? std::uint32_t{EPOLLIN} : 0U) |
        (leaves_unread() ? std::uint32_t{EPOLLRDHUP} : 0U) |
        (waits_to_write ? std::uint32_t{EPOLLOUT} : 0U);
    if (unread_ && !called_again_ && wants_bytes()) {
        called_again_ = true;
        loop_.call_again(*this);
    }
    if (registered_ ? wanted == interest_ : wanted == 0) { // unregistered: hung up while paused
        return;
    }
    if (registered_) {
        loop_.modify(descriptor_, wanted, *this);
    } else if (const auto failed = loop_.add(descriptor_, wanted, *this)) {
        close_with(failed.value());
        return;
    }
    registered_ = true;
    interest_ = wanted;
}

} // namespace net
