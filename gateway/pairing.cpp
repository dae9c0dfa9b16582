#include "gateway/pairing.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

void key_window::add(pairing_key key)
{
    auto& [older, younger] = generations_;
    if (younger.size() >= half_ && !younger.contains(key)) {
        overflowed_ |= !older.empty();
        older = std::exchange(younger, {});
    }
    ++younger[key];
}

bool key_window::take(pairing_key key) noexcept
{
    for (counts& generation : generations_) { // the older one first: twins come in order
        if (const auto at = generation.find(key); at != generation.end()) {
            if (--at->second == 0) {
                generation.erase(at);
            }
            return true;
        }
    }
    return false;
}

void key_window::clear() noexcept
{
    generations_ = {};
}

// P1: until the seam joins the old color's copy is delivered and cancels its twin; afterwards it is
// dropped where the new color gave it.
pairing::old_verdict pairing::on_old(pairing_key key)
{
    if (left_ || given_by_new_.take(key)) {
        return {.what = verdict::twin};
    }
    const auto place = places_.find(key);
    if (place == places_.end()) {
        owed_by_new_.add(key);
        return {};
    }
    // P2: one of the kept ones, the oldest; the others of this key have twins of their own to come.
    return {.cancelled = take_kept(place->second.front())};
}

kept_message pairing::take_kept(std::uint64_t number)
{
    entry& one = kept_[static_cast<std::size_t>(number - first_)];
    const auto place = places_.find(one.key);
    BOOST_ASSERT(place->second.front() == number);
    place->second.erase(place->second.begin());
    if (place->second.empty()) {
        places_.erase(place);
    }
    kept_bytes_ -= one.message.rest->size();
    --kept_count_;
    kept_message taken = std::exchange(one.message, {});
    while (!kept_.empty() && !kept_.front().message.rest) {
        kept_.pop_front();
        ++first_;
    }
    return taken;
}

kept_message pairing::forget_oldest()
{
    return take_kept(first_); // the front is never a cancelled one
}

pairing::verdict pairing::on_new(pairing_key key)
{
    if (owed_by_new_.take(key)) {
        return verdict::twin;
    }
    if (!open_) {
        return verdict::keep;
    }
    if (!left_) {
        given_by_new_.add(key);
    }
    return verdict::deliver;
}

void pairing::keep(pairing_key key, kept_message message)
{
    BOOST_ASSERT(!open_);
    kept_bytes_ += message.rest->size();
    ++kept_count_;
    places_[key].push_back(first_ + kept_.size());
    kept_.push_back({key, std::move(message)});
}

void pairing::open()
{
    if (!left_) { // the old color is still read: a forced seam, or one that is left right behind
                  // this
        for (const entry& one : kept_) {
            if (one.message.rest) {
                given_by_new_.add(one.key);
            }
        }
    }
    first_ += kept_.size();
    kept_ = {};
    places_ = {};
    kept_bytes_ = kept_count_ = 0;
    open_ = true;
}

void pairing::leave_old()
{
    left_ = true;
    given_by_new_.clear();
}

void pairing::renew()
{
    owed_by_new_.clear();
}

} // namespace gateway
