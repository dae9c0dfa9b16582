#pragma once

// Driver of broker_core: listeners and connections on one readiness loop.
//
// Threading:  the loop's thread.
// Lifetime:   owns listeners and connections; loop and core must outlive it. Destroy it when the
//             loop is at rest.

#include "broker/embedded/broker_core.hpp"
#include "broker/embedded/listener.hpp"
#include "broker/net/connection.hpp"
#include "broker/net/hash_map.hpp"
#include "broker/net/numbered_table.hpp"
#include "broker/net/socket.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace embedded {

class status_connection;
class stomp_connection;

// Open connections at the status port. When there are more, the oldest is closed.
inline constexpr std::size_t status_connections_max = 64;

class stomp_server final : public accept_handler {
public:
    stomp_server(net::readiness_loop& loop, broker_core& core);
    stomp_server(const stomp_server&) = delete;
    stomp_server& operator=(const stomp_server&) = delete;
    ~stomp_server();

    // Answers the address that is really listened on (port 0 picks one).
    boost::system::result<net::address> listen(const net::address& at, transport over);
    // Stops accepting and cuts every connection.
    void stop();

    net::readiness_loop& loop() noexcept { return loop_; }
    broker_core& core() noexcept { return core_; }
    std::size_t connections() const noexcept { return connections_.size(); }

    // For connections: the planted faults that concern all of them, after each frame.
    void after_frame();
    bool stalled() const noexcept { return stalled_; }
    // For connections: this one is closed; destroys it.
    void forget(net::connection& gone);
    // Reused by whoever parses: a frame is done with before the next is parsed.
    stomp::frame_view& scratch() noexcept { return scratch_; }

private:
    void on_accepted(int descriptor, transport over) override;
    void stall();

    net::readiness_loop& loop_;
    broker_core& core_;
    std::vector<std::unique_ptr<listener>> listeners_;
    net::numbered_table<net::connection> connections_;
    net::hash_map<const net::connection*, std::uint64_t> numbers_; // in connections_
    std::uint64_t last_connection_ = 0;
    stomp::frame_view scratch_;
    std::deque<status_connection*> asking_; // of the status port, oldest first
    bool stalled_ = false;
};

} // namespace embedded
