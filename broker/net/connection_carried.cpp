// Sockets that are given away, and connections without one: their bytes come and go inside other
// connections' (SockJS over HTTP).

#include "broker/net/connection.hpp"

#include <boost/assert.hpp>

#include <unistd.h>
#include <utility>

namespace net {

loose_socket::~loose_socket()
{
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

loose_socket connection::release() noexcept
{
    BOOST_ASSERT(descriptor_ >= 0 && phase_ == phase::open && outbox_.empty());
    if (registered_) {
        loop_.remove(descriptor_, *this);
        registered_ = false;
    }
    phase_ = phase::closed;
    return loose_socket{std::exchange(descriptor_, closed_socket), std::move(layer_)};
}

void connection::carry_in(std::span<char> bytes)
{
    BOOST_ASSERT(carried() && reading_);
    bytes_read_ += bytes.size();
    if (phase_ == phase::open) {
        on_bytes(bytes);
    }
}

void connection::carry_fin()
{
    if (!fin_seen_ && phase_ != phase::closed) {
        peer_finished();
    }
}

void connection::carry_out(std::size_t count)
{
    outbox_.consume(count);
    touch();
    on_written();
}

} // namespace net
