#pragma once

// How many clients are sent away at a time, before this gateway stops: drain.pace, at irregular
// moments. Clients that reconnect after a fixed time would otherwise come back in step.
//
// Threading:  control thread.

#include "broker/net/time.hpp"

#include <cstddef>
#include <random>
#include <vector>

namespace gateway {

class departure_pace {
public:
    explicit departure_pace(unsigned per_second, unsigned seed = std::random_device{}())
        : per_second_(per_second), random_(seed)
    {
    }

    void begin(net::time_point now) noexcept { last_ = now; }
    // Who may go now. What was due and nobody took is lost but for a part of a second, so that no
    // crowd goes at once.
    std::size_t due(net::time_point now);
    // Until it is asked again: 50 ms, a fifth more or less.
    net::duration next_step();

private:
    double per_second_;
    double due_ = 0;
    net::time_point last_{};
    std::minstd_rand random_;
};

// `most` shared out in proportion to `waiting`; nobody gets more than wait there.
std::vector<std::size_t> shares_of(std::size_t most, const std::vector<std::size_t>& waiting);

} // namespace gateway
