// The marks between which contents are compared: when each is SENT, and what follows when it is
// read or does not arrive. switch.md P7.

#include "gateway/core/subscriptions/wire_pairing.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace gateway {

namespace {

constexpr unsigned doublings_max = 4;
constexpr std::string_view unmarked = "dedup: an endpoint could not be marked";

} // namespace

// Marks the pairs that have no marks yet: at the end of preparing, and for sessions that subscribe
// later.
void wire_pairing::mark_new(time_point now)
{
    if (!marks()) {
        return;
    }
    couriers_of_round together;
    for (const auto& pair : pairs_) {
        if (pair->made_by == switch_.id && !pair->core.is_open() &&
            pair->marks.read == window_mark::none) {
            begin_marks(*pair, together, now);
        }
    }
}

void wire_pairing::begin_marks(wire_pair& pair, couriers_of_round& together, time_point now)
{
    const wire_subscription* old = wire(pair.old_wire);
    const wire_subscription* fresh = wire(pair.new_wire);
    if (pair.marks.given_up || pair.marks.on_way != window_mark::none || old == nullptr ||
        fresh == nullptr || old->state != wire_state::confirmed ||
        fresh->state != wire_state::confirmed) {
        return;
    }
    const auto gives = [](const wire_subscription& w) {
        return w.addressed && w.group->gives_markers() && w.group->known.proves_routing();
    };
    if (!gives(*old) || !gives(*fresh) ||
        survey_.one_world(old->group->at, fresh->group->at) != true) {
        give_up_marks(pair, now);
        return;
    }
    pair.marks.began = now;
    ask_mark(pair, window_mark::oa, together, now);
}

void wire_pairing::ask_mark(
    wire_pair& pair, window_mark which, couriers_of_round& together, time_point now)
{
    pair_marks& m = pair.marks;
    const wire_subscription* to = wire(goes_to_old(which) ? pair.old_wire : pair.new_wire);
    if (to == nullptr || to->state != wire_state::confirmed) {
        give_up_marks(pair, now);
        return;
    }
    bool dark = false; // an endpoint of which nothing is known, or that does not answer
    m.rode = m.awaited = survey_.mark_endpoints(*to, dark, now);
    if (dark) {
        switch_.note_counted(unmarked, whose(pair));
    }
    m.on_way = which;
    m.number = ++last_mark_;
    marked_[m.number] = &pair;
    m.sent = now;
    m.times = 0;
    send_marks(pair, together, now);
}

// M3: repeated until read, each time after twice as long. The first ones of a round ride together,
// by one link at each endpoint.
void wire_pairing::send_marks(wire_pair& pair, couriers_of_round& together, time_point now)
{
    pair_marks& m = pair.marks;
    const wire_subscription* to = wire(goes_to_old(m.on_way) ? pair.old_wire : pair.new_wire);
    if (to == nullptr) {
        return;
    }
    for (const color c : broker::colors) {
        for (std::uint64_t left = m.awaited[c]; left != 0; left &= left - 1) {
            const endpoint_ref from{c, static_cast<std::uint16_t>(std::countr_zero(left))};
            link_id& by = together[{from, to->group->who->number}];
            const link_record* ready = link(by);
            if (m.times != 0 || ready == nullptr || !ready->core.ready() || ready->congested) {
                const link_record* picked = couriers_.pick(*to, from);
                by = picked == nullptr ? link_id::none : picked->core.id();
            }
            if (by != link_id::none) {
                couriers_.send_pair_mark(*to, from, m.number, by);
            } else if (pool_of(c).healthy(from.index)) {
                couriers_.dial(*to->group->who, from, now);
            } else if (!couriers_.dials(*to->group->who, from)) { // lost, so none will come
                switch_.note_counted(unmarked, whose(pair));
                m.awaited[c] &= ~(std::uint64_t{1} << from.index);
            }
        }
    }
    // As seam_table does: not sooner than the old color took for its barriers, once they are asked.
    const net::duration took = switch_.proofs_asked == time_point{}
                                   ? net::duration{}
                                   : switch_.proofs_answered - switch_.proofs_asked;
    const net::duration apart = std::max(switch_.timing.marker_interval, took);
    m.again = now + std::max<net::duration>(apart, std::chrono::milliseconds{1}) *
                        (1 << std::min(m.times, doublings_max));
    ++m.times;
    at(m.again, due::seams);
    if (m.awaited[color::blue] == 0 && m.awaited[color::green] == 0) {
        on_mark_read(pair, now);
    }
}

// `mark`: number/endpoint, as couriers wrote it.
void wire_pairing::on_mark(wire_subscription& w, const marker_text& mark, time_point now)
{
    const auto known = marked_.find(mark.number);
    if (known == marked_.end()) {
        return;
    }
    wire_pair& pair = *known->second;
    if (w.id != (goes_to_old(pair.marks.on_way) ? pair.old_wire : pair.new_wire)) {
        return;
    }
    w.group->last_marker = now;
    pair.marks.awaited[mark.from.color] &= ~(std::uint64_t{1} << mark.from.index);
    if (pair.marks.awaited[color::blue] == 0 && pair.marks.awaited[color::green] == 0) {
        on_mark_read(pair, now);
    }
}

void wire_pairing::on_mark_read(wire_pair& pair, time_point now)
{
    pair_marks& m = pair.marks;
    marked_.erase(m.number);
    m.read = m.on_way;
    m.on_way = window_mark::none;
    couriers_of_round together;
    switch (m.read) {
    case window_mark::oa:
        while (pair.core.kept_count() > 0) {
            cancel_kept(pair, pair.core.forget_oldest());
        }
        pair.core.on_oa();
        ask_mark(pair, window_mark::na, together, now);
        return;
    case window_mark::na:
        pair.core.on_na();
        ask_mark(pair, window_mark::ob, together, now);
        return;
    case window_mark::ob:
        pair.core.on_ob();
        if (m.decided) {
            ask_mark(pair, window_mark::nc, together, now);
        }
        tell_marked(pair, now);
        return;
    case window_mark::nc:
        pair.core.on_nc();
        for (const wire_id id : {pair.old_wire, pair.new_wire}) { // M6: a sign of both
            if (wire_subscription* w = wire(id)) {
                w->group->last_marker = now;
            }
        }
        ask_mark(pair, window_mark::oc, together, now);
        return;
    case window_mark::oc: note_old_marked(pair); return;
    case window_mark::nd:
        pair.core.on_nd();
        count(pair);
        at(now, due::seams); // it ends
        note_numbers(now);
        return;
    case window_mark::none: return;
    }
}

// Its seam's turn: Oc was read, or there are no marks.
void wire_pairing::note_old_marked(const wire_pair& pair)
{
    const wire_subscription* old = wire(pair.old_wire);
    const bool read = old != nullptr && pair.marks.read == window_mark::oc;
    shard_.later.marked.push_back(
        {pair.old_wire, pair.new_wire, read ? pair.marks.rode[old->color()] : 0});
}

// Continues what waited for the mark: `prepared`, a hold, or the seam.
void wire_pairing::tell_marked(const wire_pair& pair, time_point now)
{
    if (switch_.phase == member_phase::preparing) {
        at(now, due::worlds);
    } else if (switch_.phase == member_phase::holding) {
        each_member(pair, [&](session_id session) {
            at(now, due::session_retry, number(session));
        });
    }
}

// P8: a pair without its marks is paired as by `dedup: content`, and by ids where there are some.
void wire_pairing::give_up_marks(wire_pair& pair, time_point now)
{
    pair_marks& m = pair.marks;
    if (m.on_way != window_mark::none) {
        marked_.erase(m.number);
        switch_.note_counted("dedup: a mark did not come in time", whose(pair));
    }
    m.on_way = window_mark::none;
    m.given_up = true;
    if (pair.core.window() != pairing_window::shut) {
        pair.core.unmark(); // behind Oa alone the new color would be listened to no more
    }
    note_plain(pair);
    tell_marked(pair, now);
    note_old_marked(pair);
}

// The seam is made: what follows Ob may go out, as the decision is known (M3).
void wire_pairing::on_seam(const wire_subscription& from, const wire_subscription& to, time_point now)
{
    if (!marks()) {
        return;
    }
    for (wire_pair* pair : to.pairs) {
        if (pair->new_wire != to.id || pair->old_wire != from.id || pair->marks.decided) {
            continue;
        }
        pair->marks.decided = true;
        couriers_of_round together;
        if (pair->marks.read == window_mark::ob) {
            pair->marks.began = now;
            ask_mark(*pair, window_mark::nc, together, now);
        } else if (pair->marks.read == window_mark::none) { // S8: bound behind the commit
            begin_marks(*pair, together, now);
        }
    }
}

// No mark comes there any more: the seam waits for none, so that its members are bound again soon.
// What was marked still holds for what is kept.
void wire_pairing::on_new_lost(wire_id fresh)
{
    for (std::size_t i = 0; marks() && i < pairs_.size(); ++i) {
        wire_pair& pair = *pairs_[i];
        pair_marks& m = pair.marks;
        if (pair.new_wire != fresh || m.given_up || m.read >= window_mark::nc) {
            continue; // Oc is the old color's
        }
        if (m.on_way != window_mark::none) {
            marked_.erase(m.number);
        }
        m.on_way = window_mark::none;
        m.given_up = true;
        note_old_marked(pair);
    }
}

// P8: a mark is awaited as long as something arrives, within the bounds of the switch's own waits.
time_point wire_pairing::mark_until(const wire_pair& pair) const
{
    const pair_marks& m = pair.marks;
    const wire_subscription* to = wire(goes_to_old(m.on_way) ? pair.old_wire : pair.new_wire);
    const time_point sign =
        to == nullptr ? m.sent : std::max({m.sent, to->last_message, to->group->last_marker});
    const auto& timing = switch_.timing;
    if (m.on_way > window_mark::ob) {
        const net::duration silent =
            m.on_way == window_mark::nd ? timing.seam_timeout : timing.seam_timeout / 2;
        return std::min(sign + silent, m.began + timing.drain_timeout);
    }
    time_point until = sign + settings_.trial_timeout;
    if (timing.prepare_timeout != net::duration{}) {
        until = std::min(until, m.began + timing.prepare_timeout / 2);
    }
    if (switch_.phase == member_phase::holding && timing.hold_timeout != net::duration{}) {
        until = std::min(until, switch_.hold_began + timing.hold_timeout / 2);
    }
    return until;
}

// Repeats marks that were not read, and gives up marks that do not arrive. Returns the next time at
// which one is due.
time_point wire_pairing::run_marks(time_point now)
{
    time_point next = net::never;
    couriers_of_round apart;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
        wire_pair& pair = *pairs_[i];
        if (pair.marks.on_way == window_mark::none) {
            continue;
        }
        if (now >= mark_until(pair)) {
            give_up_marks(pair, now);
            continue;
        }
        if (now >= pair.marks.again) {
            send_marks(pair, apart, now);
        }
        if (i < pairs_.size() && pairs_[i].get() == &pair &&
            pair.marks.on_way != window_mark::none) {
            next = std::min({next, pair.marks.again, mark_until(pair)});
        }
    }
    return next;
}

// Behind the seam: nothing is owed any more once Nd was read.
void wire_pairing::shut(wire_pair& pair, time_point now)
{
    pair_marks& m = pair.marks;
    if (m.given_up || m.on_way == window_mark::nd || m.read == window_mark::nd) {
        return;
    }
    if (m.read < window_mark::na) { // nothing was paired between marks
        give_up_marks(pair, now);
        return;
    }
    if (m.on_way != window_mark::none) { // forced, or the old color was lost
        marked_.erase(m.number);
    }
    couriers_of_round together;
    m.began = now;
    ask_mark(pair, window_mark::nd, together, now);
}

void wire_pairing::forget_marks(wire_pair& pair)
{
    if (pair.marks.on_way != window_mark::none) {
        marked_.erase(pair.marks.number);
    }
    pair.marks = {};
}

void wire_pairing::note_overflow(wire_pair& pair)
{
    if (!awaits_marks(pair) && std::exchange(pair.said_overflow, switch_.id) != switch_.id) {
        switch_.note_counted("dedup: more unmatched messages than are remembered", whose(pair));
    }
}

control::session_names wire_pairing::whose(const wire_pair& pair) const
{
    control::session_names names;
    each_member(pair, [&](session_id session) { names.add(name_of(session)); });
    return names;
}

control::session_names wire_pairing::whose(const wire_subscription& w) const
{
    control::session_names names;
    for (const wire_member& m : w.members) {
        names.add(name_of(m.session));
    }
    return names;
}

} // namespace gateway
