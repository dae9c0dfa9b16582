// This shard as a member of a switch. switch.md is the law: the numbers in the comments are its
// rules.

#include "gateway/core/switching/switch_member.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace

void shard_member::on_command(const control::command& command, time_point now)
{
    const bool begins = std::holds_alternative<control::prepare>(command.what);
    if (begins ? in_switch() : command.id != switch_.id) {
        return; // C2
    }
    if (begins) {
        keep_past(switch_.id);
        switch_.id = command.id;
    }
    std::visit(
        overloaded{
            [&](const control::prepare& order) { on_prepare(order, now); },
            [&](const control::hold&) { on_hold(now); },
            [&](const control::pin&) { give_up(false, now); },
            [&](const control::cut&) { give_up(true, now); },
            [&](const control::commit& order) { on_commit(order, now); },
            [&](const control::abort_switch& order) { on_abort(order, now); },
        },
        command.what);
}

void shard_member::say(decltype(control::report::what) what)
{
    out_.report({.id = switch_.id, .from = settings_.shard, .what = std::move(what)});
}

void shard_member::on_prepare(const control::prepare& order, time_point now)
{
    switch_.from = shard_.live;
    switch_.to = order.to;
    switch_.timing = order.settings;
    parts_.pacer.set_rate(std::max(1.0, order.connect_rate));
    switch_.tally = {};
    parts_.seams.count_open();
    switch_.doubted = false;
    parts_.survey.begin();
    switch_.cut = false;
    switch_.proofs_asked = {};
    switch_.lost_links = 0;
    switch_.unprepared = 0;
    switch_.phase = member_phase::preparing;
    BOOST_ASSERT(switch_.to != shard_.live);
    parts_.moves.cancel(now);
    parts_.sends.count_open();
    // C3: those that had their CONNECTED when the order came, rebinding and parked ones included.
    for (const session_id id : tables_.all_sessions()) {
        client_session* s = find(id);
        if (s != nullptr && s->connected && !s->closing()) {
            ++switch_.tally.sessions_total;
            ++switch_.unprepared;
            begin_standby(*s, now);
            if (s->part->failed) {
                continue;
            }
            s->part->ordered = true;
            switch_.unprepared -= s->part->ready;
        } else if (s != nullptr && s->part) { // closing: what it was in the switch before
            s->part->ordered = s->part->counted = s->part->ready = s->part->failed = false;
        }
    }
    say(control::progress{
        switch_.tally.sessions_ready, switch_.tally.sessions_failed, switch_.tally.sessions_total});
    check_prepared(now);
}

// C3: it came after the order; the switch does not wait for it, and takes it along if it can.
// It was pinned until now, or came behind the prepare order.
void shard_member::on_bound(client_session& s, time_point now)
{
    if (s.now().at != binding::phase::ready) {
        return; // lost again within the same event
    }
    if (s.pinned != 0) {
        unpin(s, now);
    }
    if (in_switch() && !s.part && s.state == session_state::active) {
        join_switch(s, now);
    }
}

void shard_member::join_switch(client_session& s, time_point now)
{
    ++switch_.tally.sessions_total;
    begin_standby(s, now);
}

void shard_member::begin_standby(client_session& s, time_point now)
{
    if (!s.part) {
        s.part = std::make_unique<switch_part>();
    }
    switch_part& part = *s.part;
    part.ordered = part.ready = part.failed = part.live_lost = false;
    part.counted = true;
    part.lost = 0;
    part.held_at = part.resumed_at = {};
    binding& b = s.bindings[switch_.to];
    if (gives_back(s)) { // that link is never adopted: what it kept back would never come
        part.adopted = false;
        return; // finish_drain() goes on
    }
    part.adopted = b.at == binding::phase::draining;
    if (part.adopted) {
        // S10, M9: the links that linger there are taken up again, with new wire subscriptions.
        b.at = binding::phase::wanted;
        switch_.draining.erase(s.id);
        link_record* own = link(b.own);
        if (own != nullptr && own->core.leaving()) {
            b.own = link_id::none;
        } else if (own != nullptr) {
            leave_retired(*own, now);
        }
    }
    // M8: prepared only when the seams of the switch before are joined or forced; act() goes on
    // then.
    if (s.seams == 0) {
        actions_.advance(s, switch_.to, now);
    }
}

void shard_member::standby_ready(client_session& s, time_point now)
{
    if (!s.part || !s.part->counted || s.part->ready || s.part->failed || !in_switch()) {
        return;
    }
    s.part->ready = true;
    ++switch_.tally.sessions_ready;
    if (s.part->ordered) {
        --switch_.unprepared;
    }
    note_numbers(now);
    try_hold(s, now);
    check_prepared(now);
}

void shard_member::standby_failed(client_session& s, const std::string& why, time_point now)
{
    if (!s.part || !s.part->counted || s.part->failed || !in_switch()) {
        return;
    }
    switch_part& part = *s.part;
    const binding& b = s.bindings[switch_.to];
    const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{switch_.to, 0};
    const bool counted = part.ordered ? !part.ready : true;
    const auto failed = failure(s, where, why);
    note_failed(s, failed);
    if (counted && switch_.phase <= member_phase::prepared && switch_.unprepared > 0) {
        --switch_.unprepared;
    }
    at(now, due::session_retry, number(s.id)); // releases what was prepared, outside of any loop
    if (switch_.phase == member_phase::held && s.state == session_state::held) {
        say(control::unheld{failed});
        return;
    }
    say(control::failed{{failed}});
    at(now, due::numbers);
}

void shard_member::note_failed(client_session& s, control::session_failure failed)
{
    switch_.tally.sessions_ready -= s.part->ready;
    s.part->failed = true;
    s.part->ready = false;
    ++switch_.tally.sessions_failed;
    name_counted(control::counted_cause::failed, s.id);
    if (switch_.tally.failures.size() < 100) {
        switch_.tally.failures.push_back(std::move(failed));
    }
}

void shard_member::standby_lost(client_session& s, time_point now)
{
    binding& b = s.bindings[switch_.to];
    if (b.at == binding::phase::ready) {
        b.at = binding::phase::wanted; // S6: nobody resumes on it
    }
    if (!s.part || s.part->failed || !in_switch()) {
        return;
    }
    switch_part& part = *s.part;
    const bool was_ready = part.ready;
    switch_.tally.sessions_ready -= was_ready;
    part.ready = false;
    if (s.state == session_state::held) {
        if (switch_.phase ==
            member_phase::held) { // the decision may be under way: the coordinator judges (C6)
            const endpoint_ref where =
                b.group != nullptr ? b.group->at : endpoint_ref{switch_.to, 0};
            say(control::unheld{failure(s, where, "the standby was lost")});
            return;
        }
        actions_.enter(s, session_state::quiescing, now);
        ++switch_.unheld;
    }
    if (was_ready && part.ordered && switch_.phase <= member_phase::prepared) {
        ++switch_.unprepared;
    }
    if (was_ready && ++part.lost > 1) { // S9: dialled once more; lost again it is failed
        part.ready = false;
        standby_failed(s, "the standby was lost twice", now);
        return;
    }
    at(now, due::session_retry, number(s.id));
}

void shard_member::check_prepared(time_point now)
{
    if (switch_.phase != member_phase::preparing || switch_.unprepared > 0) {
        return;
    }
    if (!parts_.survey.asked()) {
        parts_.survey.ask(now);
    }
    if (parts_.survey.open()) {
        return;
    }
    parts_.pairing.mark_new(now);
    if (parts_.pairing.marking()) { // P7; each has its bound
        return;
    }
    if (!proven_in_time(now)) {
        at(proofs_until(), due::worlds);
        return;
    }
    switch_.phase = member_phase::prepared;
    say(control::prepared{current_tally()});
}

} // namespace gateway
