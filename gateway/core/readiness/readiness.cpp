// Standbys that are ready, failed or lost; sessions that are settled and held. docs/switch.md S1, S2, S9.

#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/tables/session_table.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

// Everything that it sent is proven and its SUBSCRIBEs are answered, or the link in question is
// lost (switch.md, "Session").
bool readiness::settled(const client_session& s) const
{
    const binding& b = s.now();
    const auto unproven = [&](link_id id, bool own) {
        const link_record* of = link(id);
        if (of == nullptr || of->core.state() != broker::link_state::ready) {
            return false;
        }
        const broker::link& l = of->core;
        if (own && s.over_outbox == backlog::over_wall) {
            return false; // S17
        }
        return own ? !l.proven() : s.last_send_link == id && l.proven_up_to() < s.last_send;
    };
    if (unproven(b.own, true) || (b.publish != b.own && unproven(b.publish, false))) {
        return false;
    }
    return std::ranges::none_of(s.journal, [&](const auto& sub) {
        const wire_subscription* w = wire(sub->wires[s.live]);
        return w != nullptr && w->state == wire_state::open && s.over_outbox != backlog::over_wall;
    });
}

void readiness::try_hold(client_session& s, time_point now)
{
    if (s.state != session_state::quiescing || !settled(s)) {
        return;
    }
    // C8: a failed one does not keep its shard from `held`.
    const session_step step = next_step(
        s.state, session_event::looked_at,
        {.can_be_held = s.part->failed || (s.part->ready && standby_complete(s))});
    if (!step.moves()) {
        return;
    }
    if (s.over_outbox == backlog::over_wall) {
        if (link_record* own = link(s.now().own); own != nullptr && !own->core.proven()) {
            switch_.tally.fence_best_effort = true;
            name_counted(control::counted_cause::fence, s.id);
            switch_.awaited.erase(own->core.id());
        }
    }
    enter(s, step.to, now);
    --switch_.unheld;
    check_held(now);
}

// S9, M7: the standby has every broadcast subscription that some broker has confirmed to the
// client. P7: each has marks of its own, which were read.
bool readiness::standby_complete(const client_session& s) const
{
    return std::ranges::all_of(s.journal, [&](const auto& sub) {
        const wire_subscription* w = wire(sub->wires[switch_.to]);
        return !sub->confirmed || !has_standby(*sub) ||
               (w != nullptr && w->state == wire_state::confirmed &&
                pairing_.marked(sub->wires[s.live], *w));
    });
}

void readiness::check_held(time_point now)
{
    if (switch_.phase != member_phase::holding || switch_.unheld > 0 || !switch_.awaited.empty()) {
        return;
    }
    switch_.phase = member_phase::held;
    for (const auto& [id, w] : tables_.wires) { // M7
        if (w->color() == switch_.to && w->broadcast) {
            w->keeping = true;
        }
    }
    note_numbers(now);
    say(control::held{
        switch_.tally.failures,
        switch_.lost_links,
        {shard_.sent_through[shard_.live].begin(), shard_.sent_through[shard_.live].end()}});
}

// A session is gone: it does not count any more (C3).
void readiness::session_left_switch(client_session& s, time_point now)
{
    if (!in_switch() || !s.part) {
        return;
    }
    switch_.tally.sessions_total -= s.part->counted;
    if (s.part->ordered) {
        if (!s.part->ready && !s.part->failed && switch_.phase <= member_phase::prepared) {
            --switch_.unprepared;
        }
    }
    switch_.tally.sessions_ready -= s.part->ready;
    if (s.part->failed && !s.part->excused) {
        --switch_.tally.sessions_failed;
        std::erase_if(
            switch_.tally.failures, [&](const auto& one) { return one.session == name_of(s.id); });
        note_numbers(now);
    }
    if (s.state == session_state::quiescing) {
        --switch_.unheld;
    }
    if (switch_.pauses) { // it may have been the one that go waits for
        note_numbers(now);
    }
}

// C14: who would make the hold longer.
std::uint64_t readiness::unready() const noexcept
{
    std::uint64_t count = 0;
    for (const auto& [id, s] : tables_.sessions) {
        count += s->part && s->part->counted && !s->part->ready && !s->part->failed;
    }
    return count;
}

void readiness::standby_ready(client_session& s, time_point now)
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

void readiness::standby_failed(client_session& s, const std::string& why, time_point now)
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

// S18: the switch goes on without it, and max_failed does not count it. The commit pins it.
void readiness::standby_refused(client_session& s, const std::string& why, time_point now)
{
    if (!s.part || !s.part->counted || s.part->failed || !in_switch() ||
        switch_.timing.on_refused == control::refused_policy::fail ||
        switch_.phase == member_phase::held) { // the decision may be under way (C6)
        standby_failed(s, why, now);
        return;
    }
    switch_part& part = *s.part;
    if (part.ordered && !part.ready && switch_.phase <= member_phase::prepared) {
        --switch_.unprepared;
    }
    switch_.tally.sessions_ready -= part.ready;
    part.ready = false;
    part.failed = part.excused = true;
    part.refused = why;
    control::session_names whose;
    whose.add(name_of(s.id));
    switch_.note_counted("logins refused: " + why, std::move(whose));
    const binding& b = s.bindings[switch_.to];
    say(control::failed{
        {}, {failure(s, b.group != nullptr ? b.group->at : endpoint_ref{switch_.to, 0}, why)}});
    at(now, due::session_retry, number(s.id)); // releases what was prepared, and goes on
    note_numbers(now);
}

void readiness::note_failed(client_session& s, control::session_failure failed)
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

void readiness::standby_lost(client_session& s, time_point now)
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
    const session_step step = next_step(
        s.state, session_event::link_lost,
        {.of_standby = true, .said_held = switch_.phase == member_phase::held});
    if (step.doing == session_doing::says_unheld) { // the decision may be under way (C6)
        const endpoint_ref where = b.group != nullptr ? b.group->at : endpoint_ref{switch_.to, 0};
        say(control::unheld{failure(s, where, "the standby was lost")});
        return;
    }
    if (step.moves()) {
        enter(s, step.to, now);
        ++switch_.unheld;
    }
    if (was_ready && part.ordered && switch_.phase <= member_phase::prepared) {
        ++switch_.unprepared;
    }
    // C14: in a pause it is dialled again as often as it is lost.
    const bool paused = switch_.paused();
    if (paused) {
        note_numbers(now);
    }
    if (was_ready && !paused && ++part.lost > 1) { // S9: dialled once more; lost again it is failed
        part.ready = false;
        standby_failed(s, "the standby was lost twice", now);
        return;
    }
    at(now, due::session_retry, number(s.id));
}

void readiness::check_prepared(time_point now)
{
    if (switch_.phase != member_phase::preparing || switch_.unprepared > 0) {
        return;
    }
    if (!survey_.asked()) {
        survey_.ask(now);
    }
    if (survey_.open()) {
        return;
    }
    pairing_.mark_new(now);
    if (pairing_.marking()) { // P7; each has its bound
        return;
    }
    if (!proven_in_time(now)) {
        at(proofs_until(), due::worlds);
        return;
    }
    switch_.phase = member_phase::prepared;
    say(control::prepared{current_tally()});
}

control::session_failure
readiness::failure(const client_session& s, endpoint_ref at, std::string why) const
{
    return {name_of(s.id), name_of(at), std::move(why)};
}

} // namespace gateway
