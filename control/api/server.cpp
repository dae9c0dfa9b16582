// The admin API's server: accepts connections, and closes those that can be spared.

#include "control/api/server_state.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace control {

namespace {

namespace asio = boost::asio;
using socket_type = admin_listener::socket;
using error_code = boost::system::error_code;

constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr auto accept_failure_every = std::chrono::seconds(10); // one line in the log

} // namespace

std::optional<std::string> api_server::state::open()
{
    if (options.tls) {
        return "admin.tls: not built yet";
    }
    if (auto wrong = listener.open(options.bind, options.socket_mode, options.socket_group)) {
        return "admin.bind " + options.bind + ": " + *wrong;
    }
    const auto ended = [self = shared_from_this()](const std::exception_ptr&) {};
    if (listener.local.is_open()) {
        asio::co_spawn(context, accept_on(listener.local), ended);
    } else {
        asio::co_spawn(context, accept_on(listener.tcp), ended);
    }
    return std::nullopt;
}

template <class Acceptor>
asio::awaitable<void> api_server::state::accept_on(Acceptor& acceptor)
{
    while (!stopped) {
        socket_type socket(context);
        error_code error;
        co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            take(std::move(socket));
        } else if (!stopped) {
            on_accept_failed(error);
            asio::steady_timer pause(context, accept_pause);
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        }
    }
}

// Out of descriptors, say: the connection still waits, so asking at once would only burn the
// processor. One that can be spared gives its descriptor.
void api_server::state::on_accept_failed(const error_code& error)
{
    if (error == asio::error::no_descriptors || error == boost::system::errc::too_many_files_open) {
        spare_one(doing::reading);
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - told_of_failure >= accept_failure_every) {
        told_of_failure = now;
        log(log_level::warning, "admin: accept: " + error.message());
    }
}

// Closes the connection that can best be spared, of those that do no more than `most`.
bool api_server::state::spare_one(doing most)
{
    connection* found = nullptr;
    for (auto& one : open_connections) {
        const auto sooner = [&] {
            return std::pair(one.now, one.since) < std::pair(found->now, found->since);
        };
        if (!one.leaving && one.now <= most && (found == nullptr || sooner())) {
            found = &one;
        }
    }
    if (found == nullptr) {
        return false;
    }
    found->leaving = true;
    *found->gone = true;
    --living;
    found->stream.close();
    found->wake.cancel();
    return true;
}

void api_server::state::take(socket_type socket)
{
    if (living >= options.connections_max && !spare_one(doing::streaming)) {
        return; // closed by its destructor
    }
    error_code not_tcp; // an event is small and must not wait for the one before to be acknowledged
    socket.set_option(asio::ip::tcp::no_delay(true), not_tcp);
    open_connections.emplace_front(std::move(socket), context);
    ++living;
    const auto it = open_connections.begin();
    asio::co_spawn(
        context, serve(it), [self = shared_from_this(), it](const std::exception_ptr& thrown) {
            self->living -= it->leaving ? 0 : 1;
            self->open_connections.erase(it);
            if (thrown) {
                self->log(log_level::error, "admin: a connection ended by an exception");
            }
        });
}

void api_server::state::stop()
{
    if (stopped) {
        return;
    }
    stopped = true;
    control.unwatch(watching);
    listener.close();
    for (auto& one : open_connections) {
        one.wake.cancel();
        one.stream.close();
    }
}

std::variant<std::unique_ptr<api_server>, std::string> api_server::listen(
    boost::asio::io_context& context, api& router, control_service& control,
    api_server_options options, log_sink log)
{
    const auto made =
        std::make_shared<state>(context, router, control, std::move(options), std::move(log));
    if (auto wrong = made->open()) {
        made->stop();
        return *wrong;
    }
    // Every change wakes all watchers; each looks what is new for it.
    made->watching = control.watch([weak = std::weak_ptr(made)](switch_number) {
        if (const auto server = weak.lock()) {
            for (auto& one : server->open_connections) {
                one.wake.cancel();
            }
        }
    });
    return std::make_unique<api_server>(made);
}

api_server::api_server(std::shared_ptr<state> what) : state_(std::move(what)) {}

api_server::~api_server()
{
    state_->stop();
}

std::uint16_t api_server::port() const
{
    return state_->listener.port();
}

std::size_t api_server::connections() const
{
    return state_->living;
}

void api_server::stop()
{
    state_->stop();
}

} // namespace control
