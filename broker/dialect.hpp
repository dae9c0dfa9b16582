#pragma once

// The dialects of STOMP that brokers speak, as `brokers.dialect` names them. switch.md B5: which
// abilities are worth trying.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace broker {

enum class dialect : std::uint8_t { automatic, rabbitmq, artemis, activemq, spring, plain };

inline constexpr std::array<std::string_view, 6> dialect_names{"auto",     "rabbitmq", "artemis",
                                                               "activemq", "spring",   "plain"};

constexpr std::string_view to_string(dialect d) noexcept
{
    return dialect_names[static_cast<std::size_t>(d)];
}

constexpr std::optional<dialect> dialect_from(std::string_view name) noexcept
{
    for (std::size_t i = 0; i < dialect_names.size(); ++i) {
        if (dialect_names[i] == name) {
            return static_cast<dialect>(i);
        }
    }
    return std::nullopt;
}

} // namespace broker
