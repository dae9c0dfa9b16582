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

// What CONNECTED's `server` names: "RabbitMQ/3.10.8", "ActiveMQ/5.17.2",
// "ActiveMQ-Artemis/2.44.0 ActiveMQ Artemis Messaging Engine". Others say nothing that is known.
constexpr dialect dialect_named_by(std::string_view server) noexcept
{
    if (server.starts_with("RabbitMQ")) {
        return dialect::rabbitmq;
    }
    if (server.starts_with("ActiveMQ-Artemis")) {
        return dialect::artemis;
    }
    return server.starts_with("ActiveMQ") ? dialect::activemq : dialect::automatic;
}

// Whether such a broker works each connection's frames off in order, so that the answer to BEGIN and
// ABORT speaks for all before them (docs/brokers.md). Artemis does not: a transaction is a session of
// its own there, and does not wait for the other one's journal.
constexpr bool keeps_order(dialect d) noexcept
{
    return d == dialect::activemq;
}

} // namespace broker
