#pragma once

// What an operator may ask of a switch, and the settings that the switch keeps from its beginning
// to its end (S16).

#include "control/protocol/switch_messages.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace control {

enum class hold_policy : std::uint8_t {
    abort, // the switch is aborted
    pin,   // sessions that are not held keep their old binding until they can bind (C5, S8)
    cut,   // sessions that are not held give up their old binding at once (C5, S8)
};
std::string_view to_string(hold_policy policy) noexcept;
std::optional<hold_policy> hold_policy_from(std::string_view name) noexcept;

// `max_failed`: N, or "P%" of the sessions at the order over all members, rounded down (C8).
struct failure_limit {
    double amount = 0;
    bool percent = false;
    std::uint64_t allowed(std::uint64_t sessions) const noexcept;
    bool operator==(const failure_limit&) const = default;
};
std::optional<failure_limit> failure_limit_from(std::string_view text);

// "500ms", "30s", "5m", "1h"; a unit is required.
std::optional<net::duration> duration_from(std::string_view text);
std::string to_text(net::duration value); // in the largest unit that is whole

struct switch_request {
    broker::color to = broker::color::green;
    std::optional<net::duration> deadline; // default_deadline where absent
    std::optional<hold_policy> on_hold_timeout;
    std::optional<failure_limit> max_failed;
    std::string reason;
    bool dry_run = false;
    std::string who; // for the audit line
    bool pause = false; // C14: prepared, and then it waits for go
};

// The configuration's part: `switch:` and `brokers.connect_rate` of teal.yaml.
struct control_settings {
    net::duration prepare_timeout = std::chrono::seconds(60); // longest time without progress
    net::duration hold_timeout = std::chrono::seconds(2);
    net::duration default_deadline = std::chrono::minutes(2);
    net::duration pause_timeout = std::chrono::minutes(15);
    hold_policy on_hold_timeout = hold_policy::abort;
    failure_limit max_failed;
    prepare_settings members;
    double connect_rate = 500; // links per second, this process
    net::duration preflight_timeout = std::chrono::seconds(5);
    net::duration question_timeout = std::chrono::seconds(2);
    // Between reads of a store that gave no answer (C7).
    net::duration store_retry = std::chrono::milliseconds(200);
    // By endpoint_ref::index, for log and reports.
    broker::per_color<std::vector<std::string>> endpoint_names;
};

} // namespace control
