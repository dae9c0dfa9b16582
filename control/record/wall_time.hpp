#pragma once

// What the steady clock says, on the clock that people read.

#include "broker/net/time.hpp"

#include <chrono>

namespace control {

inline std::chrono::system_clock::time_point wall_time(net::time_point when)
{
    return std::chrono::system_clock::now() +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(when - net::clock::now());
}

inline double seconds_since_1970(std::chrono::system_clock::time_point when) noexcept
{
    return std::chrono::duration<double>(when.time_since_epoch()).count();
}

} // namespace control
