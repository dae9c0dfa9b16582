#include "gateway/core/links/short_lives.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr auto remembered = std::chrono::minutes{1};

} // namespace

net::duration next_back_off(net::duration wait) noexcept
{
    return wait == net::duration{} ? net::duration{dial_back_off_first}
                                   : std::min<net::duration>(wait * 3 / 2, dial_back_off_most);
}

void short_lives::on_death(
    broker::session_id owner, broker::color c, net::duration lived, net::time_point now)
{
    boost::unordered::erase_if( // any order: each by its own time
        recent_.in_any_order(),
        [&](const auto& one) { return now - one.second.died > remembered; });
    if (lived >= soon_after_up) {
        recent_.erase(key_of(owner, c));
        return;
    }
    const auto [at, first] = recent_.try_emplace(key_of(owner, c));
    at->second.wait = first ? net::duration{} : next_back_off(at->second.wait);
    at->second.died = now;
}

net::time_point short_lives::not_before(broker::session_id owner, broker::color c) const
{
    const auto at = recent_.find(key_of(owner, c));
    return at == recent_.end() ? net::time_point{} : at->second.died + at->second.wait;
}

} // namespace gateway
