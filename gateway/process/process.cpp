// The gateway from its start to its end: signals.

#include "gateway/process/process.hpp"

#include "broker/net/stray_signals.hpp"
#include "gateway/process/running_process.hpp"
#include "gateway/telemetry/log.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace gateway {

process::~process()
{
    if (resolver_.joinable()) {
        resolver_.join();
    }
    for (auto& s : shards_) {
        s->stop();
    }
    for (auto& t : threads_) {
        t.join();
    }
    store_watch_.reset();
    servers_.clear();
    api_.reset();
    service_.reset();
}

void process::wait_for_signal()
{
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
        if (error) {
            return;
        }
        if (number == SIGHUP) {
            log::line(log_level::info, "SIGHUP: the configuration is loaded again");
            service_->reload_configuration("a signal", false, [](const auto&) {});
        } else if (number != SIGTERM && number != SIGINT) {
            note_signal(number);
        } else if (stopping_) {
            log::line(log_level::warning, "stopping at once");
            stop();
            return;
        } else {
            on_stop_signal();
        }
        wait_for_signal();
    });
}

// A line each ten seconds and signal: whoever sends them in a loop does not fill the log.
void process::note_signal(int number)
{
    auto& told = signals_told_[number];
    const auto now = net::clock::now();
    if (told != net::time_point{} && now - told < std::chrono::seconds{10}) {
        return;
    }
    told = now;
    const char* name = ::sigabbrev_np(number); // null of a real-time one
    log::line(
        log_level::warning, "a signal that means nothing here was ignored",
        {{"signal", name != nullptr ? "SIG" + std::string(name) : std::to_string(number)}});
}

// As POST /v1/drain (S16), and then the end of the process.
void process::on_stop_signal()
{
    stopping_ = true;
    if (way_out_.stage == control::way_out_stage::drained) {
        stop();
        return;
    }
    log::line(
        log_level::info, "stopping once the clients are sent away; a second signal stops at once");
    service_->drain_self("a signal");
}

void process::stop()
{
    signals_.cancel();
    timer_.cancel();
    resolve_timer_.cancel();
    trim_timer_.cancel();
    tls_timer_.cancel();
    turn_timer_.cancel();
    store_watch_.reset();
    for (const auto& server : servers_) {
        server->stop();
    }
    control_.stop();
}

int process::run()
{
    if (const int status = start(); status != 0) {
        return status;
    }
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        signals_.add(number);
    }
    for (const int number : net::stray_signals()) {
        signals_.add(number);
    }
    wait_for_signal();
    resolve_again();
    trim_memory();
    watch_tls();
    watch_turns();
    control_.run();
    log::line(log_level::info, "stopped");
    return 0;
}

int run_gateway(config settings)
{
    const int status = process{std::move(settings)}.run();
    log::stop(std::chrono::seconds{1}); // whoever reads the log or not
    return status;
}

} // namespace gateway
