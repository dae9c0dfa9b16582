// This shard as a member of a switch. switch.md is the law: the numbers in the comments are its
// rules.

#include "gateway/core/switching/switch_member.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

constexpr std::ptrdiff_t left_most = 64;

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace

void switch_member::on_command(const control::command& command, time_point now)
{
    const bool begins = std::holds_alternative<control::prepare>(command.what);
    if (begins ? in_switch() : command.id != switch_.id) {
        return; // C2
    }
    if (begins) {
        readiness_.keep_past(switch_.id);
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

void switch_member::on_prepare(const control::prepare& order, time_point now)
{
    switch_.from = shard_.live;
    switch_.to = order.to;
    switch_.timing = order.settings;
    switch_.pauses = order.pauses;
    links_.set_dial_rate(std::max(1.0, order.connect_rate));
    switch_.tally = {};
    seams_.count_open();
    switch_.doubted = false;
    survey_.begin();
    switch_.cut = false;
    switch_.closings = 0;
    switch_.proofs_asked = {};
    switch_.lost_links = switch_.links_answered = 0;
    switch_.unprepared = 0;
    switch_.phase = member_phase::preparing;
    BOOST_ASSERT(switch_.to != shard_.live);
    moves_.cancel(now);
    sends_.count_open();
    seams_.take_up(switch_.to); // O3
    backplane_.begin(pairing_.any(), now);
    // C3: those that had their CONNECTED when the order came, rebinding and parked ones included.
    for (const session_id id : tables_.all_sessions()) {
        client_session* s = find(id);
        if (s != nullptr && s->connected() && !s->closing()) {
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
    readiness_.say(control::progress{
        switch_.tally.sessions_ready, switch_.tally.sessions_failed, switch_.tally.sessions_total});
    readiness_.check_prepared(now);
}

// C3: it came after the order; the switch does not wait for it, and takes it along if it can.
// It was pinned until now, or came behind the prepare order.
void switch_member::on_bound(client_session& s, time_point now)
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

void switch_member::join_switch(client_session& s, time_point now)
{
    ++switch_.tally.sessions_total;
    begin_standby(s, now);
    if (switch_.pauses) { // C14: go waits for it
        note_numbers(now);
    }
}

// P9
void switch_member::check_backplane(time_point now)
{
    if (backplane_.take_late()) {
        on_late_backplane(now);
    }
    if (backplane_.take_undecided()) {
        fail_all(
            "whether blue and green deliver the same messages could not be found out; "
            "brokers.backplane says it",
            now);
    }
}

// This switch would deliver messages twice, or has done so. The next one knows.
void switch_member::on_late_backplane(time_point now)
{
    const std::string why =
        "blue and green deliver the same messages, which was found out too late";
    if (in_switch()) {
        fail_all(why, now);
    } else {
        switch_.note_counted(why + ": some may have come twice");
    }
}

void switch_member::fail_all(const std::string& why, time_point now)
{
    for (const session_id id : tables_.all_sessions()) {
        if (client_session* s = find(id)) {
            readiness_.standby_failed(*s, why, now);
        }
    }
}

// Subscriptions that a relay still has, and that nobody reads (O2): switches back and forth make ever
// more of them on a link that is taken up again each time.
std::ptrdiff_t switch_member::left_on(const link_record& own) const
{
    return std::ranges::count_if(own.wires, [&](wire_id id) {
        const wire_subscription* w = wire(id);
        return w != nullptr && w->state == wire_state::leaving;
    });
}

void switch_member::begin_standby(client_session& s, time_point now)
{
    if (!s.part) {
        s.part = std::make_unique<switch_part>(shard_.budget);
    }
    switch_part& part = *s.part;
    part.ordered = part.ready = part.failed = part.excused = part.live_lost = false;
    part.refused.clear();
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
        // Not where its client still works on what came there: that would come again (T4).
        if (own != nullptr && s.ledger.count(own->core.id()) == 0 &&
            (own->half_left || left_on(*own) > left_most)) {
            links_.leave(*own, now);
        }
        if (own != nullptr && own->core.leaving()) {
            b.publish = b.publish == b.own ? link_id::none : b.publish;
            b.own = link_id::none;
        } else if (own != nullptr) {
            leave_retired(*own, now);
        }
    }
    // M8: prepared only when the seams of the switch before are joined or forced; act() goes on
    // then.
    if (s.seams == 0) {
        binder_.advance(s, switch_.to, now);
    }
}

} // namespace gateway
