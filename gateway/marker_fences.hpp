#pragma once

// Who comes back onto a shared subscription. SWITCH.md M13: a move inside a color is one message
// world, left first and then bound. Another endpoint's subscription may still have on its way what
// the lost one has given: a session that joins it gets nothing of it before a marker that was SENT
// after it joined was read. What it misses meanwhile is part of the gap; nothing comes twice.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) At most one marker of a wire subscription is on its way; who comes behind it waits for the
//     next one.
// (2) A fence that is not read ends after trial_timeout.

#include "gateway/marker_couriers.hpp"

#include <cstdint>
#include <map>
#include <string_view>

namespace gateway {

class marker_fences : shard_part {
public:
    marker_fences(shard_state& shard, marker_couriers& couriers) noexcept
        : shard_part(shard), couriers_(couriers)
    {
    }

    static bool
    rejoins(const client_session& s, const subscription& sub, const wire_subscription& w);
    void add(wire_subscription& w, wire_member member, time_point now);
    void run(wire_id id, time_point now);
    void on_marker(wire_subscription& w, std::string_view mark, time_point now);

private:
    struct fence {
        std::uint64_t number = 0;
        time_point since{}, next{};
    };
    void ask(wire_id id, time_point now);
    void pass(wire_subscription& w, time_point now);

    marker_couriers& couriers_;
    std::map<wire_id, fence> fences_;
    std::uint64_t last_ = 0;
};

} // namespace gateway
