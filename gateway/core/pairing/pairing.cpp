#include "gateway/core/pairing/pairing.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

// P1: until the seam joins the old color's copy is delivered and cancels its twin; afterwards it is
// dropped where the new color gave it.
pairing::old_verdict pairing::on_old(const twin_key& key)
{
    if (left_ || given_by_new_.take(key)) {
        return {.what = verdict::twin};
    }
    plain_ |= window_ == pairing_window::unmarked && key.id == 0;
    if (window_ == pairing_window::opening || window_ == pairing_window::edge) {
        note_edge(key);
    }
    const auto place = places_.find(key.content);
    // P2: the oldest of the kept ones. The others of this key have twins of their own that will
    // still arrive.
    const std::uint64_t* number =
        place == places_.end()
            ? nullptr
            : find_twin(place->second, key, trusts_ids(), [&](std::uint64_t n) -> const twin_key& {
                  return at_number(n).key;
              });
    if (number != nullptr) {
        const entry& one = at_number(*number);
        if (!one.behind_nc || !is_another(one.key, key)) {
            on_twins(one.key, key, one.behind_nc);
            return {.cancelled = take_kept(*number)};
        }
    }
    owed_by_new_.add(key);
    return {};
}

pairing::entry& pairing::at_number(std::uint64_t number)
{
    return kept_[static_cast<std::size_t>(number - first_)];
}

kept_message pairing::take_kept(std::uint64_t number)
{
    entry& one = at_number(number);
    const auto place = places_.find(one.key.content);
    place->second.erase(std::ranges::find(place->second, number));
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
    forgot_ = true;
    return take_kept(first_); // the front is never a cancelled one
}

pairing::verdict pairing::on_new(const twin_key& key)
{
    if (window_ == pairing_window::opening) {
        return verdict::twin; // P7: in front of Na, so it came in front of Oc on the old color
    }
    plain_ |= window_ == pairing_window::unmarked && key.id == 0;
    const bool behind_nc = window_ == pairing_window::closing;
    const auto twin = owed_by_new_.take(
        key, trusts_ids(), [&](const twin_key& one) { return !behind_nc || !is_another(key, one); });
    if (twin) {
        on_twins(key, *twin, behind_nc);
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

void pairing::keep(const twin_key& key, kept_message message, bool alone)
{
    BOOST_ASSERT(!open_);
    kept_bytes_ += message.rest->size();
    ++kept_count_;
    places_[key.content].push_back(first_ + kept_.size());
    kept_.push_back({key, std::move(message), alone || window_ == pairing_window::closing});
}

bool pairing::keeps(const twin_key& key) const noexcept
{
    const auto place = places_.find(key.content);
    return place != places_.end() && std::ranges::any_of(place->second, [&](std::uint64_t n) {
               return kept_[static_cast<std::size_t>(n - first_)].key.id == key.id;
           });
}

// ---- marks

// P7: what the old color gave in front of Oa has its twin in front of Na.
void pairing::on_oa()
{
    BOOST_ASSERT(window_ == pairing_window::unmarked && kept_count_ == 0);
    owed_by_new_ = twin_notes{notes_max};
    plain_ = forgot_ = false;
    window_ = pairing_window::opening;
}

void pairing::on_na()
{
    window_ = pairing_window::edge;
}

void pairing::on_ob()
{
    window_ = pairing_window::inside;
}

void pairing::on_nc()
{
    window_ = pairing_window::closing;
}

// A MESSAGE that the old color delivered before Oc has its twin before Nd. If none came, either the
// MESSAGE came before Ob and its twin before Na, or only the old color brought it.
void pairing::on_nd()
{
    net::hash_map<pairing_key, std::uint64_t> left;
    owed_by_new_.for_each([&](const twin_key& one) { ++left[one.content]; });
    for (const auto& [content, count] : left.in_any_order()) { // any order: a sum
        const auto edge = edges_.find(content);
        const std::uint64_t of_edge = edge == edges_.end() ? 0 : edge->second.brought;
        alone_ += forgot_ ? 0 : count - std::min(count, of_edge);
    }
    owed_by_new_.clear();
    edges_ = {};
    window_ = pairing_window::shut;
}

void pairing::note_edge(const twin_key& key)
{
    const auto note = [&](pairing_key of) {
        const auto at = edges_.find(of);
        if (at == edges_.end() && edges_.size() >= notes_max) {
            edges_full_ = true;
            return;
        }
        edge_note& one = at == edges_.end() ? edges_[of] : at->second;
        ++one.brought;
        constexpr std::size_t ids_max = 16;
        if (key.broker_id != 0 && one.broker_ids.size() < ids_max) {
            one.broker_ids.push_back(key.broker_id);
        }
    };
    note(key.content);
    if (key.id != 0) {
        note(edge_key(key, key));
    }
}

// By what the two were paired: by their id, or by their content.
pairing_key pairing::edge_key(const twin_key& fresh, const twin_key& twin) noexcept
{
    return fresh.id != 0 && fresh.id == twin.id ? static_cast<pairing_key>(fresh.id)
                                                : fresh.content;
}

// P6: it was in both edges, and the message-ids show that these are two messages.
bool pairing::is_another(const twin_key& fresh, const twin_key& twin) const
{
    const bool by_id = fresh.id != 0 && fresh.id == twin.id;
    return !by_id && trusts_ids() && fresh.broker_id != 0 && twin.broker_id != 0 &&
           fresh.broker_id != twin.broker_id && edges_.contains(fresh.content);
}

// P7: only a content that the old color brought between Oa and Ob and the new one between Nc and Nd
// can have been paired wrongly, and of each no more than the old color brought there.
void pairing::on_twins(const twin_key& fresh, const twin_key& twin, bool behind_nc)
{
    const bool certain = fresh.id != 0 ? fresh.id == twin.id
                                       : window_ == pairing_window::inside &&
                                             !edges_.contains(fresh.content);
    if (certain && fresh.broker_id != 0 && twin.broker_id != 0) {
        if (fresh.broker_id == twin.broker_id) {
            ++same_ids_;
        } else {
            other_ids_ = true;
        }
    }
    // It may have taken the place of one that the edge had: then a note with its id is left over.
    if (fresh.id != 0 && twin.id == 0 && edges_.contains(fresh.content)) {
        const auto id = static_cast<pairing_key>(fresh.id);
        edges_full_ |= edges_.size() >= notes_max && !edges_.contains(id);
        if (!edges_full_) {
            ++edges_[id].brought;
        }
    }
    if (!behind_nc || (trusts_ids() && fresh.broker_id != 0 && fresh.broker_id == twin.broker_id)) {
        return;
    }
    const auto edge = edges_.find(edge_key(fresh, twin));
    if (edge != edges_.end() && edge->second.counted < edge->second.brought) {
        ++edge->second.counted;
        ++doubtful_;
    }
}

// ---- the seam

void pairing::open()
{
    unmatched_ = 0;
    for (const entry& one : kept_) {
        if (!one.message.rest) {
            continue;
        }
        // The old color is still read: the seam was forced, or it will be left right after this.
        if (!left_) {
            given_by_new_.add(one.key);
        }
        unmatched_ += !one.behind_nc;
    }
    first_ += kept_.size();
    kept_ = {};
    places_ = {};
    kept_bytes_ = kept_count_ = 0;
    open_ = true;
}

void pairing::leave_old(bool all_read)
{
    left_ = true;
    alone_ += all_read && window_ == pairing_window::closing ? unmatched_ : 0;
    given_by_new_.clear();
}

void pairing::renew()
{
    owed_by_new_.clear();
}

void pairing::unmark()
{
    owed_by_new_.for_each([&](const twin_key& one) { plain_ |= one.id == 0; });
    edges_ = {};
    window_ = pairing_window::unmarked;
}

} // namespace gateway
