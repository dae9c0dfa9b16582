#include "broker/embedded/counters.hpp"

#include <chrono>

namespace embedded {

void arrival_log::add(net::time_point now)
{
    // steady_clock is CLOCK_MONOTONIC, the same for all processes of the machine.
    const std::int64_t ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    if (!first_ever_) {
        first_ever_ = ns;
    }
    if (ns_.size() < arrivals_max) {
        ns_.push_back(ns);
        return;
    }
    ns_[oldest_] = ns;
    oldest_ = (oldest_ + 1) % ns_.size();
}

std::optional<std::int64_t> arrival_log::first_ns(std::optional<std::int64_t> since) const
{
    if (!since || ns_.empty()) {
        return first_ever_;
    }
    std::size_t low = 0;
    std::size_t high = ns_.size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (at(middle) < *since) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ns_.size() ? std::optional{at(low)} : std::nullopt;
}

std::optional<std::int64_t> arrival_log::last_ns(std::optional<std::int64_t> since) const
{
    if (ns_.empty()) {
        return std::nullopt;
    }
    const std::int64_t last = at(ns_.size() - 1);
    return !since || last >= *since ? std::optional{last} : std::nullopt;
}

} // namespace embedded
