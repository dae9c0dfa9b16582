// Heart-beats of both legs, as gateway/client_connection and broker/link_connection have them:
// their clocks are the drivers', what follows from a peer that is silent is the router's.

#include "tests/sim/shard_driver_ends.hpp"

#include <algorithm>

namespace sim {

namespace {

stomp::heart_beat_terms
agreed(net::duration ours, std::optional<std::string_view> theirs) // "cx,cy"
{
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(ours);
    const auto offer = stomp::parse_heart_beat(theirs.value_or("0,0"));
    return stomp::negotiate({ms, ms}, offer.value_or(stomp::heart_beat_offer{}));
}

} // namespace

void shard_driver::begin_beats(client_end& c, std::string_view offered)
{
    if (!beats_.on) {
        return;
    }
    c.beat = stomp::heart_beat{agreed(settings_.client_heart_beat, offered), when_.now()};
    c.wire->to_other->on_sent = [this, id = c.id] {
        if (client_end* one = client(id)) {
            one->beat.on_sent(when_.now());
        }
    };
    arm_beat(c);
}

void shard_driver::arm_beat(client_end& c)
{
    const time_point next = c.beat.next_deadline();
    if (beats_.on && !c.beat_armed && next != net::never) {
        c.beat_armed = true;
        when_.at(next, [this, id = c.id] { run_client_beat(id); });
    }
}

void shard_driver::run_client_beat(session_id id)
{
    client_end* c = client(id);
    if (c == nullptr || c->closed || c->gone || !beats_.on) {
        return;
    }
    c->beat_armed = false;
    switch (c->beat.on_deadline(when_.now())) {
    case stomp::heart_beat::due::lost: // S4: what was carried is interpreted all the same
        checker_.note("client " + std::to_string(c->number) + " was silent for too long");
        c->gone = true;
        c->wire->to_gateway->orphan();
        c->wire->to_gateway->unread.clear();
        c->wire->to_other->finish();
        look_at_outbox(*c);
        interpret(id);
        return;
    case stomp::heart_beat::due::send:
        c->wire->to_other->write("\n");
        c->beat.on_sent(when_.now());
        break;
    case stomp::heart_beat::due::nothing: break;
    }
    arm_beat(*c);
}

bool shard_driver::listens_to(unsigned client) const
{
    return std::ranges::any_of(clients_, [&](const auto& one) {
        return one.second->number == client && !one.second->gone && !one.second->closed;
    });
}

// REQUIRES: its frame is CONNECTED.
void shard_driver::begin_beats(link_end& l)
{
    if (!beats_.on) {
        return;
    }
    const auto terms = agreed(settings_.broker_heart_beat, l.frame.find("heart-beat"));
    l.beat = stomp::heart_beat{terms, when_.now()};
    l.wire->to_other->on_sent = [this, id = l.id] {
        if (link_end* one = link(id)) {
            one->beat.on_sent(when_.now());
        }
    };
    when_.at(l.beat.next_deadline(), [this, id = l.id] { run_link_beat(id); });
}

void shard_driver::run_link_beat(link_id id)
{
    link_end* l = link(id);
    if (l == nullptr || !l->wire || !beats_.on) {
        return;
    }
    // A link that is not read for a slow client's sake cannot show its broker's life.
    if (!l->reading) {
        l->beat.on_received(when_.now());
    }
    switch (l->beat.on_deadline(when_.now())) {
    case stomp::heart_beat::due::lost:
        brokers_[l->at.color]->given_up(l->wire);
        lose_link(id, "the broker was silent for twice its heart-beat");
        return;
    case stomp::heart_beat::due::send:
        l->wire->to_other->write("\n");
        l->beat.on_sent(when_.now());
        break;
    case stomp::heart_beat::due::nothing: break;
    }
    when_.at(l->beat.next_deadline(), [this, id] { run_link_beat(id); });
}

} // namespace sim
