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
    const color old = broker::other(live_);
    std::map<std::pair<wire_id, wire_id>, seam*> made;
    for (const auto& [id, to] : wires_) {
        if (to->color() != live_ || !to->broadcast) {
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
                ++tally_.gaps;
                hand_over_kept(*s, *to, member);
                continue;
            }
            member.state = member_state::joining;
            seam*& slot = made[{from->id, to->id}];
            if (slot == nullptr) {
                const bool best_effort =
                    !from->addressed || from->group->known.marker != broker::tried::yes ||
                    from->group->known.barrier != broker::barrier_kind::routed; // B3
                seams_.push_back(std::make_unique<seam>(
                    from->id, to->id, best_effort, now,
                    seam::timing{
                        timing_.seam_timeout, timing_.seam_quiet, timing_.marker_interval,
                        timing_.drain_timeout}));
                slot = seams_.back().get();
                ++to->seams;
            }
            slot->add({s->id, sub->number, member_state::joining});
            ++s->seams;
            ++tally_.seams_total;
            // M1: one endpoint's marker proves nothing about what came through another one of a
            // cluster.
            tally_.seams_best_effort += slot->best_effort() || sent_through_[old].size() > 1;
        }
        trim_kept(*to);
    }
}

void router::hand_over_kept(client_session& s, wire_subscription& w, wire_member& m)
{
    m.state = member_state::live;
    const wire_member member = m;
    for (const kept_message& message : w.kept) {
        deliver_shared(s, w, member, message);
    }
}

void router::run_seams(time_point now)
{
    seams_due_ = false;
    std::vector<wire_id> mark; // one marker serves all pairs of an old wire subscription
    for (std::size_t i = 0; i < seams_.size(); ++i) { // act() may not add or remove, only change
        seam& one = *seams_[i];
        if (one.left()) {
            continue;
        }
        wire_subscription* old = wire(one.old_wire());
        if (one.marker_due(now)) {
            mark.push_back(one.old_wire());
        }
        act(one,
            one.on_deadline(
                now, old != nullptr ? old->last_message : time_point{},
                old == nullptr || reads(*old)),
            now);
    }
    std::ranges::sort(mark);
    mark.erase(std::ranges::unique(mark).begin(), mark.end());
    for (const wire_id id : mark) {
        if (wire_subscription* w = wire(id)) {
            send_marker(*w, now);
        }
    }
    std::erase_if(seams_, [&](const auto& one) { return one->members().empty() || one->left(); });
    time_point next = net::never;
    for (const auto& one : seams_) {
        next = std::min(next, one->next_deadline());
    }
    if (next != net::never && !seams_due_) {
        seams_due_ = true;
        at(next, due::seams);
    }
}

// M3: from a link of the same endpoint whose trial passed; a publish link where there is one,
// because a memory alarm stops the reading of the link that SENDs it.
void router::send_marker(wire_subscription& w, time_point)
{
    link_record* l = nullptr;
    for (const link_id id : w.group->publish) {
        if (link_record* one = link(id); one != nullptr && one->core.ready()) {
            l = one;
            break;
        }
    }
    if (l == nullptr) {
        l = link(w.link);
    }
    if (l != nullptr && l->core.ready()) {
        l->core.marker(address_of(w.id), to_wire(w.id), out_);
    }
}

void router::on_marker(wire_subscription& w, time_point now)
{
    w.group->known.marker = broker::tried::yes;
    const wire_id id = w.id;
    for (std::size_t i = 0; i < seams_.size(); ++i) {
        if (seams_[i]->old_wire() == id && !seams_[i]->left()) {
            act(*seams_[i], seams_[i]->on_marker(), now);
        }
    }
}

void router::act(seam& which, const seam_action& what, time_point now)
{
    wire_subscription* fresh = wire(which.new_wire());
    wire_subscription* old = wire(which.old_wire());
    const auto members = which.members();
    if (what.gap) {
        tally_.gaps += members.size();
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
        if (which.counted()) {
            (which.state() == seam_state::forced ? tally_.seams_forced : tally_.seams_joined) +=
                members.size();
        }
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
            sub->wires[broker::other(s->live)] = wire_id::none;
            s->forced_seams += !which.left();
            if (--s->seams == 0 && in_switch() && s->part && !s->part->ready && !s->part->failed) {
                at(now, due::session_retry, number(s->id)); // M8: its next standby waited for this
            }
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
    if (what.leave_old && old != nullptr) {
        if (std::ranges::all_of(
                old->members, [](const auto& m) { return m.state == member_state::late; })) {
            leave_wire(*old, session_id::none, {}, now);
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

void router::trim_kept(wire_subscription& w)
{
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
        const bool member = std::ranges::any_of(one.members(), [&](const auto& m) {
            return m.session == session && m.subscription == number_of;
        });
        if (!member) {
            continue;
        }
        const bool open = !one.left() && one.state() == seam_state::joining;
        const bool last = one.remove(session, number_of);
        if (client_session* s = find(session); s != nullptr && open) {
            --s->seams;
            tally_.seams_total -= one.counted();
        } else if (s != nullptr && !one.left()) {
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

bool router::reads(const wire_subscription& w) noexcept
{
    link_record* l = link(w.link);
    const client_session* s = l == nullptr ? nullptr : find(l->owner);
    return s == nullptr || may_read(*s, *l);
}

} // namespace gateway
