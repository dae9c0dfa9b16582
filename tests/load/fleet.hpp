#pragma once

// All clients on one loop, from the first connect to the last goodbye.
//
//   connecting  paced by connect_rate, until every client is subscribed
//   sending     by the pacer's schedule, for warm-up and duration
//   draining    a last SEND with a receipt by everyone; until all that was sent has come, or
//               drain_limit
//   leaving     DISCONNECT with a receipt, read to the end
//
// Threading:  the thread that calls run().
// Limits:     every phase has a deadline; a turn sends at most `sends_per_turn_max` messages.

#include "broker/net/readiness_loop.hpp"
#include "broker/net/socket.hpp"
#include "tests/load/checker.hpp"
#include "tests/load/load_client.hpp"
#include "tests/load/missing_log.hpp"
#include "tests/load/pacer.hpp"
#include "tests/load/run_meter.hpp"
#include "tests/load/run_result.hpp"
#include "tests/load/workload.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/result.hpp>

#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace load {

struct fleet_options {
    workload_shape shape;
    client_settings client;
    net::socket_address address;
    double rate = 5; // messages per second of each client
    std::size_t body_size = 200;
    std::uint64_t seed = 1;    // of the phases
    double connect_rate = 500; // per second
    std::chrono::nanoseconds warmup{0}, duration{std::chrono::seconds{15}};
    std::chrono::nanoseconds drain_limit{std::chrono::seconds{10}};
    queue_order order = queue_order::relaxed;
    bool progress = true;      // a line a second on stderr
    bool tell_missing = false; // into run_result::missing
};

class fleet final : private client_owner, private net::turn_handler {
public:
    explicit fleet(fleet_options options);
    fleet(const fleet&) = delete;
    fleet& operator=(const fleet&) = delete;

    // The error is a sentence: why not all clients could connect and subscribe.
    boost::system::result<run_result, std::string> run();

private:
    enum class phase : std::uint8_t { connecting, sending, draining, leaving, done };
    enum class timer_role : std::uint8_t { connect, pacing, warmup_end, phase_end, second };
    struct role_timer final : net::timer {
        role_timer(fleet& f, timer_role r) noexcept : owner(f), role(r) {}
        void on_timer(net::time_point now) override { owner.on_fleet_timer(role, now); }
        fleet& owner;
        timer_role role;
    };

    void on_subscribed(std::uint32_t client) override;
    void on_delivery(
        std::uint32_t client, stream_kind subscription, const message_number& number,
        redelivered again) override;
    void on_receipt(stream_id stream, std::uint32_t sequence) override;
    void on_flushed(std::uint32_t client) override;
    void on_error(std::uint32_t client, std::string what) override;
    void on_gone(std::uint32_t client, ending how, const std::string& why) override;
    void on_turn_end(net::time_point now) override;
    void on_fleet_timer(timer_role role, net::time_point now);
    void await_signal();

    void connect_some(net::time_point now);
    void start_sending();
    void send_due();
    void arm_pacing();
    void stop_sending();
    void leave_all();
    void finish();
    void fail(std::string why);
    void remember(std::string reason);
    void print_progress(net::duration elapsed) const; // fleet_progress.cpp
    run_result take_result();

    fleet_options options_;
    workload plan_;
    checker checker_;
    pacer pacer_;
    run_meter meter_;
    missing_log missing_;
    boost::asio::io_context context_{1};
    net::readiness_loop loop_{context_};
    boost::asio::signal_set signals_{context_, SIGINT, SIGTERM};
    client_commons commons_;
    std::vector<std::unique_ptr<load_client>> clients_;
    role_timer connect_timer_{*this, timer_role::connect};
    role_timer pacing_timer_{*this, timer_role::pacing};
    role_timer warmup_timer_{*this, timer_role::warmup_end};
    role_timer phase_timer_{*this, timer_role::phase_end};
    role_timer second_timer_{*this, timer_role::second};

    run_result result_;
    std::string failure_;
    std::vector<bool> flush_pending_;
    std::uint32_t flushes_pending_ = 0;
    std::uint32_t subscribed_ = 0, gone_ = 0;
    net::time_point connect_start_;
    phase phase_ = phase::connecting;
};

} // namespace load
