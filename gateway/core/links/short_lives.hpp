#pragma once

// Links that die soon after they came up. The first one is dialled again at once. If they die again
// and again, the next dial waits longer and longer, as after a link that never came up
// (docs/outside.md F4).
//
// Threading:  belongs to one shard.
// Invariants:
// (1) It remembers only the deaths of the last minute.

#include "broker/color.hpp"
#include "broker/ids.hpp"
#include "broker/net/hash_map.hpp"
#include "broker/net/time.hpp"

#include <cstdint>
#include <utility>

namespace gateway {

inline constexpr auto dial_back_off_first = std::chrono::milliseconds{20};
inline constexpr auto dial_back_off_most = std::chrono::seconds{2};

// What follows on such a wait; none: the first.
net::duration next_back_off(net::duration wait) noexcept;

// One that lived less long died soon.
inline constexpr auto soon_after_up = std::chrono::seconds{2};

class short_lives {
public:
    // A session's own link to that color was lost that had been up so long.
    void
    on_death(broker::session_id owner, broker::color c, net::duration lived, net::time_point now);
    // Its next one is not dialled before.
    net::time_point not_before(broker::session_id owner, broker::color c) const;

private:
    struct entry {
        net::duration wait{};
        net::time_point died{};
    };
    using key = std::uint64_t;
    static key key_of(broker::session_id owner, broker::color c) noexcept
    {
        return static_cast<std::uint64_t>(owner) * 2 + (c == broker::color::green ? 1U : 0U);
    }
    net::hash_map<key, entry> recent_;
};

} // namespace gateway
