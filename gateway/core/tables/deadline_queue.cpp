#include "gateway/core/tables/deadline_queue.hpp"

namespace gateway {

// Where that is armed; null: each time that is asked for is one of its own.
net::time_point* deadline_queue::armed(due what, std::uint64_t subject)
{
    if (what == due::session_retry) {
        return &retries_.try_emplace(subject, net::never).first->second;
    }
    return what < due::group_proof ? nullptr : &armed_[static_cast<std::size_t>(what)];
}

void deadline_queue::add(net::time_point when, due what, std::uint64_t subject)
{
    if (net::time_point* const before = armed(what, subject)) {
        if (*before <= when) {
            return;
        }
        *before = when;
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
bool deadline_queue::superseded(const deadline& d)
{
    if (d.what == due::session_retry) {
        const auto one = retries_.find(d.subject);
        const bool newest = one != retries_.end() && one->second == d.at;
        if (newest) {
            retries_.erase(one);
        }
        return !newest;
    }
    net::time_point* const one = armed(d.what, d.subject);
    if (one == nullptr) {
        return false;
    }
    const bool newest = *one == d.at;
    *one = newest ? net::never : *one;
    return !newest;
}

} // namespace gateway
