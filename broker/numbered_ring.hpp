#pragma once

// A container of values that get growing numbers when they are added and that are taken in any
// order: the answers that a link owes, the deliveries that a client has not acknowledged.
//
// Cost:       push, find and take are amortized constant while most values are taken in the order
//             of their numbers, and logarithmic in the number of values that are left over.
// Memory:     proportional to the values that are still open, however many were pushed since. When
//             three quarters of the ring have been taken, the rest moves to a table of its own. So
//             a value that is never taken costs its own place, not the places of all later ones
//             (switch.md K5).

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace broker {

template <class T>
class numbered_ring {
public:
    // The first number is 1.
    std::uint64_t push(T value)
    {
        ring_.push_back(std::move(value));
        ++in_ring_;
        return last();
    }

    T* find(std::uint64_t number) noexcept
    {
        if (number >= first_) {
            const std::uint64_t at = number - first_;
            return at < ring_.size() && ring_[at] ? &*ring_[at] : nullptr;
        }
        const auto left = left_behind_.find(number);
        return left == left_behind_.end() ? nullptr : &left->second;
    }
    const T* find(std::uint64_t number) const noexcept
    {
        return const_cast<numbered_ring*>(this)->find(number);
    }

    // nullopt: never pushed, or taken already.
    std::optional<T> take(std::uint64_t number)
    {
        T* const found = find(number);
        if (found == nullptr) {
            return std::nullopt;
        }
        std::optional<T> value{std::move(*found)};
        if (number < first_) {
            left_behind_.erase(number);
            return value;
        }
        ring_[number - first_].reset();
        --in_ring_;
        tidy();
        return value;
    }

    // In the order of their numbers; f(number, value). REQUIRES: f pushes and takes nothing.
    template <class F>
    void for_each(F&& f)
    {
        for (auto& [number, value] : left_behind_) {
            f(number, value);
        }
        for (std::size_t i = 0; i < ring_.size(); ++i) {
            if (ring_[i]) {
                f(first_ + i, *ring_[i]);
            }
        }
    }
    template <class F>
    void for_each(F&& f) const
    {
        const_cast<numbered_ring*>(this)->for_each(
            [&](std::uint64_t number, const T& value) { f(number, value); });
    }

    // All, in order; numbers go on.
    std::vector<T> take_all()
    {
        std::vector<T> all;
        all.reserve(size());
        for_each([&](std::uint64_t, T& value) { all.push_back(std::move(value)); });
        left_behind_.clear();
        in_ring_ = 0;
        drop_ring();
        return all;
    }

    std::size_t size() const noexcept { return in_ring_ + left_behind_.size(); }
    bool empty() const noexcept { return size() == 0; }
    // The newest number; 0: none was given yet.
    std::uint64_t last() const noexcept { return first_ + ring_.size() - 1; }
    // Places that memory is held for.
    std::size_t places() const noexcept { return ring_.capacity() + left_behind_.size(); }

private:
    static constexpr std::size_t tidied_from = 64;

    void tidy()
    {
        if (in_ring_ == 0) {
            drop_ring();
        } else if (ring_.size() >= tidied_from && in_ring_ * 4 <= ring_.size()) {
            for (std::size_t i = 0; i < ring_.size(); ++i) {
                if (ring_[i]) {
                    left_behind_.emplace_hint(
                        left_behind_.end(), first_ + i, std::move(*ring_[i]));
                }
            }
            in_ring_ = 0;
            drop_ring();
        }
    }
    void drop_ring()
    {
        first_ += ring_.size();
        ring_.clear();
        if (ring_.capacity() > tidied_from) {
            ring_.shrink_to_fit(); // an idle one keeps no memory
        }
    }

    std::vector<std::optional<T>> ring_; // the front has number first_
    std::map<std::uint64_t, T> left_behind_;
    std::uint64_t first_ = 1;
    std::size_t in_ring_ = 0;
};

} // namespace broker
