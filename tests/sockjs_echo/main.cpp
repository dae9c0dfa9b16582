// A SockJS server with the services that protocol suites expect; README.md.

#include "broker/net/acceptor.hpp"
#include "broker/net/socket.hpp"
#include "broker/net/standard_descriptors.hpp"
#include "broker/net/stray_signals.hpp"
#include "tests/sockjs_echo/echo_clients.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <vector>

namespace sockjs_echo {

namespace {

namespace sockjs = gateway::sockjs;

constexpr std::size_t response_bytes_max = 4096;
constexpr std::size_t message_bytes_max = 1024 * 1024;
constexpr std::size_t clients_max = 10'000;

class echo_server final : private net::accept_handler,
                          private net::turn_handler,
                          private sockjs::hub_owner {
public:
    echo_server(net::readiness_loop& loop, int descriptor)
        : loop_(loop), hub_(loop, *this, budget_, {.key = broker::draw_secrets().names}),
          acceptor_(loop, descriptor, 64, *this)
    {
        add("/echo", {});
        add("/close", {});
        add("/disabled_websocket_echo", {.websocket = false});
        add("/cookie_needed_echo", {.cookie_needed = true});
        loop_.set_turn_handler(this);
    }
    ~echo_server() { loop_.set_turn_handler(nullptr); }

private:
    void add(std::string path, sockjs::service one)
    {
        one.path = std::move(path);
        one.response_bytes_max = response_bytes_max;
        if (one.websocket) {
            premises_.websocket_paths.push_back(one.path + "/websocket");
        }
        premises_.services.push_back(std::move(one));
    }
    static manner manner_at(std::string_view path)
    {
        return path.starts_with("/close") ? manner::close : manner::echo;
    }

    // Every connection begins as one of HTTP.
    void on_accepted(int descriptor) override
    {
        const auto peer = net::peer_address(descriptor);
        hub_.adopt(
            {.socket = net::loose_socket{descriptor},
             .bytes = {},
             .who = {.peer = peer ? *peer : "?"}});
    }
    void on_accept_failed(boost::system::error_code) override {}

    void on_turn_end(net::time_point) override
    {
        std::erase_if(clients_, [](const auto& one) { return one->gone(); });
    }

    const sockjs::premises& at(std::size_t) const override { return premises_; }
    bool page_may_come(const sockjs::standing&, const websocket::http_head&) override
    {
        return true;
    }
    std::string
    open_user(sockjs::session& s, const sockjs::standing&, const sockjs::request& by) override
    {
        if (clients_.size() >= clients_max) {
            return "too many clients";
        }
        clients_.push_back(std::make_unique<carried_client>(loop_, s, manner_at(by.path)));
        return {};
    }
    std::size_t body_bytes_max(const net::connection&) const override { return message_bytes_max; }
    void upgrade(sockjs::handed_on c) override
    {
        const auto head = sockjs::read_head(c.bytes, 0, c.bytes.size());
        const std::string path = head.done ? head.done->path : std::string{};
        const bool framed = head.done && sockjs::wish_of(head.done->head, path, premises_) ==
                                             sockjs::wish::framed_websocket;
        auto made = std::make_unique<socket_client>(
            loop_, std::move(c.socket),
            framed ? socket_client::framing::sockjs : socket_client::framing::none,
            manner_at(path));
        made->begin(std::move(c.bytes));
        clients_.push_back(std::move(made));
    }
    void hand_over(unsigned, sockjs::handed_on) override {} // there is one shard
    void connection_gone(const sockjs::standing&) override {}

    net::readiness_loop& loop_;
    gateway::memory_budget budget_;
    sockjs::premises premises_;
    std::vector<std::unique_ptr<echo_client>> clients_; // behind them the hub ends
    sockjs::hub hub_;
    net::acceptor acceptor_;
};

int serve(const std::string& bind)
{
    const auto address = net::parse_address(bind);
    const auto descriptor = address ? net::listen_on(*address, net::reuse_port::no)
                                    : boost::system::result<int>{address.error()};
    if (!descriptor) {
        std::fprintf(
            stderr, "sockjs_echo: cannot listen on %s: %s\n", bind.c_str(),
            descriptor.error().message().c_str());
        return 2;
    }
    boost::asio::io_context context{1};
    net::readiness_loop loop{context};
    echo_server server{loop, *descriptor};
    boost::asio::signal_set signals{context, SIGTERM, SIGINT};
    signals.async_wait([&](const boost::system::error_code&, int) {
        loop.stop();
        context.stop();
    });
    const auto bound = net::local_address(*descriptor);
    std::printf("listening on %s\n", (bound ? bound->text() : bind).c_str());
    std::fflush(stdout);
    context.run();
    return 0;
}

} // namespace

} // namespace sockjs_echo

int main(int argc, char** argv)
{
    net::open_standard_descriptors();
    CLI::App app{"The services that SockJS protocol suites expect.", "sockjs_echo"};
    std::string bind = "127.0.0.1:8081";
    app.add_option("--bind", bind, "HOST:PORT; port 0 picks one")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    net::ignore_stray_signals();
    return sockjs_echo::serve(bind);
}
