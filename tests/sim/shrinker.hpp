#pragma once

// A world that fails, made smaller for as long as it fails in the same manner: fewer clients,
// steps, shards and nodes, orders and faults left out one by one, settings made roomy.

#include "tests/sim/world.hpp"

#include <chrono>
#include <functional>

namespace sim {

struct shrunk_world {
    world_options options;
    world_result result; // with the last lines of its trace
    unsigned tried = 0;
};

// How a world fails, in a word; empty: it does not.
using verdict = std::function<std::string(const world_result&)>;
// The first violation without its numbers.
std::string manner_of(const world_result& result);

// REQUIRES: !judge(run_world(failing)).empty().
shrunk_world
shrink(const world_options& failing, const verdict& judge, std::chrono::milliseconds at_most);

// What a person wants to see of a failing world: what is left of it, and how it goes; bounded
// lines.
std::string explain(const shrunk_world& what);
// The arguments of `sim` that replay it.
std::string arguments_of(const world_options& options);

} // namespace sim
