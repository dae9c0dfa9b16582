#pragma once

// A queue in one vector with a moving front: std::deque takes 576 bytes even when it holds one
// entry.

#include <cstddef>
#include <utility>
#include <vector>

namespace net {

template <class T>
class fifo {
public:
    bool empty() const noexcept { return first_ == items_.size(); }
    std::size_t size() const noexcept { return items_.size() - first_; }
    std::size_t capacity() const noexcept { return items_.capacity(); }
    T& front() noexcept { return items_[first_]; }
    T& back() noexcept { return items_.back(); }
    auto begin() const noexcept { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
    auto end() const noexcept { return items_.end(); }
    void push_back(T item) { items_.push_back(std::move(item)); }
    void pop_front() noexcept
    {
        items_[first_++] = T{};
        if (first_ == items_.size()) {
            clear();
        } else if (first_ >= 32 && first_ * 2 >= items_.size()) {
            // Amortized: this moves no more entries than were dropped before.
            items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
            first_ = 0;
        }
    }
    void clear() noexcept
    {
        items_.clear();
        first_ = 0;
    }

private:
    std::vector<T> items_;
    std::size_t first_ = 0;
};

} // namespace net
