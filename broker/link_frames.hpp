#pragma once

// Header names and texts that the link's frames share. Internal to broker/link*.cpp.

#include "broker/stomp/frame.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace broker {

// Of a link's own queue (B1).
inline constexpr std::string_view own_subscription = "teal-own";

// The version in CONNECTED; 1.0 if it names none (1.2, "Protocol Negotiation").
inline stomp::version version_of(const stomp::frame_view& connected) noexcept
{
    const auto said = stomp::trimmed(connected.find("version").value_or("1.0"));
    return said == "1.2"   ? stomp::version::v12
           : said == "1.1" ? stomp::version::v11
                           : stomp::version::v10;
}

inline std::string wire_receipt(std::uint64_t number)
{
    return "r" + std::to_string(number);
}

} // namespace broker
