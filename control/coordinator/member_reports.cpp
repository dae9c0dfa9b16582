// What each report of a member changes. A report that the state does not wait for has either
// crossed a command on its way, and is dropped, or is our own fault, and stops the process.

#include "control/coordinator/switch_coordinator.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace control {

namespace {

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace

void switch_coordinator::on_report(const report& what, net::time_point now, effects& out)
{
    if (state_ == coordinator_state::steady || what.id != record_.id) {
        return; // C2
    }
    const auto from = what.from;
    BOOST_ASSERT(from < members_.size());
    std::visit(
        overloaded{
            [&](const progress& p) { on_progress(from, p, now, out); },
            [&](const prepared& p) { on_prepared(from, p, now, out); },
            [&](const failed& f) { on_failed(from, f, now, out); },
            [&](const held& h) { on_held(from, h, now, out); },
            [&](const unheld& u) { on_unheld(from, u, out); },
            [&](const adopted& a) { on_adopted(from, a, now, out); },
            [&](const released& r) { on_released(from, r, now, out); },
            [&](const numbers& n) {
                record_.take(from, n.now);
                out.emplace_back(changed{});
            },
        },
        what.what);
}

void switch_coordinator::on_progress(
    member_number from, const progress& what, net::time_point now, effects& out)
{
    tally& shown = record_.members[from];
    // B6: a session may need several links, and they come up for many sessions side by side.
    const bool moved = shown.sessions_ready != what.ready || shown.sessions_failed != what.failed ||
                       members_[from].links != what.links;
    members_[from].links = what.links;
    switch (state_) {
    case coordinator_state::preparing:
        if (moved) {
            state_until_ =
                now +
                order_.settings.prepare_timeout; // a limit on standing still, not on the whole
        }
        [[fallthrough]];
    case coordinator_state::paused:  // C14: it does not make the pause longer
    case coordinator_state::holding: // who arrived late can still delay `held` (C3)
        shown.sessions_ready = what.ready;
        shown.sessions_failed = what.failed;
        shown.sessions_total = what.of;
        members_[from].unready = what.unready;
        sized(from, what.failed);
        out.emplace_back(changed{});
        if (!record_.dry_run && too_many_failed()) {
            begin_abort({failed_too_many(), false}, out); // C12: nobody else is to blame
        }
        return;
    case coordinator_state::writing:
    case coordinator_state::committing:
    case coordinator_state::aborting:
    case coordinator_state::steady: return; // crossed the command
    }
}

void switch_coordinator::on_prepared(
    member_number from, const prepared& what, net::time_point now, effects& out)
{
    if (state_ == coordinator_state::aborting) {
        return; // crossed the abort
    }
    BOOST_ASSERT_MSG(state_ == coordinator_state::preparing, "prepared while not preparing");
    BOOST_ASSERT_MSG(!members_[from].answered, "prepared twice");
    members_[from].answered = true;
    record_.take(from, what.numbers);
    sized(from, what.numbers.sessions_failed);
    state_until_ = now + order_.settings.prepare_timeout;
    out.emplace_back(changed{});
    if (!record_.dry_run && too_many_failed()) {
        begin_abort({failed_too_many(), false}, out);
    } else if (everyone_answered() && record_.dry_run) {
        finish_dry_run(out);
    } else if (everyone_answered() && order_.request.pause) {
        begin_pause(now, out);
    } else if (everyone_answered()) {
        begin_hold(now, out);
    }
}

void switch_coordinator::on_failed(
    member_number from, const failed& what, net::time_point now, effects& out)
{
    switch (state_) {
    case coordinator_state::preparing:
        state_until_ = now + order_.settings.prepare_timeout;
        break; // it moved
    case coordinator_state::paused:
    case coordinator_state::holding: break;
    case coordinator_state::writing: // C6; what failed by now is in the members' next tally
    case coordinator_state::committing:
    case coordinator_state::aborting:
    case coordinator_state::steady: return;
    }
    for (const auto& one : what.sessions) {
        members_[from].failed.insert(one.session);
    }
    for (const auto& one : what.excused) {
        members_[from].excused.insert(one.session);
    }
    record_.note_failures(what.sessions);
    record_.note_failures(what.excused);
    out.emplace_back(changed{});
    if (!record_.dry_run && too_many_failed()) {
        begin_abort({failed_too_many(), false}, out);
    }
}

void switch_coordinator::on_held(
    member_number from, const held& what, net::time_point, effects& out)
{
    if (state_ == coordinator_state::aborting) {
        return; // crossed the abort
    }
    BOOST_ASSERT_MSG(state_ == coordinator_state::holding, "held while not holding");
    BOOST_ASSERT_MSG(!members_[from].said_held, "held twice");
    members_[from].said_held = true;
    members_[from].answered = true;
    record_.note_failures(what.given_up);
    endpoints_.insert(what.endpoints.begin(), what.endpoints.end());
    out.emplace_back(changed{});
    if (!gave_up_) { // C5: who was given up on the operator's word does not count against
                     // max_failed
        for (const auto& one : what.given_up) {
            members_[from].failed.insert(one.session);
        }
        if (too_many_failed()) {
            begin_abort({failed_too_many(), false}, out);
            return;
        }
    }
    if (everyone_answered()) { // C4
        begin_write(out);
    }
}

void switch_coordinator::on_unheld(member_number from, const unheld& what, effects& out)
{
    switch (state_) {
    case coordinator_state::holding:
        BOOST_ASSERT_MSG(members_[from].said_held, "unheld before held");
        record_.note_failures({what.session});
        // C8: whatever the limit; nothing is written yet, and asking again costs nothing.
        begin_abort(
            {"session " + what.session.session + " lost its standby: " + what.session.error, false},
            out);
        return;
    // C6: it waits for the outcome of the write, which makes it rebind or resume (S6).
    case coordinator_state::writing:
    case coordinator_state::committing:
    case coordinator_state::aborting: return;
    case coordinator_state::preparing:
    case coordinator_state::paused:
    case coordinator_state::steady: break;
    }
    BOOST_ASSERT_MSG(false, "unheld before hold");
}

void switch_coordinator::on_adopted(
    member_number from, const adopted& what, net::time_point now, effects& out)
{
    BOOST_ASSERT_MSG(state_ == coordinator_state::committing, "adopted while not committing");
    answered_last(from, what.numbers, now, out);
}

void switch_coordinator::on_released(
    member_number from, const released& what, net::time_point now, effects& out)
{
    BOOST_ASSERT_MSG(state_ == coordinator_state::aborting, "released while not aborting");
    answered_last(from, what.numbers, now, out);
}

// `adopted` or `released`: with the last one the coordinator is steady again.
void switch_coordinator::answered_last(
    member_number from, const tally& numbers, net::time_point now, effects& out)
{
    BOOST_ASSERT_MSG(!members_[from].answered, "adopted or released twice");
    members_[from].answered = true;
    record_.take(from, numbers);
    if (everyone_answered()) {
        become_steady(now, out);
    } else {
        out.emplace_back(changed{});
    }
}

void switch_coordinator::send(decltype(command::what) what, effects& out) const
{
    out.emplace_back(to_members{command{record_.id, std::move(what)}});
}

void switch_coordinator::forget_answers()
{
    for (auto& member : members_) {
        member.answered = false;
    }
}

bool switch_coordinator::everyone_answered() const noexcept
{
    return std::ranges::all_of(members_, &member_state::answered);
}

std::string switch_coordinator::silent_members() const
{
    const auto silent = std::ranges::count(members_, false, &member_state::answered);
    return std::to_string(silent) + " of " + std::to_string(members_.size()) + " members";
}

void switch_coordinator::sized(member_number from, std::uint64_t failed_now)
{
    auto& member = members_[from];
    member.sized = true;
    // C3: fewer than were named: the others went meanwhile.
    member.failed_gone = member.failed.size() > failed_now ? member.failed.size() - failed_now : 0;
}

std::uint64_t switch_coordinator::failed_sessions() const noexcept
{
    std::uint64_t sum = 0;
    for (const auto& member : members_) {
        sum += member.failed.size() -
               std::min<std::uint64_t>(member.failed.size(), member.failed_gone);
    }
    return sum;
}

bool switch_coordinator::too_many_failed() const
{
    const auto limit = order_.request.max_failed.value_or(order_.settings.max_failed);
    // C8: a percentage is of all members' sessions, so it waits until each has said how many it
    // has.
    if (limit.percent && !std::ranges::all_of(members_, &member_state::sized)) {
        return false;
    }
    std::uint64_t sessions = 0;
    for (const auto& one : record_.members) {
        sessions += one.sessions_total;
    }
    return failed_sessions() > limit.allowed(sessions);
}

std::string switch_coordinator::failed_too_many() const
{
    const auto limit = order_.request.max_failed.value_or(order_.settings.max_failed);
    return "max_failed: " + std::to_string(failed_sessions()) + " sessions cannot move, " +
           std::to_string(limit.allowed(record_.total().sessions_total)) + " may";
}

hold_policy switch_coordinator::policy() const
{
    return order_.request.on_hold_timeout.value_or(order_.settings.on_hold_timeout);
}

} // namespace control
