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
            send_marker_together(*w, joins, together[w->group]);
            continue;
        }
        if (send_marker(*w, from, joins) || from == w->group->at) {
            continue;
        }
        // One that was written before its link was left comes all the same: it is waited for, at
        // most for seam_timeout.
        if (pool_of(from.color).healthy(from.index)) {
            dial_courier(*w->group->who, from, now);
        }
        if (pool_of(from.color).healthy(from.index) || dials_courier(*w->group->who, from)) {
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

// The first ones of a group ride on one of its own links: one write here and one read there,
// instead of one for each link. Repeated ones ride each on its own, as `by` may not get on.
void router::send_marker_together(
    const wire_subscription& w, control::switch_number joins, link_id& by)
{
    const link_record* l = link(by);
    if (l == nullptr || !l->core.ready() || l->congested) {
        by = w.link;
    }
    if (link_record* carries = link(by); carries != nullptr && carries->core.ready()) {
        carries->core.marker(address_of(w.id), mark_of(w, w.group->at, joins), out_);
    }
}

void router::try_marker(wire_subscription& w, time_point now)
{
    w.group->marker_trial = w.id;
    at(now + settings_.trial_timeout, due::marker_trial, number(w.id));
    send_marker(w, w.group->at, 0);
}

// Its subscription goes, and nobody would read it: another one's is tried.
void router::pass_on_marker_trial(share_group& g, wire_id tried, time_point now)
{
    if (g.known.marker != broker::tried::unknown || g.marker_trial != tried) {
        return;
    }
    g.marker_trial = wire_id::none;
    for (const auto& [id, w] : tables_.wires) {
        if (w->group == &g && w->id != tried && w->addressed && w->state == wire_state::confirmed) {
            try_marker(*w, now);
            return;
        }
    }
}

void router::end_marker_trial(wire_id tried, time_point now)
{
    if (const wire_subscription* w = wire(tried)) {
        broker::capability& known = w->group->known;
        if (known.marker == broker::tried::unknown && w->group->marker_trial == tried) {
            known.marker = broker::tried::no;
            out_.log(2, name_of(w->group->at) + " gives no marker: seams there are best effort");
        }
        return;
    }
    for (const auto& [key, g] : tables_.groups) { // gone with its link
        pass_on_marker_trial(*g, tried, now);
    }
}

// The value of the marker's header: the wire subscription's id, the endpoint that it is SENT at
// where that is another one, and the switch whose seam it joins. Without the latter it is a trial,
// which may be read long after the commit and must not join what began behind it (M6).
std::string
router::mark_of(const wire_subscription& w, endpoint_ref from, control::switch_number joins) const
{
    std::string mark = to_wire(w.id);
    if (from != w.group->at) {
        mark += "/" + std::to_string(from.index);
    }
    if (joins != 0) {
        mark += "+" + std::to_string(joins);
    }
    return mark;
}

// False: no link there carries it.
bool router::send_marker(
    const wire_subscription& w, endpoint_ref from, control::switch_number joins)
{
    link_record* by = courier(w, from);
    if (by == nullptr) {
        return false;
    }
    by->core.marker(address_of(w.id), mark_of(w, from, joins), out_);
    return true;
}

void router::on_marker(wire_subscription& w, std::string_view mark, time_point now)
{
    const std::string own = to_wire(w.id);
    if (!mark.starts_with(own)) {
        return;
    }
    mark.remove_prefix(own.size());
    if (mark.starts_with('#')) {
        on_fence_marker(w, mark.substr(1), now);
        return;
    }
    if (mark.starts_with('=')) {
        on_move_marker(w.id, mark.substr(1), now);
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
        worlds_.came({w.color(), static_cast<std::uint16_t>(from)}, w.group->at);
        if (!questions_.empty()) {
            at(now, due::worlds);
        }
    }
    const wire_id id = w.id;
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        if (seams_[i]->old_wire() == id && seams_[i]->made_by() == joins && !seams_[i]->left()) {
            act(*seams_[i], seams_[i]->on_marker(from), now);
        }
    }
}

} // namespace gateway
