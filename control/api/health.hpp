#pragma once

// What GET /v1/status says about this gateway's health, and what an operator can do about it: sentences
// that are true at three in the morning.
//
// Invariants:
// (1) `ok` has no sentence, the others have at least one.

#include "control/service/control_service.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace control {

enum class health_state : std::uint8_t {
    ok,
    degraded, // clients are served; something that a switch or a loss needs is missing
    down,     // clients are not served
};
std::string_view to_string(health_state state) noexcept;

struct health {
    health_state state = health_state::ok;
    std::vector<std::string> sentences; // the worst first
};

struct health_facts {
    gateway_snapshot now;
    std::size_t members = 0; // of which `now` has those that answered
    stored_state stored;
    bool switching = false; // a switch or a dry run runs
    bool ready = true;
    std::string not_ready_because, store_trouble, stuck;
    std::chrono::system_clock::time_point (*wall)(net::time_point) = nullptr;
};

health health_of(const health_facts& facts);

} // namespace control
