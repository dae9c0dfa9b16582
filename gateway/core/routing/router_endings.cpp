// Receipts and ends: DISCONNECT, ERROR, a client that is gone. switch.md S4, S13.

#include "gateway/core/routing/router.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr std::string_view supported_versions = "1.0,1.1,1.2";

} // namespace

void router::client_disconnect(client_session& s, const stomp::frame_view& frame, time_point now)
{
    s.leaving = true;
    s.rare().disconnect_receipt = frame.find("receipt").value_or("");
    if (s.transactions) {
        s.transactions.reset(); // STOMP 1.2, "BEGIN": aborted when the connection ends
    }
    enter(s, session_state::closing, now);
    s.rare().close_by = now + settings_.receipt_timeout;
    at(s.rare().close_by, due::session_close, number(s.id));
    finish_closing(s, now);
}

void router::finish_closing(client_session& s, time_point now)
{
    // S13, H8: DISCONNECT's receipt is answered after the barrier and all that is owed.
    if (!s.rare().disconnect_receipt.empty()) {
        if (s.owed > 0) {
            return;
        }
        if (link_record* l = link(s.last_send_link); l != nullptr &&
                                                     l->core.proven_up_to() < s.last_send &&
                                                     l->core.state() == broker::link_state::ready) {
            ask_barrier(*l, now);
            return;
        }
        send_receipt(s, s.rare().disconnect_receipt);
    }
    close(s, disconnect_reason::disconnect, {});
    end_session(s, now);
}

void router::answer_receipt(client_session& s, std::string_view receipt)
{
    if (receipt.empty()) {
        return;
    }
    // S13, H5: the new color's wait behind the old one's.
    if (s.part && s.part->owed_old > 0 && s.live == switch_.to) {
        s.part->receipts.emplace_back(receipt);
        return;
    }
    send_receipt(s, receipt);
}

void router::send_receipt(client_session& s, std::string_view receipt)
{
    while (!receipt.empty()) {
        const auto one = receipt.substr(0, receipt.find('\n'));
        receipt.remove_prefix(std::min(receipt.size(), one.size() + 1));
        auto& frame = out_.scratch().begin(stomp::command::receipt);
        frame.raw("receipt-id", one);
        ++counters_.frames[side::client][direction::out][frame_kind::receipt];
        out_.write_client(s.id, frame.end_head(), std::string_view{}, framing::text);
    }
}

void router::on_client_fault(session_id id, std::string_view sentence, time_point now)
{
    if (client_session* s = find(id)) {
        fail_client(*s, sentence, {}, disconnect_reason::protocol_error, now);
    }
    run_later(now);
}

void router::fail_client(
    client_session& s, std::string_view sentence, std::string_view receipt, disconnect_reason why,
    time_point now)
{
    const auto version = s.connected ? s.version : stomp::version::v10;
    auto& frame = out_.scratch().begin(stomp::command::error);
    // K1: a broker that refuses a SUBSCRIBE quotes the queue.
    std::string plain = broker::without_private_names(sentence);
    std::ranges::replace_if(plain, [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
    frame.text("message", plain, version);
    if (!receipt.empty()) {
        frame.raw("receipt-id", receipt);
    }
    if (!s.connected && s.who == nullptr) {
        frame.raw("version", supported_versions); // STOMP 1.2, "Protocol Negotiation"
    }
    ++counters_.frames[side::client][direction::out][frame_kind::error];
    out_.write_client(s.id, frame.end_head(), std::string_view{}, framing::text);
    close(s, why, plain);
    end_session(s, now);
}

void router::on_client_gone(session_id id, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    s->gone = true;
    // S4: frames that were read wait for their turn first; what waits has a bound.
    if (s->waiting && !s->waiting->empty() && !s->closing()) {
        s->rare().close_by = now + settings_.receipt_timeout + switch_.timing.drain_timeout;
        at(s->rare().close_by, due::session_close, number(id));
        return;
    }
    end_session(*s, now);
    run_later(now);
}

// Once: a session whose connection ended may still be failed by what was carried for it.
void router::close(client_session& s, disconnect_reason why, std::string_view text)
{
    if (!s.closed) {
        s.closed = true;
        out_.close_client(s.id, why, text);
    }
}

void router::end_session(client_session& s, time_point now)
{
    const auto id = s.id;
    if (s.gone) {
        close(s, disconnect_reason::reset, {});
    }
    for (const auto& sub : s.journal) {
        seams_.leave(id, sub->number, now);
        for (const color c : broker::colors) {
            wire_subscription* w = wire(sub->wires[c]);
            if (w != nullptr && w->shared) {
                drop_member(*w, id, sub->number, now);
            } else if (w != nullptr) {
                // Its link leaves by DISCONNECT: never by UNSUBSCRIBE of a durable one (H11).
                erase_wire(w->id, now);
            }
        }
    }
    member_.session_left_switch(s, now);
    lingering_.forget(id, now);
    unbind(s, color::blue, now);
    unbind(s, color::green, now);
    switch_.draining.erase(id);
    if (s.who != nullptr) {
        --s.who->sessions;
        release_identity(*s.who);
    }
    enter(s, session_state::closing, now);
    forget_kept(s);
    --counters_.sessions[s.live][session_label::closing];
    sends_.forget(id);
    tables_.sessions.erase(number(id));
    if (in_switch()) {
        switch_.phase <= member_phase::prepared ? member_.check_prepared(now)
                                                : member_.check_held(now);
    }
}

} // namespace gateway
