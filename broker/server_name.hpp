#pragma once

// What follows from the `server` that a broker names in CONNECTED, beside its dialect (dialect.hpp).
// `connected_head`: its raw header lines, each with its LF.

#include <string_view>

namespace broker {

// teal-broker, of broker/embedded.
constexpr bool is_embedded(std::string_view connected_head) noexcept
{
    return connected_head.find("server:teal-broker") != std::string_view::npos;
}

// Its ERROR names the receipt of the frame that it answers. RabbitMQ's does not (docs/brokers.md
// H20).
constexpr bool errors_name_frames(std::string_view connected_head) noexcept
{
    return is_embedded(connected_head);
}

// NACK's header `requeue`.
constexpr bool knows_requeue(std::string_view connected_head) noexcept
{
    return is_embedded(connected_head) ||
           connected_head.find("server:RabbitMQ") != std::string_view::npos;
}

} // namespace broker
