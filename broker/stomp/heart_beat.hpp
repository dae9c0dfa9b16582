#pragma once

// Heart-beat negotiation (STOMP 1.2, "Heart-beating") and the two clocks of one connection, without
// I/O.

#include "broker/net/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stomp {

// What one side says: it can send every `outgoing` ms and would like to receive every `incoming`
// ms; 0 = not at all.
struct heart_beat_offer {
    std::chrono::milliseconds outgoing{0}, incoming{0};
};
// From "cx,cy"; nullopt: malformed.
std::optional<heart_beat_offer> parse_heart_beat(std::string_view value);
std::string to_string(const heart_beat_offer& offer);

// What both agreed on, seen from the side `ours`: 0 = none in that direction.
struct heart_beat_terms {
    std::chrono::milliseconds send_every{0}, expect_every{0};
};
heart_beat_terms negotiate(const heart_beat_offer& ours, const heart_beat_offer& theirs) noexcept;

// The clocks. Any byte counts as a sign of life in both directions.
class heart_beat {
public:
    heart_beat() noexcept = default;
    heart_beat(const heart_beat_terms& terms, net::time_point now) noexcept;

    void on_sent(net::time_point now) noexcept { last_sent_ = now; }
    void on_received(net::time_point now) noexcept { last_received_ = now; }
    // Not reading (backpressure, hold): the incoming clock stands still until one interval after
    // reading resumed.
    void pause_incoming() noexcept { paused_ = true; }
    void resume_incoming(net::time_point now) noexcept;

    bool sends() const noexcept { return send_every_ms_ > 0; }
    bool expects() const noexcept { return expect_every_ms_ > 0; }
    net::time_point next_deadline() const noexcept;
    enum class due : unsigned char { nothing, send, lost };
    // send: one EOL is to be written now (call on_sent then); lost: the peer was silent for twice
    // its interval.
    due on_deadline(net::time_point now) const noexcept;

private:
    net::time_point send_deadline() const noexcept;
    net::time_point lost_deadline() const noexcept;

    // One for each idle client: small. parse_heart_beat() takes no interval that does not fit.
    std::uint32_t send_every_ms_ = 0, expect_every_ms_ = 0;
    net::time_point last_sent_{}, last_received_{};
    bool paused_ = false;
};

} // namespace stomp
