#pragma once

// Backplane `shared`: the MESSAGEs that two colors bring to one subscription, paired one to one, so
// that each reaches its clients once. SWITCH.md P1, P2; DESIGN.md section 6.4. One pairing is one
// seam's pair of wire subscriptions, from the standby's SUBSCRIBE on.
//
// Lifetime: made with the standby's subscription; outlives the join and the next prepare, until the
//           owner ends it.
// Invariants:
// (1) A MESSAGE of one color is only ever paired with one of the other color (P2): equal ones in a
//     row are counted, never merged.
// (2) What is kept has no twin yet that the old color gave.
// (3) Memory is bounded: notes_max notes a side; the owner bounds kept_bytes().

#include "broker/link_effects.hpp"
#include "broker/net/payload.hpp"

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace gateway {

// A MESSAGE of the new color, kept until the seams in front of it join. Charged once, whoever waits
// for it.
struct kept_message {
    net::payload_ref rest;  // header lines but subscription and ack, blank line, body, NUL
    std::string broker_ack; // what acknowledges it, where something must
    std::string reply_to;   // where its answer goes, if it asks for one (S12)
    broker::framing as = broker::framing::text;
};

// A keyed digest, made by pairing_rule. Two different keys meet by chance with n^2 / 2^65 for n
// unmatched at one time: with 16 384 notes once in 10^11 windows.
enum class pairing_key : std::uint64_t {};

// How often each key was seen, for the newest keys. Two generations: when the younger one is full
// the older one is forgotten, so that nothing need be kept in order.
class key_window {
public:
    explicit key_window(std::size_t keys_max) noexcept : half_(keys_max / 2) {}

    void add(pairing_key key);
    bool take(pairing_key key) noexcept; // one of it; false: there is none
    bool empty() const noexcept { return generations_[0].empty() && generations_[1].empty(); }
    void clear() noexcept;
    // Something was forgotten that may still have had a twin on its way.
    bool overflowed() const noexcept { return overflowed_; }

    // Each as often as it is in here.
    template <class Visit>
    void for_each(Visit visit) const
    {
        for (const auto& generation : generations_) {
            for (const auto& [key, count] : generation) {
                for (std::uint32_t i = 0; i < count; ++i) {
                    visit(key);
                }
            }
        }
    }

private:
    using counts = boost::unordered_flat_map<pairing_key, std::uint32_t>;
    std::array<counts, 2> generations_; // older, younger
    std::size_t half_;
    bool overflowed_ = false;
};

class pairing {
public:
    static constexpr std::size_t notes_max = 16'384;

    // What becomes of a MESSAGE.
    enum class verdict : std::uint8_t {
        deliver, // to the members that are there
        keep,    // new color, not open yet: hand it to keep()
        twin,    // the other color gave it already: dropped
    };
    struct old_verdict {
        verdict what = verdict::deliver;
        std::optional<kept_message> cancelled; // its twin among the kept ones, dropped now
    };

    // Before the pair was made the old color gave this already, and the new one may still bring it.
    void given_before(pairing_key key) { owed_by_new_.add(key); }

    // ---- MESSAGEs
    old_verdict on_old(pairing_key key);
    verdict on_new(pairing_key key);
    void keep(pairing_key key, kept_message message); // REQUIRES: on_new(key) said keep
    // Before `held` the old color has time to give it. REQUIRES: kept_count() > 0.
    kept_message forget_oldest();

    // ---- the seam
    // The clients have what is kept: from here on the new color is their stream.
    void open();
    // They are off the old color: what it still brings is the new color's to give.
    void leave_old();
    // The new color's subscription was lost and is made again: what it owed never comes.
    void renew();

    bool is_open() const noexcept { return open_; }
    bool has_left() const noexcept { return left_; }
    // Nothing can be paired any more.
    bool done() const noexcept { return open_ && left_ && owed_by_new_.empty(); }
    bool overflowed() const noexcept
    {
        return owed_by_new_.overflowed() || given_by_new_.overflowed();
    }
    std::size_t kept_bytes() const noexcept { return kept_bytes_; }
    std::size_t kept_count() const noexcept { return kept_count_; }
    // What is kept, in order.
    template <class Visit>
    void for_each_kept(Visit visit) const
    {
        for (const entry& one : kept_) {
            if (one.message.rest) {
                visit(one.message);
            }
        }
    }

private:
    kept_message take_kept(std::uint64_t number); // REQUIRES: the oldest of its key
    struct entry {
        pairing_key key;
        kept_message message; // without payload: cancelled
    };

    std::deque<entry> kept_;
    std::uint64_t first_ = 0; // number of kept_.front()
    boost::unordered_flat_map<pairing_key, boost::container::small_vector<std::uint64_t, 1>>
        places_; // numbers of the kept ones, oldest first
    std::size_t kept_bytes_ = 0, kept_count_ = 0;
    key_window owed_by_new_{notes_max};  // the old color gave it, the new one did not yet
    key_window given_by_new_{notes_max}; // open, and the old color may still bring it
    bool open_ = false, left_ = false;
};

} // namespace gateway
