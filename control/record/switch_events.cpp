#include "control/record/switch_events.hpp"

#include <algorithm>

namespace control {

void switch_events::add(std::string name, std::string data)
{
    if (name == "progress") {
        std::erase_if(kept_, [](const switch_event& e) { return e.name == "progress"; });
    }
    kept_.push_back({++last_, std::move(name), std::move(data)});
}

std::vector<switch_event> switch_events::after(std::uint64_t sequence) const
{
    const auto first = std::ranges::upper_bound(kept_, sequence, {}, &switch_event::sequence);
    return {first, kept_.end()};
}

} // namespace control
