#include "broker/embedded/listener.hpp"

#include "broker/net/socket.hpp"

#include <boost/system/errc.hpp>

#include <sys/epoll.h>
#include <unistd.h>

namespace embedded {
namespace {

constexpr int accepts_a_turn_max =
    256; // the rest waits: accepting must not starve who is connected
constexpr std::chrono::milliseconds rest_after_failure{100};

} // namespace

listener::listener(
    net::readiness_loop& loop, int descriptor, transport over, accept_handler& handler)
    : loop_(loop), handler_(handler), descriptor_(descriptor), over_(over)
{
    loop_.add(descriptor_, EPOLLIN, *this);
}

listener::~listener()
{
    loop_.remove(descriptor_, *this);
    ::close(descriptor_);
}

void listener::on_ready(std::uint32_t)
{
    for (int i = 0; i < accepts_a_turn_max; ++i) {
        const auto accepted = net::accept_one(descriptor_);
        if (accepted) {
            handler_.on_accepted(*accepted, over_);
            continue;
        }
        if (accepted.error() != boost::system::errc::operation_would_block) {
            // Out of descriptors, most likely: level-triggered, it would spin until one is closed.
            loop_.modify(descriptor_, 0, *this);
            loop_.timers().arm(*this, loop_.now() + rest_after_failure);
        }
        return;
    }
}

void listener::on_timer(net::time_point)
{
    loop_.modify(descriptor_, EPOLLIN, *this);
}

} // namespace embedded
