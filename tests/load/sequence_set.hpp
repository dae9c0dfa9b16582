#pragma once

// Which numbers of one sequence 1, 2, 3, ... have come: the highest, and the gaps below it.
// In the normal case there are no gaps and the set is one integer, however long the run is.
//
// Threading:  none of its own.
// Limits:     `gaps_max` gaps; then the lowest gap is given up: it stays missing for good.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace load {

struct number_range {
    std::uint32_t first = 1, last = 0; // both belong to it; empty when last < first
    std::uint64_t size() const noexcept { return last < first ? 0 : last - first + 1ULL; }
    bool operator==(const number_range&) const = default;
};

class sequence_set {
public:
    static constexpr std::size_t gaps_max = 4096;

    enum class arrival : std::uint8_t {
        next,  // above all others so far
        late,  // fills a gap: a higher one came before it
        again, // is in the set already
    };
    arrival insert(std::uint32_t number); // REQUIRES: number > 0
    // Everything from 1 to `last` is in the set now.
    void insert_up_to(std::uint32_t last);
    static sequence_set up_to(std::uint32_t last);

    std::uint32_t highest() const noexcept { return highest_; }
    bool contains(std::uint32_t number) const noexcept;
    std::uint64_t size() const noexcept { return count_in({1, highest_}); }
    std::uint64_t count_in(number_range range) const noexcept;
    // What is missing between 1 and `last`, ascending.
    std::vector<number_range> missing_up_to(std::uint32_t last) const;

private:
    std::vector<number_range> gaps_;     // ascending, disjoint, all below highest_
    std::vector<number_range> given_up_; // the same, for those beyond gaps_max (merged)
    std::uint32_t highest_ = 0;
};

// How many numbers of `owed` are not in `received`.
std::uint64_t count_missing(const sequence_set& received, const sequence_set& owed);

} // namespace load
