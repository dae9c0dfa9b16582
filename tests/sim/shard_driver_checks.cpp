// What must hold of a shard at every step, and when all has come to rest.

#include "tests/sim/shard_driver_ends.hpp"

namespace sim {

namespace {

// What one turn may add behind a mark that is looked at between turns only: a whole window of the
// network, fanned out to the few subscriptions of a simulated client.
constexpr std::size_t one_turn = 512 * 1024;
// Some for each of at most 8 clients, and two for each link that was dialled, for as long as that
// may take. A chain that doubles is far beyond it at once.
constexpr std::size_t deadlines_max = 20'000;

} // namespace

void shard_driver::check_step()
{
    const auto expect = [&](bool holds, const char* what) {
        if (!holds && !broken_) {
            broken_ = true; // once is enough
            checker_.violation("shard " + std::to_string(number_) + ": " + what);
        }
    };
    const std::size_t outbox_max =
        8 * settings_.client_outbox + settings_.seam_buffer + one_turn; // design.md section 4
    for (const auto& [id, c] : clients_) {
        expect(c->carry.size() <= settings_.client_carry, "more is carried than client_carry");
        expect(
            c->wire->to_other->waiting() <= outbox_max,
            "a client's outbox is beyond eight times its mark");
        const auto* s = router_.session(c->id);
        if (s == nullptr) {
            continue;
        }
        if (drains_ && !c->hostile()) {
            look_at_move(*c);
        }
        expect(
            s->waiting_bytes <= gateway::waiting_bytes_max + 64 * 1024,
            "more waits for a session than it may");
        if (s->closing() || s->pinned != 0) {
            continue; // S8: a pinned one has what it receives on the old color
        }
        // One live color: outside of a switch the other one has nothing, or what drains.
        using phase = gateway::binding::phase;
        const phase other = s->bindings[broker::other(s->live)].at;
        const bool steady = router_.phase() == gateway::member_phase::steady;
        expect(
            !steady || other == phase::none || other == phase::draining,
            "a session has two live colors");
        expect(s->live == router_.live(), "a session has another color than its shard");
    }
    const auto counted = router_.recount();
    for (const auto kind : gateway::router::recounted) {
        expect(
            router_.budget().of(kind) == counted[kind],
            "what is counted for limits.buffered_total is not what is held");
    }
    expect(router_.deadline_count() <= deadlines_max, "a chain of timers grows");
    for (const auto& [id, l] : links_) {
        expect(
            !l->wire || l->wire->to_other->waiting() <= settings_.broker_outbox + one_turn,
            "a link's outbox is beyond its mark");
    }
}

// M13: from where a session begins to move until it is bound elsewhere; who stays misses nothing.
void shard_driver::look_at_move(client_end& c)
{
    const gateway::client_session& s = *router_.session(c.id);
    const auto here = s.now().group == nullptr ? std::nullopt : std::optional{s.now().group->at};
    const bool left = c.bound_to && here != c.bound_to && drained_.contains(*c.bound_to);
    if ((s.moving || left) && !c.moves_from) {
        c.moves_from = c.bound_to;
        c.moved = false;
        checker_.on_moving(c.number);
    }
    c.moved |= left;
    c.bound_to = here;
    if (!s.moving && c.moves_from && s.state == gateway::session_state::active) {
        c.moves_from.reset();
        checker_.on_moved(c.number, !c.moved);
    }
}

void shard_driver::check_left(control::endpoint_ref drained)
{
    const auto shot = router_.snapshot();
    const auto& there = shot.endpoints[drained.color][drained.index];
    if (there.sessions + there.links > 0) {
        checker_.violation(
            "shard " + std::to_string(number_) + " keeps " + std::to_string(there.sessions) +
            " sessions and " + std::to_string(there.links) + " links at " + there.name +
            ", which is drained");
    }
}

void shard_driver::check_rest()
{
    for (const auto& [id, c] : clients_) {
        const auto* s = router_.session(c->id);
        const std::string whose = "client " + std::to_string(c->number);
        if (s == nullptr || c->gone || c->hostile() || c->level != backlog::below) {
            continue;
        }
        if (s->waiting && !s->waiting->empty()) {
            checker_.violation(
                whose + " is " + std::string{to_string(s->state)} + ", and " +
                std::to_string(s->waiting->size()) + " of its frames wait for ever");
        } else if (s->connected() && s->state != gateway::session_state::active) {
            checker_.violation(whose + " is " + std::string{to_string(s->state)} + " for ever");
        } else if (s->connected() && router_.wants_client(c->id) && c->whole_frame_left()) {
            checker_.violation(whose + " has carried frames that nobody takes");
        }
    }
}

} // namespace sim
