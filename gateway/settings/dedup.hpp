#pragma once

// `switch.dedup`: what makes two MESSAGEs of two colors twins.

#include <cstdint>

namespace gateway {

enum class dedup_by : std::uint8_t {
    nothing,   // "off": the move is break-before-make on a shared backplane
    automatic, // ids where there are some, else content between marks (switch.md P5 to P8)
    content,   // destination, body and content headers: best effort (switch.md P4)
    header,    // a header whose value is unique
};

} // namespace gateway
