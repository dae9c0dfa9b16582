#include "gateway/reply_addresses.hpp"

#include <algorithm>

namespace gateway {

bool is_reply_address(std::string_view destination) noexcept
{
    return destination.starts_with("/reply-queue/") || destination.starts_with("/temp-queue/") ||
           destination.starts_with("/remote-temp-queue/");
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
