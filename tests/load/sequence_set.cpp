#include "tests/load/sequence_set.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace load {
namespace {

std::uint64_t overlap(number_range a, number_range b) noexcept
{
    return number_range{std::max(a.first, b.first), std::min(a.last, b.last)}.size();
}

// The range of an ascending list that holds `number`, or the end.
template <class Ranges>
auto find_range(Ranges& ranges, std::uint32_t number)
{
    auto at = std::lower_bound(
        ranges.begin(), ranges.end(), number,
        [](const number_range& r, std::uint32_t n) { return r.last < n; });
    return at != ranges.end() && at->first <= number ? at : ranges.end();
}

} // namespace

sequence_set::arrival sequence_set::insert(std::uint32_t number)
{
    BOOST_ASSERT(number > 0);
    if (number > highest_) {
        if (number > highest_ + 1) {
            if (gaps_.size() == gaps_max) {
                given_up_.push_back(gaps_.front());
                gaps_.erase(gaps_.begin());
                // One range that covers both keeps the list short; the run has failed long before.
                if (given_up_.size() > gaps_max) {
                    given_up_[1].first = given_up_[0].first;
                    given_up_.erase(given_up_.begin());
                }
            }
            gaps_.push_back({highest_ + 1, number - 1});
        }
        highest_ = number;
        return arrival::next;
    }
    const auto gap = find_range(gaps_, number);
    if (gap == gaps_.end()) {
        return arrival::again;
    }
    const number_range behind{number + 1, gap->last};
    gap->last = number - 1;
    if (gap->size() == 0 && behind.size() == 0) {
        gaps_.erase(gap);
    } else if (gap->size() == 0) {
        *gap = behind;
    } else if (behind.size() != 0) {
        gaps_.insert(gap + 1, behind);
    }
    return arrival::late;
}

void sequence_set::insert_up_to(std::uint32_t last)
{
    for (std::vector<number_range>* list : {&gaps_, &given_up_}) {
        std::erase_if(*list, [last](const number_range& r) { return r.last <= last; });
        if (!list->empty()) {
            list->front().first = std::max(list->front().first, last + 1);
        }
    }
    highest_ = std::max(highest_, last);
}

sequence_set sequence_set::up_to(std::uint32_t last)
{
    sequence_set all;
    all.highest_ = last;
    return all;
}

bool sequence_set::contains(std::uint32_t number) const noexcept
{
    return number != 0 && number <= highest_ && find_range(gaps_, number) == gaps_.end() &&
           find_range(given_up_, number) == given_up_.end();
}

std::uint64_t sequence_set::count_in(number_range range) const noexcept
{
    range.last = std::min(range.last, highest_);
    range.first = std::max(range.first, 1U);
    std::uint64_t count = range.size();
    for (const std::vector<number_range>* list : {&given_up_, &gaps_}) {
        for (const number_range& gap : *list) {
            count -= overlap(range, gap);
        }
    }
    return count;
}

std::vector<number_range> sequence_set::missing_up_to(std::uint32_t last) const
{
    std::vector<number_range> missing;
    for (const std::vector<number_range>* list : {&given_up_, &gaps_}) {
        for (const number_range& gap : *list) {
            if (gap.first <= last) {
                missing.push_back({gap.first, std::min(gap.last, last)});
            }
        }
    }
    if (highest_ < last) {
        missing.push_back({highest_ + 1, last});
    }
    return missing;
}

std::uint64_t count_missing(const sequence_set& received, const sequence_set& owed)
{
    std::uint64_t count = 0;
    for (const number_range& gap : received.missing_up_to(owed.highest())) {
        count += owed.count_in(gap);
    }
    return count;
}

} // namespace load
