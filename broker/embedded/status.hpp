#pragma once

// GET /status of `teal-broker` (contract.md): request head in, response out. No I/O.

#include "broker/embedded/broker_core.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace embedded {

inline constexpr std::size_t status_head_bytes_max = 8 * 1024;
// More queues than this are counted, not named: the answer is made between two turns of the loop.
inline constexpr std::size_t status_queues_max = 10'000;

// `since`: nanoseconds of the machine's monotonic clock.
std::string status_json(const broker_core& core, std::optional<std::int64_t> since);

// `head` ends with the blank line. The response closes the connection.
std::string answer_status(const broker_core& core, std::string_view head);

} // namespace embedded
