// The rooms of a shard put together, and what an event leaves for its end.

#include "gateway/core/routing/router.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

router::router(shard_settings settings, effects& out, shard_counters& counters)
    : shard_owner{{std::move(settings), out, counters}}, workbench(whole_)
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
                readiness_.standby_failed(*s, one.why, now);
            }
        }
        for (const noted_refusal& one : std::exchange(later.refusals, {})) {
            if (client_session* s = find(one.session)) {
                errors_.on_refused(*s, one.of, one.why, one.error.get(), now);
            }
        }
        for (const session_id id : std::exchange(later.bound, {})) { // ahead of what it may send
            if (client_session* s = find(id)) {
                member_.on_bound(*s, now);
            }
        }
        for (const session_id id : std::exchange(later.pumps, {})) {
            if (client_session* s = find(id)) {
                client_commands_.pump(*s, now);
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
