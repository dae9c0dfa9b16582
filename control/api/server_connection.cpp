// One connection of the admin API: requests are read, answered in order, or become a stream of events.

#include "control/api/server_state.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>

namespace control {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using error_code = boost::system::error_code;

http_request plain(const http::request<http::string_body>& from, const std::string& peer)
{
    http_request out{
        std::string(from.method_string()), std::string(from.target()), {}, from.body(), peer};
    for (const auto& field : from) {
        out.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    return out;
}

// Nullopt: the peer has gone, and hears no answer.
std::optional<http_response> unreadable(const error_code& error, std::uint64_t epoch)
{
    if (error.category() != http::make_error_code(http::error::bad_method).category() ||
        error == http::error::end_of_stream || error == http::error::partial_message) {
        return std::nullopt;
    }
    const unsigned status = error == http::error::body_limit     ? 413
                            : error == http::error::header_limit ? 431
                                                                 : 400;
    return problem_response(
        {status, "bad-http", "Not a request that is read here", error.message(), "", {}}, epoch);
}

} // namespace

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
    co_await http::async_read_header(
        peer.stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    // Beast 1.81 ends the process by an assertion where the last chunk of a body comes in pieces
    // (basic_parser::parse_chunk_header). Bodies here are small, so their length is known.
    if (!error && parser.chunked()) {
        http_response refusal = problem_response(
            {411,
             "length-required",
             "A body needs Content-Length",
             "Transfer-Encoding: chunked is not read here",
             "",
             {}},
            control.state().epoch);
        co_await answer(peer, std::move(refusal), {});
        co_return false;
    }
    if (!error) {
        co_await http::async_read(
            peer.stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    }
    if (error) {
        if (auto refusal = unreadable(error, control.state().epoch)) {
            co_await answer(peer, std::move(*refusal), {});
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

} // namespace control
