#include "gateway/core/markers/message_worlds.hpp"

#include <algorithm>
#include <vector>

namespace gateway {

void message_worlds::forget(endpoint_ref which)
{
    std::erase_if(tried_, [&](const auto& one) {
        return one.first.first == which || one.first.second == which;
    });
}

// M2: two endpoints between which no marker arrives are brokers side by side.
std::optional<bool> message_worlds::one(endpoint_ref a, endpoint_ref b) const
{
    std::vector<endpoint_ref> reached{a};
    for (std::size_t i = 0; i < reached.size(); ++i) {
        if (reached[i] == b) {
            return true;
        }
        for (const auto& [ends, came] : tried_) {
            const auto& [from, to] = ends;
            if (came && (from == reached[i] || to == reached[i])) {
                const endpoint_ref next = from == reached[i] ? to : from;
                if (std::ranges::find(reached, next) == reached.end()) {
                    reached.push_back(next);
                }
            }
        }
    }
    if (tried_.contains({a, b}) || tried_.contains({b, a})) {
        return false;
    }
    return std::nullopt;
}

} // namespace gateway
