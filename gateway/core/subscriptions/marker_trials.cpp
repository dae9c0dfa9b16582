// The trial of an identity's first marker at an endpoint. docs/switch.md B1, E14.

#include "gateway/core/subscriptions/marker_trials.hpp"

#include "gateway/core/markers/couriers.hpp"

#include <algorithm>

namespace gateway {

void marker_trials::try_marker(wire_subscription& w, time_point now)
{
    share_group& g = *w.group;
    g.marker_trial = w.id;
    // E14: no barrier has proven that such a SEND is taken there, and the publish links are
    // others' too.
    const bool risky = !g.dedicated && !g.known.proves_routing();
    if (risky && trials_.carry_marker(w, now)) {
        at(now + settings_.connect_timeout, due::marker_trial, number(w.id));
        return;
    }
    if (link_record* by = couriers_.pick(w, g.at)) {
        couriers_.send_trial(w, *by, now);
    } else {
        at(now + settings_.trial_timeout, due::marker_trial, number(w.id));
    }
}

// Its subscription goes, and nobody would read it: another one's is tried.
void marker_trials::pass_on_trial(share_group& g, wire_id tried, time_point now)
{
    if (g.known.marker != broker::tried::unknown || g.marker_trial != tried) {
        return;
    }
    g.marker_trial = wire_id::none;
    for (const auto& [id, w] : tables_.wires) {
        if (w->group == &g && w->id != tried && w->addressed && w->state == wire_state::confirmed) {
            try_marker(*w, now);
            return;
        }
    }
}

void marker_trials::end_trial(wire_id tried, time_point now)
{
    if (const wire_subscription* w = wire(tried)) {
        broker::capability& known = w->group->known;
        if (known.marker == broker::tried::unknown && w->group->marker_trial == tried) {
            known.marker = broker::tried::no;
            out_.log(log_level::warning, name_of(w->group->at) + " delivers no marker: seams there are best effort");
        }
        return;
    }
    for (const auto& [key, g] : tables_.groups) { // gone with its link
        pass_on_trial(*g, tried, now);
    }
}

} // namespace gateway
