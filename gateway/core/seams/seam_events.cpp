// The events of a shard's seams: clocks, markers, losses, sessions that leave. switch.md M1, M3,
// M6, M10.

#include "gateway/core/seams/seam_table.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

namespace gateway {

// M6: progress is a MESSAGE of the seam itself, or a marker that arrived for another seam of that
// identity there. A broker that has a thousand markers to deliver delivers them one after the
// other, and while it does so there is no reason to force a seam.
time_point seam_table::last_sign(const seam& one, const wire_subscription* old)
{
    if (old == nullptr) {
        return {};
    }
    return one.best_effort() ? old->last_message
                             : std::max(old->last_message, old->group->last_marker);
}

void seam_table::run(time_point now)
{
    for (std::size_t i = 0; i < seams_.size(); ++i) { // act() may not add or remove, only change
        seam& one = *seams_[i];
        if (one.left()) {
            continue;
        }
        wire_subscription* old = wire(one.old_wire());
        act(one, one.on_deadline(now, last_sign(one, old), old == nullptr || reads(*old)), now);
    }
    send_markers(now);
    std::erase_if(seams_, [&](const auto& one) { return one->members().empty() || one->left(); });
}

time_point seam_table::next_deadline() const noexcept
{
    time_point next = net::never;
    for (const auto& one : seams_) {
        next = std::min(next, one->next_deadline());
    }
    return next;
}

// M3: repeated until read; one marker of an endpoint serves all pairs of an old wire subscription.
void seam_table::send_markers(time_point now)
{
    using marker = std::tuple<wire_id, unsigned, control::switch_number>;
    std::map<marker, bool> due_now; // whether it was asked before
    for (const auto& one : seams_) {
        if (waits_for_marks(*one)) {
            one->repeat_soon(now);
        } else if (one->marker_due(now)) {
            for (std::uint64_t left = one->awaited(); left != 0; left &= left - 1) {
                due_now[{
                    one->old_wire(), static_cast<unsigned>(std::countr_zero(left)),
                    one->made_by()}] |= one->asked_again();
            }
        }
    }
    std::map<group_key, link_id> together;
    for (const auto& [which, again] : due_now) {
        const auto& [id, index, joins] = which;
        wire_subscription* w = wire(id);
        if (w == nullptr) {
            continue;
        }
        const endpoint_ref from{w->color(), static_cast<std::uint16_t>(index)};
        if (from == w->group->at && w->group->dedicated && !again) {
            couriers_.send_together(*w, joins, together[w->group->key()]);
            continue;
        }
        if (couriers_.send(*w, from, joins) || from == w->group->at) {
            continue;
        }
        // A marker that was written before its link was left still arrives. It is awaited, at most
        // for seam_timeout.
        if (pool_of(from.color).healthy(from.index)) {
            couriers_.dial(*w->group->who, from, now);
        }
        if (pool_of(from.color).healthy(from.index) || couriers_.dials(*w->group->who, from)) {
            for (const auto& one : seams_) {
                if (one->old_wire() == id && one->made_by() == joins) {
                    one->repeat_soon(now);
                }
            }
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

void seam_table::on_marker(wire_id old, unsigned from, control::switch_number joins, time_point now)
{
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        if (seams_[i]->old_wire() == old && seams_[i]->made_by() == joins && !seams_[i]->left() &&
            !waits_for_marks(*seams_[i])) {
            act(*seams_[i], seams_[i]->on_marker(from), now);
        }
    }
}

// P7: in front of Nc nothing joins it, but force.
bool seam_table::waits_for_marks(const seam& one) const
{
    return one.state() == seam_state::joining &&
           pairing_.holds_markers(one.old_wire(), one.new_wire());
}

// P7: Oc was read from every endpoint, and is its marker; or there are no marks.
void seam_table::on_old_marked(const noted_mark& pair, time_point now)
{
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        seam& one = *seams_[i];
        if (one.old_wire() != pair.old_wire || one.new_wire() != pair.new_wire || one.left()) {
            continue;
        }
        one.send_marker_at(now);
        at(now, due::seams);
        for (std::uint64_t left = one.awaited() & pair.read; left != 0; left &= left - 1) {
            act(one, one.on_marker(static_cast<unsigned>(std::countr_zero(left))), now);
        }
    }
}

// M1, "marker's endpoint lost": with the last link there that could carry one.
void seam_table::on_endpoint_lost(const share_group& g, time_point now)
{
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        wire_subscription* w = wire(seams_[i]->old_wire());
        const bool awaits = w != nullptr && !seams_[i]->left() && w->color() == g.at.color &&
                            w->group->at != g.at && g.at.index < markers_max &&
                            (seams_[i]->awaited() >> g.at.index & 1U) != 0;
        if (awaits && couriers_.pick(*w, g.at) == nullptr) {
            act(*seams_[i], seams_[i]->on_marker_lost(g.at.index), now);
        }
    }
}

// The table's columns "old link lost" and "new link lost".
void seam_table::on_wire_lost(wire_id id, time_point now)
{
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        if (seams_[i]->left()) {
            continue;
        }
        if (seams_[i]->old_wire() == id) {
            act(*seams_[i], seams_[i]->on_old_lost(), now);
        } else if (seams_[i]->new_wire() == id) {
            act(*seams_[i], seams_[i]->on_new_lost(), now);
        }
    }
}

void seam_table::on_buffer_full(wire_id fresh, time_point now)
{
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        if (!seams_[i]->left() && seams_[i]->new_wire() == fresh) {
            act(*seams_[i], seams_[i]->on_buffer_full(), now);
        }
    }
}

void seam_table::on_buffer_full(const noted_full& pair, time_point now)
{
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        if (!seams_[i]->left() && seams_[i]->new_wire() == pair.new_wire &&
            seams_[i]->old_wire() == pair.old_wire) {
            act(*seams_[i], seams_[i]->on_buffer_full(), now);
        }
    }
}

// "New link lost" while joining: the kept MESSAGEs stay, after what the old color still delivers.
// The session is bound again only after that, so that nothing overtakes them.
std::vector<session_id> seam_table::keep_lost(wire_subscription& w)
{
    const color c = w.color();
    const wire_id id = w.id;
    w.state = wire_state::lost;
    w.link = link_id::none;
    ++w.group->links; // keeps the group as long as this is there
    w.unlist();
    std::vector<session_id> bound;
    for (const wire_member& m : std::vector{w.members}) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr) {
            continue;
        }
        if (m.state != member_state::joining) {
            w.remove_member(m.session, m.subscription);
            sub->wires[c] = wire_id::none;
            count_gap(*s, true);
        }
        bound.push_back(m.session);
    }
    pairing_.on_new_lost(id); // P7: its seam need not wait for marks of that color any more
    return bound;
}

// A client's UNSUBSCRIBE or end: it leaves its pair, on both sides.
void seam_table::leave(session_id session, std::uint32_t number_of, time_point now)
{
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        seam& one = *seams_[i];
        if (!one.has(session, number_of)) {
            continue;
        }
        const bool left = one.left();
        const bool open = !left && one.state() == seam_state::joining;
        const bool last = one.remove(session, number_of);
        if (client_session* s = find(session); s != nullptr && open) {
            --s->seams;
            --switch_.tally_of(one.made_by()).seams_total;
        } else if (s != nullptr && !left) {
            --s->forced_seams;
        }
        if (wire_subscription* fresh = wire(one.new_wire()); fresh != nullptr && last && open) {
            --fresh->seams;
            subscriptions_.trim_kept(*fresh);
        }
        if (wire_subscription* old = wire(one.old_wire())) {
            subscriptions_.drop_member(*old, session, number_of, now, {});
        }
        if (last) {
            at(now, due::seams); // takes it out
        }
    }
}

// Of a pinned session, when no report is kept for it any more.
void seam_table::count_open()
{
    for (const auto& one : seams_) {
        if (one->state() == seam_state::joining && !one->left() &&
            &switch_.tally_of(one->made_by()) == &switch_.tally) {
            switch_.tally.seams_total += one->members().size();
        }
    }
}

bool seam_table::joining() const noexcept
{
    return std::ranges::any_of(seams_, [](const auto& one) {
        return !one->left() && one->state() == seam_state::joining;
    });
}

bool seam_table::any_made_by(control::switch_number id) const noexcept
{
    return std::ranges::any_of(seams_, [&](const auto& one) { return one->made_by() == id; });
}

bool seam_table::has(wire_id fresh, session_id session, std::uint32_t number_of) const noexcept
{
    return std::ranges::any_of(seams_, [&](const auto& one) {
        return one->new_wire() == fresh && !one->left() && one->has(session, number_of);
    });
}

} // namespace gateway
