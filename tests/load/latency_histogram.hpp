#pragma once

// Counts of durations in buckets that are at most 1/64 of their value wide. Fixed memory.
//
// Threading:  none of its own.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace load {

class latency_histogram {
public:
    latency_histogram();

    void add(std::chrono::nanoseconds value);
    std::uint64_t count() const noexcept { return count_; }
    std::chrono::nanoseconds max() const noexcept { return max_; }
    // Upper edge of the bucket where `share` (0..1) of all are reached, at most max(); empty: 0.
    std::chrono::nanoseconds percentile(double share) const noexcept;

private:
    static std::size_t bucket_of(std::uint64_t value) noexcept;
    static std::uint64_t upper_edge(std::size_t bucket) noexcept;

    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::chrono::nanoseconds max_{0};
};

} // namespace load
