#pragma once

// Clients that get back what they say, or are sent away at once: by SockJS over HTTP, by SockJS over
// WebSocket, and by WebSocket alone.
//
// Threading:  one loop's thread.
// Lifetime:   owned by the echo_server, until gone().

#include "broker/net/connection.hpp"
#include "gateway/transports/sockjs/hub.hpp"
#include "gateway/transports/sockjs/websocket_wire.hpp"
#include "gateway/transports/sockjs/xhr_wire.hpp"

#include <memory>
#include <string>

namespace sockjs_echo {

enum class manner : bool { echo, close };

class echo_client : public net::connection {
public:
    using connection::connection;
    bool gone() const noexcept { return gone_; }

protected:
    void on_closed(boost::system::error_code) override { gone_ = true; }

private:
    bool gone_ = false;
};

// SockJS over HTTP.
class carried_client final : public echo_client {
public:
    carried_client(net::readiness_loop& loop, gateway::sockjs::session& over, manner how);

private:
    void on_bytes(std::span<char> bytes) override;
    void on_carried_turn() override { wire_.on_turn(); }
    void on_closed(boost::system::error_code reason) override;

    gateway::sockjs::xhr_wire wire_;
};

// A WebSocket, with SockJS's frames or without.
class socket_client final : public echo_client {
public:
    enum class framing : bool { none, sockjs };
    socket_client(net::readiness_loop& loop, net::loose_socket socket, framing as, manner how);
    // What was read already.
    void begin(std::string bytes) { on_bytes({bytes.data(), bytes.size()}); }

private:
    void on_bytes(std::span<char> bytes) override;
    void on_written() override;
    void greet();
    void echo(std::span<char> bytes);
    void echo_plain(std::span<char> bytes);
    void say_go_away();

    std::unique_ptr<gateway::sockjs::websocket_wire> wire_; // null: no frames
    websocket::decoder decoder_{websocket::role::server};
    websocket::upgrade_policy policy_;
    std::string so_far_, message_;
    manner how_;
    bool open_ = false;
};

} // namespace sockjs_echo
