#pragma once

// Decides how many lines of one kind, and about one peer, are written. Peers can cause some kinds
// of lines: of these a few are written in each window, and the rest is counted. An event that every
// shard of a process sees becomes one line. There is no clock here.
//
// Limits:     `kinds_max` kinds and `peers_max` pairs of kind and peer are told apart in a window.
//             Further ones share one count. `texts_max` texts of shards are remembered.

#include "broker/net/time.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::log {

// The kind of a line: its text without numbers and without what follows the first colon.
std::string kind_of(std::string_view text);

class limiter {
public:
    static constexpr auto window = std::chrono::seconds{10};
    static constexpr std::uint64_t per_kind = 100, per_peer = 10;
    static constexpr std::size_t kinds_max = 64, peers_max = 1024;

    // Whether it is written. `peer` may be empty: only its kind counts.
    bool allow(std::string_view text, std::string_view peer, net::time_point now);

    struct suppressed {
        std::string kind;
        std::uint64_t count;
    };
    // Of windows that are over; each is told once.
    std::vector<suppressed> take_suppressed(net::time_point now);

private:
    void begin(net::time_point now);

    struct tally {
        std::uint64_t written = 0, suppressed = 0;
    };
    net::time_point until_{};
    std::map<std::string, tally, std::less<>> kinds_;
    std::map<std::pair<std::string, std::string>, std::uint64_t> peers_;
    std::vector<suppressed> over_;
};

// Shards that see the same say the same: the n-th time counts when the first of them says it.
class shard_echo {
public:
    static constexpr std::size_t texts_max = 256;
    static constexpr auto remembered = std::chrono::minutes{1};

    bool is_new(std::string_view text, unsigned shard, net::time_point now);

private:
    struct seen {
        std::map<unsigned, std::uint64_t> by_shard;
        std::uint64_t written = 0;
        net::time_point last{};
    };
    std::map<std::string, seen, std::less<>> texts_;
};

} // namespace gateway::log
