#pragma once

// The reports of the last switches, in memory. The coordinator is done with these switches, but
// they may still join seams and drain.
//
// Threading:  control thread.
// Invariants:
// (1) At most `switches_kept` reports are kept. The oldest goes first.
// (2) A record's address does not change while it is kept.

#include "control/record/switch_record.hpp"

#include <list>

namespace control {

inline constexpr std::size_t switches_kept = 100;

class switch_history {
public:
    switch_record& add(switch_record record);
    switch_record* find(switch_number id) noexcept;
    const switch_record* find(switch_number id) const noexcept;
    const std::list<switch_record>& newest_first() const noexcept { return records_; }

private:
    std::list<switch_record> records_;
};

} // namespace control
