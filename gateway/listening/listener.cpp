#include "gateway/listening/listener.hpp"

namespace gateway {

namespace {

constexpr std::chrono::minutes told_every{1};

} // namespace

listener::listener(
    net::readiness_loop& loop, int descriptor, std::size_t index, listener_owner& owner)
    : loop_(loop), owner_(owner), index_(index), acceptor_(loop, descriptor, burst, *this)
{
}

void listener::on_accept_failed(boost::system::error_code why)
{
    const auto now = loop_.now();
    const bool tell = told_ == net::time_point{} || now >= told_ + told_every;
    if (tell) {
        told_ = now;
    }
    owner_.accept_failed(index_, why, tell);
}

} // namespace gateway
