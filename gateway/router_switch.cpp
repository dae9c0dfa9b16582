// This shard as a member of a switch. SWITCH.md is the law: the numbers in the comments are its
// rules.

#include "gateway/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace

void router::on_command(const control::command& command, time_point now)
{
    const bool begins = std::holds_alternative<control::prepare>(command.what);
    if (begins ? in_switch() : command.id != switch_) {
        return; // C2
    }
    if (begins) {
        keep_past(switch_);
        switch_ = command.id;
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
    run_later(now);
}

void router::say(decltype(control::report::what) what)
{
    out_.report({.id = switch_, .from = settings_.shard, .what = std::move(what)});
}

void router::on_prepare(const control::prepare& order, time_point now)
{
    from_ = live_;
    to_ = order.to;
    timing_ = order.settings;
    dry_run_ = order.dry_run;
    pacer_.set_rate(std::max(1.0, order.connect_rate));
    tally_ = {};
    for (const auto& one : seams_) { // of a pinned session, when no report is kept for it any more
        if (one->state() == seam_state::joining && !one->left() && &tally_of(*one) == &tally_) {
            tally_.seams_total += one->members().size();
        }
    }
    doubted_ = false;
    asked_worlds_ = cut_ = false;
    proofs_until_ = {};
    lost_links_ = 0;
    unprepared_ = 0;
    phase_ = member_phase::preparing;
    BOOST_ASSERT(to_ != live_);
    cancel_moves(now);
    count_open_sends();
    // C3: those that had their CONNECTED when the order came, rebinding and parked ones included.
    for (const session_id id : all_sessions()) {
        client_session* s = find(id);
        if (s != nullptr && s->connected && !s->closing()) {
            ++tally_.sessions_total;
            ++unprepared_;
            begin_standby(*s, now);
            if (s->part->failed) {
                continue;
            }
            s->part->ordered = true;
            unprepared_ -= s->part->ready;
        } else if (s != nullptr && s->part) { // closing: what it was in the switch before
            s->part->ordered = s->part->counted = s->part->ready = s->part->failed = false;
        }
    }
    say(control::progress{tally_.sessions_ready, tally_.sessions_failed, tally_.sessions_total});
    check_prepared(now);
}

// C3: it came after the order; the switch does not wait for it, and takes it along if it can.
void router::join_switch(client_session& s, time_point now)
{
    ++tally_.sessions_total;
    begin_standby(s, now);
}

void router::begin_standby(client_session& s, time_point now)
{
    if (!s.part) {
        s.part = std::make_unique<switch_part>();
    }
    switch_part& part = *s.part;
    part.ordered = part.ready = part.failed = part.live_lost = false;
    part.counted = true;
    part.lost = 0;
    part.held_at = part.resumed_at = {};
    binding& b = s.bindings[to_];
    if (gives_back(s)) { // that link is never adopted: what it kept back would never come
        part.adopted = false;
        return; // finish_drain() goes on
    }
    part.adopted = b.at == binding::phase::draining;
    if (part.adopted) { // S10: what lingers there is taken up again, with new wire subscriptions
                        // (M9)
        b.at = binding::phase::wanted;
        draining_.erase(s.id);
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
        advance(s, to_, now);
    }
}

void router::standby_ready(client_session& s, time_point now)
{
    if (!s.part || !s.part->counted || s.part->ready || s.part->failed || !in_switch()) {
        return;
    }
    s.part->ready = true;
    ++tally_.sessions_ready;
    if (s.part->ordered) {
        --unprepared_;
    }
    note_numbers(now);
    try_hold(s, now);
    check_prepared(now);
}

void router::standby_failed(client_session& s, const std::string& why, time_point now)
{
    if (!s.part || !s.part->counted || s.part->failed || !in_switch()) {
        return;
    }
    switch_part& part = *s.part;
    const binding& b = s.bindings[to_];
    const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{to_, 0};
    const bool counted = part.ordered ? !part.ready : true;
    const auto failed = failure(s, where, why);
    note_failed(s, failed);
    if (counted && phase_ <= member_phase::prepared && unprepared_ > 0) {
        --unprepared_;
    }
    at(now, due::session_retry, number(s.id)); // releases what was prepared, outside of any loop
    if (phase_ == member_phase::held && s.state == session_state::held) {
        say(control::unheld{failed});
        return;
    }
    say(control::failed{{failed}});
    at(now, due::numbers);
}

void router::note_failed(client_session& s, control::session_failure failed)
{
    tally_.sessions_ready -= s.part->ready;
    s.part->failed = true;
    s.part->ready = false;
    ++tally_.sessions_failed;
    if (tally_.failures.size() < 100) {
        tally_.failures.push_back(std::move(failed));
    }
}

void router::standby_lost(client_session& s, time_point now)
{
    binding& b = s.bindings[to_];
    if (b.at == binding::phase::ready) {
        b.at = binding::phase::wanted; // S6: nobody resumes on it
    }
    if (!s.part || s.part->failed || !in_switch()) {
        return;
    }
    switch_part& part = *s.part;
    const bool was_ready = part.ready;
    tally_.sessions_ready -= was_ready;
    part.ready = false;
    if (s.state == session_state::held) {
        if (phase_ ==
            member_phase::held) { // the decision may be under way: the coordinator judges (C6)
            const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{to_, 0};
            say(control::unheld{failure(s, where, "the standby was lost")});
            return;
        }
        enter(s, session_state::quiescing, now);
        ++unheld_;
    }
    if (was_ready && part.ordered && phase_ <= member_phase::prepared) {
        ++unprepared_;
    }
    if (was_ready && ++part.lost > 1) { // S9: dialled once more; lost again it is failed
        part.ready = false;
        standby_failed(s, "the standby was lost twice", now);
        return;
    }
    at(now, due::session_retry, number(s.id));
}

// Not of a link whose client keeps it from being read (S17).
void router::ask_proofs(time_point now)
{
    awaited_.clear();
    for (const auto& [id, l] : links_) {
        if (l->at().color != live_) {
            continue;
        }
        ask_barrier(*l, now);
        const client_session* owner = find(l->owner);
        if (l->core.barrier_open() && l->core.state() == broker::link_state::ready &&
            (owner == nullptr || owner->over_outbox == backlog::below)) {
            awaited_.insert(l->core.id());
        }
    }
}

void router::check_prepared(time_point now)
{
    if (phase_ != member_phase::preparing || unprepared_ > 0) {
        return;
    }
    if (!asked_worlds_) {
        asked_worlds_ = true;
        ask_worlds(now);
        return check_prepared(now);
    }
    if (!questions_.empty()) {
        return;
    }
    // S2: a barrier at the end of preparing, so that few are open at the hold; its answers are
    // waited for here, where nobody is held (1000 dedicated links: 10 ms of everybody's hold).
    if (proofs_until_ == time_point{}) {
        proofs_until_ = now + settings_.trial_timeout;
        ask_proofs(now);
        if (!awaited_.empty()) {
            at(proofs_until_, due::worlds);
        }
    }
    if (!awaited_.empty() && now < proofs_until_) {
        return;
    }
    phase_ = member_phase::prepared;
    say(control::prepared{current_tally()});
}

} // namespace gateway
