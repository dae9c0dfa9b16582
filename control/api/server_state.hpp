#pragma once

// What api_server keeps: its connections, and what each of them is doing. server.cpp accepts them and
// closes those that can be spared, server_connection.cpp reads requests and writes answers.
//
// Threading:  belongs to the thread of its io_context.
// Lifetime:   kept by each coroutine and by api_server; stop() ends all of them.

#include "control/api/admin_listener.hpp"
#include "control/api/server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace control {

struct api_server::state : std::enable_shared_from_this<state> {
    using socket_type = admin_listener::socket;
    using stream_type = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
    using error_code = boost::system::error_code;

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
        connection(socket_type socket, boost::asio::io_context& context)
            : peer(peer_of(socket)), stream(std::move(socket)), wake(context)
        {
        }
        std::string peer;
        stream_type stream;
        boost::asio::steady_timer wake;
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
        boost::asio::io_context& context_, api& router_, control_service& control_,
        api_server_options options_, log_sink log_)
        : context(context_), router(router_), control(control_), options(std::move(options_)),
          log(std::move(log_)), listener(context_)
    {
    }

    std::optional<std::string> open();
    template <class Acceptor>
    boost::asio::awaitable<void> accept_on(Acceptor& acceptor);
    boost::asio::awaitable<void> serve(connections::iterator it);
    boost::asio::awaitable<bool> serve_one(connection& peer, boost::beast::flat_buffer& buffer);
    boost::asio::awaitable<http_response> ask(http_request request);
    boost::asio::awaitable<std::optional<http_response>>
    refusal_behind_pause(connection& peer, const http_request& request);
    boost::asio::awaitable<bool> answer(connection& peer, http_response response, answer_shape shape);
    boost::asio::awaitable<void> stream_events(connection& peer, event_stream at);
    void watch_for_end(connection& peer);
    void take(socket_type socket);
    bool spare_one(doing most);
    void on_accept_failed(const error_code& error);
    void stop();

    boost::asio::io_context& context;
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

} // namespace control
