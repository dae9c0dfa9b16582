#include "broker/dial_pacer.hpp"

#include <algorithm>

namespace broker {

void dial_pacer::turns::push(std::uint64_t what, std::uint64_t source)
{
    auto& of_source = by_source_[source];
    if (of_source.empty()) {
        order_.push_back(source);
    }
    of_source.push_back(what);
    ++size_;
}

std::uint64_t dial_pacer::turns::pop()
{
    const std::uint64_t source = order_.front();
    order_.pop_front();
    const auto at = by_source_.find(source);
    const std::uint64_t next = at->second.front();
    at->second.pop_front();
    if (at->second.empty()) {
        by_source_.erase(at);
    } else {
        order_.push_back(source);
    }
    --size_;
    return next;
}

dial_pacer::turns& dial_pacer::lane::of(dial_class who) noexcept
{
    switch (who) {
    case dial_class::known: return known;
    case dial_class::unknown: return unknown;
    case dial_class::refused: return refused;
    case dial_class::standby: break;
    }
    return standby;
}

void dial_pacer::want(std::uint64_t what, dial_class as, std::uint64_t source, dial_lane where)
{
    lanes_[where].of(as).push(what, is_stranger(as) ? source : 0);
}

std::size_t dial_pacer::waiting() const noexcept
{
    std::size_t all = 0;
    for (const auto& [where, of] : lanes_) {
        all += of.known.size() + of.unknown.size() + of.refused.size() + of.standby.size();
    }
    return all;
}

std::size_t dial_pacer::may_go(dial_class who) const noexcept
{
    std::size_t all = 0;
    for (const auto& [where, of] : lanes_) {
        all += of.has_room(who) ? of.of(who).size() : 0;
    }
    return all;
}

std::size_t dial_pacer::may_go() const noexcept
{
    return may_go(dial_class::known) + may_go(dial_class::unknown) + may_go(dial_class::refused) +
           may_go(dial_class::standby);
}

bool dial_pacer::refill(net::time_point now) noexcept
{
    // A burst of 20 ms' worth, at least one: what waited idle does not become a storm.
    const double most = std::max(1.0, per_second_ / 50);
    if (refilled_ == net::time_point{}) {
        tokens_ = most;
    } else {
        tokens_ = std::min(
            most, tokens_ + per_second_ * std::chrono::duration<double>(now - refilled_).count());
    }
    refilled_ = now;
    return tokens_ >= 1;
}

std::uint64_t dial_pacer::pop()
{
    const dial_class who = whose_turn();
    const auto wants = [who](const auto& entry) {
        return entry.second.has_room(who) && entry.second.of(who).size() > 0;
    };
    auto at = std::find_if(lanes_.upper_bound(last_), lanes_.end(), wants);
    if (at == lanes_.end()) {
        at = std::ranges::find_if(lanes_, wants);
    }
    last_ = at->first;
    return at->second.of(who).pop();
}

// D1: strangers come after known identities, and do not starve either.
dial_class dial_pacer::whose_turn() noexcept
{
    const std::size_t standbys = may_go(dial_class::standby);
    if (standbys > 0 && (turn_ % 3 == 2 || standbys == may_go())) {
        return dial_class::standby;
    }
    const unsigned turn = ++client_turn_;
    const bool refused = may_go(dial_class::refused) > 0;
    const bool unknown = may_go(dial_class::unknown) > 0;
    if (refused && turn % 16 == 0) {
        return dial_class::refused;
    }
    if (unknown && turn % 4 == 0) {
        return dial_class::unknown;
    }
    return may_go(dial_class::known) > 0 ? dial_class::known
           : unknown                     ? dial_class::unknown
                                         : dial_class::refused;
}

net::time_point dial_pacer::next() const noexcept
{
    if (may_go() == 0) {
        return net::never;
    }
    const double lacking = 1 - tokens_;
    if (lacking <= 0 || refilled_ == net::time_point{}) {
        return refilled_;
    }
    return refilled_ +
           std::chrono::duration_cast<net::duration>(
               std::chrono::duration<double>(lacking / per_second_)) +
           std::chrono::microseconds{1};
}

} // namespace broker
