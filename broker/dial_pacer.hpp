#pragma once

// Spreads dials over time (`brokers.connect_rate`) and decides whose turn it is. docs/outside.md
// D1, D2.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Dials that clients wait for go first, but every third place is kept for standbys. So neither
//     kind starves (design.md section 6.1).
// (2) Among clients' dials, those of identities that a broker accepted lately go first. Unknown
//     identities get every fourth of these places, refused ones every sixteenth. So strangers delay
//     a known identity by no more than that, and nobody starves.
// (3) Unknown identities take turns by the address that they come from. Many from one address delay
//     one from another address by a single place.

#include "broker/net/hash_map.hpp"
#include "broker/net/time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace broker {

enum class dial_class : std::uint8_t {
    known,   // a client's, of an identity that a broker let in within the last hour
    unknown, // a client's that no broker has judged
    refused, // a client's that a broker refused within the last hour
    standby, // prepared for a switch
};

class dial_pacer {
public:
    explicit dial_pacer(double per_second) noexcept : per_second_(per_second) {}
    void set_rate(double per_second) noexcept { per_second_ = per_second; }

    // `source`: the peer's address, since a peer cannot choose that.
    void want(std::uint64_t what, dial_class as, std::uint64_t source = 0);
    // The next that may be dialled now, in turn; nullopt: none waits, or not yet.
    // A dial for which `wanted` answers no is not needed any more, and takes no place.
    template <class Wanted>
    std::optional<std::uint64_t> take(net::time_point now, Wanted&& wanted)
    {
        while (waiting() > 0 && refill(now)) {
            const std::uint64_t next = pop();
            if (wanted(next)) {
                tokens_ -= 1;
                ++turn_;
                return next;
            }
        }
        return std::nullopt;
    }
    std::optional<std::uint64_t> take(net::time_point now)
    {
        return take(now, [](std::uint64_t) { return true; });
    }
    net::time_point next() const noexcept; // when take() returns one again; never: nothing waits
    std::size_t waiting() const noexcept
    {
        return known_.size() + unknown_.size() + refused_.size() + standby_.size();
    }

private:
    // First in, first out for each source; the sources take turns.
    class turns {
    public:
        void push(std::uint64_t what, std::uint64_t source);
        std::uint64_t pop(); // REQUIRES: size() > 0
        std::size_t size() const noexcept { return size_; }

    private:
        net::hash_map<std::uint64_t, std::deque<std::uint64_t>> by_source_;
        std::deque<std::uint64_t> order_; // each source that waits, once
        std::size_t size_ = 0;
    };

    bool refill(net::time_point now) noexcept; // whether one may be dialled
    std::uint64_t pop();
    std::uint64_t pop_client();

    turns known_, unknown_, refused_, standby_;
    double per_second_;
    double tokens_ = 0;
    net::time_point refilled_{};
    unsigned turn_ = 0, client_turn_ = 0;
};

} // namespace broker
