#include "gateway/core/tables/switch_state.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

control::tally& switch_state::tally_of(control::switch_number made_by) noexcept
{
    const auto one = std::ranges::find(past, made_by, &past_switch::id);
    return one == past.end() ? tally : one->numbers;
}

void switch_state::note_counted(std::string_view sentence, control::session_names whose)
{
    control::add_counted(tally.counted, {std::string{sentence}, std::move(whose)});
}

} // namespace gateway
