#include "gateway/core/routing/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

std::string_view to_string(session_state s) noexcept
{
    switch (s) {
    case session_state::connecting: return "connecting";
    case session_state::waiting: return "waiting";
    case session_state::active: return "active";
    case session_state::quiescing: return "quiescing";
    case session_state::held: return "held";
    case session_state::rebinding: return "rebinding";
    case session_state::closing: return "closing";
    }
    return "";
}

namespace {

session_label label_of(session_state s) noexcept
{
    switch (s) {
    case session_state::connecting: return session_label::connecting;
    case session_state::waiting: return session_label::waiting;
    case session_state::active: return session_label::active;
    case session_state::quiescing: return session_label::quiescing;
    case session_state::held: return session_label::held;
    case session_state::rebinding: return session_label::rebinding;
    case session_state::closing: return session_label::closing;
    }
    return session_label::closing;
}

} // namespace

router::router(core_settings settings, effects& out, shard_counters& counters)
    : shard_owner{{std::move(settings), out, counters}}, shard_part(whole_),
      pacer_(settings_.connect_rate)
{
}

router::~router() = default;

void router::start(color live, control::epoch_number epoch, time_point now)
{
    shard_.live = live;
    switch_.to = broker::other(live);
    shard_.epoch = epoch;
    at(now, due::probes);
}

// The one place where a session's state changes.
void router::enter(client_session& s, session_state to, time_point)
{
    if (s.state == to) {
        return;
    }
    --counters_.sessions[s.live][label_of(s.state)];
    ++counters_.sessions[s.live][label_of(to)];
    s.state = to;
    // A hold takes who is parked along; without a broker behind it, its time begins anew.
    s.parked &= to == session_state::connecting || to == session_state::rebinding;
}

void router::run_later(time_point now)
{
    noted& later = shard_.later;
    while (!later.empty()) {
        for (const noted_full& one : std::exchange(later.full, {})) {
            seams_.on_buffer_full(one, now);
        }
        for (const noted_mark& one : std::exchange(later.marked, {})) {
            seams_.on_old_marked(one, now);
        }
        for (const noted_standby& one : std::exchange(later.standbys, {})) {
            if (client_session* s = find(one.session)) {
                member_.standby_failed(*s, one.why, now);
            }
        }
        for (const noted_refusal& one : std::exchange(later.refusals, {})) {
            if (client_session* s = find(one.session)) {
                on_refused(*s, one.of, one.why, one.error.get(), now);
            }
        }
        for (const session_id id : std::exchange(later.bound, {})) { // ahead of what it may send
            if (client_session* s = find(id)) {
                member_.on_bound(*s, now);
            }
        }
        for (const session_id id : std::exchange(later.pumps, {})) {
            if (client_session* s = find(id)) {
                pump(*s, now);
            }
        }
    }
}

void router::on_carry_empty(session_id id)
{
    if (client_session* s = find(id); s != nullptr && s->part && !s->waiting) {
        s->part->carried = false;
    }
}

} // namespace gateway
