#pragma once

// What has a number of its own, owned by that number: found by it, and walked in the order of
// numbers. Numbers grow and are never given twice, so that this is the order of arrival too.
//
// Cost:   find() is one look into a hash table. A walk goes along one array; erase() searches it by
//         halves. Nothing is sorted, ever.
// Memory: 16 bytes for each place. The place of what was erased stays empty until half of all are,
//         and is then given up by the next add().
// Invariants:
// (1) A walk sees what was there when it began and is there when it comes to it. erase() moves
//     nothing and is allowed in a loop; add() is not, as with a vector.

#include "broker/net/hash_map.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace net {

template <class T>
class numbered_table {
    using place = std::pair<std::uint64_t, std::unique_ptr<T>>; // null: erased
    using places = std::vector<place>;

public:
    // Gives pairs of a number and a pointer that owns. Like a pointer, the table being const does
    // not make what is in it const.
    class iterator {
    public:
        using value_type = place;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::forward_iterator_tag;
        using reference = const place&;
        using pointer = const place*;

        iterator() noexcept = default;
        iterator(const places& all, std::size_t at) noexcept : all_(&all), at_(at) { skip(); }
        reference operator*() const noexcept { return (*all_)[at_]; }
        pointer operator->() const noexcept { return &(*all_)[at_]; }
        iterator& operator++() noexcept
        {
            ++at_;
            skip();
            return *this;
        }
        iterator operator++(int) noexcept
        {
            iterator before = *this;
            ++*this;
            return before;
        }
        bool operator==(const iterator& o) const noexcept { return at_ == o.at_; }

    private:
        void skip() noexcept
        {
            while (at_ < all_->size() && !(*all_)[at_].second) {
                ++at_;
            }
        }
        const places* all_ = nullptr;
        std::size_t at_ = 0;
    };

    // REQUIRES: greater than every number before it.
    T& add(std::uint64_t number, std::unique_ptr<T> what)
    {
        BOOST_ASSERT(what && number > last_);
        last_ = number;
        if (places_.size() >= tidy_from && places_.size() >= 2 * index_.size()) {
            std::erase_if(places_, [](const place& one) { return !one.second; });
        }
        T& added = *what;
        index_.emplace(number, &added);
        places_.emplace_back(number, std::move(what));
        return added;
    }

    // Null: there is none, or none any more.
    T* find(std::uint64_t number) const noexcept
    {
        const auto at = index_.find(number);
        return at == index_.end() ? nullptr : at->second;
    }

    // False: there is none.
    bool erase(std::uint64_t number)
    {
        if (index_.erase(number) == 0) {
            return false;
        }
        const auto at = std::ranges::lower_bound(places_, number, {}, &place::first);
        const std::unique_ptr<T> erased = std::move(at->second); // its end may look into the table
        return true;
    }

    void clear() noexcept
    {
        index_.clear();
        const places erased = std::exchange(places_, {});
    }

    std::size_t size() const noexcept { return index_.size(); }
    bool empty() const noexcept { return index_.empty(); }
    iterator begin() const noexcept { return {places_, 0}; }
    iterator end() const noexcept { return {places_, places_.size()}; }

private:
    static constexpr std::size_t tidy_from = 16;

    places places_; // ascending
    hash_map<std::uint64_t, T*> index_;
    std::uint64_t last_ = 0;
};

} // namespace net
