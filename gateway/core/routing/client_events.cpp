// What happens on a client's connection.

#include "gateway/core/routing/router.hpp"

#include "broker/stomp/heart_beat.hpp"
#include "gateway/core/messages/reserved_words.hpp"
#include "gateway/core/tables/session_table.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

void router::on_client_written(session_id id, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    for (const delivery& d : s->ledger.take_written(out_.client_written(id))) {
        acknowledgements_.acknowledge(*s, d, false, {}, {}, now);
    }
    if (s->ledger.awaits_write()) {
        out_.watch_written(id);
    }
    run_later(now);
}

// S17, design.md section 4: a mark, not a wall.
void router::on_client_backlog(session_id id, backlog level, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    s->over_outbox = level;
    if (level == backlog::over_mark) {
        s->stalled_written = out_.client_written(id);
        at(now + settings_.client_stall, due::session_stall, number(id));
    }
    bool shares = false;
    for (const color c : broker::colors) {
        const binding& b = s->bindings[c];
        if (link_record* own = link(b.own)) {
            out_.read_link(own->core.id(), may_read(*s, *own));
        }
        shares |= b.group != nullptr && !b.group->dedicated;
    }
    if (level == backlog::over_wall) {
        if (shares && switch_.phase < member_phase::holding) {
            endings_.fail_slow(*s, now); // what it would miss is never skipped in silence
        } else {
            readiness_.try_hold(*s, now);
        }
    }
    run_later(now);
}

session_id router::open_client(
    std::string peer, std::vector<std::pair<std::string, std::string>> handshake, time_point now)
{
    auto s = std::make_unique<client_session>();
    s->id = static_cast<session_id>(++tables_.last_session);
    s->live = shard_.live;
    s->peer = std::move(peer);
    s->rare().handshake = std::move(handshake);
    charge(held_kind::sessions, bytes_of(s->rare().handshake));
    s->since = now;
    const auto id = s->id;
    // S7: a session that arrives from the hold on waits for the decision.
    if (switch_.phase >= member_phase::holding) {
        enter(*s, session_state::waiting, now);
    }
    tables_.sessions.add(number(id), std::move(s));
    return id;
}

void router::tell_of_client(session_id id, client_origin what)
{
    if (client_session* s = find(id)) {
        charge(held_kind::sessions, what.bytes());
        s->origin = std::make_unique<client_origin>(std::move(what));
    }
}

bool router::wants_client(session_id id) const noexcept
{
    const auto* s = session(id);
    // A waiting session's CONNECT may be read; it is answered after the decision.
    return s != nullptr &&
           (gateway::wants_client(*s) || (s->state == session_state::waiting && !s->connect_seen()));
}

void router::on_client_frame(
    session_id id, const stomp::frame_view& frame, framing as, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    ++s->frames_in;
    ++counters_.frames[side::client][direction::in][kind_of(frame.command)];
    const session_step step = next_step(
        s->state, session_event::client_frame, {.first_frame = !s->connect_seen()});
    switch (step.doing) {
    case session_doing::reads_frame:
    case session_doing::reads_frame_for_later: client_commands_.connect(*s, frame, now); break;
    case session_doing::interprets_frame:
        if ((s->waiting && !s->waiting->empty()) || !client_commands_.perform(*s, frame, as, now)) {
            if (find(id) != nullptr) {
                client_commands_.enqueue(*s, frame, as);
            }
        }
        break;
    case session_doing::ignores_frame: break;
    default: BOOST_ASSERT_MSG(false, "a frame was interpreted while it must be carried");
    }
    run_later(now);
}

void router::on_client_fault(session_id id, std::string_view sentence, time_point now)
{
    if (client_session* s = find(id)) {
        endings_.fail_client(*s, sentence, {}, disconnect_reason::protocol_error, now);
    }
    run_later(now);
}

void router::on_client_gone(session_id id, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    s->client = client_socket::gone;
    // S4: frames that were read wait for their turn first; what waits has a bound.
    if (s->waiting && !s->waiting->empty() && !s->closing()) {
        s->rare().close_by = now + settings_.timing.receipt_timeout + switch_.timing.drain_timeout;
        at(s->rare().close_by, due::session_close, number(id));
        return;
    }
    endings_.end_session(*s, now);
    run_later(now);
}

// S14 rules when this may be.
void router::close_for_memory(session_id id, disconnect_reason why, time_point now)
{
    BOOST_ASSERT(may_close_for_memory());
    if (client_session* s = find(id)) {
        endings_.close(*s, why, "limits.buffered_total");
        endings_.end_session(*s, now);
    }
    run_later(now);
}

bool router::disconnect(std::string_view name, time_point now)
{
    for (const session_id id : tables_.all_sessions()) {
        if (name_of(id) != name) {
            continue;
        }
        client_session& s = *find(id);
        if (s.state == session_state::quiescing || s.state == session_state::held) {
            s.close_wanted = disconnect_reason::admin; // S4
        } else {
            endings_.close(s, disconnect_reason::admin, "disconnected by the operator");
            endings_.end_session(s, now);
        }
        run_later(now);
        return true;
    }
    return false;
}

departure router::send_away(session_id id) noexcept
{
    client_session* s = find(id);
    // Without a broker nothing can be waited for, and a client without CONNECTED is owed nothing.
    if (s == nullptr || s->parked || !s->connected()) {
        return departure::free;
    }
    s->leaving = true;
    if (!s->ledger.empty()) {
        return departure::acknowledging;
    }
    const bool waits = s->waiting && !s->waiting->empty();
    return s->state != session_state::active || s->owed > 0 || waits ? departure::awaiting
                                                                     : departure::free;
}

} // namespace gateway
