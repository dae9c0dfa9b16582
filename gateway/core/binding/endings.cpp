// How a session ends. docs/switch.md S4, S13; docs/brokers.md H8.

#include "gateway/core/binding/endings.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

namespace {

constexpr std::string_view supported_versions = "1.0,1.1,1.2";

// A client that was connected and did not go by itself: a switch gave its session up, or cut it off
// from its old color and the new one does not take it.
bool by_a_switch(const client_session& s, disconnect_reason why, bool cut) noexcept
{
    switch (why) {
    case disconnect_reason::switch_cut: return true;
    case disconnect_reason::park_timeout:
    case disconnect_reason::broker_refused:
    case disconnect_reason::broker_error:
        return s.connected() && (s.pinned != 0 || (cut && s.part && s.part->failed));
    default: return false;
    }
}

} // namespace

void endings::fail_slow(client_session& s, time_point now)
{
    out_.close_client(s.id, disconnect_reason::slow_consumer, "the client does not read");
    end_session(s, now);
}

void endings::close_overdue(client_session& s, time_point now)
{
    if (s.closing()) {
        if (now >= s.rare().close_by) { // what is owed is in doubt: nothing is answered for it
            close(s, disconnect_reason::disconnect, {});
            end_session(s, now);
        } else {
            finish_closing(s, now);
        }
    } else if (s.client == client_socket::gone && now >= s.rare().close_by) {
        end_session(s, now);
    }
}

void endings::finish_closing(client_session& s, time_point now)
{
    // S13, H8: DISCONNECT's receipt is answered after the barrier and all that is owed.
    if (!s.rare().disconnect_receipt.empty()) {
        link_record* l = link(s.last_send_link);
        const bool unproven = l != nullptr && l->core.proven_up_to() < s.last_send &&
                              l->core.state() == broker::link_state::ready;
        if (unproven) {
            links_.ask_barrier(*l, now); // at once: on a slow link a second wait would be too long
        }
        if (unproven || s.owed > 0) {
            return;
        }
        receipts_.send_receipt(s, s.rare().disconnect_receipt);
    }
    close(s, disconnect_reason::disconnect, {});
    end_session(s, now);
}

void endings::fail_client(
    client_session& s, std::string_view sentence, std::string_view receipt, disconnect_reason why,
    time_point now)
{
    const auto version = s.connected() ? s.version : stomp::version::v10;
    auto& frame = out_.scratch().begin(stomp::command::error);
    // K1: a broker that refuses a SUBSCRIBE quotes the queue.
    std::string plain = broker::without_private_names(sentence);
    std::ranges::replace_if(plain, [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
    frame.text("message", plain, version);
    if (!receipt.empty()) {
        frame.raw("receipt-id", receipt);
    }
    if (!s.connected() && s.who == nullptr) {
        frame.raw("version", supported_versions); // STOMP 1.2, "Protocol Negotiation"
    }
    ++counters_.frames[side::client][direction::out][frame_kind::error];
    out_.write_client(s.id, frame.end_head(), std::string_view{}, framing::text);
    close(s, why, plain);
    end_session(s, now);
}

// Once: a session whose connection ended may still be failed by what was carried for it.
void endings::close(client_session& s, disconnect_reason why, std::string_view text)
{
    if (s.client != client_socket::closed) {
        s.client = client_socket::closed;
        counters_.switch_client_disconnects += by_a_switch(s, why, switch_.cut);
        out_.close_client(s.id, why, text);
    }
}

void endings::end_session(client_session& s, time_point now)
{
    const auto id = s.id;
    if (s.client == client_socket::gone) {
        close(s, disconnect_reason::reset, {});
    }
    for (const auto& sub : s.journal) {
        seams_.leave(id, sub->number, now);
        for (const color c : broker::colors) {
            wire_subscription* w = wire(sub->wires[c]);
            if (w != nullptr && w->shared) {
                subscriptions_.drop_member(*w, id, sub->number, now);
            } else if (w != nullptr) {
                // Its link leaves by DISCONNECT: never by UNSUBSCRIBE of a durable one (H11).
                subscriptions_.erase_wire(w->id, now);
            }
        }
    }
    readiness_.session_left_switch(s, now);
    lingering_.forget(id, now);
    binder_.unbind(s, color::blue, now);
    binder_.unbind(s, color::green, now);
    switch_.draining.erase(id);
    if (s.who != nullptr) {
        --s.who->sessions;
        links_.release_identity(*s.who);
    }
    enter(s, session_state::closing, now);
    forget_kept(s);
    sends_.forget(id);
    tables_.sessions.erase(number(id));
    if (in_switch()) {
        switch_.phase <= member_phase::prepared ? readiness_.check_prepared(now)
                                                : readiness_.check_held(now);
    }
}

// REQUIRES: it ends.
void endings::forget_kept(client_session& s) noexcept
{
    release(held_kind::sessions, s.journal.bytes());
    release(held_kind::frames, s.waiting_bytes);
    s.waiting_bytes = 0;
    if (s.rare_part) {
        release(held_kind::sessions, bytes_of(s.rare_part->handshake));
    }
    if (s.origin) {
        release(held_kind::sessions, s.origin->bytes());
    }
}

} // namespace gateway
