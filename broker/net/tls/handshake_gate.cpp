#include "broker/net/tls/handshake_gate.hpp"

#include <algorithm>

namespace tls {

void handshake_gate::give_turn(const std::string& address, place& at)
{
    if (!at.has_turn && !at.waiting.empty() && at.under_way.size() < most_.per_address) {
        at.has_turn = true;
        turns_.push_back(address);
    }
}

void handshake_gate::enter(std::uint64_t who, const std::string& address)
{
    place& at = places_[address];
    waiting_ += at.waiting.insert(who).second ? 1 : 0;
    give_turn(address, at);
}

void handshake_gate::leave(std::uint64_t who, const std::string& address)
{
    const auto found = places_.find(address);
    if (found == places_.end()) {
        return;
    }
    place& at = found->second;
    waiting_ -= at.waiting.erase(who);
    at.under_way.erase(who);
    if (at.has_turn && at.waiting.empty()) {
        at.has_turn = false;
        turns_.remove(address);
    }
    give_turn(address, at);
    if (at.waiting.empty() && at.under_way.empty()) {
        places_.erase(found);
    }
}

std::optional<std::uint64_t> handshake_gate::next(net::time_point now)
{
    if (now < free_at_ || turns_.empty()) {
        return std::nullopt;
    }
    const std::string address = std::move(turns_.front());
    turns_.pop_front();
    place& at = places_.at(address);
    at.has_turn = false;
    const std::uint64_t who = *at.waiting.begin();
    at.waiting.erase(at.waiting.begin());
    at.under_way.insert(who);
    --waiting_;
    give_turn(address, at);
    return who;
}

void handshake_gate::spent(net::duration cost, net::time_point now)
{
    const auto share = std::clamp(most_.share_percent, 1U, 100U);
    free_at_ = now + cost * (100 - share) / share;
}

net::time_point handshake_gate::next_deadline() const noexcept
{
    return turns_.empty() ? net::time_point::max() : free_at_;
}

} // namespace tls
