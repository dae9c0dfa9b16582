#pragma once

// Finds twins while a subscription overlaps (docs/switch.md O4): equal bodies that both colors of an
// application brought, such as the ticks of a timer that both versions have.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Two bodies of one color are never twins, so equal messages in a row survive.
// (2) At most `most` bodies are remembered, each by a keyed digest. What comes behind that many has
//     no twin: it is delivered and not counted.

#include "broker/net/hash_map.hpp"
#include "gateway/core/pairing/digest_memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway {

enum class overlap_side : std::uint8_t { old_color, new_color };

class overlap_notes {
public:
    static constexpr std::size_t most = 1024;

    explicit overlap_notes(const std::array<std::uint64_t, 2>& secret) noexcept : secret_(secret) {}

    // True: the other color has brought such a body, and that one has found no twin before.
    bool is_twin(overlap_side from, std::string_view body);
    std::size_t bytes() const noexcept // of memory
    {
        return sizeof *this + bodies_.size() * (sizeof(digest128) + sizeof(int));
    }

private:
    std::array<std::uint64_t, 2> secret_;
    net::hash_map<digest128, int>
        bodies_; // without a twin: over 0 the old color's, under 0 the new one's
};

} // namespace gateway
