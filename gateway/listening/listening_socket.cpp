#include "gateway/listening/listening_socket.hpp"

#include "broker/net/socket.hpp"

#include <boost/system/errc.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace gateway {

namespace {

// The most that the kernel may hold unsent for a peer that no broker has accepted yet: the answer
// to its upgrade, pongs.
constexpr int unsent_before_connected = 16 * 1024;

bool is_socket(const std::string& path)
{
    struct stat found{};
    return ::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

std::string why_not(const listener_config& at, const boost::system::error_code& error)
{
    std::string why = error.message();
    if (at.bind.is_unix() && error == boost::system::errc::address_in_use) {
        why = is_socket(at.bind.unix_path) ? "another process listens on that socket"
                                           : "a file that is no socket has that name";
    } else if (error == boost::system::errc::operation_not_permitted) {
        why = "this process may not give the socket's file to that owner and group (" + why + ")";
    }
    return "cannot listen on " + at.bind.text + ": " + why;
}

listening_socket failure(const listener_config& at, const boost::system::error_code& error)
{
    listening_socket none;
    none.failed = why_not(at, error);
    return none;
}

listening_socket open_unix(const listener_config& at, std::size_t shards)
{
    const auto& access = at.socket_file;
    const auto first = net::listen_on(
        {.path = at.bind.unix_path}, net::reuse_port::no,
        {.mode = access.mode, .owner = access.owner, .group = access.group});
    if (!first) {
        return failure(at, first.error());
    }
    listening_socket made;
    made.file = socket_file{at.bind.unix_path};
    made.bound = at.bind.text;
    made.descriptors.push_back(*first);
    while (made.descriptors.size() < shards) {
        const int copy = ::fcntl(*first, F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            const boost::system::error_code why{errno, boost::system::system_category()};
            for (const int one : made.descriptors) {
                ::close(one);
            }
            return failure(at, why);
        }
        made.descriptors.push_back(copy);
    }
    return made;
}

} // namespace

socket_file::socket_file(std::string path)
{
    struct stat found{};
    if (::lstat(path.c_str(), &found) == 0) {
        path_ = std::move(path);
        device_ = found.st_dev;
        number_ = found.st_ino;
        made_ = found.st_mtim;
    }
}

socket_file::socket_file(socket_file&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), number_(other.number_),
      made_(other.made_)
{
}

socket_file& socket_file::operator=(socket_file&& other) noexcept
{
    if (this != &other) {
        remove();
        path_ = std::exchange(other.path_, {});
        device_ = other.device_;
        number_ = other.number_;
        made_ = other.made_;
    }
    return *this;
}

void socket_file::remove() noexcept
{
    struct stat found{};
    if (!path_.empty() && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
        found.st_ino == number_ && found.st_mtim.tv_sec == made_.tv_sec &&
        found.st_mtim.tv_nsec == made_.tv_nsec) {
        ::unlink(path_.c_str());
    }
    path_.clear();
}

listening_socket open_listening_socket(const listener_config& at, std::size_t shards)
{
    if (at.bind.is_unix()) {
        return open_unix(at, shards);
    }
    net::address address{.host = at.bind.host, .port = at.bind.port, .path = {}};
    if (!at.reuse_port) { // in use is an error, which SO_REUSEPORT would hide
        const auto trial = net::listen_on(address, net::reuse_port::no);
        if (!trial) {
            return failure(at, trial.error());
        }
        if (const auto bound = net::local_address(*trial)) {
            address.port = bound->port;
        }
        ::close(*trial);
    }
    listening_socket made;
    while (made.descriptors.size() < shards) {
        const auto part = net::listen_on(address, net::reuse_port::yes);
        if (!part) {
            for (const int one : made.descriptors) {
                ::close(one);
            }
            return failure(at, part.error());
        }
        net::bound_unsent(*part, unsent_before_connected);
        made.descriptors.push_back(*part);
    }
    made.bound = address.text();
    return made;
}

} // namespace gateway
