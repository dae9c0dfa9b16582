#pragma once

// The address on which the admin API listens: one TCP address or one unix socket. Both give the
// same type of socket.
//
// Threading:  control thread.
// Invariants:
// (1) The file of a unix socket has mode 0660 from its first moment, and its own mode and group before
//     anybody can connect. Only the process that bound it removes it.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace control {

struct admin_listener {
    using socket = boost::asio::generic::stream_protocol::socket;

    explicit admin_listener(boost::asio::io_context& context) : tcp(context), local(context) {}

    // HOST:PORT or unix:PATH; the string says what is wrong.
    std::optional<std::string> open(
        const std::string& bind, std::optional<unsigned> mode = {},
        std::optional<unsigned> group = {});
    void close();
    std::uint16_t port() const; // 0 on a unix socket

    // The one that open() opened is open.
    boost::asio::ip::tcp::acceptor tcp;
    boost::asio::local::stream_protocol::acceptor local;

private:
    std::optional<std::string> open_tcp(const std::string& host, std::uint16_t port_wanted);
    std::optional<std::string> open_local(
        const std::string& path, std::optional<unsigned> mode, std::optional<unsigned> group);
    std::string owned_path_;
};

// The peer as the audit line names it: an address, or on a unix socket the user (SO_PEERCRED).
std::string peer_of(admin_listener::socket& socket);

} // namespace control
