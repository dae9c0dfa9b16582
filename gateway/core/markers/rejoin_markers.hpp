#pragma once

// Controls when a session that is bound again may read a shared subscription. switch.md M13: a move
// inside a color stays in one message world; the session leaves first and is bound afterwards. The
// subscription at another endpoint may still deliver messages that the lost one has already
// delivered. So a session that joins it gets nothing from it until a marker that was SENT after it
// joined has been read. The messages before that marker are part of the gap. Nothing is delivered
// twice.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) At most one marker of a wire subscription is on its way. A session that joins later waits for
//     the next one.
// (2) A fence whose marker is not read ends after trial_timeout.

#include "gateway/core/markers/couriers.hpp"

#include <cstdint>
#include <map>
#include <string_view>

namespace gateway {

class rejoin_markers : workbench {
public:
    rejoin_markers(shard_state& shard, couriers& couriers) noexcept
        : workbench(shard), couriers_(couriers)
    {
    }

    static bool
    rejoins(const client_session& s, const subscription& sub, const wire_subscription& w);
    void add(wire_subscription& w, wire_member member, time_point now);
    void run(wire_id id, time_point now);
    void on_marker(wire_subscription& w, std::uint64_t number_of, time_point now);

private:
    struct fence {
        std::uint64_t number = 0;
        time_point since{}, next{};
    };
    void ask(wire_id id, time_point now);
    void pass(wire_subscription& w, time_point now);

    couriers& couriers_;
    std::map<wire_id, fence> fences_;
    std::uint64_t last_ = 0;
};

} // namespace gateway
