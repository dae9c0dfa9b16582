#pragma once

// One world while it runs; made and judged by run_world().

#include "tests/sim/flooder.hpp"
#include "tests/sim/world.hpp"

#include <map>
#include <memory>
#include <vector>

namespace sim {

class world {
public:
    explicit world(const world_options& options);
    world_result run();

private:
    gateway::shard_settings core(unsigned shard);
    control::control_settings control_settings();
    void build_brokers();
    bool ends_links() const;
    client_habits draw_habits();
    void run_until(time_point end);
    bool run_turn(time_point end);
    void end_turn();
    bool all_finished() const;
    bool has(feature f) const;
    void operate();
    void drain_or_take_back();
    void publish_beside();
    void go_wrong();
    void break_link(random_source& random);
    void break_broker(random_source& random);
    void pause();
    void heal();
    void check_rest();
    void check_empty();

    world_options options_;
    scheduler when_;
    process_clock process_{when_};
    heart_beats beats_;
    checker checker_;
    random_source random_;
    network network_;
    shard_driver::brokers brokers_;
    std::vector<std::unique_ptr<shard_driver>> shards_;
    std::unique_ptr<control_side> control_;
    std::vector<std::unique_ptr<sim_client>> clients_;
    std::vector<std::unique_ptr<flooder>> flooders_;
    bool shared_ = false, healing_ = false, store_fails_ = false;
    std::size_t nodes_ = 1;
    std::set<control::endpoint_ref> drained_; // by the operator's will
    unsigned beside_ = 0, pauses_ = 0;
    std::map<std::pair<std::string, std::size_t>, unsigned> beside_numbers_; // by topic and node
    unsigned steps_ = 0, faults_ = 0, orders_ = 0, drains_ = 0;
    time_point last_turn_{};
    std::uint64_t turns_ = 0, turns_now_ = 0;
};

} // namespace sim
