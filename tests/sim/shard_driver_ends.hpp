#pragma once

// What a shard's driver knows of one client's connection and of one link; for its own two files.

#include "broker/stomp/heart_beat.hpp"
#include "gateway/core/tables/share_group.hpp"
#include "tests/sim/shard_driver.hpp"

#include <optional>

namespace sim {

using gateway::backlog;
using gateway::link_id;
using gateway::session_id;

template <class Id>
constexpr std::uint64_t number_of(Id id)
{
    return static_cast<std::uint64_t>(id);
}

// Flooders have numbers from here on: no checker hears of them.
inline constexpr unsigned hostile_from = 1000;

struct shard_driver::client_end {
    session_id id{};
    unsigned number = 0; // of the simulated client
    connection_ref wire;
    stomp::parser parser;
    stomp::frame_view frame;
    std::string carry;
    std::uint64_t dropped = 0;    // appended after the connection had ended
    std::uint64_t watched_at = 0; // written, when watch_written was asked
    bool watching = false, gone = false, told = false, closed = false, running = false;
    backlog level = backlog::below;
    stomp::heart_beat beat;
    bool beat_armed = false;
    std::optional<control::endpoint_ref> moves_from; // its endpoint is drained (M13)
    std::optional<control::endpoint_ref> bound_to;
    bool moved = false; // was left
    std::uint64_t taken = 0; // of its outbox, and since when no more was
    time_point taken_at{};

    bool hostile() const noexcept { return number >= hostile_from; }
    bool whole_frame_left() const noexcept { return carry.find('\0') != carry.npos; }
};

struct shard_driver::link_end {
    link_id id{};
    control::endpoint_ref at;
    connection_ref wire; // null: dialling
    stomp::parser parser{stomp::peer::broker};
    stomp::frame_view frame;
    std::string buffer;
    stomp::heart_beat beat;
    bool over_mark = false, reading = true, running = false;
};

} // namespace sim
