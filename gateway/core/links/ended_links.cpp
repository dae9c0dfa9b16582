#include "gateway/core/links/ended_links.hpp"

#include <algorithm>

// E6: three values are as good as all, and so is a full list.

namespace gateway {

namespace {

constexpr auto look_every = std::chrono::seconds{1};

std::string_view type_of(std::string_view destination) noexcept
{
    return destination.substr(0, destination.find('/', 1));
}

} // namespace

// Three values of such a name count as all of its values: "expiration", or "/exchange" for
// destinations.
std::string_view ended_links::kind_of(const broker::header_line& line) noexcept
{
    return line.name == "destination" ? type_of(line.value) : std::string_view{line.name};
}

void ended_links::remember(
    std::string_view identity, const std::vector<broker::header_line>& lines,
    net::time_point now)
{
    forget_old(now);
    if (lines.empty()) {
        return;
    }
    if (!identities_.contains(identity) && identities_.size() >= identities_max) {
        identities_.erase(std::ranges::min_element(identities_, {}, [](const auto& one) {
            return one.second.back().until; // the one that was at fault longest ago
        }));
    }
    auto& known = identities_[std::string{identity}];
    for (const broker::header_line& line : lines) {
        std::erase_if(known, [&](const known_line& one) { return one.line == line; });
        if (known.size() == lines_max) {
            known.erase(known.begin());
        }
        known.push_back({line, now + remembered_for});
    }
}

void ended_links::forget_old(net::time_point now)
{
    if (now < looked_at_ + look_every) {
        return;
    }
    looked_at_ = now;
    for (auto& [identity, known] : identities_) {
        std::erase_if(known, [&](const known_line& one) { return one.until <= now; });
    }
    std::erase_if(identities_, [](const auto& one) { return one.second.empty(); });
}

bool ended_links::says(
    const std::vector<known_line>& known, std::string_view name, std::string_view value)
{
    const std::string_view kind = name == "destination" ? type_of(value) : name;
    std::size_t of_kind = 0;
    for (const auto& [line, until] : known) {
        const bool destination = line.name == "destination";
        if (destination != (name == "destination") || kind_of(line) != kind) {
            continue;
        }
        const std::string_view known_value = line.value;
        if (value == known_value ||
            (line.prefix && value.starts_with(known_value) &&
             value.substr(known_value.size()).starts_with('/'))) {
            return true;
        }
        ++of_kind;
    }
    return of_kind >= values_max;
}

bool ended_links::would_end(
    std::string_view identity, const stomp::frame_view& frame, net::time_point now)
{
    if (identities_.empty()) {
        return false;
    }
    forget_old(now);
    const auto at = identities_.find(identity);
    if (at == identities_.end()) {
        return false;
    }
    const auto& known = at->second;
    return known.size() >= lines_max || std::ranges::any_of(frame.headers, [&](const auto& h) {
               return says(known, h.name, h.value);
           });
}

} // namespace gateway
