// advance(): what a session lacks on a color is asked for, and what it has is used.

#include "gateway/core/binding/binder.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

constexpr std::chrono::seconds pause_retry{1};
constexpr std::size_t user_bytes_max = 1024; // a longer name is nobody's, and is not told

} // namespace

bool binder::choose_endpoint(client_session& s, binding& b, color c, time_point)
{
    const auto index = pool_of(c).pick();
    if (!index) {
        return false;
    }
    b.group = &groups_.group_for(*s.who, {c, static_cast<std::uint16_t>(*index)});
    ++b.group->bindings;
    pool_of(c).on_bound(*index);
    return true;
}

bool binder::advance(client_session& s, color c, time_point now)
{
    binding& b = s.bindings[c];
    if (s.who == nullptr || b.at == binding::phase::draining || s.state == session_state::waiting) {
        return false; // S7: an attempt that the hold dropped may still come up
    }
    if (c == s.live && s.moving) {
        return false; // M13: left first, then bound
    }
    // S8: a switch back finds what a pinned session has there as its standby.
    if (c == s.live && s.pinned != 0 && in_switch()) {
        return false;
    }
    // S15: in the hold nothing more is subscribed on the old color, even if a link comes up.
    if (c == s.live && (s.state == session_state::quiescing || s.state == session_state::held)) {
        return false;
    }
    // A link that was dialled for a standby may come up after the abort: nothing is bound for it
    // any more.
    if (c != s.live && (!in_switch() || !s.part || s.part->failed)) {
        return false;
    }
    if (b.at == binding::phase::none) {
        b.at = binding::phase::wanted;
    }
    if (b.group != nullptr && b.at == binding::phase::wanted && b.own == link_id::none &&
        b.publish == link_id::none && !pool_of(c).healthy(b.group->at.index) &&
        (pool_of(c).pick() || std::ranges::all_of(s.journal, [&](const auto& sub) {
             return wire(sub->wires[c]) == nullptr;
         }))) {
        unbind(
            s, c, now); // another endpoint answers, or none: then it parks until a probe finds one
        b.at = binding::phase::wanted;
    }
    if (b.group == nullptr && !choose_endpoint(s, b, c, now)) {
        if (c == s.live) {
            park(s, now);
        } else if (switch_.paused()) { // C14: the new color may come back
            at(now + pause_retry, due::session_retry, number(s.id));
        } else {
            std::string why = "no endpoint of " + std::string{to_string(c)} + " answers";
            for (std::size_t i = 0; i < pool_of(c).size(); ++i) {
                if (const auto& error = pool_of(c).last_error(i); !error.empty()) {
                    why += ": " + name_of({c, static_cast<std::uint16_t>(i)}) + ": " + error;
                    break; // one of them is enough
                }
            }
            readiness_.standby_failed(s, why, now);
        }
        return false;
    }
    if (!session_links_.bind_links(s, b, c, now) || !replay(s, b, c, now)) {
        return false;
    }
    if (b.at == binding::phase::wanted) {
        b.at = binding::phase::ready;
        on_bound(s, c, now);
    }
    return true;
}

// The journal on that color: for a standby the broadcast subscriptions that some broker confirmed
// (S9) and no stored one, which would take messages at once (H25);
// all of them for the live color. True when each has a confirmed wire subscription.
bool binder::replay(client_session& s, binding& b, color c, time_point now)
{
    const bool standby = c != s.live;
    if (switch_.backplane_open && (standby || s.pinned != 0)) { // P9; its end comes back
        return false;
    }
    bool complete = true;
    for (const auto& sub : s.journal) {
        if (standby && (!sub->confirmed || !has_standby(*sub))) {
            continue;
        }
        if (standby && pairing_.awaits_old(s, *sub)) { // P3; subscriptions_.on_confirmed() comes back
            complete = false;
            continue;
        }
        if (sub->wires[c] == wire_id::none) {
            if (!standby && sub->held_back) {
                continue; // queue_order: strict, the old color still gives
            }
            const bool behind_old =
                s.pinned != 0 && sub->broadcast && wire(sub->wires[broker::other(c)]) != nullptr;
            const auto as = standby      ? member_state::standby
                            : behind_old ? member_state::joining // S8
                                         : member_state::live;
            if (!subscriptions_.subscribe(s, *sub, c, as, now)) {
                complete = false;
                if (b.queued) {
                    break; // in line for a turn: what comes behind keeps its order
                }
                continue;
            }
        }
        const wire_subscription* w = wire(sub->wires[c]);
        complete &= w != nullptr && w->state == wire_state::confirmed;
    }
    return complete;
}

void binder::on_bound(client_session& s, color c, time_point now)
{
    if (c != s.live) {
        readiness_.standby_ready(s, now);
        return;
    }
    s.parked = false;
    remember_user(s);
    if (s.state == session_state::connecting) {
        share_group& g = *s.now().group;
        s.version = *s.who->negotiated;
        s.login = client_login::connected;
        auto& frame = out_.scratch().begin(stomp::command::connected);
        frame.raw("version", to_string(s.version));
        const auto ms = std::to_string(
            std::chrono::duration_cast<std::chrono::milliseconds>(settings_.client_heart_beat)
                .count());
        frame.raw("heart-beat", ms + "," + ms).raw("session", name_of(s.id));
        std::string head{frame.bytes()};
        head += g.connected_head;
        head += '\n';
        ++counters_.frames[side::client][direction::out][frame_kind::connected];
        out_.write_client(s.id, head, std::string_view{}, framing::text);
        out_.client_up(s.id, s.version, s.rare().client_heart_beat);
        s.rare_part.reset();
        enter(s, session_state::active, now);
        pump_later(s);
        shard_.later.bound.push_back(s.id);
    } else if (s.state == session_state::rebinding) {
        if (s.client == client_socket::open) { // else what waits has its time
            s.rare_part.reset();
        }
        enter(s, session_state::active, now);
        pump_later(s);
        shard_.later.bound.push_back(s.id);
    }
}

// S19: whom the live color takes it for is what the other color is told.
void binder::remember_user(client_session& s)
{
    const link_record* own = link(s.now().own);
    const std::string_view user = value_in(
        own != nullptr ? own->core.connected_head() : s.now().group->connected_head, "user-name");
    if (settings_.identity_headers.empty() || user.empty() || user.size() > user_bytes_max ||
        (s.origin && s.origin->user == user)) {
        return;
    }
    if (!s.origin) {
        s.origin = std::make_unique<client_origin>();
    }
    release(held_kind::sessions, s.origin->user.size());
    s.origin->user = user;
    charge(held_kind::sessions, s.origin->user.size());
}

void binder::park(client_session& s, time_point now)
{
    if ((s.state != session_state::connecting && s.state != session_state::rebinding) ||
        s.pinned != 0) {
        return;
    }
    if (!s.parked) {
        s.parked = true;
        s.parked_since = now;
        at(now + settings_.park_timeout, due::session_park, number(s.id));
    }
}

} // namespace gateway
