#pragma once

// Applications as brokers: Spring's simple broker, or its relay onto a broker behind it. Which of a
// client's subscriptions may have both colors' messages for a while. docs/switch.md O1.

#include <cstdint>
#include <string_view>

namespace gateway {

enum class endpoint_kind : std::uint8_t {
    broker,
    application, // all its destinations are its own
    relay,       // an application whose /topic, /queue and the like are a broker's behind it
};

// What CONNECTED says of an application; `head`: its header lines. A relay passes the name of the
// broker behind it on, a simple broker has none.
endpoint_kind application_from(std::string_view head) noexcept;

// O1. `to_many`: brokers.broadcast has it.
bool may_overlap(
    std::string_view destination, bool to_many, endpoint_kind at, bool shared_backplane) noexcept;

// Of a SUBSCRIBE's header lines: the answer of a @SubscribeMapping is all that such a subscription
// ever gets (O6).
bool is_answered_once(std::string_view head) noexcept;

} // namespace gateway
