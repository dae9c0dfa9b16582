#pragma once

// Remembers something about a key for a while, in bounded memory. It keeps only a digest of the
// key, so that no passcode and no long header stays in memory. docs/outside.md D1, switch.md E11.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) There are at most `most` entries, and the newest are forgotten last. There are two
//     generations: when the young one is full, it becomes the old one.
// (2) The digest is keyed per process, so a peer cannot choose keys that collide.

#include "broker/net/hash_map.hpp"
#include "broker/net/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace gateway {

struct digest128 {
    std::uint64_t low = 0, high = 0;
    bool operator==(const digest128&) const = default;
    friend std::size_t hash_value(const digest128& d) noexcept { return d.low; }
};
digest128
digest_of(const std::array<std::uint64_t, 2>& secret, std::string_view bytes) noexcept;

template <class Value>
class digest_memory {
public:
    digest_memory(net::duration keeps, std::size_t most) noexcept : keeps_(keeps), half_(most / 2)
    {
    }

    void note(const digest128& what, Value value, net::time_point now)
    {
        old_.erase(what);
        if (young_.size() >= half_ && !young_.contains(what)) {
            old_ = std::exchange(young_, {});
        }
        young_.insert_or_assign(what, entry{value, now + keeps_});
    }
    std::optional<Value> find(const digest128& what, net::time_point now) const
    {
        for (const auto* generation : {&young_, &old_}) {
            if (const auto at = generation->find(what);
                at != generation->end() && now < at->second.until) {
                return at->second.value;
            }
        }
        return std::nullopt;
    }
    void forget(const digest128& what)
    {
        young_.erase(what);
        old_.erase(what);
    }
    std::size_t size() const noexcept { return young_.size() + old_.size(); }

private:
    struct entry {
        Value value;
        net::time_point until;
    };

public:
    static constexpr std::size_t entry_bytes = sizeof(digest128) + sizeof(entry);

private:
    net::duration keeps_;
    std::size_t half_;
    net::hash_map<digest128, entry> young_, old_;
};

} // namespace gateway
