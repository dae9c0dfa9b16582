#pragma once

// Spreads dials over time (`brokers.connect_rate`) and decides whose turn it is. docs/outside.md
// D1, D2. Each endpoint has lines of its own, so that one which takes its time delays no other.
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
// (4) Where an endpoint has no room, its dials keep their places, and others take the turn (B6).

#include "broker/net/hash_map.hpp"
#include "broker/net/time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace broker {

enum class dial_class : std::uint8_t {
    known,   // a client's, of an identity that a broker let in within the last hour
    unknown, // a client's that no broker has judged
    refused, // a client's that a broker refused within the last hour
    standby, // prepared for a switch
};

constexpr bool is_stranger(dial_class who) noexcept
{
    return who == dial_class::unknown || who == dial_class::refused;
}

// Which dials an endpoint has room for (dial_window).
enum class dial_room : std::uint8_t {
    all,
    known_only, // no more strangers
    none,
};

// An endpoint, as a number of its owner's choice.
enum class dial_lane : std::uint32_t {};

class dial_pacer {
public:
    explicit dial_pacer(double per_second) noexcept : per_second_(per_second) {}
    void set_rate(double per_second) noexcept { per_second_ = per_second; }

    // `source`: the peer's address, since a peer cannot choose that.
    void want(
        std::uint64_t what, dial_class as, std::uint64_t source = 0, dial_lane where = dial_lane{});
    // `all` until something else is said.
    void set_room(dial_lane where, dial_room room) { lanes_[where].room = room; }
    // The next that may be dialled now, in turn; nullopt: none waits, or not yet.
    // A dial for which `wanted` answers no is not needed any more, and takes no place.
    template <class Wanted>
    std::optional<std::uint64_t> take(net::time_point now, Wanted&& wanted)
    {
        while (may_go() > 0 && refill(now)) {
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
    // When take() returns one again; never: none waits, or none has room.
    net::time_point next() const noexcept;
    std::size_t waiting() const noexcept;

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

    struct lane {
        turns known, unknown, refused, standby;
        dial_room room = dial_room::all;

        turns& of(dial_class who) noexcept;
        const turns& of(dial_class who) const noexcept
        {
            return const_cast<lane*>(this)->of(who); // which hands out its own member
        }
        bool has_room(dial_class who) const noexcept
        {
            return room == dial_room::all || (room == dial_room::known_only && !is_stranger(who));
        }
    };

    bool refill(net::time_point now) noexcept; // whether one may be dialled
    std::size_t may_go(dial_class who) const noexcept; // that wait, where there is room
    std::size_t may_go() const noexcept;
    std::uint64_t pop(); // REQUIRES: may_go() > 0
    dial_class whose_turn() noexcept;

    std::map<dial_lane, lane> lanes_; // few: the endpoints
    dial_lane last_{};                // the endpoints take turns
    double per_second_;
    double tokens_ = 0;
    net::time_point refilled_{};
    unsigned turn_ = 0, client_turn_ = 0;
};

} // namespace broker
