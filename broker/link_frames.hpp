#pragma once

// Words that a link's frames share; internal to broker/link*.cpp.

#include <cstdint>
#include <string>
#include <string_view>

namespace broker {

// DESIGN.md section 1: frames of the gateway's own go to destinations whose last part begins with
// "teal-" or "stomp-subscription-teal-".
inline constexpr std::string_view absent_queue = "/amq/queue/teal-none";
// Of a link's own queue (B1): nothing is ever SENT to the topic.
inline constexpr std::string_view own_subscription = "teal-own";
inline constexpr std::string_view own_topic = "/topic/teal-own";

inline std::string wire_receipt(std::uint64_t number)
{
    return "r" + std::to_string(number);
}

} // namespace broker
