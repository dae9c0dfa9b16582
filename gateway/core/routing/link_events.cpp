// What happens on a link, and what probes say of an endpoint.

#include "gateway/core/routing/router.hpp"

#include "gateway/core/messages/message_frames.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

void router::on_probe(endpoint_ref which, bool ok, std::string why, time_point now)
{
    broker::pool& pool = pool_of(which.color);
    const bool before = pool.healthy(which.index);
    const std::string line = name_of(which) + " does not answer: " + why;
    pool.on_probe(which.index, ok, std::move(why), now);
    if (before && !pool.healthy(which.index)) { // one line, however many probes that took
        out_.log(log_level::warning, line);
    }
    if (before != pool.healthy(which.index)) { // it may have joined another cluster
        at(now, due::dials);
        survey_.forget(which);
        tables_.silent.erase(which); // another application, maybe
        tables_.answering.erase(which);
    }
    if (!before && pool.healthy(which.index)) {
        out_.log(log_level::info, name_of(which) + " answers again");
        for (const session_id id : tables_.all_sessions()) {
            if (client_session* s = find(id)) {
                binder_.retry_session(*s, now);
            }
        }
    }
    at(pool.next_probe(), due::probes);
    run_later(now);
}

void router::on_link_open(link_id id, time_point now)
{
    if (link_record* l = link(id)) {
        l->core.on_open(now, out_);
    }
    run_later(now);
}

void router::on_link_frame(link_id id, const stomp::frame_view& frame, framing as, time_point now)
{
    if (link_record* l = link(id)) {
        ++counters_.frames[side::broker][direction::in][kind_of(frame.command)];
        auto event = l->core.on_frame(frame, now, out_);
        if (l->core.state() != broker::link_state::connecting) {
            links_.end_dial(*l, broker::dial_end::let_in, now);
        }
        events_.on_event(*l, std::move(event), &frame, as, now);
    }
    run_later(now);
}

void router::on_link_drained(link_id id, time_point now)
{
    if (link_record* l = link(id); l != nullptr && l->congested) {
        l->congested = false;
        if (client_session* s = find(l->owner)) {
            pump_later(*s);
        }
        for (const session_id user : l->users) {
            shard_.later.pumps.push_back(user);
        }
    }
    run_later(now);
}

void router::on_link_lost(link_id id, std::string_view why, time_point now)
{
    events_.give_up_link(id, why, now);
    run_later(now);
}

void router::on_link_refused(link_id id, std::string_view why, time_point now)
{
    events_.refuse_link(id, why, nullptr, now);
    run_later(now);
}

// S14: from hold to commit nobody is closed for what is buffered. Reading stops instead.
void router::stop_links_for_memory(bool on)
{
    if (on) {
        for (const auto& [id, l] : tables_.links) {
            if (l->core.ready() && l->core.role() != link_role::publish &&
                !l->core.barrier_open() && l->core.owed().open() == 0) {
                stopped_links_.push_back(l->core.id());
                out_.read_link(l->core.id(), false);
            }
        }
        return;
    }
    for (const link_id id : std::exchange(stopped_links_, {})) {
        if (link_record* l = link(id)) {
            const client_session* owner = find(l->owner);
            out_.read_link(id, owner == nullptr || may_read(*owner, *l));
        }
    }
}

void router::on_link_skipped(link_id id, const stomp::frame_view& head, time_point now)
{
    link_record* l = link(id);
    if (l == nullptr) {
        return;
    }
    const auto destination = head.find("destination").value_or("");
    if (counters_.skipped.count(l->at().color, destination)) {
        out_.log(
            log_level::warning, name_of(l->at()) + " brought a MESSAGE larger than limits.broker_frame, SENT to " +
                   std::string{destination.substr(0, skipped_messages::destination_bytes_max)} +
                   ": it is skipped, as are further ones, which are only counted");
    }
    const auto event = l->core.on_frame(head, now, out_);
    if (event.what == broker::link_event::kind::message) {
        if (wire_subscription* w = wire(event.wire); w != nullptr && w->link == id) {
            w->last_message = now;
            acknowledgements_.refuse_message(*l, *w, head);
        }
    }
    run_later(now);
}

} // namespace gateway
