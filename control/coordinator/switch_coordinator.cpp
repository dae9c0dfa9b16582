#include "control/coordinator/switch_coordinator.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace control {

switch_coordinator::switch_coordinator(member_number members, stored_state state)
    : stored_(state), members_(members)
{
    BOOST_ASSERT(members > 0);
}

net::time_point switch_coordinator::next_deadline() const noexcept
{
    switch (state_) {
    case coordinator_state::preparing:
    case coordinator_state::holding: return std::min(decide_by_, state_until_);
    // C6: no timeout counts here; what may be due is the next look at a store that gave no answer.
    case coordinator_state::paused: // C14: the operator's deadline stands still
    case coordinator_state::writing: return state_until_;
    case coordinator_state::steady:
    case coordinator_state::committing:
    case coordinator_state::aborting: return net::never;
    }
    return net::never;
}

bool switch_coordinator::on_request(switch_order order, net::time_point now, effects& out)
{
    if (state_ != coordinator_state::steady || stopping_) {
        return false; // C1
    }
    BOOST_ASSERT(order.request.to != stored_.live);
    BOOST_ASSERT(order.id >= stored_.last_switch);
    order_ = std::move(order);
    stored_.last_switch = order_.id;
    record_ = {};
    record_.id = order_.id;
    record_.from = stored_.live;
    record_.to = order_.request.to;
    record_.epoch = stored_.epoch;
    record_.dry_run = order_.request.dry_run;
    record_.reason = order_.request.reason;
    record_.who = order_.request.who;
    record_.detail = order_.note;
    record_.started_at = order_.started_at;
    record_.started = now;
    record_.members.assign(members_.size(), {});
    std::ranges::fill(members_, member_state{});
    endpoints_.clear();
    gave_up_ = false;
    reading_ = false;
    abort_wanted_.clear();
    decide_by_ = now + order_.request.deadline.value_or(order_.settings.default_deadline);
    state_until_ = now + order_.settings.prepare_timeout;
    enter(coordinator_state::preparing, switch_phase::preparing);
    send(
        prepare{
            order_.request.to, order_.settings.connect_rate, order_.settings.members,
            order_.request.dry_run, order_.request.pause},
        out);
    out.emplace_back(changed{});
    return true;
}

abort_answer
switch_coordinator::on_abort_request(const std::string& why, net::time_point, effects& out)
{
    switch (state_) {
    case coordinator_state::steady: return abort_answer::none;
    case coordinator_state::preparing:
    case coordinator_state::holding: begin_abort({why}, out); return abort_answer::accepted;
    case coordinator_state::paused: // C12: nobody was waited for
        begin_abort({why, false}, out);
        return abort_answer::accepted;
    case coordinator_state::writing:
        abort_wanted_ = why;
        return abort_answer::accepted; // C6: after the outcome
    case coordinator_state::aborting: return abort_answer::accepted;
    case coordinator_state::committing: return abort_answer::decided;
    }
    return abort_answer::none;
}

std::uint64_t switch_coordinator::unready() const noexcept
{
    std::uint64_t sum = 0;
    for (const auto& member : members_) {
        sum += member.unready;
    }
    return sum;
}

// C14. Who lost a standby while it was paused would only make the hold longer.
go_answer switch_coordinator::on_go(net::time_point now, effects& out)
{
    if (state_ != coordinator_state::paused) {
        return go_answer::not_paused;
    }
    if (unready() > 0) {
        return go_answer::unready;
    }
    decide_by_ += now - paused_since_;
    record_.detail = order_.note;
    begin_hold(now, out);
    return go_answer::accepted;
}

void switch_coordinator::on_shutdown(net::time_point now, effects& out)
{
    stopping_ = true;
    on_abort_request("the gateway is stopping", now, out); // S16
}

void switch_coordinator::on_deadline(net::time_point now, effects& out)
{
    if (now < next_deadline()) {
        return; // woken too early
    }
    switch (state_) {
    case coordinator_state::preparing:
        begin_abort(
            {now >= decide_by_
                 ? "deadline: not every session was ready in time"
                 : "prepare_timeout: no progress for " + to_text(order_.settings.prepare_timeout)},
            out);
        return;
    case coordinator_state::paused:
        begin_abort(
            {"pause_timeout: nobody said go for " + to_text(order_.settings.pause_timeout), false},
            out);
        return;
    case coordinator_state::holding:
        if (now >= decide_by_) {
            begin_abort({"deadline: " + silent_members() + " did not say held in time"}, out);
        } else {
            hold_timed_out(now, out);
        }
        return;
    case coordinator_state::writing: // C7: still unknown, look again
        state_until_ = net::never;
        reading_ = true;
        out.emplace_back(read_state{});
        return;
    case coordinator_state::steady:
    case coordinator_state::committing:
    case coordinator_state::aborting: break;
    }
    BOOST_ASSERT_MSG(false, "a deadline where nothing is awaited");
}

void switch_coordinator::hold_timed_out(net::time_point now, effects& out)
{
    const std::string waited = "hold_timeout: " + silent_members() + " did not say held within " +
                               to_text(order_.settings.hold_timeout);
    // C5: members give up sessions that are not settled and say `held` with their names. If a
    // member stays silent, the switch aborts.
    if (policy() == hold_policy::abort || gave_up_) {
        begin_abort({waited}, out);
        return;
    }
    gave_up_ = true;
    record_.detail = waited;
    state_until_ = now + order_.settings.hold_timeout;
    if (policy() == hold_policy::pin) {
        send(pin{}, out);
    } else {
        send(cut{}, out);
    }
    out.emplace_back(changed{});
}

void switch_coordinator::on_store_result(write_result result, net::time_point, effects& out)
{
    BOOST_ASSERT(state_ == coordinator_state::writing && !reading_);
    if (result == write_result::written) {
        begin_commit(out);
        return;
    }
    // C7: a write that failed may have landed all the same; only what is stored tells.
    reading_ = true;
    out.emplace_back(read_state{});
}

void switch_coordinator::on_store_read(
    const std::optional<stored_state>& found, net::time_point now, effects& out)
{
    BOOST_ASSERT(state_ == coordinator_state::writing && reading_);
    reading_ = false;
    if (found && *found == writing_) {
        begin_commit(out);
    } else if (found && found->epoch == stored_.epoch) {
        begin_abort(
            {abort_wanted_.empty() ? "the store did not take the new epoch" : abort_wanted_}, out);
    } else {
        // Unreadable, or neither epoch: nothing is known, so all stay held and the store is asked
        // again (C7).
        record_.detail = "waiting for the store";
        state_until_ = now + order_.settings.store_retry;
        out.emplace_back(changed{});
    }
}

void switch_coordinator::begin_pause(net::time_point now, effects& out)
{
    paused_since_ = now;
    state_until_ = now + order_.settings.pause_timeout;
    record_.detail =
        "prepared; it waits for go, and is aborted after " + to_text(order_.settings.pause_timeout);
    enter(coordinator_state::paused, switch_phase::paused);
    out.emplace_back(changed{});
}

void switch_coordinator::begin_hold(net::time_point now, effects& out)
{
    forget_answers();
    state_until_ = now + order_.settings.hold_timeout;
    enter(coordinator_state::holding, switch_phase::holding);
    send(hold{}, out);
    out.emplace_back(changed{});
}

void switch_coordinator::begin_write(effects& out)
{
    state_until_ = net::never;
    writing_ = stored_state{stored_.epoch + 1, record_.to, stored_.live, record_.id};
    enter(coordinator_state::writing, switch_phase::writing);
    out.emplace_back(changed{});
    out.emplace_back(write_state{writing_});
}

void switch_coordinator::begin_commit(effects& out)
{
    forget_answers();
    state_until_ = net::never;
    stored_ = writing_;
    record_.epoch = stored_.epoch;
    record_.result = switch_result::switched;
    if (!gave_up_) {
        record_.detail = order_.note; // who was left out stays in the report
    }
    enter(coordinator_state::committing, switch_phase::committing);
    send(commit{stored_.epoch, {endpoints_.begin(), endpoints_.end()}}, out);
    out.emplace_back(changed{});
}

void switch_coordinator::begin_abort(abort_switch order, effects& out)
{
    BOOST_ASSERT(
        state_ == coordinator_state::preparing || state_ == coordinator_state::paused ||
        state_ == coordinator_state::holding || state_ == coordinator_state::writing);
    forget_answers();
    state_until_ = net::never;
    record_.detail = order.reason;
    enter(coordinator_state::aborting, switch_phase::aborting);
    send(std::move(order), out);
    out.emplace_back(changed{});
}

// A dry run takes the switch's place and is released where a switch would hold. It ignored
// max_failed so far, to name every session that would fail.
void switch_coordinator::finish_dry_run(effects& out)
{
    const bool fails = too_many_failed();
    std::string said = std::to_string(failed_sessions()) + " of " +
                       std::to_string(record_.total().sessions_total) + " sessions would fail";
    std::size_t excused = 0; // S18
    for (const auto& member : members_) {
        excused += member.excused.size();
    }
    if (excused > 0) {
        const bool closes = order_.settings.members.on_refused == refused_policy::close;
        said += ", and " + std::to_string(excused) + " would be " + (closes ? "closed" : "pinned") +
                ": their logins are refused";
    }
    if (!order_.note.empty()) {
        said += "; " + order_.note;
    }
    begin_abort({"dry run"}, out);
    record_.result = fails ? switch_result::would_fail : switch_result::would_switch;
    record_.detail = std::move(said);
}

void switch_coordinator::become_steady(net::time_point now, effects& out)
{
    record_.merge_held();
    if (state_ == coordinator_state::committing) {
        enter(coordinator_state::steady, switch_phase::joining);
        record_.advance(now); // C9: steady is not final
    } else {
        BOOST_ASSERT(state_ == coordinator_state::aborting);
        if (record_.result == switch_result::open) {
            record_.result = record_.dry_run ? switch_result::would_fail : switch_result::aborted;
        }
        enter(
            coordinator_state::steady,
            record_.dry_run ? switch_phase::done : switch_phase::aborted);
        record_.final = true;
        record_.final_since = now;
        record_.drained_since = now;
    }
    out.emplace_back(changed{});
    out.emplace_back(became_steady{});
}

void switch_coordinator::enter(coordinator_state next, switch_phase shown)
{
    state_ = next;
    record_.phase = shown;
}

} // namespace control
