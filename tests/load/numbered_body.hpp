#pragma once

// The body of a numbered message: `pub seq scheduled_ns` at fixed width, then padding to the size.
//   o0000012 0000000007 0000000001234567890 abcdef...
// The first letter is the kind of stream (o own, s common, q queue), or f for the flush at the end.
// The padding depends on the number, so that a body made of two messages' bytes is found out.

#include "tests/load/workload.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace load {

struct message_number {
    stream_kind kind = stream_kind::own;
    std::uint32_t publisher = 0;
    std::uint32_t sequence = 0;    // of (publisher, destination), from 1
    std::int64_t scheduled_ns = 0; // since the start of the run
    bool operator==(const message_number&) const = default;
};

class numbered_body {
public:
    static constexpr std::size_t size_min = 40;

    explicit numbered_body(std::size_t size); // raised to size_min

    // Valid until the next call.
    std::string_view encode(const message_number& number);
    // nullopt: not a body that encode() of this size makes.
    std::optional<message_number> decode(std::string_view body) const noexcept;

    static constexpr std::string_view flush = "f";

private:
    std::string_view padding(std::uint32_t sequence) const noexcept;
    std::string pattern_; // the alphabet, long enough to start at any letter
    std::string buffer_;
};

} // namespace load
