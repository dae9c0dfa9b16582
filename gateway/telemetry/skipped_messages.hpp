#pragma once

// How many MESSAGEs were larger than limits.broker_frame and were skipped, by the color that
// brought them and the destination that they were SENT to.
//
// Threading:  belongs to one shard. It is copied for the page of /metrics.
// Invariants:
// (1) Destinations are few, short and printable, whatever a broker sends. They stand in the log, once
//     each, and in no label.

#include "broker/color.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

class skipped_messages {
public:
    static constexpr std::size_t destinations_max = 16; // more are counted as "other"
    static constexpr std::size_t destination_bytes_max = 120;

    struct entry {
        broker::color from;
        std::string destination;
        std::uint64_t messages;
    };

    // True: none of that destination was counted before.
    bool count(broker::color from, std::string_view destination, std::uint64_t messages = 1);
    const std::vector<entry>& entries() const noexcept { return entries_; }
    std::uint64_t messages(broker::color from) const noexcept;

private:
    std::vector<entry> entries_;
};

} // namespace gateway
