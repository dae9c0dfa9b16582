#pragma once

// What makes two MESSAGEs of two colors twins: `switch.dedup`. switch.md P4 to P6.
//
// A key is a SipHash-1-3 digest (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012)
// of destination and key, keyed per process. So a sender cannot choose messages whose keys collide.

#include "broker/stomp/frame.hpp"
#include "gateway/core/pairing/pairing.hpp"
#include "gateway/settings/dedup.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

struct pairing_rule {
    dedup_by by = dedup_by::nothing;
    std::string header; // its name
    std::array<std::uint64_t, 2> secret{};

    // nullopt: the MESSAGE lacks the header, it cannot be paired.
    std::optional<twin_key> key_of(const stomp::frame_view& message) const noexcept;
    bool marks() const noexcept { return by == dedup_by::automatic; }

private:
    void add_ids(const stomp::frame_view& message, twin_key& key) const noexcept;
};

// The digest alone; tests compare it with the paper's kind of check values.
std::uint64_t
keyed_digest(const std::array<std::uint64_t, 2>& secret, std::string_view bytes) noexcept;

} // namespace gateway
