#pragma once

// Which peers are closed when a shard holds more than its part of limits.buffered_total.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gateway {

// In this order they go.
enum class shed_class : std::uint8_t {
    over,      // told to go already: only its last bytes are left
    stranger,  // no broker has let it in
    stalled,   // took nothing for limits.client_stall
    connected, // the largest first
};

struct shed_candidate {
    std::size_t index = 0; // of the caller's
    shed_class what = shed_class::connected;
    std::size_t bytes = 0; // the memory that is freed when it is closed
};

// Whoever holds less is no reason for what is too much. Where all of them together hold less than
// `excess`, it is not theirs (a broker's message, say): then of those who are connected only who holds
// much goes. Strangers who hold little, as one does who is just connecting, go only where that is
// enough.
inline constexpr std::size_t shed_bytes_min = 1024;
inline constexpr std::size_t shed_bytes_much = 64 * 1024;
inline constexpr std::size_t stranger_bytes_little = 4 * 1024;

// The indices of those to close, in order, until `excess` bytes go with them; all of them may be
// too few.
std::vector<std::size_t> choose_shed(std::vector<shed_candidate> all, std::uint64_t excess);

} // namespace gateway
