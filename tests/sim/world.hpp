#pragma once

// A whole world drawn from one seed: shards, brokers of both colors, clients, an operator, and what
// goes wrong. Run to its end it answers with what broke the contract.

#include "tests/sim/control_side.hpp"
#include "tests/sim/sim_client.hpp"

#include <memory>
#include <set>
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
    tracing trace = tracing::off;
    // What a smaller world leaves out; the rest of it draws what it drew before.
    std::set<unsigned> without_clients, without_faults, without_orders;
    bool one_node = false, calm_clients = false, roomy = false, store_works = false;
};

struct world_result {
    std::vector<std::string> violations;
    std::uint64_t sends = 0, deliveries = 0, turns = 0;
    unsigned committed = 0, aborted = 0;
    unsigned shards = 0, clients = 0, steps = 0, nodes = 0;
    unsigned faults = 0, orders = 0;     // that went wrong; of the operator
    std::vector<std::string> last_lines; // tracing::kept: of the trace, up to the first violation
};

world_result run_world(const world_options& options);

} // namespace sim
