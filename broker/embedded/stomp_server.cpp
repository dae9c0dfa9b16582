#include "broker/embedded/stomp_server.hpp"

#include "broker/embedded/status_connection.hpp"
#include "broker/embedded/stomp_connection.hpp"
#include "broker/embedded/websocket_connection.hpp"

#include <unistd.h>

namespace embedded {

stomp_server::stomp_server(net::readiness_loop& loop, broker_core& core) : loop_(loop), core_(core)
{
}

stomp_server::~stomp_server() = default;

boost::system::result<net::address> stomp_server::listen(const net::address& at, transport over)
{
    const auto descriptor = net::listen_on(at, net::reuse_port::no);
    if (!descriptor) {
        return descriptor.error();
    }
    listeners_.push_back(std::make_unique<listener>(loop_, *descriptor, over, *this));
    if (const auto failed = listeners_.back()->failed()) {
        return failed;
    }
    return net::local_address(*descriptor);
}

void stomp_server::stop()
{
    listeners_.clear();
    for (const auto& [number, connection] : connections_) {
        connection->close_now();
    }
}

void stomp_server::on_accepted(int descriptor, transport over)
{
    if (connections_.size() >= core_.options().connections_max) {
        ::close(descriptor);
        return;
    }
    std::unique_ptr<net::connection> made;
    switch (over) {
    case transport::stomp: made = std::make_unique<stomp_connection>(*this, descriptor); break;
    case transport::websocket:
        made = std::make_unique<websocket_connection>(*this, descriptor);
        break;
    case transport::status: {
        auto one = std::make_unique<status_connection>(*this, descriptor);
        if (asking_.size() >= status_connections_max) {
            asking_.front()->close_now();
            asking_.pop_front();
        }
        asking_.push_back(one.get());
        made = std::move(one);
        break;
    }
    }
    if (stalled_ && over != transport::status) {
        made->pause_reading();
    }
    numbers_.emplace(made.get(), ++last_connection_);
    connections_.add(last_connection_, std::move(made));
}

void stomp_server::forget(net::connection& gone)
{
    std::erase_if(asking_, [&](const net::connection* one) { return one == &gone; });
    if (const auto at = numbers_.find(&gone); at != numbers_.end()) {
        const std::uint64_t number = at->second;
        numbers_.erase(at);
        connections_.erase(number);
    }
}

void stomp_server::after_frame()
{
    const chaos_options& chaos = core_.options().chaos;
    const std::uint64_t sent = core_.stats().clients.sent;
    if (chaos.die_after != 0 && sent >= chaos.die_after) {
        ::_exit(137); // as if killed: nothing is flushed, nothing is said
    }
    if (chaos.stall_after != 0 && sent >= chaos.stall_after && !stalled_) {
        stall();
    }
}

void stomp_server::stall()
{
    stalled_ = true;
    for (const auto& [number, connection] : connections_) {
        if (auto* one = dynamic_cast<stomp_connection*>(connection.get())) {
            one->stall();
        }
    }
}

} // namespace embedded
