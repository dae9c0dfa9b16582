#include "broker/net/socket.hpp"

#include "broker/net/error.hpp"

#include <boost/asio/error.hpp>

#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace net {

namespace {

using boost::system::error_code;
using boost::system::result;

constexpr int accept_attempts_max = 16; // connections that were gone before they were accepted

// TCP keep-alive. The system's own first probe comes after two hours; most NATs and load balancers
// forget a connection within minutes.
constexpr int keep_alive_idle_s = 60, keep_alive_interval_s = 15, keep_alive_probes = 4;

error_code last_error() noexcept
{
    return {errno, boost::system::system_category()};
}

// A descriptor on its way to the caller.
class owned_descriptor {
public:
    explicit owned_descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    owned_descriptor(const owned_descriptor&) = delete;
    owned_descriptor& operator=(const owned_descriptor&) = delete;
    ~owned_descriptor()
    {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    int get() const noexcept { return descriptor_; }
    int release() noexcept { return std::exchange(descriptor_, -1); }

private:
    int descriptor_;
};

int open_socket(int family) noexcept
{
    return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool set_option(int descriptor, int level, int option, int value) noexcept
{
    return ::setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

bool switch_on(int descriptor, int level, int option) noexcept
{
    return set_option(descriptor, level, option, 1);
}

// Latency first: what may be joined was joined by the outbox already.
bool prepare_stream(int descriptor, int family) noexcept
{
    return family == AF_UNIX ||
           (switch_on(descriptor, IPPROTO_TCP, TCP_NODELAY) &&
            switch_on(descriptor, SOL_SOCKET, SO_KEEPALIVE) &&
            set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, keep_alive_idle_s) &&
            set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, keep_alive_interval_s) &&
            set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, keep_alive_probes));
}

const sockaddr* as_sockaddr(const sockaddr_storage& storage) noexcept
{
    return reinterpret_cast<const sockaddr*>(&storage);
}

socket_address unix_address(const std::string& path)
{
    socket_address made;
    auto* const name = reinterpret_cast<sockaddr_un*>(&made.storage);
    name->sun_family = AF_UNIX;
    std::memcpy(name->sun_path, path.c_str(), path.size() + 1);
    made.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return made;
}

// From what the kernel filled in. A client's unix socket usually has no name.
address address_of(const sockaddr_storage& storage, socklen_t length)
{
    address made;
    char text[INET6_ADDRSTRLEN] = {};
    if (storage.ss_family == AF_INET) {
        const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&storage);
        made.host = ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
        made.port = ntohs(v4->sin_port);
    } else if (storage.ss_family == AF_INET6) {
        const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
        made.host = ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
        made.port = ntohs(v6->sin6_port);
    } else if (length > offsetof(sockaddr_un, sun_path)) {
        made.path = reinterpret_cast<const sockaddr_un*>(&storage)->sun_path;
    }
    return made;
}

error_code resolver_error(int code) noexcept
{
    switch (code) {
    case EAI_NONAME:
    case EAI_NODATA: return boost::asio::error::host_not_found;
    case EAI_AGAIN: return boost::asio::error::host_not_found_try_again;
    case EAI_MEMORY: return boost::asio::error::no_memory;
    case EAI_SYSTEM: return last_error();
    default: return boost::asio::error::no_recovery;
    }
}

// Whether `path` is a socket that nobody listens on. Never true for other kinds of files.
bool is_stale_socket(const std::string& path, const socket_address& at)
{
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) {
        return false;
    }
    const owned_descriptor probe{open_socket(AF_UNIX)};
    return probe.get() >= 0 && ::connect(probe.get(), as_sockaddr(at.storage), at.length) != 0 &&
           errno == ECONNREFUSED; // EAGAIN: somebody listens whose queue is full
}

// A unix socket's file gets its mode as it is made: a chmod by its name might meet another file.
bool bind_once(int descriptor, const socket_address& to, const file_access& file)
{
    const mode_t before = file.mode ? ::umask(static_cast<mode_t>(~*file.mode & 0777U)) : 0;
    const bool bound = ::bind(descriptor, as_sockaddr(to.storage), to.length) == 0;
    const int why = errno;
    if (file.mode) {
        ::umask(before);
    }
    errno = why;
    return bound;
}

bool bind_to(int descriptor, const socket_address& to, const address& at, const file_access& file)
{
    if (bind_once(descriptor, to, file)) {
        return true;
    }
    if (errno == EADDRINUSE && at.is_unix()) {
        if (is_stale_socket(at.path, to) && ::unlink(at.path.c_str()) == 0) {
            return bind_once(descriptor, to, file);
        }
        errno = EADDRINUSE;
    }
    return false;
}

bool give_file(const address& at, const file_access& file)
{
    if (!at.is_unix() || (!file.owner && !file.group)) {
        return true;
    }
    constexpr auto unchanged = static_cast<unsigned>(-1);
    if (::lchown(at.path.c_str(), file.owner.value_or(unchanged), file.group.value_or(unchanged)) ==
        0) {
        return true;
    }
    const int why = errno;
    ::unlink(at.path.c_str());
    errno = why;
    return false;
}

} // namespace

std::string socket_address::text() const
{
    return address_of(storage, length).text();
}

result<std::vector<socket_address>> resolve(const address& at)
{
    if (at.is_unix()) {
        if (at.path.size() >= sizeof(sockaddr_un::sun_path)) {
            return make_error_code(errc::bad_path);
        }
        return std::vector{unix_address(at.path)};
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &hints, &list);
    if (code != 0) {
        return resolver_error(code);
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{list, &::freeaddrinfo};
    std::vector<socket_address> found;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        socket_address next;
        std::memcpy(&next.storage, entry->ai_addr, entry->ai_addrlen);
        next.length = entry->ai_addrlen;
        found.push_back(next);
    }
    return found;
}

result<int> listen_on(const address& at, reuse_port reuse, const file_access& file)
{
    const auto resolved = resolve(at);
    if (!resolved) {
        return resolved.error();
    }
    const socket_address& to = resolved->front();
    const int family = to.storage.ss_family;
    owned_descriptor made{open_socket(family)};
    if (made.get() < 0) {
        return last_error();
    }
    // SO_REUSEADDR: a restart does not wait for TIME_WAIT; Linux still refuses a second listener.
    const bool prepared =
        family == AF_UNIX ||
        (switch_on(made.get(), SOL_SOCKET, SO_REUSEADDR) && prepare_stream(made.get(), family) &&
         (reuse == reuse_port::no || switch_on(made.get(), SOL_SOCKET, SO_REUSEPORT)));
    if (!prepared || !bind_to(made.get(), to, at, file) || !give_file(at, file) ||
        ::listen(made.get(), SOMAXCONN) != 0) {
        return last_error();
    }
    return made.release();
}

result<address> local_address(int descriptor)
{
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return last_error();
    }
    return address_of(storage, length);
}

result<std::string> peer_address(int descriptor)
{
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return last_error();
    }
    return storage.ss_family == AF_UNIX ? std::string{"unix"} : address_of(storage, length).text();
}

result<int> start_connect(const socket_address& to)
{
    const int family = to.storage.ss_family;
    owned_descriptor made{open_socket(family)};
    if (made.get() < 0 || !prepare_stream(made.get(), family)) {
        return last_error();
    }
    if (::connect(made.get(), as_sockaddr(to.storage), to.length) != 0 && errno != EINPROGRESS) {
        return last_error();
    }
    return made.release();
}

void bound_unsent(int descriptor, int bytes) noexcept
{
    set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes); // a unix socket has no such
}

result<int> accept_one(int listener)
{
    for (int i = 0; i < accept_attempts_max; ++i) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            return accepted;
        }
        if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO) {
            return last_error();
        }
    }
    return boost::asio::error::make_error_code(boost::asio::error::would_block);
}

} // namespace net
