#include "tests/load/silence_tracker.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace load {

silence_tracker::silence_tracker(std::uint32_t clients) : clients_(clients) {}

void silence_tracker::open(net::time_point now)
{
    for (client_silence& c : clients_) {
        c.last = now;
    }
    open_ = true;
}

net::duration silence_tracker::on_delivery(std::uint32_t client, net::time_point now) noexcept
{
    client_silence& c = clients_[client];
    if (!open_ || c.gone) {
        return net::duration{0};
    }
    const net::duration gap = now - c.last;
    c.longest = std::max(c.longest, gap);
    c.last = now;
    return gap;
}

void silence_tracker::on_gone(std::uint32_t client) noexcept
{
    clients_[client].gone = true;
}

void silence_tracker::close(net::time_point now)
{
    for (client_silence& c : clients_) {
        if (open_ && !c.gone) {
            c.longest = std::max(c.longest, now - c.last);
        }
    }
    open_ = false;
}

silence_tracker::summary silence_tracker::summarize() const
{
    BOOST_ASSERT(!open_);
    summary result;
    std::vector<net::duration> longest;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (clients_[i].gone) {
            continue;
        }
        longest.push_back(clients_[i].longest);
        if (clients_[i].longest > result.max) {
            result.max = clients_[i].longest;
            result.client = static_cast<std::uint32_t>(i);
        }
    }
    if (!longest.empty()) {
        const auto middle = longest.begin() + static_cast<std::ptrdiff_t>(longest.size() / 2);
        std::nth_element(longest.begin(), middle, longest.end());
        result.p50 = *middle;
    }
    return result;
}

} // namespace load
