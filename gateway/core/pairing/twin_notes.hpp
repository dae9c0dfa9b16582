#pragma once

// Notes about the MESSAGEs that one color has brought and the other may still bring: by their
// content and, where they have one, by their id. switch.md P1, P6.
//
// Invariants:
// (1) There are at most notes_max notes, in two generations. When the younger one is full the older
//     one is forgotten, so that nothing need be kept in order.
// (2) Of equal notes the oldest is taken.

#include "broker/net/hash_map.hpp"

#include <boost/container/small_vector.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace gateway {

// A keyed digest, made by pairing_rule. Two different keys meet by chance with n^2 / 2^65 for n
// unmatched at one time: with 16 384 notes once in 10^11 windows.
enum class pairing_key : std::uint64_t {};

// What identifies a MESSAGE.
struct twin_key {
    pairing_key content{}; // destination and body, or the header that is the key (P4)
    std::uint64_t id = 0;  // a value that its sender, or a gateway, gave it alone; 0: none
    std::uint64_t broker_id = 0; // its message-id: a broker's own, maybe the same on both colors

    bool operator==(const twin_key&) const = default;
};

// Which of the candidates, all of that content and oldest first, is the twin of `key`: by id where
// both have one, else by content. `trusted`: message-ids are the same on both colors, so the one
// with the same comes first. Null: none of them.
template <class Candidates, class KeyOf>
auto find_twin(Candidates& candidates, const twin_key& key, bool trusted, KeyOf key_of)
    -> decltype(candidates.data())
{
    decltype(candidates.data()) plain = nullptr, other = nullptr;
    for (auto& one : candidates) {
        const twin_key& its = key_of(one);
        if (key.id != 0 && its.id != 0) {
            if (key.id == its.id) {
                return &one;
            }
            continue;
        }
        if (trusted && key.broker_id != 0 && key.broker_id == its.broker_id) {
            return &one;
        }
        auto*& first = its.id == 0 ? plain : other;
        first = first == nullptr ? &one : first;
    }
    return plain != nullptr ? plain : other;
}

class twin_notes {
public:
    explicit twin_notes(std::size_t notes_max) noexcept : half_(notes_max / 2) {}

    void add(const twin_key& key);
    // The twin of it, which `accepts`; it is no note any more. nullopt: there is none.
    template <class Accepts>
    std::optional<twin_key> take(const twin_key& key, bool trusted, Accepts accepts)
    {
        generation* where = nullptr;
        const twin_key* best = nullptr;
        for (generation& g : generations_) { // the older one first: twins come in order
            const auto slot = g.by_content.find(key.content);
            if (slot == g.by_content.end()) {
                continue;
            }
            const twin_key* one =
                find_twin(slot->second, key, trusted, [](const twin_key& k) -> const twin_key& { return k; });
            if (one != nullptr && (best == nullptr || (one->id != 0 && one->id == key.id))) {
                best = one;
                where = &g;
            }
        }
        if (best == nullptr || !accepts(*best)) {
            return std::nullopt;
        }
        const twin_key taken = *best;
        where->erase(taken, best);
        return taken;
    }
    std::optional<twin_key> take(const twin_key& key)
    {
        return take(key, false, [](const twin_key&) { return true; });
    }
    bool empty() const noexcept { return size() == 0; }
    std::size_t size() const noexcept { return generations_[0].count + generations_[1].count; }
    void clear() noexcept;
    // Something was forgotten that may still have had a twin on its way.
    bool overflowed() const noexcept { return overflowed_; }

    // By what they say, equal ones oldest first.
    template <class Visit>
    void for_each(Visit visit) const
    {
        for (const generation& g : generations_) {
            for (const pairing_key content : g.by_content.keys_in_order()) {
                for (const twin_key& one : g.by_content.at(content)) {
                    visit(one);
                }
            }
        }
    }

private:
    using notes_of_one = boost::container::small_vector<twin_key, 1>;
    struct generation {
        net::hash_map<pairing_key, notes_of_one> by_content;
        std::size_t count = 0;
        void erase(const twin_key& of, const twin_key* place);
    };
    std::array<generation, 2> generations_; // older, younger
    std::size_t half_;
    bool overflowed_ = false;
};

} // namespace gateway
