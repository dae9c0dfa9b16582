#include "gateway/deadline_queue.hpp"

#include <utility>

namespace gateway {

void deadline_queue::add(net::time_point when, due what, std::uint64_t subject)
{
    if (what >= due::group_proof) {
        auto& armed = armed_[static_cast<std::size_t>(what)];
        if (armed <= when) {
            return;
        }
        armed = when;
    }
    queue_.push({when, what, subject});
}

std::vector<deadline> deadline_queue::take(net::time_point now)
{
    std::vector<deadline> ripe;
    while (!queue_.empty() && queue_.top().at <= now) {
        if (!superseded(queue_.top())) {
            ripe.push_back(queue_.top());
        }
        queue_.pop();
    }
    return ripe;
}

// An earlier one of its kind was armed meanwhile, which arms the next itself.
bool deadline_queue::superseded(const deadline& d) noexcept
{
    if (d.what < due::group_proof) {
        return false;
    }
    auto& armed = armed_[static_cast<std::size_t>(d.what)];
    return d.at != armed || (armed = net::never, false);
}

} // namespace gateway
