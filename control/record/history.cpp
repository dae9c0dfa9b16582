#include "control/record/history.hpp"

#include <algorithm>

namespace control {

switch_record& switch_history::add(switch_record record)
{
    records_.push_front(std::move(record));
    if (records_.size() > switches_kept) {
        records_.pop_back();
    }
    return records_.front();
}

switch_record* switch_history::find(switch_number id) noexcept
{
    const auto found = std::ranges::find(records_, id, &switch_record::id);
    return found == records_.end() ? nullptr : &*found;
}

const switch_record* switch_history::find(switch_number id) const noexcept
{
    const auto found = std::ranges::find(records_, id, &switch_record::id);
    return found == records_.end() ? nullptr : &*found;
}

} // namespace control
