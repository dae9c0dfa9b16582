#include "gateway/telemetry/skipped_messages.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr std::string_view other = "other";

std::string as_label(std::string_view destination)
{
    std::string label{destination.substr(0, skipped_messages::destination_bytes_max)};
    for (char& c : label) {
        c = c >= ' ' && c <= '~' ? c : '?'; // a label has to be UTF-8
    }
    return label;
}

} // namespace

bool skipped_messages::count(
    broker::color from, std::string_view destination, std::uint64_t messages)
{
    std::string label = as_label(destination);
    const auto find = [&] {
        return std::ranges::find_if(
            entries_, [&](const entry& e) { return e.from == from && e.destination == label; });
    };
    auto at = find();
    if (at == entries_.end() && entries_.size() >= destinations_max) {
        label = other;
        at = find();
    }
    if (at != entries_.end()) {
        at->messages += messages;
        return false;
    }
    entries_.push_back({from, std::move(label), messages});
    return true;
}

std::uint64_t skipped_messages::messages(broker::color from) const noexcept
{
    std::uint64_t sum = 0;
    for (const entry& e : entries_) {
        sum += e.from == from ? e.messages : 0;
    }
    return sum;
}

} // namespace gateway
