#pragma once

// Backplane `shared`: pairs the MESSAGEs that two colors bring to one subscription one to one, so
// that each reaches its clients once. switch.md P1, P2, P6, P7; design.md section 6.4. One pairing
// belongs to one seam's pair of wire subscriptions, from the standby's SUBSCRIBE on.
//
// Lifetime:   made with the standby's subscription. It outlives the join and the next prepare,
//             until its owner ends it.
// Invariants:
// (1) A MESSAGE of one color is paired only with a MESSAGE of the other color (P2). Equal MESSAGEs
//     in a row are counted, never merged.
// (2) A MESSAGE that is kept has no twin yet that the old color delivered.
// (3) Memory is bounded: notes_max notes per side, and the owner bounds kept_bytes().
// (4) Between two marks of a kind a MESSAGE is paired only if it lies between them on both colors
//     (P7).

#include "broker/link_effects.hpp"
#include "broker/net/hash_map.hpp"
#include "broker/net/payload.hpp"
#include "gateway/core/pairing/twin_notes.hpp"

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace gateway {

// A MESSAGE of the new color, kept until the seams in front of it join. Charged once, whoever waits
// for it.
struct kept_message {
    net::payload_ref rest;  // header lines but subscription and ack, blank line, body, NUL
    std::string broker_ack; // the id that acknowledges it, if it must be acknowledged
    std::string reply_to;   // where its answer goes, if it asks for one (S12)
    broker::framing as = broker::framing::text;
};

// The window that marks make (P7): Oa, Na, Ob are read at the end of preparing, Nc, Oc, Nd behind
// the commit; O is of the old color, N of the new one. Each says what was read last.
enum class pairing_window : std::uint8_t {
    unmarked, // no marks, or none yet: all that came is remembered
    opening,  // Oa
    edge,     // Na: the old color's first edge is still open
    inside,   // Ob
    closing,  // Nc: the new color's last edge
    shut,     // Nd: nothing is owed any more
};

class pairing {
public:
    static constexpr std::size_t notes_max = 16'384;

    // What to do with a MESSAGE.
    enum class verdict : std::uint8_t {
        deliver, // to the members that are there
        keep,    // new color, not open yet: hand it to keep()
        twin,    // the other color gave it already, or will: dropped
    };
    struct old_verdict {
        verdict what = verdict::deliver;
        std::optional<kept_message> cancelled; // its twin among the kept ones, dropped now
    };

    // Before the pair was made the old color gave this already, and the new one may still bring it.
    void given_before(const twin_key& key) { owed_by_new_.add(key); }

    // ---- MESSAGEs
    old_verdict on_old(const twin_key& key);
    verdict on_new(const twin_key& key);
    // REQUIRES: on_new(key) said keep. `alone`: the old color's copy is not told to on_old().
    void keep(const twin_key& key, kept_message message, bool alone = false);
    // The one with that id is among the kept ones.
    bool keeps(const twin_key& key) const noexcept;
    // Before `held` the old color still has time to deliver it. REQUIRES: kept_count() > 0.
    kept_message forget_oldest();

    // ---- marks, in their order. Oc is the seam's: open() and leave_old().
    // REQUIRES: kept_count() == 0. The old color delivers what was kept.
    void on_oa();
    void on_na();
    void on_ob();
    void on_nc();
    void on_nd();
    pairing_window window() const noexcept { return window_; }

    // ---- the seam
    // The clients have the kept MESSAGEs. From here on they read the new color.
    void open();
    // They are off the old color: what it still brings is the new color's to give. `all_read`: up to
    // its last mark.
    void leave_old(bool all_read = false);
    // The new color's subscription was lost and is made again. What it owed never arrives.
    void renew();
    // The old color's was, or a mark is given up: no window, what was given is remembered.
    void unmark();

    bool is_open() const noexcept { return open_; }
    bool has_left() const noexcept { return left_; }
    // Nothing can be paired any more.
    bool done() const noexcept { return open_ && left_ && owed_by_new_.empty(); }
    // Something without an id came while there were no marks.
    bool has_plain() const noexcept { return plain_; }
    bool overflowed() const noexcept
    {
        return owed_by_new_.overflowed() || given_by_new_.overflowed() || edges_full_;
    }
    std::size_t kept_bytes() const noexcept { return kept_bytes_; }
    std::size_t kept_count() const noexcept { return kept_count_; }
    // Its own memory, but the shared bytes of what is kept (limits.buffered_total).
    std::size_t note_bytes() const noexcept
    {
        return (owed_by_new_.size() + given_by_new_.size() + edges_.size()) * note_size +
               kept_.size() * sizeof(entry);
    }
    // The kept MESSAGEs, in order.
    template <class Visit>
    void for_each_kept(Visit visit) const
    {
        for (const entry& one : kept_) {
            if (one.message.rest) {
                visit(one.message);
            }
        }
    }

    // ---- what is counted (P7), since the last call
    // Dropped as a twin, and maybe another message: in both edges, and no id to tell them apart.
    std::uint64_t take_doubtful() noexcept { return std::exchange(doubtful_, 0); }
    // One color alone brought it between the marks; it was delivered.
    std::uint64_t take_alone() noexcept { return std::exchange(alone_, 0); }

private:
    struct entry {
        twin_key key;
        kept_message message; // without payload: cancelled
        bool behind_nc = false;
    };
    // What the old color brought of one content, or with one id, between Oa and Ob.
    struct edge_note {
        std::uint32_t brought = 0, counted = 0;
        boost::container::small_vector<std::uint64_t, 1> broker_ids;
    };

    kept_message take_kept(std::uint64_t number);
    entry& at_number(std::uint64_t number);
    void note_edge(const twin_key& key);
    static pairing_key edge_key(const twin_key& fresh, const twin_key& twin) noexcept;
    bool is_another(const twin_key& fresh, const twin_key& twin) const;
    void on_twins(const twin_key& fresh, const twin_key& twin, bool behind_nc);
    bool trusts_ids() const noexcept { return same_ids_ >= trusted_from && !other_ids_; }

    static constexpr std::size_t note_size = 64; // with its part of the table
    static constexpr unsigned trusted_from = 2; // pairs with one message-id, and none with two

    std::deque<entry> kept_;
    std::uint64_t first_ = 0; // number of kept_.front()
    // The numbers of the kept ones by content, the oldest first.
    net::hash_map<pairing_key, boost::container::small_vector<std::uint64_t, 1>> places_;
    std::size_t kept_bytes_ = 0, kept_count_ = 0;
    twin_notes owed_by_new_{notes_max};  // the old color gave it, the new one did not yet
    twin_notes given_by_new_{notes_max}; // open, and the old color may still bring it
    net::hash_map<pairing_key, edge_note> edges_;
    std::uint64_t doubtful_ = 0, alone_ = 0;
    std::uint64_t unmatched_ = 0; // kept in front of Nc, and without a twin when it opened
    unsigned same_ids_ = 0; // twins whose message-ids were the same
    bool other_ids_ = false, edges_full_ = false, plain_ = false;
    bool forgot_ = false; // a kept MESSAGE was forgotten: its twin finds none, and that is counted
    pairing_window window_ = pairing_window::unmarked;
    bool open_ = false, left_ = false;
};

} // namespace gateway
