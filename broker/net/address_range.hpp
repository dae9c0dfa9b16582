#pragma once

// A block of addresses as configuration has it: 10.0.0.0/8, fd00::/8, one address, or `unix` (peers
// on a unix socket, which have none).
//
// Source: RFC 4632 for the form; an IPv4 address and its IPv4-mapped IPv6 one (RFC 4291, 2.5.5.2)
// are the same, since a listener on [::] sees the second.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace net {

struct address_range {
    std::array<std::uint8_t, 16> first{}; // IPv6, or IPv4-mapped
    std::uint8_t bits = 0;                // of `first` that count
    bool unix_socket = false;

    // Whether it holds the peer: host, host:port, [v6]:port or "unix", as peer_address() says it.
    bool contains(std::string_view peer) const noexcept;
    bool operator==(const address_range&) const = default;
};

std::optional<address_range> parse_address_range(std::string_view text);

} // namespace net
