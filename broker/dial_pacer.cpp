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

void dial_pacer::want(std::uint64_t what, dial_class as, std::uint64_t source)
{
    switch (as) {
    case dial_class::known: known_.push(what, 0); return;
    case dial_class::unknown: unknown_.push(what, source); return;
    case dial_class::refused: refused_.push(what, source); return;
    case dial_class::standby: standby_.push(what, 0); return;
    }
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
    const std::size_t clients = waiting() - standby_.size();
    const bool standby_turn = turn_ % 3 == 2;
    if (standby_.size() > 0 && (standby_turn || clients == 0)) {
        return standby_.pop();
    }
    return pop_client();
}

// D1: strangers come after known identities, and do not starve either.
std::uint64_t dial_pacer::pop_client()
{
    const unsigned turn = ++client_turn_;
    if (refused_.size() > 0 && turn % 16 == 0) {
        return refused_.pop();
    }
    if (unknown_.size() > 0 && turn % 4 == 0) {
        return unknown_.pop();
    }
    return known_.size() > 0     ? known_.pop()
           : unknown_.size() > 0 ? unknown_.pop()
                                 : refused_.pop();
}

net::time_point dial_pacer::next() const noexcept
{
    if (waiting() == 0) {
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
