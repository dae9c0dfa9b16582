#include "broker/net/acceptor.hpp"

#include "broker/net/socket.hpp"

#include <boost/system/errc.hpp>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net {

acceptor::acceptor(readiness_loop& loop, int descriptor, int burst, accept_handler& handler)
    : loop_(loop), handler_(handler), failed_(loop.add(descriptor, EPOLLIN, *this)),
      descriptor_(descriptor), burst_(burst)
{
}

acceptor::~acceptor()
{
    leave();
}

void acceptor::on_ready(std::uint32_t)
{
    for (int i = 0; i < burst_; ++i) {
        const auto accepted = accept_one(descriptor_);
        ++loop_.syscalls().accept;
        if (accepted) {
            handler_.on_accepted(*accepted);
            continue;
        }
        if (accepted.error() != boost::system::errc::operation_would_block) {
            loop_.modify(descriptor_, 0, *this);
            loop_.timers().arm(*this, loop_.now() + rest);
            handler_.on_accept_failed(accepted.error());
        }
        return;
    }
}

void acceptor::on_timer(time_point)
{
    loop_.modify(descriptor_, EPOLLIN, *this);
}

// No more than the kernel's queue holds: it does not wait for connections that keep arriving.
void acceptor::close()
{
    for (int i = 0; descriptor_ >= 0 && i < SOMAXCONN; ++i) {
        const auto accepted = accept_one(descriptor_);
        if (!accepted) {
            break;
        }
        handler_.on_accepted(*accepted);
    }
    leave();
}

void acceptor::leave()
{
    if (descriptor_ >= 0) {
        cancel();
        loop_.remove(descriptor_, *this);
        ::close(descriptor_);
        descriptor_ = -1;
    }
}

} // namespace net
