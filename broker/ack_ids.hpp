#pragma once

// The ids by which clients acknowledge. The gateway makes them itself, because RabbitMQ ignores the
// session part of its own ids, so an id that is used on another link settles another message
// without an error (brokers.md H1). A made id holds only characters that no STOMP version escapes
// (stompjs does not escape in 1.1).

#include "broker/ids.hpp"
#include "broker/secrets.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace broker {

// What a client acknowledges by: the number and the session's subscription, in hexadecimal, behind
// a digest that only this process can make. So an id that was never given to this session (another
// session's, another gateway's, a broker's own) is told from one that is settled (switch.md K4).
struct given_ack {
    delivery_number number = 0;
    std::uint32_t subscription = 0;
    bool operator==(const given_ack&) const = default;
};
class ack_ids {
public:
    ack_ids(const secret_key& key, std::uint32_t shard) noexcept : key_(key), shard_(shard) {}

    std::string mint(session_id to, const given_ack& what) const; // "93f2a1c07d5e4b68-17-1"
    // nullopt: it was never given to that session.
    std::optional<given_ack> parse(session_id from, std::string_view id) const noexcept;

private:
    std::uint64_t digest(session_id of, const given_ack& what) const noexcept;

    secret_key key_;
    std::uint32_t shard_;
};

} // namespace broker
