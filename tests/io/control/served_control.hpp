#pragma once

// A control_service with fake members behind a real api_server on loopback, on a thread of its own.
//
// Threading:  on() runs a piece of code on the control thread and waits for it; the rest is the
//             test's thread.

#include "control/api/server.hpp"
#include "tests/unit/control/fake_members.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <filesystem>
#include <future>
#include <thread>

namespace control_test {

class served_control {
public:
    explicit served_control(
        control::api_server_options options = {}, control::api_options access = {})
        : work_(boost::asio::make_work_guard(bench.context))
    {
        if (options.bind.empty()) {
            options.bind = "127.0.0.1:0";
        }
        access.version = "1.2.3";
        access.metrics = [] { return std::string("teal_epoch 4\n"); };
        const auto log = [](control::log_level, const std::string&) {};
        router = std::make_unique<control::api>(*bench.service, std::move(access), log);
        auto made =
            control::api_server::listen(bench.context, *router, *bench.service, options, log);
        if (auto* wrong = std::get_if<std::string>(&made)) {
            throw std::runtime_error(*wrong);
        }
        server = std::move(std::get<0>(made));
        port = server->port();
        bench.service->set_ready(true);
        thread_ = std::thread([this] { bench.context.run(); });
    }
    ~served_control()
    {
        on([this] {
            server->stop();
            bench.service->shut_down(
                {}); // a switch that a test left open would keep its timer, and so this thread
        });
        work_.reset();
        // It ends once every coroutine has ended: a connection that is left behind hangs the test.
        thread_.join();
    }
    template <class F>
    void on(F what)
    {
        std::promise<void> done;
        boost::asio::post(bench.context, [&] {
            what();
            done.set_value();
        });
        done.get_future().wait();
    }
    std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port); }

    control_bench bench;
    std::unique_ptr<control::api> router;
    std::unique_ptr<control::api_server> server;
    std::uint16_t port = 0;

private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

} // namespace control_test
