#include "control/api/admin_listener.hpp"

#include "control/api/server.hpp"

#include <charconv>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace control {

namespace {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

constexpr std::string_view unix_prefix = "unix:";

struct tcp_address {
    std::string host;
    std::uint16_t port = 0;
};

std::optional<tcp_address> tcp_address_from(std::string_view bind)
{
    const auto colon = bind.rfind(':');
    tcp_address out;
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    auto host = bind.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    const auto digits = bind.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    out.host = host;
    return error == std::errc{} && end == digits.data() + digits.size() ? std::optional(out)
                                                                        : std::nullopt;
}

} // namespace

bool reachable_from_here_only(const std::string& bind)
{
    if (bind.starts_with(unix_prefix)) {
        return true;
    }
    const auto address = tcp_address_from(bind);
    error_code error;
    const auto ip = asio::ip::make_address(address ? address->host : "", error);
    return address && (address->host == "localhost" || (!error && ip.is_loopback()));
}

// The peer as the audit line names it: an address, or on a unix socket the user (SO_PEERCRED).
std::string peer_of(admin_listener::socket& socket)
{
    ucred who{};
    socklen_t size = sizeof who;
    error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (!error &&
        (remote.protocol().family() == AF_INET || remote.protocol().family() == AF_INET6)) {
        asio::ip::tcp::endpoint address;
        address.resize(remote.size());
        std::memcpy(address.data(), remote.data(), remote.size());
        const auto host = address.address().to_string();
        return (address.address().is_v6() ? "[" + host + "]" : host) + ":" +
               std::to_string(address.port());
    }
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) {
        return "unix uid=" + std::to_string(who.uid);
    }
    return "unix";
}

std::optional<std::string> admin_listener::open(
    const std::string& bind, std::optional<unsigned> mode, std::optional<unsigned> group)
{
    if (bind.starts_with(unix_prefix)) {
        return open_local(bind.substr(unix_prefix.size()), mode, group);
    }
    const auto address = tcp_address_from(bind);
    return address ? open_tcp(address->host, address->port)
                   : std::optional<std::string>("expected HOST:PORT or unix:PATH");
}

std::optional<std::string>
admin_listener::open_tcp(const std::string& host, std::uint16_t port_wanted)
{
    error_code error;
    const auto ip = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
    const asio::ip::tcp::endpoint where(ip, port_wanted);
    if (!error) {
        tcp.open(where.protocol(), error);
    }
    if (!error) {
        tcp.set_option(asio::socket_base::reuse_address(true), error);
        tcp.bind(where, error);
    }
    if (!error) {
        tcp.listen(asio::socket_base::max_listen_connections, error);
    }
    return error ? std::optional(error.message()) : std::nullopt;
}

std::optional<std::string> admin_listener::open_local(
    const std::string& path, std::optional<unsigned> mode, std::optional<unsigned> group)
{
    error_code error;
    asio::local::stream_protocol::endpoint where;
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
        return "the path of a unix socket has 1 to " +
               std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes";
    }
    where.path(path);
    // A socket that a process left behind is taken over; one that somebody answers on is not.
    asio::local::stream_protocol::socket probe(local.get_executor());
    error_code nobody;
    probe.connect(where, nobody);
    if (!nobody) {
        return "in use";
    }
    struct stat what{};
    if (::stat(path.c_str(), &what) == 0 && S_ISSOCK(what.st_mode)) {
        ::unlink(path.c_str());
    }
    local.open({}, error);
    if (!error) {
        const auto before = ::umask(0117);
        local.bind(where, error);
        ::umask(before);
    }
    if (!error) {
        owned_path_ = path;
        const bool changed =
            (!group || ::chown(path.c_str(), static_cast<uid_t>(-1), *group) == 0) &&
            (!mode || ::chmod(path.c_str(), *mode) == 0);
        if (!changed) {
            return "mode or group of the file: " + std::string(std::strerror(errno));
        }
        local.listen(asio::socket_base::max_listen_connections, error);
    }
    return error ? std::optional(error.message()) : std::nullopt;
}

void admin_listener::close()
{
    error_code ignored;
    tcp.close(ignored);
    local.close(ignored);
    if (!owned_path_.empty()) {
        ::unlink(owned_path_.c_str());
        owned_path_.clear();
    }
}

std::uint16_t admin_listener::port() const
{
    error_code error;
    const auto where = tcp.local_endpoint(error);
    return error ? std::uint16_t{0} : where.port();
}

} // namespace control
