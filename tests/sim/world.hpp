#pragma once

// A whole world drawn from one seed: shards, brokers of both colors, clients, an operator, and what
// goes wrong. Run to its end it answers with what broke the contract.

#include "tests/sim/control_side.hpp"
#include "tests/sim/sim_client.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

enum class multiplex : std::uint8_t { drawn, shared, dedicated };
enum class backplane : std::uint8_t {
    separate,
    shared, // how its messages are told apart is drawn
    header,
    content,
    no_key,
    marks, // dedup: auto, with publishers beside the gateway
};
enum class faults : std::uint8_t {
    none,
    links,   // links are cut and stalled, dials fail
    brokers, // brokers die and come back, nodes leave and join
    all,
};

// What about one world in four has, each for itself.
enum class feature : std::uint8_t {
    cluster,  // each color three nodes, with order between two of them only
    rabbitmq, // RabbitMQ's ways, see broker_ways
    silent,   // one color answers no receipts: best effort
    replies,  // clients ask with temporary reply queues, and answer
    strict,   // queue_order: strict
    gives_up, // on_hold_timeout pin or cut, max_failed
    drains,   // the operator drains single endpoints and takes them back
    beats,    // heart-beats on both legs; clients and links that fall silent
    workers,  // clients that take one job at a time (T4)
    streams,  // a shared backplane with a stream (T1); one in three of those
    refuses,  // frames that brokers answer with an ERROR that names none, see broker_ways
    floods,   // peers that only want their bytes held, and little that may be held in all
    untried,  // clients subscribe to what every broker refuses (E10)
    pauses, // now and then the gateway's process does not run (C11); only where nothing else fails
    unanswered, // RECEIPTs that never come, and a switch back while their links live on (S13, H7)
};
inline constexpr unsigned features = 15;
std::string_view to_string(feature f) noexcept;

struct world_options {
    std::uint64_t seed = 1;
    multiplex mode = multiplex::drawn;
    faults with = faults::none;
    sim::backplane backplane = sim::backplane::separate;
    unsigned shards = 0;  // 0: drawn
    unsigned clients = 0; // 0: drawn
    unsigned steps = 0;   // of each client; 0: drawn
    bool switches = true;
    tracing trace = tracing::off;
    // What a smaller world leaves out; the rest of it draws what it drew before.
    std::set<unsigned> without_clients, without_faults, without_orders, without_drains;
    std::optional<std::set<feature>> having; // these and no others, instead of drawn ones
    std::set<unsigned> without_features;     // drawn or not
    bool one_node = false, calm_clients = false, roomy = false, store_works = false;
    bool apart = false; // network::keep_apart()
    bool bytes = false; // the trace has every byte that the gateway writes, and every report whole
};

struct world_result {
    std::vector<std::string> violations;
    std::uint64_t sends = 0, deliveries = 0, turns = 0;
    unsigned committed = 0, aborted = 0;
    unsigned shards = 0, clients = 0, steps = 0, nodes = 0;
    unsigned faults = 0, orders = 0;     // that went wrong; of the operator: switches,
    unsigned drains = 0;                 // endpoints that are drained or taken back
    std::vector<std::string> last_lines; // tracing::kept: of the trace, up to the first violation
};

world_result run_world(const world_options& options);

} // namespace sim
