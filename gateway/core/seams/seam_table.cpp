#include "gateway/core/seams/seam_table.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace gateway {

// At commit, once the decision is known: pairs of old and new wire subscription. Goes through the
// wire subscriptions of the new color, not through the sessions: with thousands on one of them a
// search for each would be quadratic.
void seam_table::make(time_point now)
{
    const color old = broker::other(shard_.live);
    std::map<std::pair<wire_id, wire_id>, seam*> made;
    for (const auto& [id, to] : tables_.wires) {
        if (to->color() != shard_.live || !to->broadcast) {
            continue;
        }
        for (wire_member& member : to->members) {
            client_session* s = find(member.session);
            const subscription* sub = s == nullptr ? nullptr : s->journal.at(member.subscription);
            const bool taken_up = member.state == member_state::late && sub != nullptr &&
                                  to->overlaps && sub->wires[shard_.live] == to->id; // O3
            // M8: a forced seam's, and this commit makes a newer one live. It stays silent when that
            // one is left again, which brings the same.
            member.outlived |= member.state == member_state::late && sub != nullptr &&
                               sub->newest[shard_.live] != static_cast<std::uint32_t>(id);
            if (sub == nullptr || (member.state != member_state::standby && !taken_up)) {
                continue;
            }
            if (taken_up) {
                end_overlap(*to, *s, sub->number);
            }
            wire_subscription* from = wire(sub->wires[old]);
            if (from == nullptr) { // the old one was lost meanwhile
                count_gap(*s, true);
                hand_over(*s, *to, member);
                continue;
            }
            member.state = member_state::joining;
            seam*& slot = made[{from->id, to->id}];
            if (slot == nullptr) {
                slot = &between(*from, to.get(), now);
            }
            add(*slot, *s, *sub);
        }
        subscriptions_.trim_kept(*to);
    }
}

// At the commit: the clients' broadcast subscriptions stay where they are until their markers were
// read. Then the old color is left, and only then the new one is subscribed. Messages that are SENT
// in between are missed: a gap.
void seam_table::make_breaks(time_point now)
{
    const color old = broker::other(shard_.live);
    std::set<wire_id> open;
    for (const auto& one : seams_) {
        open.insert(one->old_wire());
    }
    for (const auto& [id, from] : tables_.wires) {
        if (from->color() != old || !from->broadcast || from->state == wire_state::leaving) {
            continue;
        }
        seam* made = nullptr;
        for (const wire_member& m : from->members) {
            client_session* s = find(m.session);
            const subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
            const bool behind =
                sub != nullptr && sub->held_back && s->pinned == 0 && sub->wires[old] == from->id;
            if (!behind || (open.contains(from->id) && in_seam(m))) {
                continue;
            }
            if (made == nullptr) {
                made = &between(*from, nullptr, now);
            }
            add(*made, *s, *sub);
        }
    }
}

bool seam_table::in_seam(const wire_member& m) const
{
    return std::ranges::any_of(seams_, [&](const auto& one) {
        return !one->left() && one->has(m.session, m.subscription);
    });
}

seam& seam_table::between(const wire_subscription& from, wire_subscription* to, time_point now)
{
    const share_group& g = *from.group;
    bool best_effort = !from.addressed || !g.gives_markers() || !g.known.proves_routing(); // B3
    const std::uint64_t awaited =
        from.overlaps ? 0 : survey_.awaited_markers(from, best_effort, now);
    seams_.push_back(std::make_unique<seam>(
        from.id, to != nullptr ? to->id : wire_id::none,
        from.overlaps ? seam_kind::overlap
        : best_effort ? seam_kind::best_effort
                      : seam_kind::markers,
        now,
        seam::timing{
            switch_.timing.seam_timeout, switch_.timing.seam_quiet,
            // M3: not sooner than the old color took for its barriers.
            std::max(
                switch_.timing.marker_interval, switch_.proofs_answered - switch_.proofs_asked),
            switch_.timing.drain_timeout, switch_.timing.overlap},
        switch_.id, awaited));
    if (to != nullptr) {
        ++to->seams;
        pairing_.on_seam(from, *to, now);
    }
    return *seams_.back();
}

void seam_table::add(seam& which, client_session& s, const subscription& sub)
{
    which.add({s.id, sub.number, member_state::joining});
    ++s.seams;
    ++switch_.tally.seams_total;
    if (which.best_effort()) {
        ++switch_.tally.seams_best_effort;
        name_counted(control::counted_cause::best_effort, s.id);
    }
    if (which.kind() == seam_kind::overlap) {
        ++switch_.tally.seams_overlap;
        switch_.tally.overlap_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(switch_.timing.overlap).count());
    }
}

// H17: the kept MESSAGEs go ahead of everything that the new color delivers from here on.
void seam_table::hand_over(client_session& s, wire_subscription& w, wire_member& m)
{
    m.state = member_state::live;
    const wire_member member = m;
    if (const wire_pair* pair =
            wire_pairing::pair_of(w, member)) { // P1: the kept ones without a twin
        pair->core.for_each_kept(
            [&](const kept_message& message) { to_client_.deliver_shared(s, w, member, message); });
        return;
    }
    for (const kept_message& message : w.kept) {
        to_client_.deliver_shared(s, w, member, message);
    }
}

void seam_table::act(seam& which, const seam_action& what, time_point now)
{
    const auto members = which.members();
    control::tally& numbers = switch_.tally_of(which.made_by());
    if (what.gap) {
        numbers.gaps += members.size();
    }
    if (what.open_new) {
        open_new(which, members, now);
    }
    if (what.leave_old && !what.open_new) {
        for (const wire_member& moved : members) {
            if (client_session* s = find(moved.session)) {
                --s->forced_seams;
            }
        }
    }
    if (what.leave_old) {
        leave_old(which, members, now);
    }
    if (what.open_new || what.leave_old) {
        at(now, due::seams); // takes out what is done
        at(now, due::drain);
    }
}

// From here on the members read the new side. MESSAGEs that still arrive on the old one are late.
void seam_table::open_new(seam& which, const std::vector<wire_member>& members, time_point now)
{
    wire_subscription* fresh = wire(which.new_wire());
    wire_subscription* old = wire(which.old_wire());
    control::tally& numbers = switch_.tally_of(which.made_by());
    const bool all =
        fresh != nullptr && fresh->seams == 1; // then every joining member there is of this pair
    if (all) {
        for (std::size_t i = 0; i < fresh->members.size(); ++i) {
            wire_member& m = fresh->members[i];
            if (client_session* s = find(m.session);
                s != nullptr && m.state == member_state::joining) {
                hand_over(*s, *fresh, m);
            }
        }
    } else if (fresh != nullptr) {
        for (const wire_member& moved : members) {
            wire_member* m = fresh->member(moved.session, moved.subscription);
            if (client_session* s = find(moved.session); s != nullptr && m != nullptr) {
                hand_over(*s, *fresh, *m);
            }
        }
    }
    (which.state() == seam_state::forced ? numbers.seams_forced : numbers.seams_joined) +=
        members.size();
    if (fresh != nullptr) {
        --fresh->seams;
        subscriptions_.trim_kept(*fresh);
    }
    for (const wire_member& moved : members) {
        if (which.state() == seam_state::forced) {
            numbers.named.add(control::counted_cause::forced, name_of(moved.session));
        }
        client_session* s = find(moved.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(moved.subscription);
        if (sub == nullptr) {
            continue;
        }
        for (const color c : broker::colors) { // a pinned session may have gone back meanwhile
            if (sub->wires[c] == which.old_wire()) {
                sub->wires[c] = wire_id::none;
            }
        }
        if (sub->broadcast && std::exchange(sub->held_back, false)) {
            sub->left_before = static_cast<wire_id>(tables_.last_wire);
            at(now, due::session_retry, number(s->id)); // left first, now it is subscribed
        }
        s->forced_seams += !which.left();
        if (--s->seams == 0 && in_switch() && s->part && !s->part->ready && !s->part->failed) {
            at(now, due::session_retry, number(s->id)); // M8: its next standby waited for this
        }
    }
    if (fresh != nullptr && fresh->state == wire_state::lost) {
        release_lost(*fresh, members, now);
    }
    if (old != nullptr) { // what still comes there is delivered and counted
        old->unlist();    // M8: no standby of a later switch joins it
        const bool every = old->members.size() == members.size();
        for (wire_member& m : old->members) {
            const bool moved = every || std::ranges::any_of(members, [&](const auto& one) {
                                   return one.same_client(m);
                               });
            m.state = moved ? member_state::late : m.state;
        }
        old->late_of = which.made_by();
    }
    if (which.state() == seam_state::overlapping) {
        begin_overlap(which, now);
    }
    note_numbers(now);
}

// M5: the markers were read, or will never arrive. On RabbitMQ UNSUBSCRIBE deletes what is queued.
void seam_table::leave_old(seam& which, const std::vector<wire_member>& members, time_point now)
{
    wire_subscription* old = wire(which.old_wire());
    if (which.kind() == seam_kind::overlap) {
        forget_overlap(which, now);
    }
    pairing_.leave_pair(
        which.old_wire(), which.new_wire(),
        which.state() == seam_state::joined && which.awaited() == 0);
    if (old != nullptr) {
        if (std::ranges::all_of(
                old->members, [](const auto& m) { return m.state == member_state::late; })) {
            retire_wire(*old, now);
        } else { // others still read it: a later switch must not find these there
            std::set<std::pair<session_id, std::uint32_t>> moved;
            for (const wire_member& m : members) {
                moved.emplace(m.session, m.subscription);
            }
            std::erase_if(old->members, [&](const auto& m) {
                return moved.contains({m.session, m.subscription});
            });
        }
    }
}

// Left once its markers were read (M5): at once, or with the link of its own that its session
// leaves soon, so that a thousand of them do not all do so while others wait for their markers.
void seam_table::retire_wire(wire_subscription& w, time_point now)
{
    const link_record* l = link(w.link);
    const client_session* owner = l == nullptr ? nullptr : find(l->owner);
    const bool leaves = owner != nullptr && owner->live != w.color() &&
                        owner->bindings[w.color()].at == binding::phase::draining;
    if (leaves && !shares_backplane()) {
        w.retired = true;
    } else if (leaves && stands_at(*w.group) == endpoint_kind::relay) {
        // O2: what a broker still had on its way is an ERROR to a relay, and the end of the session
        // that is still owed answers. P1: what comes there is dropped.
        pairing_.leave_pairs(w);
        w.state = wire_state::leaving;
    } else { // P1: on a shared backplane the new color delivers everything from here on

        subscriptions_.leave_wire(w, session_id::none, {}, now);
    }
}

// These have got what was kept: now they are bound again.
void seam_table::release_lost(
    wire_subscription& w, const std::vector<wire_member>& members, time_point now)
{
    const color c = w.color();
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        w.remove_member(m.session, m.subscription);
        if (sub != nullptr && sub->wires[c] == w.id) {
            sub->wires[c] = wire_id::none;
            at(now, due::session_retry, number(s->id));
        }
    }
    if (w.members.empty()) {
        subscriptions_.erase_wire(w.id, now);
    }
}

} // namespace gateway
