#pragma once

// The driver of one shard's router: does what gateway/core/tables/effects.hpp says, over the simulated network.
// It holds no rule of the protocol; where the real driver is free to choose, this one draws.

#include "broker/stomp/parser.hpp"
#include "gateway/core/routing/router.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/mini_broker.hpp"
#include "tests/sim/network.hpp"

#include <map>
#include <memory>
#include <set>

namespace sim {

class control_side;

class shard_driver final : public gateway::effects {
public:
    using brokers = broker::per_color<std::unique_ptr<mini_broker>>;

    shard_driver(
        unsigned number, gateway::shard_settings settings, process_clock& when, network& net,
        brokers& all, checker& check, const heart_beats& beats, std::uint64_t seed);
    ~shard_driver() override;

    void start(color live);
    void attach(control_side& control) noexcept { control_ = &control; }
    void accept(connection_ref made, unsigned client);
    void command(const control::command& what);
    void drain(control::endpoint_ref where, bool on);
    void run_deadline() { router_.on_deadline(when_.now()); }
    void end_of_turn();
    // The process runs again: what lies in the sockets is read before anything is due.
    void read_all();

    gateway::router& router() noexcept { return router_; }
    unsigned number() const noexcept { return number_; }
    std::size_t links_to(color c) const;
    std::size_t clients() const noexcept { return clients_.size(); }
    // limits.buffered_total, this shard's part.
    void limit_memory(std::uint64_t bytes) noexcept { buffered_max_ = bytes; }
    void fail_dials_until(time_point until) noexcept { dials_fail_until_ = until; }
    // Whether that client's connection is not closed; what was written before may still be on its
    // way.
    bool listens_to(unsigned client) const;
    void describe(); // every session, to the trace
    // Contract checks on what the gateway holds: at every step, and with everything at rest.
    void check_step();
    void check_rest();
    void check_left(control::endpoint_ref drained); // M13: nothing is there any more

    // ---- gateway::effects
    void write_client(
        gateway::session_id to, std::string_view head, std::string_view body,
        gateway::framing as) override;
    void write_client(
        gateway::session_id to, std::string_view head, const net::payload_ref& rest,
        gateway::framing as) override;
    void client_up(
        gateway::session_id which, stomp::version version, std::string_view heart_beat) override;
    void close_client(
        gateway::session_id which, gateway::disconnect_reason reason,
        std::string_view text) override;
    void resume_client(gateway::session_id which) override;
    std::uint64_t client_appended(gateway::session_id which) const override;
    std::uint64_t client_written(gateway::session_id which) const override;
    void watch_written(gateway::session_id which) override;
    void dial(const gateway::dial_order& order) override;
    void read_link(gateway::link_id which, bool on) override;
    std::size_t link_backlog(gateway::link_id which) const override;
    void probe(control::endpoint_ref which) override;
    void report(control::report what) override;
    void log(control::log_level level, std::string line) override;
    void write_link(
        gateway::link_id to, std::string_view head, std::string_view body,
        gateway::framing as) override;
    void close_link(gateway::link_id which) override;
    bool link_flushed(gateway::link_id which) const override;

private:
    struct client_end;
    struct link_end;
    client_end* client(gateway::session_id id) const;
    link_end* link(gateway::link_id id) const;
    void look_at_move(client_end& c);
    void fill(client_end& c);
    void interpret(gateway::session_id id);
    void client_ended(gateway::session_id id, bool reset);
    void look_at_outbox(client_end& c);
    void connect_link(gateway::link_id id);
    void read(gateway::link_id id);
    void link_ended(gateway::link_id id);
    void lose_link(gateway::link_id id, std::string_view why);
    bool is_up(control::endpoint_ref which) const;
    // ---- shard_driver_memory.cpp
    void keep_to_budget();
    void read_nothing(bool on);
    // ---- shard_driver_beats.cpp
    void begin_beats(client_end& c, std::string_view offered);
    void begin_beats(link_end& l);
    void arm_beat(client_end& c);
    void run_client_beat(gateway::session_id id);
    void run_link_beat(gateway::link_id id);

    unsigned number_;
    gateway::shard_settings settings_;
    process_clock& when_;
    network& network_;
    brokers& brokers_;
    checker& checker_;
    const heart_beats& beats_;
    random_source random_;
    gateway::shard_counters counters_;
    gateway::router router_;
    control_side* control_ = nullptr;
    std::map<std::uint64_t, std::unique_ptr<client_end>> clients_;
    std::map<std::uint64_t, std::unique_ptr<link_end>> links_;
    time_point dials_fail_until_{};
    std::uint64_t buffered_max_ = UINT64_MAX;
    bool reads_nothing_ = false;
    std::optional<time_point> held_from_;
    bool interprets_over_mark_ = false, broken_ = false, drains_ = false;
    std::set<control::endpoint_ref> drained_;
};

} // namespace sim
