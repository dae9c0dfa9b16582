#pragma once

// The one clock of the data path. Cores never read it: drivers pass `now` in, a simulator passes
// its own.

#include <chrono>

namespace net {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;

// "No deadline": what next_deadline() answers when nothing is awaited.
inline constexpr time_point never = time_point::max();

} // namespace net
