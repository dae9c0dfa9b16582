#include "control/api/server.hpp"

#include "control/api/admin_listener.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <list>
#include <optional>

namespace control {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using socket_type = admin_listener::socket;
using stream_type = beast::basic_stream<asio::generic::stream_protocol>;
using error_code = boost::system::error_code;

constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr auto accept_failure_every = std::chrono::seconds(10); // one line in the log

http_request plain(const http::request<http::string_body>& from, const std::string& peer)
{
    http_request out{
        std::string(from.method_string()), std::string(from.target()), {}, from.body(), peer};
    for (const auto& field : from) {
        out.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    return out;
}

} // namespace

struct api_server::state : std::enable_shared_from_this<state> {
    // What a connection is doing. Above the limit, the first connection of the first kind is
    // closed.
    enum class doing : std::uint8_t {
        idle,      // between two requests
        reading,   // a request that is not whole
        pausing,   // for the wrong tokens of its address
        writing,   // an answer
        asking,    // members, for a GET
        streaming, // events: its watcher comes again with Last-Event-ID
        changing,  // members, for anything else: not cut off
    };
    // One client of the API. `wake` is what an event stream and a pause wait on.
    struct connection {
        connection(socket_type socket, asio::io_context& context)
            : peer(peer_of(socket)), stream(std::move(socket)), wake(context)
        {
        }
        std::string peer;
        stream_type stream;
        asio::steady_timer wake;
        // True when the peer of an event stream has closed; a late handler asks whether it still
        // is.
        std::shared_ptr<bool> gone = std::make_shared<bool>(false);
        doing now = doing::idle;
        std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
        bool leaving = false; // spared: its coroutine ends soon
        void begin(doing what)
        {
            now = what;
            since = std::chrono::steady_clock::now();
        }
    };
    struct answer_shape {
        unsigned version = 11;
        bool keep_alive = false;
        bool head_only = false; // HEAD
    };
    using connections = std::list<connection>;

    state(
        asio::io_context& context_, api& router_, control_service& control_,
        api_server_options options_, log_sink log_)
        : context(context_), router(router_), control(control_), options(std::move(options_)),
          log(std::move(log_)), listener(context_)
    {
    }

    std::optional<std::string> open();
    template <class Acceptor>
    asio::awaitable<void> accept_on(Acceptor& acceptor);
    asio::awaitable<void> serve(connections::iterator it);
    asio::awaitable<bool> serve_one(connection& peer, beast::flat_buffer& buffer);
    asio::awaitable<http_response> ask(http_request request);
    asio::awaitable<std::optional<http_response>>
    refusal_behind_pause(connection& peer, const http_request& request);
    asio::awaitable<bool> answer(connection& peer, http_response response, answer_shape shape);
    asio::awaitable<void> stream_events(connection& peer, event_stream at);
    void watch_for_end(connection& peer);
    void take(socket_type socket);
    bool spare_one(doing most);
    void on_accept_failed(const error_code& error);
    void stop();

    asio::io_context& context;
    api& router;
    control_service& control;
    api_server_options options;
    log_sink log;
    admin_listener listener;
    connections open_connections;
    std::size_t living = 0; // open_connections but those that leave
    std::chrono::steady_clock::time_point told_of_failure{};
    std::uint64_t watching = 0;
    bool stopped = false;
};

std::optional<std::string> api_server::state::open()
{
    if (options.tls) {
        return "admin.tls: not built yet";
    }
    if (auto wrong = listener.open(options.bind)) {
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

asio::awaitable<void> api_server::state::serve(connections::iterator it)
{
    beast::flat_buffer buffer;
    bool more = true;
    while (more && !stopped && !it->leaving) {
        it->begin(buffer.size() == 0 ? doing::idle : doing::reading);
        more = co_await serve_one(*it, buffer);
    }
    error_code ignored;
    it->stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
}

asio::awaitable<bool> api_server::state::serve_one(connection& peer, beast::flat_buffer& buffer)
{
    error_code error;
    if (buffer.size() ==
        0) { // wait for a first byte; only from there on the request's own clock runs
        peer.stream.expires_after(options.idle_timeout);
        const auto room = buffer.prepare(options.head_bytes_max);
        const std::size_t got = co_await peer.stream.async_read_some(
            room, asio::redirect_error(asio::use_awaitable, error));
        buffer.commit(got);
        if (error) {
            co_return false;
        }
        peer.begin(doing::reading);
    }
    http::request_parser<http::string_body> parser;
    parser.header_limit(options.head_bytes_max);
    parser.body_limit(options.body_bytes_max);
    peer.stream.expires_after(options.request_timeout);
    co_await http::async_read(
        peer.stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        const bool spoken =
            error.category() == http::make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message;
        if (spoken) {
            const unsigned status = error == http::error::body_limit     ? 413
                                    : error == http::error::header_limit ? 431
                                                                         : 400;
            http_response refusal = problem_response(
                {status, "bad-http", "Not a request that is read here", error.message(), "", {}},
                control.state().epoch);
            co_await answer(peer, std::move(refusal), {});
        }
        co_return false;
    }
    // Beast 1.81 takes both lengths and two hosts; a proxy in front may read them otherwise.
    const auto& head = parser.get();
    const bool ambiguous = (head.count(http::field::transfer_encoding) != 0 &&
                            head.count(http::field::content_length) != 0) ||
                           head.count(http::field::host) > 1 ||
                           head.count(http::field::content_length) > 1;
    // RFC 9110 9.3.2: HEAD is GET whose answer has no content.
    const answer_shape shape{
        head.version(), head.keep_alive() && !ambiguous, head.method() == http::verb::head};
    if (ambiguous) {
        http_response refusal = problem_response(
            {400, "bad-http", "Two lengths or two hosts", "", "", {}}, control.state().epoch);
        co_return co_await answer(peer, std::move(refusal), shape);
    }
    http_request request = plain(head, peer.peer);
    request.method = shape.head_only ? "GET" : request.method;
    peer.stream.expires_never();
    if (auto refusal = co_await refusal_behind_pause(peer, request)) {
        co_return co_await answer(peer, std::move(*refusal), shape);
    }
    if (peer.leaving || stopped) {
        co_return false;
    }
    peer.begin(request.method == "GET" ? doing::asking : doing::changing);
    http_response response = co_await ask(std::move(request));
    if (response.events && !shape.head_only) {
        peer.begin(doing::streaming);
        co_await stream_events(peer, *response.events);
        co_return false;
    }
    co_return co_await answer(peer, std::move(response), shape);
}

// Holds a request back whose address has sent wrong tokens; others go on meanwhile.
asio::awaitable<std::optional<http_response>>
api_server::state::refusal_behind_pause(connection& peer, const http_request& request)
{
    const auto pause = router.pause_before(request, net::clock::now());
    if (!pause) {
        co_return router.too_many();
    }
    if (*pause > net::duration{}) {
        peer.begin(doing::pausing);
        const auto until = net::clock::now() + *pause;
        error_code error;
        while (!stopped && !peer.leaving && net::clock::now() < until) { // news wake it too
            peer.wake.expires_at(until);
            co_await peer.wake.async_wait(asio::redirect_error(asio::use_awaitable, error));
        }
    }
    co_return std::nullopt;
}

// The router answers at once or when members did; their answers are bounded by control's own
// timers.
asio::awaitable<http_response> api_server::state::ask(http_request request)
{
    struct box {
        explicit box(asio::io_context& where) : timer(where, asio::steady_timer::time_point::max())
        {
        }
        asio::steady_timer timer;
        std::optional<http_response> response;
    };
    const auto waiting = std::make_shared<box>(context);
    router.handle(std::move(request), [waiting](http_response response) {
        waiting->response = std::move(response);
        waiting->timer.cancel();
    });
    while (!waiting->response) {
        error_code error;
        co_await waiting->timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
    co_return std::move(*waiting->response);
}

asio::awaitable<bool>
api_server::state::answer(connection& peer, http_response response, answer_shape shape)
{
    peer.begin(doing::writing);
    http::response<http::string_body> message;
    message.version(shape.version);
    message.result(response.status);
    for (const auto& [name, value] : response.headers) {
        message.set(name, value);
    }
    message.set("X-Content-Type-Options", "nosniff");
    message.keep_alive(shape.keep_alive);
    message.body() = std::move(response.body);
    message.prepare_payload();
    error_code error;
    peer.stream.expires_after(options.request_timeout);
    if (shape.head_only) { // its Content-Length is that of GET
        http::response<http::empty_body> head(std::move(message.base()));
        co_await http::async_write(
            peer.stream, head, asio::redirect_error(asio::use_awaitable, error));
    } else {
        co_await http::async_write(
            peer.stream, message, asio::redirect_error(asio::use_awaitable, error));
    }
    co_return !error && shape.keep_alive;
}

// A stream may have nothing to write for long, and a peer that is gone would take one of
// connections_max until then. Whatever it sends, its request was the last that is read here.
void api_server::state::watch_for_end(connection& peer)
{
    peer.stream.socket().async_wait(
        asio::socket_base::wait_read,
        [&peer, exists = std::weak_ptr(peer.gone)](const error_code& error) {
            if (const auto gone = exists.lock(); gone && !error) {
                *gone = true;
                peer.wake.cancel();
            }
        });
}

asio::awaitable<void> api_server::state::stream_events(connection& peer, event_stream at)
{
    watch_for_end(peer);
    // The end of the stream is the end of the connection: no length, no chunks.
    std::string text =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    bool ended = false;
    while (!stopped && !*peer.gone) {
        auto news = router.next_events(at);
        text += news.text;
        ended = news.ended;
        error_code error;
        if (!text.empty()) {
            peer.stream.expires_after(options.request_timeout);
            co_await asio::async_write(
                peer.stream, asio::buffer(text), asio::redirect_error(asio::use_awaitable, error));
            text.clear();
            if (error) {
                co_return;
            }
            event_stream ahead = at;
            if (!ended && !router.next_events(ahead).text.empty()) {
                continue; // something came while that was written
            }
        }
        // stop() or the end may have come while that was written: nobody would wake us
        if (ended || stopped || *peer.gone) {
            co_return;
        }
        peer.wake.expires_after(options.comment_every);
        co_await peer.wake.async_wait(asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            text = ": still here\n\n"; // so that a peer that is gone is noticed, by both
        }
    }
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
