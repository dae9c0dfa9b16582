#pragma once

// A whole world drawn from one seed: shards, brokers of both colors, clients, an operator, and what
// goes wrong. Run to its end it answers with what broke the contract.

#include "tests/sim/control_side.hpp"
#include "tests/sim/sim_client.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sim {

enum class multiplex : std::uint8_t { drawn, shared, dedicated };
enum class faults : std::uint8_t {
    none,
    links,   // links are cut and stalled, dials fail
    brokers, // brokers die and come back, nodes leave and join
    all,
};

struct world_options {
    std::uint64_t seed = 1;
    multiplex mode = multiplex::drawn;
    faults with = faults::none;
    unsigned shards = 0;  // 0: drawn
    unsigned clients = 0; // 0: drawn
    unsigned steps = 0;   // of each client; 0: drawn
    bool switches = true;
    bool trace = false;
};

struct world_result {
    std::vector<std::string> violations;
    std::uint64_t sends = 0, deliveries = 0, turns = 0;
    unsigned committed = 0, aborted = 0;
};

world_result run_world(const world_options& options);

} // namespace sim
