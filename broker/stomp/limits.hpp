#pragma once

// Bounds on what a peer may send, each with the name it has in the configuration (limits.*).

#include <cstddef>
#include <cstdint>

namespace stomp {

struct limits {
    std::size_t frame_bytes = 4 * 1024 * 1024; // limits.frame: command to NUL
    std::size_t header_count = 100;            // limits.headers
    std::size_t header_line_bytes = 10 * 1024; // limits.header_line
};

} // namespace stomp
