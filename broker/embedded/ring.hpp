#pragma once

// A growing ring: what a queue and a list of unacknowledged deliveries are made of.
//
// Lifetime:   an empty ring that never held anything owns no memory (most topic subscriptions'
//             queues).
// Invariants: slots outside [0, size()) hold a default constructed T, so nothing is kept alive by
//             them.

#include <boost/assert.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace embedded {

template <class T>
class ring {
public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    T& operator[](std::size_t i) noexcept { return slots_[slot(i)]; }
    const T& operator[](std::size_t i) const noexcept { return slots_[slot(i)]; }
    T& front() noexcept { return (*this)[0]; }

    void push_back(T value)
    {
        grow_if_full();
        slots_[slot(size_)] = std::move(value);
        ++size_;
    }

    T pop_front() noexcept
    {
        BOOST_ASSERT(size_ > 0);
        T value = std::exchange(slots_[head_], T{});
        head_ = (head_ + 1) & (slots_.size() - 1);
        --size_;
        return value;
    }

    // Puts `value` before what is at `i`. Moves the i elements in front of it: made for small i.
    void insert(std::size_t i, T value)
    {
        BOOST_ASSERT(i <= size_);
        grow_if_full();
        head_ = (head_ + slots_.size() - 1) & (slots_.size() - 1);
        ++size_;
        for (std::size_t k = 0; k < i; ++k) {
            (*this)[k] = std::move((*this)[k + 1]);
        }
        (*this)[i] = std::move(value);
    }

    // Keeps, in order, those for which `keep` is true.
    template <class Keep>
    void retain(Keep keep)
    {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            if (keep((*this)[i])) {
                if (kept != i) {
                    (*this)[kept] = std::move((*this)[i]);
                }
                ++kept;
            }
        }
        for (std::size_t i = kept; i < size_; ++i) {
            (*this)[i] = T{};
        }
        size_ = kept;
    }

private:
    std::size_t slot(std::size_t i) const noexcept { return (head_ + i) & (slots_.size() - 1); }

    void grow_if_full()
    {
        if (size_ < slots_.size()) {
            return;
        }
        std::vector<T> larger(slots_.empty() ? 4 : slots_.size() * 2);
        for (std::size_t i = 0; i < size_; ++i) {
            larger[i] = std::move((*this)[i]);
        }
        slots_ = std::move(larger);
        head_ = 0;
    }

    std::vector<T> slots_; // size is zero or a power of two
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

} // namespace embedded
