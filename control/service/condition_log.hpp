#pragma once

// Lines in pairs: what began to be wrong, and that it is over. Once for the whole process, whatever its
// members see, and at the level of the harm: error while the live color is down.
//
// Threading:  control thread.
// Invariants:
// (1) A condition that goes on has one line. Numbers that change meanwhile make no further one, but the
//     line at its end says for how long it went on.

#include "control/service/control_service.hpp"

#include <optional>

namespace control {

class condition_log {
public:
    explicit condition_log(log_sink log) : log_(std::move(log)) {}

    // Called again and again. `clients_max`: limits.clients as it is in force.
    void look(
        const gateway_snapshot& now, broker::color live, std::uint64_t clients_max,
        net::time_point when);

private:
    struct condition {
        std::optional<net::time_point> since;
        // True where it has just begun, or is just over.
        bool turns(bool on, net::time_point when) noexcept;
    };
    void pool(broker::color c, const gateway_snapshot& now, bool live, net::time_point when);
    void parked(broker::color c, const gateway_snapshot& now, net::time_point when);

    log_sink log_;
    broker::per_color<condition> down_, parked_;
    broker::per_color<std::uint64_t> most_parked_;
    condition full_;
};

} // namespace control
