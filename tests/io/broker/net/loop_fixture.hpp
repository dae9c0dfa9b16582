#pragma once

// A readiness loop on the test's thread, sockets on loopback, and a connection that writes down
// what happens to it.

#include "broker/net/connection.hpp"
#include "broker/net/socket.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace net_test {

using namespace std::chrono_literals;

inline std::string numbered(std::size_t size)
{
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>(i % 251);
    }
    return bytes;
}

// A raw descriptor: the peer that does what no connection of ours would.
class raw_socket {
public:
    explicit raw_socket(int descriptor = -1) : descriptor_(descriptor) {}
    raw_socket(raw_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    raw_socket& operator=(raw_socket&& other) noexcept
    {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~raw_socket() { close(); }

    int get() const { return descriptor_; }
    int release() { return std::exchange(descriptor_, -1); }
    void close()
    {
        if (descriptor_ >= 0) {
            ::close(std::exchange(descriptor_, -1));
        }
    }
    // Closes with RST instead of FIN.
    void reset()
    {
        const linger now{1, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close();
    }
    void write(std::string_view bytes) const
    {
        ASSERT_EQ(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
    }
    // What has arrived; `ended` once the FIN was read.
    std::string read(bool* ended = nullptr) const
    {
        std::string all;
        char buffer[65536];
        ssize_t count = 0;
        while ((count = ::recv(descriptor_, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
            all.append(buffer, static_cast<std::size_t>(count));
        }
        if (ended != nullptr) {
            *ended = count == 0;
        }
        return all;
    }

private:
    int descriptor_;
};

struct pair {
    raw_socket ours;
    raw_socket theirs;
};

inline pair tcp_pair()
{
    const raw_socket listener{net::listen_on({"127.0.0.1", 0, {}}, net::reuse_port::no).value()};
    const auto at = net::resolve(net::local_address(listener.get()).value()).value();
    raw_socket dialled{net::start_connect(at.front()).value()};
    pollfd wait{listener.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, 5000), 1);
    return {raw_socket{net::accept_one(listener.get()).value()}, std::move(dialled)};
}

inline pair unix_pair()
{
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    return {raw_socket{ends[0]}, raw_socket{ends[1]}};
}

class recorder : public net::connection {
public:
    recorder(net::readiness_loop& loop, raw_socket from, origin how = origin::accepted)
        : net::connection(loop, from.release(), how)
    {
    }
    recorder(net::readiness_loop& loop, net::loose_socket socket)
        : net::connection(loop, std::move(socket))
    {
    }
    void send(std::string_view bytes)
    {
        out().append(bytes);
        touch();
    }
    using net::connection::set_read_quantum;

    std::string received;
    int connected = 0, written = 0, fins = 0, closed = 0, reads = 0;
    std::size_t largest_read = 0;
    std::optional<boost::system::error_code> reason;
    bool inside = false; // a callback is on the stack
    bool closes_on_fin = true;
    std::function<void(recorder&, std::string_view)> when_bytes = [](auto&, auto) {};
    std::function<void(recorder&)> when_written = [](auto&) {};
    std::function<void(recorder&)> when_connected = [](auto&) {};
    std::function<void(recorder&)> when_closed = [](auto&) {};

private:
    void on_connected() override
    {
        ++connected;
        when_connected(*this);
    }
    void on_bytes(std::span<char> bytes) override
    {
        inside = true;
        ++reads;
        largest_read = std::max(largest_read, bytes.size());
        received.append(bytes.data(), bytes.size());
        when_bytes(*this, {bytes.data(), bytes.size()});
        inside = false;
    }
    void on_written() override
    {
        inside = true;
        ++written;
        when_written(*this);
        inside = false;
    }
    void on_peer_fin() override
    {
        ++fins;
        if (closes_on_fin) {
            net::connection::on_peer_fin();
        }
    }
    void on_closed(boost::system::error_code error) override
    {
        EXPECT_FALSE(inside) << "closed from inside a callback";
        EXPECT_EQ(closed, 0) << "closed twice";
        ++closed;
        reason = error;
        const auto last = when_closed; // may destroy this
        last(*this);
    }
};

class Loop : public testing::Test {
public:
    // Runs handlers until `done`, which is looked at after each.
    void run_until(const std::function<bool()>& done, net::duration limit = 10s)
    {
        const auto end = net::clock::now() + limit;
        while (!done()) {
            ASSERT_GT(context.run_one_until(end), 0U) << "nothing came within the limit";
        }
    }
    // Runs what is ready now, up to the point where the loop would sleep.
    void run_ready()
    {
        for (int handlers = 0; context.poll_one() > 0; ++handlers) {
            ASSERT_LT(handlers, 100'000) << "the loop spins";
        }
    }

    boost::asio::io_context context{1};
    net::readiness_loop loop{context};
};

} // namespace net_test
