// teal-broker: an in-memory STOMP broker for the quickstart, tests and small deployments.

#include "broker/embedded/broker_core.hpp"
#include "broker/embedded/stomp_server.hpp"
#include "broker/net/readiness_loop.hpp"
#include "broker/net/socket.hpp"
#include "broker/net/stray_signals.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <random>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace {

constexpr int exit_usage = 2; // bad option, or an address that can not be listened on

struct command_line {
    std::string stomp, websocket, status;
    std::vector<std::string> users, chaos;
    embedded::broker_options options;
};

void describe(CLI::App& app, command_line& given)
{
    app.set_version_flag("--version", std::string{"teal-broker "} + TEAL_VERSION);
    app.add_option("--stomp", given.stomp, "Listen for plain STOMP here")->type_name("HOST:PORT");
    app.add_option("--ws", given.websocket, "Listen for STOMP over WebSocket here, path /ws")
        ->type_name("HOST:PORT");
    app.add_option("--status", given.status, "Answer GET /status[?since=NS] here")
        ->type_name("HOST:PORT");
    app.add_option("--user", given.users, "A user who may log in; repeat for more (default: everybody may)")
        ->type_name("NAME:PASS")
        ->allow_extra_args(false);
    app.add_option(
           "--memory", given.options.memory_bytes_max,
           "Maximum size of all queued messages (default 1GiB)")
        ->type_name("SIZE")
        ->transform(CLI::AsSizeValue(false));
    stomp::limits& limits = given.options.frame_limits;
    app.add_option("--frame", limits.frame_bytes, "Largest frame (default 4MiB)")
        ->type_name("SIZE")
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::size_t{1024}, std::size_t{1} << 30));
    app.add_option(
           "--frame-before-connect", given.options.frame_before_connect_bytes_max,
           "Largest frame before CONNECTED (default 64KiB)")
        ->type_name("SIZE")
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::size_t{1024}, std::size_t{1} << 30));
    app.add_option("--headers", limits.header_count, "Maximum number of headers in a frame (default 100)")
        ->check(CLI::Range(std::size_t{8}, std::size_t{10'000}));
    app.add_option("--header-line", limits.header_line_bytes, "Longest header line (default 10KiB)")
        ->type_name("SIZE")
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::size_t{256}, std::size_t{1} << 20));
    app.add_option(
        "--name", given.options.name, "The broker's name in /status and in its ready line");
    app.add_option(
           "--chaos", given.chaos,
           "Plant a fault, for tests; repeat for more: close_on=DESTINATION, stall_after=N, "
           "refuse_login=NAME, "
           "no_receipts=1, delay=10ms, die_after=N, reject_subscribe=DESTINATION, error_on=DESTINATION")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    app.footer("Port 0 picks a free port. SIGTERM and SIGINT stop it. Exit status: 0 stopped, 2 a "
               "bad option or an\n"
               "address on which it cannot listen.\n\n"
               "  teal-broker --stomp 127.0.0.1:61613 --ws 127.0.0.1:61614 --status "
               "127.0.0.1:61615 --name blue");
}

// A sentence that says what is wrong, or nothing.
std::string complete(command_line& given)
{
    if (given.stomp.empty() && given.websocket.empty()) {
        return "one of --stomp and --ws is required";
    }
    for (const std::string& user : given.users) {
        const auto colon = user.find(':');
        if (colon == std::string::npos || colon == 0) {
            return "--user: NAME:PASS is expected";
        }
        given.options.users.push_back({user.substr(0, colon), user.substr(colon + 1)});
    }
    for (const std::string& fault : given.chaos) {
        if (const auto wrong = embedded::apply_chaos(given.options.chaos, fault)) {
            return *wrong;
        }
    }
    std::random_device random;
    char nonce[9];
    std::snprintf(nonce, sizeof nonce, "%08x", static_cast<unsigned>(random()));
    given.options.nonce = nonce;
    return {};
}

// Every client is a descriptor; the soft limit of most systems is 1024.
void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// Listens there and adds it to what the ready line says; false after a complaint.
bool open_listener(
    embedded::stomp_server& server, const std::string& at, embedded::transport over,
    std::string& ready)
{
    if (at.empty()) {
        return true;
    }
    const auto address = net::parse_address(at);
    if (!address) {
        std::fprintf(stderr, "teal-broker: '%s' is not HOST:PORT\n", at.c_str());
        return false;
    }
    const auto bound = server.listen(*address, over);
    if (!bound) {
        std::fprintf(
            stderr, "teal-broker: can not listen on %s: %s\n", at.c_str(),
            bound.error().message().c_str());
        return false;
    }
    const std::string text = bound->text();
    switch (over) {
    case embedded::transport::stomp: ready += " stomp://" + text; break;
    case embedded::transport::websocket: ready += " ws://" + text + "/ws"; break;
    case embedded::transport::status: ready += " status http://" + text + "/status"; break;
    }
    return true;
}

int serve(const command_line& given)
{
    boost::asio::io_context context{1};
    net::readiness_loop loop{context};
    embedded::broker_core core{given.options};
    embedded::stomp_server server{loop, core};
    std::string ready;
    if (!open_listener(server, given.stomp, embedded::transport::stomp, ready) ||
        !open_listener(server, given.websocket, embedded::transport::websocket, ready) ||
        !open_listener(server, given.status, embedded::transport::status, ready)) {
        return exit_usage;
    }
    boost::asio::signal_set signals{context, SIGTERM, SIGINT};
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) {
            server.stop();
            // Behind the turn that closes the connections.
            boost::asio::post(context, [&] {
                loop.stop();
                context.stop();
            });
        }
    });
    std::printf("teal-broker %s listening on%s\n", given.options.name.c_str(), ready.c_str());
    std::fflush(stdout);
    context.run();
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    CLI::App app{
        "An in-memory STOMP 1.0, 1.1 and 1.2 broker, over TCP and WebSocket.", "teal-broker"};
    command_line given;
    describe(app, given);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    if (const std::string wrong = complete(given); !wrong.empty()) {
        std::fprintf(stderr, "teal-broker: %s\n", wrong.c_str());
        return exit_usage;
    }
    net::ignore_stray_signals();
    raise_descriptor_limit();
    return serve(given);
}
