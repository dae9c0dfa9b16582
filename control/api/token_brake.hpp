#pragma once

// How long an address that sent wrong tokens must wait before its next token is checked. Other
// addresses wait for nothing. No thread waits either: the driver holds the request back.
//
// Threading:  control thread. The caller passes the time in.
// Invariants:
// (1) A right token does not end the wait. Otherwise the owner of a viewer's token could use it
//     while guessing an admin's.
// (2) A token of an address is checked no more often than once per wait, however many connections
//     the address has.
// Limits:     addresses_max (the address that failed longest ago is forgotten) and wait_max.

#include "broker/net/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace control {

class token_brake {
public:
    static constexpr std::size_t addresses_max = 1024;
    static constexpr std::uint64_t free_failures = 3; // mistakes of people
    static constexpr net::duration first_wait = std::chrono::milliseconds(250); // doubles
    static constexpr net::duration last_wait = std::chrono::seconds(4);
    // A request that would wait longer is refused.
    static constexpr net::duration wait_max = std::chrono::seconds(8);
    static constexpr net::duration forgotten_after = std::chrono::minutes(10);
    static constexpr net::duration line_every = std::chrono::seconds(10); // in the log, an address
    static constexpr std::uint64_t lines_max = 10; // of all addresses, in line_every

    // nullopt: so many wait already.
    std::optional<net::duration> pause_before(const std::string& address, net::time_point now);
    // Where a line is due: how many came from there since the last one.
    std::optional<std::uint64_t> failed(const std::string& address, net::time_point now);
    std::size_t addresses() const noexcept { return known_.size(); }

private:
    struct record {
        std::uint64_t failures = 0, untold = 0;
        net::time_point last{}, next{}; // the last failure; when the next token is looked at
        std::optional<net::time_point> told;
        net::duration wait() const noexcept;
    };
    bool line_fits(net::time_point now);

    std::map<std::string, record> known_;
    net::time_point lines_since_{};
    std::uint64_t lines_ = 0;
};

// Of "127.0.0.1:50312", "[2001:db8::1]:443" (its /64: a host has that many) or "unix uid=0".
std::string address_of_peer(std::string_view peer);

} // namespace control
