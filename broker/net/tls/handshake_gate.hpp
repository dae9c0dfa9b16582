#pragma once

// Who may begin a TLS handshake now. The first step of one costs a thread up to some milliseconds
// (a signature), and whoever connects can ask for it. So those who connect wait here, and the
// clients that are connected notice nothing of a flood. No I/O.
//
// Threading:  one loop's thread.
// Invariants:
// (1) Handshakes take at most `share` of the thread's time: behind one that cost t nobody begins for
//     t * (1 - share) / share.
// (2) Addresses take turns, whatever number of theirs waits, and of each at most `per_address` are
//     under way. Of one address who came first begins first.
// (3) Nothing is kept of an address of which nobody waits or is under way.

#include "broker/net/hash_map.hpp"
#include "broker/net/time.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>

namespace tls {

class handshake_gate {
public:
    struct limits {
        unsigned share_percent = 50;
        std::size_t per_address = 32;
    };
    explicit handshake_gate(limits most) : most_(most) {}
    void set_limits(limits most) noexcept { most_ = most; }

    // `who` grows with time, and is nobody else's.
    void enter(std::uint64_t who, const std::string& address);
    // It does not wait any more, or its handshake is over, however it ended.
    void leave(std::uint64_t who, const std::string& address);
    // Who begins now; then its handshake is under way. nullopt: nobody may, or nobody waits.
    std::optional<std::uint64_t> next(net::time_point now);
    // What the step cost that began last.
    void spent(net::duration cost, net::time_point now);
    // When next() may say somebody again; net::time_point::max(): not before somebody enters or
    // leaves.
    net::time_point next_deadline() const noexcept;
    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t addresses() const noexcept { return places_.size(); }

private:
    struct place {
        std::set<std::uint64_t> waiting;
        std::set<std::uint64_t> under_way;
        bool has_turn = false; // it is in turns_
    };
    void give_turn(const std::string& address, place& at);

    limits most_;
    net::hash_map<std::string, place> places_;
    std::list<std::string> turns_; // addresses of which somebody may begin
    std::size_t waiting_ = 0;
    net::time_point free_at_{};
};

} // namespace tls
