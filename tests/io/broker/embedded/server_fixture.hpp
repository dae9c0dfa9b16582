#pragma once

// A stomp_server on a thread of its own, and blocking sockets that talk to it.

#include "broker/embedded/broker_core.hpp"
#include "broker/embedded/stomp_server.hpp"
#include "broker/net/readiness_loop.hpp"
#include "broker/net/socket.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <array>
#include <future>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace embedded::testing {

using namespace std::string_view_literals;

// Every wait of a test ends: with a failure after this.
inline constexpr int patience_ms = 10'000;

class peer {
public:
    explicit peer(std::uint16_t port)
        : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    }
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;
    ~peer() { ::close(descriptor_); }

    void say(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const auto count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            ASSERT_GT(count, 0);
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    void finish() { ::shutdown(descriptor_, SHUT_WR); }

    // The next bytes up to and with `end`; what came before the end of the connection if that is
    // first.
    std::string until(std::string_view end)
    {
        for (;;) {
            const auto at = unread_.find(end);
            if (at != std::string::npos) {
                std::string out = unread_.substr(0, at + end.size());
                unread_.erase(0, out.size());
                return out;
            }
            if (!more()) {
                return std::exchange(unread_, {});
            }
        }
    }
    std::string frame() { return until("\0"sv); }
    std::string exactly(std::size_t count)
    {
        while (unread_.size() < count && more()) {
        }
        std::string out = unread_.substr(0, count);
        unread_.erase(0, out.size());
        return out;
    }
    std::string rest()
    {
        while (more()) {
        }
        return std::exchange(unread_, {});
    }
    // Nothing comes for so long, and the connection stays.
    bool silent_for(int ms)
    {
        pollfd p{descriptor_, POLLIN, 0};
        return unread_.empty() && ::poll(&p, 1, ms) == 0;
    }

private:
    bool more()
    {
        pollfd p{descriptor_, POLLIN, 0};
        if (::poll(&p, 1, patience_ms) != 1) {
            ADD_FAILURE() << "nothing came; so far: " << unread_;
            return false;
        }
        std::array<char, 65536> buffer;
        const auto count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
        if (count <= 0) {
            return false;
        }
        unread_.append(buffer.data(), static_cast<std::size_t>(count));
        return true;
    }

    int descriptor_;
    std::string unread_;
};

class ServerFixture : public ::testing::Test {
protected:
    void start(broker_options options)
    {
        options.nonce = "n";
        core_ = std::make_unique<broker_core>(std::move(options));
        loop_ = std::make_unique<net::readiness_loop>(context_);
        server_ = std::make_unique<stomp_server>(*loop_, *core_);
        const net::address any = *net::parse_address("127.0.0.1:0");
        stomp_port = server_->listen(any, transport::stomp)->port;
        websocket_port = server_->listen(any, transport::websocket)->port;
        status_port = server_->listen(any, transport::status)->port;
        thread_ = std::thread{[this] { context_.run(); }};
    }
    void SetUp() override { start({}); }
    void TearDown() override { stop(); }

    void stop()
    {
        if (!thread_.joinable()) {
            return;
        }
        boost::asio::post(context_, [this] {
            server_->stop();
            boost::asio::post(context_, [this] {
                loop_->stop();
                context_.stop();
            });
        });
        thread_.join();
        server_.reset();
        loop_.reset();
        context_.restart();
    }
    void restart(broker_options options)
    {
        stop();
        start(std::move(options));
    }
    // Runs on the server's thread.
    template <class Ask>
    auto ask(Ask what)
    {
        std::promise<decltype(what(*core_))> answer;
        boost::asio::post(context_, [&] { answer.set_value(what(*core_)); });
        return answer.get_future().get();
    }
    std::size_t connections()
    {
        return ask([this](broker_core&) { return server_->connections(); });
    }
    std::unique_ptr<peer> connected()
    {
        auto p = std::make_unique<peer>(stomp_port);
        p->say("CONNECT\naccept-version:1.2\nhost:h\n\n\0"sv);
        EXPECT_TRUE(p->frame().starts_with("CONNECTED\nversion:1.2\n"));
        return p;
    }

    std::uint16_t stomp_port = 0, websocket_port = 0, status_port = 0;

private:
    boost::asio::io_context context_{1};
    std::unique_ptr<broker_core> core_;
    std::unique_ptr<net::readiness_loop> loop_;
    std::unique_ptr<stomp_server> server_;
    std::thread thread_;
};

} // namespace embedded::testing
