// Markers: tried on a first SUBSCRIBE, SENT for the seams of a switch until read, and what each one
// that is read says. SWITCH.md B1, M3, M6.

#include "gateway/router.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <tuple>

namespace gateway {

// M3: repeated until read; one marker of an endpoint serves all pairs of an old wire subscription.
void router::send_markers(time_point now)
{
    using marker = std::tuple<wire_id, unsigned, control::switch_number>;
    std::map<marker, bool> due_now; // whether it was asked before
    for (const auto& one : seams_) {
        if (one->marker_due(now)) {
            for (std::uint64_t left = one->awaited(); left != 0; left &= left - 1) {
                due_now[{
                    one->old_wire(), static_cast<unsigned>(std::countr_zero(left)),
                    one->made_by()}] |= one->asked_again();
            }
        }
    }
    std::map<share_group*, link_id> together;
    for (const auto& [which, again] : due_now) {
        const auto& [id, index, joins] = which;
        wire_subscription* w = wire(id);
        if (w == nullptr) {
            continue;
        }
        const endpoint_ref from{w->color(), static_cast<std::uint16_t>(index)};
        if (from == w->group->at && w->group->dedicated && !again) {
            couriers_.send_together(*w, joins, together[w->group]);
            continue;
        }
        if (couriers_.send(*w, from, joins) || from == w->group->at) {
            continue;
        }
        // One that was written before its link was left comes all the same: it is waited for, at
        // most for seam_timeout.
        if (pool_of(from.color).healthy(from.index)) {
            couriers_.dial(*w->group->who, from, now);
        }
        if (pool_of(from.color).healthy(from.index) || couriers_.dials(*w->group->who, from)) {
            continue;
        }
        // The table's last column: that endpoint is lost, so none will come. It could not be
        // dialled, so nothing of it is on its way: no gap.
        for (std::size_t i = 0; i < seams_.size(); ++i) {
            if (seams_[i]->old_wire() == id && !seams_[i]->left()) {
                act(*seams_[i], seams_[i]->on_marker(index), now);
            }
        }
    }
}

void router::on_marker(wire_subscription& w, std::string_view mark, time_point now)
{
    const std::string own = to_wire(w.id);
    if (!mark.starts_with(own)) {
        return;
    }
    mark.remove_prefix(own.size());
    if (mark.starts_with('#')) {
        fences_.on_marker(w, mark.substr(1), now);
        return;
    }
    if (mark.starts_with('=')) {
        moves_.on_marker(w.id, mark.substr(1), now);
        return;
    }
    unsigned from = w.group->at.index;
    control::switch_number joins = 0;
    const bool near = !mark.starts_with('/');
    const char* const end = mark.data() + mark.size();
    std::from_chars_result read{mark.data(), std::errc{}};
    if (!near) {
        read = std::from_chars(mark.data() + 1, end, from);
    }
    if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '+') {
        read = std::from_chars(read.ptr + 1, end, joins);
    }
    if (read.ec != std::errc{} || read.ptr != end || from >= markers_max) {
        return; // not one of this gateway's
    }
    if (near) {
        w.group->known.marker = broker::tried::yes;
    } else {
        survey_.on_marker({w.color(), static_cast<std::uint16_t>(from)}, w.group->at, now);
    }
    const wire_id id = w.id;
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        if (seams_[i]->old_wire() == id && seams_[i]->made_by() == joins && !seams_[i]->left()) {
            act(*seams_[i], seams_[i]->on_marker(from), now);
        }
    }
}

} // namespace gateway
