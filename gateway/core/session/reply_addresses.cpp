#include "gateway/core/session/reply_addresses.hpp"

#include <algorithm>

namespace gateway {

bool is_reply_address(std::string_view destination) noexcept
{
    return destination.size() <= address_bytes_max &&
           (destination.starts_with("/reply-queue/") || destination.starts_with("/temp-queue/") ||
            destination.starts_with("/remote-temp-queue/"));
}

void heard_addresses::learn(std::string_view address, control::endpoint_ref from)
{
    if (!entries_.empty() && entries_.back().address == address && entries_.back().from == from) {
        return; // the same MESSAGE, to the next session
    }
    std::erase_if(entries_, [&](const entry& e) { return e.address == address; });
    if (entries_.size() == addresses_max) {
        entries_.erase(entries_.begin());
    }
    entries_.push_back({std::string{address}, from});
}

const control::endpoint_ref* heard_addresses::find(std::string_view address) const noexcept
{
    const auto known = std::ranges::find(entries_, address, &entry::address);
    return known == entries_.end() ? nullptr : &known->from;
}

void heard_addresses::on_answered(std::string_view address) noexcept
{
    const auto known = std::ranges::find(entries_, address, &entry::address);
    if (known != entries_.end()) {
        ++known->answers;
    }
}

bool heard_addresses::owes(control::endpoint_ref through, std::size_t sessions) const noexcept
{
    return std::ranges::any_of(entries_, [&](const entry& e) {
        return e.from == through && e.answers < sessions;
    });
}

void reply_addresses::learn(std::string_view address, broker::color from)
{
    const auto known = std::ranges::find(entries_, address, &entry::address);
    if (known != entries_.end()) {
        entry again = std::move(*known);
        again.from = from;
        again.answered = false;
        entries_.erase(known);
        entries_.push_back(std::move(again));
        return;
    }
    if (entries_.size() == addresses_max) {
        entries_.erase(entries_.begin());
    }
    entries_.push_back({std::string{address}, from});
}

const broker::color* reply_addresses::color_of(std::string_view address) const noexcept
{
    const auto known = std::ranges::find(entries_, address, &entry::address);
    return known == entries_.end() ? nullptr : &known->from;
}

void reply_addresses::on_answered(std::string_view address) noexcept
{
    const auto known = std::ranges::find(entries_, address, &entry::address);
    if (known != entries_.end()) {
        known->answered = true;
    }
}

bool reply_addresses::owes(broker::color through) const noexcept
{
    return requests_[through] > 0 || std::ranges::any_of(entries_, [&](const entry& e) {
               return e.from == through && !e.answered;
           });
}

void reply_addresses::forget_owed(broker::color through) noexcept
{
    requests_[through] = 0;
    for (entry& e : entries_) {
        e.answered |= e.from == through;
    }
}

} // namespace gateway
