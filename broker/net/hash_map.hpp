#pragma once

// A hash table for lookups, not for loops. The places of its entries depend on the hash, on the
// number of buckets and, if the keys are pointers, on addresses. So a loop over them would run in
// an order of chance, and no run could be compared with another.
//
// Invariants:
// (1) `for (... : table)` does not compile. A loop with effects uses keys_in_order(). A table that
//     is walked often is a numbered_table or a std::map instead.
// (2) Each use of in_any_order() says in a comment `// any order: ...` why the order does not
//     matter there. tests/unit/order.test looks for it.

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <vector>

namespace net {

// With -DTEAL_HASH_SEED=N every table has another order inside; tests/sim/compare_traces
// --other-hash builds the simulator so. What shows a difference then depends on that order.
#ifdef TEAL_HASH_SEED
template <class Hash>
struct table_hash : Hash {
    template <class Key>
    std::size_t operator()(const Key& key) const noexcept
    {
        return (Hash::operator()(key) ^ std::size_t{TEAL_HASH_SEED}) * 0x9e3779b97f4a7c15U;
    }
};
#else
template <class Hash>
using table_hash = Hash;
#endif

template <class Key, class Value, class Hash = boost::hash<Key>, class Equal = std::equal_to<Key>>
class hash_map : private boost::unordered_flat_map<Key, Value, table_hash<Hash>, Equal> {
    using table = boost::unordered_flat_map<Key, Value, table_hash<Hash>, Equal>;

public:
    using table::at;
    using table::clear;
    using table::contains;
    using table::emplace;
    using table::empty;
    using table::end;
    using table::erase;
    using table::find;
    using table::insert_or_assign;
    using table::size;
    using table::try_emplace;
    using table::operator[];

    // For a loop with effects; entries may come and go in it.
    std::vector<Key> keys_in_order() const
    {
        static_assert(!std::is_pointer_v<Key>, "addresses are no order");
        std::vector<Key> keys;
        keys.reserve(size());
        for (const auto& entry : in_any_order()) { // any order: they are sorted below
            keys.push_back(entry.first);
        }
        std::ranges::sort(keys);
        return keys;
    }

    table& in_any_order() noexcept { return *this; }
    const table& in_any_order() const noexcept { return *this; }
};

} // namespace net
