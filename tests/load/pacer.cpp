#include "tests/load/pacer.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <random>

namespace load {

pacer::pacer(std::uint32_t clients, double rate, std::uint64_t seed)
    : interval_ns_(rate > 0 ? 1e9 / rate : 0)
{
    if (rate <= 0) {
        return;
    }
    std::mt19937_64 random{seed};
    std::uniform_real_distribution<double> phase{0, interval_ns_};
    order_.reserve(clients);
    for (std::uint32_t i = 0; i < clients; ++i) {
        order_.push_back({static_cast<std::int64_t>(phase(random)), i});
    }
    std::sort(order_.begin(), order_.end(), [](const slot& a, const slot& b) {
        return a.phase_ns < b.phase_ns;
    });
}

void pacer::start(net::time_point first) noexcept
{
    start_ = first;
}

net::time_point pacer::next_due() const noexcept
{
    if (order_.empty() || start_ == net::never) {
        return net::never;
    }
    const auto round_start = static_cast<std::int64_t>(interval_ns_ * static_cast<double>(round_));
    return start_ + std::chrono::nanoseconds{round_start + order_[next_].phase_ns};
}

pacer::send pacer::take() noexcept
{
    BOOST_ASSERT(next_due() != net::never);
    const send result{order_[next_].client, round_, next_due()};
    if (++next_ == order_.size()) {
        next_ = 0;
        ++round_;
    }
    return result;
}

} // namespace load
