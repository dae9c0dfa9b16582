#include "control/cli/http_client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <charconv>
#include <csignal>

namespace cli {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using stream_type = beast::basic_stream<asio::generic::stream_protocol>;
using error_code = boost::system::error_code;

constexpr auto connect_timeout = std::chrono::seconds(5);
constexpr auto reply_timeout = std::chrono::seconds(30);   // preflight dials brokers meanwhile
constexpr auto silence_timeout = std::chrono::seconds(40); // the gateway comments every 15 s
constexpr std::size_t event_bytes_max = 1024 * 1024;
constexpr std::size_t reply_bytes_max = 64 * 1024 * 1024;

asio::awaitable<error_code> connect(stream_type& stream, const address& where)
{
    error_code error;
    stream.expires_after(connect_timeout);
    if (where.local) {
        const asio::local::stream_protocol::endpoint path(where.host);
        const asio::generic::stream_protocol::endpoint to(path);
        co_await stream.async_connect(to, asio::redirect_error(asio::use_awaitable, error));
        co_return error;
    }
    asio::ip::tcp::resolver resolver(stream.get_executor());
    const auto found = co_await resolver.async_resolve(
        where.host, where.port, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        co_return error;
    }
    for (const auto& entry : found) {
        const asio::generic::stream_protocol::endpoint to(entry.endpoint());
        stream.expires_after(connect_timeout);
        co_await stream.async_connect(to, asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            break;
        }
        stream.close();
    }
    co_return error;
}

http::request<http::string_body>
message_of(const request& what, const address& where, const std::string& token)
{
    http::request<http::string_body> out;
    out.version(11);
    out.method_string(what.method);
    out.target(what.target);
    out.set(http::field::host, where.local ? "localhost" : where.host + ":" + where.port);
    out.set(http::field::connection, "close");
    if (!token.empty()) {
        out.set(http::field::authorization, "Bearer " + token);
    }
    for (const auto& [name, value] : what.headers) {
        out.set(name, value);
    }
    if (!what.body.empty()) {
        out.set(http::field::content_type, "application/json");
        out.body() = what.body;
    }
    out.prepare_payload();
    return out;
}

asio::awaitable<void> exchange(
    stream_type& stream, const address& where, http::request<http::string_body> message,
    std::variant<reply, unreachable>& out)
{
    error_code error = co_await connect(stream, where);
    if (!error) {
        stream.expires_after(reply_timeout);
        co_await http::async_write(
            stream, message, asio::redirect_error(asio::use_awaitable, error));
    }
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(reply_bytes_max);
    if (!error) {
        co_await http::async_read(
            stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    }
    if (error) {
        out = unreachable{error == beast::error::timeout ? "no answer in time" : error.message()};
        co_return;
    }
    const auto& got = parser.get();
    out = reply{got.result_int(), std::string(got[http::field::etag]), got.body()};
}

// One event of the stream's text; comments have neither name nor data.
event event_from(std::string_view block, std::uint64_t& last_id)
{
    event out;
    while (!block.empty()) {
        const auto end = std::min(block.find('\n'), block.size());
        const auto line = block.substr(0, end);
        block.remove_prefix(std::min(end + 1, block.size()));
        if (line.starts_with("event: ")) {
            out.name = line.substr(7);
        } else if (line.starts_with("data: ")) {
            out.data += line.substr(6);
        } else if (line.starts_with("id: ")) {
            const auto digits = line.substr(4);
            std::from_chars(digits.data(), digits.data() + digits.size(), last_id);
        }
    }
    return out;
}

struct following {
    std::uint64_t& last_id;
    std::optional<std::chrono::steady_clock::time_point> until;
    const std::function<bool(const event&)>& on_event;
    stream_end end = stream_end::unreachable;
};

void expire(stream_type& stream, const following& what)
{
    const auto silence = std::chrono::steady_clock::now() + silence_timeout;
    stream.expires_at(what.until ? std::min(silence, *what.until) : silence);
}

asio::awaitable<void> follow_on(
    stream_type& stream, const address& where, http::request<http::string_body> message,
    following& what)
{
    error_code error = co_await connect(stream, where);
    if (error) {
        co_return;
    }
    what.end = stream_end::closed;
    expire(stream, what);
    co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, error));
    beast::flat_buffer buffer;
    http::response_parser<http::empty_body> head;
    if (!error) {
        co_await http::async_read_header(
            stream, buffer, head, asio::redirect_error(asio::use_awaitable, error));
    }
    if (!error && head.get().result_int() != 200) {
        what.end = stream_end::refused;
        co_return;
    }
    std::string text(static_cast<const char*>(buffer.data().data()), buffer.size());
    std::array<char, 8192> room{};
    while (!error && text.size() < event_bytes_max) {
        for (auto end = text.find("\n\n"); end != std::string::npos; end = text.find("\n\n")) {
            const event one = event_from(std::string_view(text).substr(0, end), what.last_id);
            text.erase(0, end + 2);
            if (!one.name.empty() && !what.on_event(one)) {
                what.end = stream_end::enough;
                co_return;
            }
        }
        expire(stream, what);
        const std::size_t got = co_await stream.async_read_some(
            asio::buffer(room), asio::redirect_error(asio::use_awaitable, error));
        text.append(room.data(), got);
    }
}

} // namespace

std::variant<address, std::string> address_from(std::string_view text)
{
    if (text.starts_with("unix:")) {
        return address{true, std::string(text.substr(5)), ""};
    }
    if (text.starts_with("https://")) {
        return std::string("https: not built yet; use http:// on loopback or unix:PATH");
    }
    if (!text.starts_with("http://")) {
        return "endpoint " + std::string(text) + ": expected http://HOST:PORT or unix:PATH";
    }
    text.remove_prefix(7);
    if (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    const auto colon = text.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos;
    auto host = text.substr(0, has_port ? colon : text.size());
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    const auto port = has_port ? text.substr(colon + 1) : std::string_view("80");
    if (host.empty() || host.find('/') != std::string_view::npos || port.empty() ||
        port.find_first_not_of("0123456789") != std::string_view::npos) {
        return "endpoint http://" + std::string(text) + ": expected http://HOST:PORT";
    }
    return address{false, std::string(host), std::string(port)};
}

std::variant<reply, unreachable> http_client::send(const request& what) const
{
    asio::io_context context(1);
    stream_type stream(context);
    std::variant<reply, unreachable> out = unreachable{"no answer"};
    bool interrupted = false;
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const error_code& error, int) {
        if (!error) {
            interrupted = true;
            stream.close();
        }
    });
    asio::co_spawn(
        context, exchange(stream, where_, message_of(what, where_, token_), out),
        [&](const std::exception_ptr&) { signals.cancel(); });
    context.run();
    if (interrupted) {
        return unreachable{"interrupted", true};
    }
    return out;
}

std::string http_client::where() const
{
    if (where_.local) {
        return "unix:" + where_.host;
    }
    const bool six = where_.host.find(':') != std::string::npos;
    return "http://" + (six ? "[" + where_.host + "]" : where_.host) + ":" + where_.port;
}

stream_end http_client::follow(
    const std::string& target, std::uint64_t& last_id,
    std::optional<std::chrono::steady_clock::time_point> until,
    const std::function<bool(const event&)>& on_event) const
{
    asio::io_context context(1);
    stream_type stream(context);
    following what{last_id, until, on_event};
    request ask{
        "GET",
        target,
        {{"Accept", "text/event-stream"}, {"Last-Event-ID", std::to_string(last_id)}},
        ""};
    auto message = message_of(ask, where_, token_);
    message.version(10); // no chunks, whoever stands between
    bool interrupted = false;
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const error_code& error, int) {
        if (!error) {
            interrupted = true;
            stream.close();
        }
    });
    asio::co_spawn(
        context, follow_on(stream, where_, std::move(message), what),
        [&](const std::exception_ptr&) { signals.cancel(); });
    context.run();
    if (interrupted) {
        return stream_end::interrupted;
    }
    const bool late = until && std::chrono::steady_clock::now() >= *until;
    return late && what.end != stream_end::enough ? stream_end::timeout : what.end;
}

bool http_client::pause(std::chrono::milliseconds length)
{
    asio::io_context context(1);
    asio::steady_timer timer(context, length);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    bool interrupted = false;
    timer.async_wait([&](const error_code&) { signals.cancel(); });
    signals.async_wait([&](const error_code& error, int) {
        interrupted = !error;
        timer.cancel();
    });
    context.run();
    return !interrupted;
}

} // namespace cli
