#pragma once

// Addresses and sockets: the only place that calls socket(), bind(), listen(), connect().

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace net {

// host:port, [v6]:port or unix:PATH, as written in configuration.
struct address {
    std::string host; // empty for unix
    std::uint16_t port = 0;
    std::string path; // unix socket
    std::string text() const;
    bool is_unix() const noexcept { return !path.empty(); }
    bool is_loopback() const noexcept; // 127.0.0.0/8, ::1, localhost, unix
};
boost::system::result<address> parse_address(std::string_view text); // errors: error.hpp

// A resolved address, ready for connect().
struct socket_address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    std::string text() const;
};
// Blocking name lookup: not on a shard's thread. All addresses of the name.
boost::system::result<std::vector<socket_address>> resolve(const address& at);

enum class reuse_port : bool { no, yes };
// Whose the file of a unix socket is, before anybody can connect. Not set: as the process makes it.
struct file_access {
    std::optional<unsigned> mode, owner, group;
};
// Non-blocking listening socket (TCP_NODELAY set, accepted ones inherit it); a unix path left by a
// dead process is removed first. Port 0 picks one. Looks a host's name up: not on a shard's thread.
// With a `file.mode` no other thread may make files meanwhile: the umask is the process's.
boost::system::result<int>
listen_on(const address& at, reuse_port reuse, const file_access& file = {});
boost::system::result<address> local_address(int descriptor);
boost::system::result<std::string> peer_address(int descriptor); // "127.0.0.1:40112", "unix"

// Non-blocking connect (TCP_NODELAY set); the descriptor becomes writable when it is decided.
boost::system::result<int> start_connect(const socket_address& to);
// The kernel takes no more than `bytes` that are not on their way yet; the rest stays in the outbox,
// where it is counted. 0: as much as the system allows. Of a listener: accepted ones inherit it.
void bound_unsent(int descriptor, int bytes) noexcept;

// A peer that vanished without a word is noticed after about two minutes of silence: connections of
// both directions have TCP keep-alive (accepted ones by their listener).

// Accepts one; would_block when there is none. Non-blocking, close-on-exec, TCP_NODELAY by the
// listener's.
boost::system::result<int> accept_one(int listener);

} // namespace net
