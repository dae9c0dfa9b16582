#include "tests/load/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace load {
namespace {

constexpr unsigned sub_bits = 6;
constexpr std::uint64_t sub_buckets = 1U << sub_bits;
constexpr unsigned value_bits = 42; // over an hour; longer ones go to the last bucket

} // namespace

latency_histogram::latency_histogram() : buckets_((value_bits - sub_bits + 1) * sub_buckets) {}

std::size_t latency_histogram::bucket_of(std::uint64_t value) noexcept
{
    value = std::min<std::uint64_t>(value, (1ULL << value_bits) - 1);
    if (value < sub_buckets) {
        return value;
    }
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - sub_bits - 1;
    return (shift + 1) * sub_buckets + ((value >> shift) - sub_buckets);
}

std::uint64_t latency_histogram::upper_edge(std::size_t bucket) noexcept
{
    if (bucket < sub_buckets) {
        return bucket;
    }
    const std::size_t shift = bucket / sub_buckets - 1;
    return ((bucket % sub_buckets + sub_buckets + 1) << shift) - 1;
}

void latency_histogram::add(std::chrono::nanoseconds value)
{
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    ++buckets_[bucket_of(ns)];
    ++count_;
    max_ = std::max(max_, value);
}

std::chrono::nanoseconds latency_histogram::percentile(double share) const noexcept
{
    if (count_ == 0) {
        return std::chrono::nanoseconds{0};
    }
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t b = 0; b < buckets_.size(); ++b) {
        seen += buckets_[b];
        if (seen >= rank && seen != 0) {
            const std::chrono::nanoseconds edge{static_cast<std::int64_t>(upper_edge(b))};
            return std::min(edge, max_);
        }
    }
    return max_;
}

} // namespace load
