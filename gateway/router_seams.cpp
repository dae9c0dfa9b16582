// Where one color ends and the other begins, in each client's broadcast subscriptions.
// SWITCH.md "Seam" and M1 to M12; the decisions are seam.cpp's, what they do to wire subscriptions
// is here.

#include "gateway/router.hpp"

#include <algorithm>

namespace gateway {

// At commit, once the decision is known: pairs of old and new wire subscription. Goes through the
// wire subscriptions of the new color, not through the sessions: with thousands on one of them a
// search for each would be quadratic.
void router::make_seams(time_point now)
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
            if (member.state != member_state::standby || sub == nullptr) {
                continue;
            }
            wire_subscription* from = wire(sub->wires[old]);
            if (from == nullptr) { // the old one was lost meanwhile
                ++switch_.tally.gaps;
                hand_over_kept(*s, *to, member);
                continue;
            }
            member.state = member_state::joining;
            seam*& slot = made[{from->id, to->id}];
            if (slot == nullptr) {
                slot = &seam_between(*from, to.get(), now);
            }
            add_to_seam(*slot, *s, *sub);
        }
        trim_kept(*to);
    }
}

// `to`: null where the new color is subscribed behind this (backplane `shared` without a key).
seam& router::seam_between(const wire_subscription& from, wire_subscription* to, time_point now)
{
    const share_group& g = *from.group;
    const bool marked = g.known.marker == broker::tried::yes ||
                        (g.known.marker == broker::tried::unknown &&
                         g.marker_trial != wire_id::none); // its answer is still awaited
    bool best_effort =
        !from.addressed || !marked || g.known.barrier != broker::barrier_kind::routed; // B3
    const std::uint64_t awaited = survey_.awaited_markers(from, best_effort, now);
    seams_.push_back(std::make_unique<seam>(
        from.id, to != nullptr ? to->id : wire_id::none, best_effort, now,
        seam::timing{
            switch_.timing.seam_timeout, switch_.timing.seam_quiet, switch_.timing.marker_interval,
            switch_.timing.drain_timeout},
        switch_.id, awaited));
    if (to != nullptr) {
        ++to->seams;
    }
    return *seams_.back();
}

void router::add_to_seam(seam& which, client_session& s, const subscription& sub)
{
    which.add({s.id, sub.number, member_state::joining});
    ++s.seams;
    ++switch_.tally.seams_total;
    switch_.tally.seams_best_effort += which.best_effort();
}

// H17: what was kept goes ahead of all that the new color gives from here on.
void router::hand_over_kept(client_session& s, wire_subscription& w, wire_member& m)
{
    m.state = member_state::live;
    const wire_member member = m;
    if (const wire_pair* pair = pair_of(w, member)) { // P1: the kept ones without a twin
        pair->core.for_each_kept(
            [&](const kept_message& message) { deliver_shared(s, w, member, message); });
        return;
    }
    for (const kept_message& message : w.kept) {
        deliver_shared(s, w, member, message);
    }
}

void router::run_seams(time_point now)
{
    seams_due_ = false;
    for (std::size_t i = 0; i < seams_.size(); ++i) { // act() may not add or remove, only change
        seam& one = *seams_[i];
        if (one.left()) {
            continue;
        }
        wire_subscription* old = wire(one.old_wire());
        act(one,
            one.on_deadline(
                now, old != nullptr ? old->last_message : time_point{},
                old == nullptr || reads(*old)),
            now);
    }
    send_markers(now);
    std::erase_if(seams_, [&](const auto& one) { return one->members().empty() || one->left(); });
    if (seams_.empty() && !in_switch()) {
        survey_.stop();
        couriers_.release(now);
    }
    tell_past();
    time_point next = sweep_pairs(now);
    for (const auto& one : seams_) {
        next = std::min(next, one->next_deadline());
    }
    if (next != net::never && !seams_due_) {
        seams_due_ = true;
        at(next, due::seams);
    }
}

void router::act(seam& which, const seam_action& what, time_point now)
{
    wire_subscription* fresh = wire(which.new_wire());
    wire_subscription* old = wire(which.old_wire());
    const auto members = which.members();
    control::tally& numbers = switch_.tally_of(which.made_by());
    if (what.gap) {
        numbers.gaps += members.size();
    }
    if (what.open_new) {
        const bool all = fresh != nullptr &&
                         fresh->seams == 1; // then every joining member there is of this pair
        if (all) {
            for (std::size_t i = 0; i < fresh->members.size(); ++i) {
                wire_member& m = fresh->members[i];
                if (client_session* s = find(m.session);
                    s != nullptr && m.state == member_state::joining) {
                    hand_over_kept(*s, *fresh, m);
                }
            }
        } else if (fresh != nullptr) {
            for (const wire_member& moved : members) {
                const auto m = std::ranges::find_if(fresh->members, [&](const auto& one) {
                    return one.session == moved.session && one.subscription == moved.subscription;
                });
                if (client_session* s = find(moved.session);
                    s != nullptr && m != fresh->members.end()) {
                    hand_over_kept(*s, *fresh, *m);
                }
            }
        }
        (which.state() == seam_state::forced ? numbers.seams_forced : numbers.seams_joined) +=
            members.size();
        if (fresh != nullptr) {
            --fresh->seams;
            trim_kept(*fresh);
        }
        for (const wire_member& moved : members) {
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
        if (old != nullptr) {                 // what still comes there is delivered and counted
            auto& shared = old->group->wires; // M8: no standby of a later switch joins it
            if (const auto at = shared.find(old->head->bytes());
                at != shared.end() && at->second == old->id) {
                shared.erase(at);
            }
            const bool every = old->members.size() == members.size();
            for (wire_member& m : old->members) {
                const bool moved =
                    every || std::ranges::any_of(members, [&](const auto& one) {
                        return one.session == m.session && one.subscription == m.subscription;
                    });
                m.state = moved ? member_state::late : m.state;
            }
        }
        note_numbers(now);
    }
    if (what.leave_old && !what.open_new) {
        for (const wire_member& moved : members) {
            if (client_session* s = find(moved.session)) {
                --s->forced_seams;
            }
        }
    }
    // M5: the markers were read, or never come; at RabbitMQ UNSUBSCRIBE deletes what is queued.
    if (what.leave_old) {
        leave_pair(which);
    }
    if (what.leave_old && old != nullptr) {
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
    if (what.open_new || what.leave_old) {
        at(now, due::seams); // takes out what is done
        at(now, due::drain);
    }
}

// "New link lost" while joining: what was kept stays, behind what the old color still gives; the
// session is bound again behind that, so that nothing overtakes it.
void router::keep_lost(wire_subscription& w, time_point now)
{
    const color c = w.color();
    w.state = wire_state::lost;
    w.link = link_id::none;
    ++w.group->links; // keeps the group as long as this is there
    if (const auto at = w.group->wires.find(w.head->bytes());
        at != w.group->wires.end() && at->second == w.id) {
        w.group->wires.erase(at);
    }
    std::vector<session_id> bound;
    for (const wire_member& m : std::vector{w.members}) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        if (sub == nullptr) {
            continue;
        }
        if (m.state != member_state::joining) {
            std::erase_if(w.members, [&](const wire_member& one) {
                return one.session == m.session && one.subscription == m.subscription;
            });
            sub->wires[c] = wire_id::none;
            ++switch_.tally.gaps;
        }
        bound.push_back(m.session);
    }
    for (const session_id id : bound) {
        if (client_session* s = find(id); s != nullptr && c == s->live) {
            lost_link_of(*s, c, now);
        }
    }
}

// These have got what was kept: now they are bound again.
void router::release_lost(
    wire_subscription& w, const std::vector<wire_member>& members, time_point now)
{
    const color c = w.color();
    for (const wire_member& m : members) {
        client_session* s = find(m.session);
        subscription* sub = s == nullptr ? nullptr : s->journal.at(m.subscription);
        std::erase_if(w.members, [&](const wire_member& one) {
            return one.session == m.session && one.subscription == m.subscription;
        });
        if (sub != nullptr && sub->wires[c] == w.id) {
            sub->wires[c] = wire_id::none;
            at(now, due::session_retry, number(s->id));
        }
    }
    if (w.members.empty()) {
        erase_wire(w.id, now);
    }
}

void router::trim_kept(wire_subscription& w)
{
    settle_pairs(w);
    if (w.seams == 0) {
        w.kept.clear();
        w.kept.shrink_to_fit();
        w.kept_bytes = 0;
        w.keeping = false;
    }
}

// A client's UNSUBSCRIBE or end: it leaves its pair, on both sides.
void router::leave_seams(session_id session, std::uint32_t number_of, time_point now)
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
            trim_kept(*fresh);
        }
        if (wire_subscription* old = wire(one.old_wire())) {
            drop_member(*old, session, number_of, now);
        }
    }
}

} // namespace gateway
