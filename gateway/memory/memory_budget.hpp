#pragma once

// The bytes that a shard holds for its peers, by kind. limits.buffered_total is compared with their
// sum. They are counted where bytes are put and taken, never by a walk (docs/outside.md L1).
//
// Threading:  belongs to one shard.
// Lifetime:   outlives everything that is charged.
// Invariants:
// (1) Each charge is released exactly once: by the code that charged it, or by its held_bytes.
// (2) A buffer with references to shared bytes charges only its own bytes. The shared bytes are
//     charged once.

#include "gateway/telemetry/metrics.hpp"

#include <boost/assert.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace gateway {

class memory_budget {
public:
    memory_budget() = default;
    memory_budget(const memory_budget&) = delete;
    memory_budget& operator=(const memory_budget&) = delete;

    void charge(held_kind kind, std::size_t bytes) noexcept { by_kind_[kind] += bytes; }
    // REQUIRES: as much was charged.
    void release(held_kind kind, std::size_t bytes) noexcept
    {
        BOOST_ASSERT(by_kind_[kind] >= bytes);
        by_kind_[kind] -= bytes;
    }
    // For an owner that remembers its own charge and knows how much it holds now.
    template <class Unsigned>
    void settle(held_kind kind, Unsigned& charged, std::size_t held) noexcept
    {
        by_kind_[kind] += held - charged; // modulo 2^64: less is less
        charged = static_cast<Unsigned>(held);
    }
    // For sums that are known only as a whole.
    void set(held_kind kind, std::uint64_t held) noexcept { by_kind_[kind] = held; }
    // For code that adds and takes without knowing kinds.
    std::uint64_t& meter(held_kind kind) noexcept { return by_kind_[kind]; }

    std::uint64_t total() const noexcept
    {
        std::uint64_t sum = 0;
        for (const std::uint64_t bytes : by_kind_.values) {
            sum += bytes;
        }
        return sum;
    }
    std::uint64_t of(held_kind kind) const noexcept { return by_kind_[kind]; }
    const by<held_kind, gauge>& by_kind() const noexcept { return by_kind_; }

private:
    by<held_kind, gauge> by_kind_;
};

// What one owner holds of one kind; it gives it back when it goes. Without a budget (tests of a
// container alone) it only counts.
template <held_kind Kind>
class held_bytes {
public:
    explicit held_bytes(memory_budget* budget = nullptr) noexcept : budget_(budget) {}
    held_bytes(held_bytes&& other) noexcept
        : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0))
    {
    }
    held_bytes& operator=(held_bytes&& other) noexcept
    {
        if (this != &other) {
            set(0);
            budget_ = other.budget_;
            bytes_ = std::exchange(other.bytes_, 0);
        }
        return *this;
    }
    ~held_bytes() { set(0); }

    void add(std::size_t bytes) noexcept
    {
        if (budget_ != nullptr) {
            budget_->charge(Kind, bytes);
        }
        bytes_ += bytes;
    }
    void take(std::size_t bytes) noexcept
    {
        BOOST_ASSERT(bytes_ >= bytes);
        if (budget_ != nullptr) {
            budget_->release(Kind, bytes);
        }
        bytes_ -= bytes;
    }
    void set(std::size_t bytes) noexcept
    {
        bytes >= bytes_ ? add(bytes - bytes_) : take(bytes_ - bytes);
    }
    std::size_t bytes() const noexcept { return bytes_; }

private:
    memory_budget* budget_;
    std::size_t bytes_ = 0;
};

} // namespace gateway
