// A client's SEND: which link it goes to, and what it waits for. docs/switch.md S12, M11.

#include "gateway/core/routing/client_sends.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace gateway {

bool client_sends::can_send(client_session& s, time_point now)
{
    binding& b = s.now();
    if (b.group == nullptr || b.at != binding::phase::ready || b.moving) {
        return false;
    }
    // M11: a RECEIPT of SUBSCRIBE counts for the whole cluster, so a SEND waits for those of its
    // session's open ones (B4: where there are any).
    if (s.open_subscribes > 0 && b.group->known.receipts()) {
        return false;
    }
    if (session_links_.needs_own(s) && s.replies && b.publish != b.own) {
        binder_.advance(s, s.live, now);
        return false;
    }
    link_record* l = link(b.publish);
    return l != nullptr && l->core.ready() && !l->congested;
}

bool client_sends::client_send(
    client_session& s, const stomp::frame_view& frame, framing as, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto destination = frame.find("destination");
    if (!destination || destination->empty()) {
        endings_.fail_client(
            s, "SEND without a destination", receipt, disconnect_reason::protocol_error, now);
        return true;
    }
    if (frame.has("transaction")) {
        buffer(s, frame, as, now);
        return true;
    }
    const bool asks = frame.find("reply-to").value_or("").starts_with("/temp-queue/");
    s.replies |= asks; // H14: the answers belong to the link that asked
    if (answers_old(s, *destination)) {
        send_answer(s, frame, as, now);
        return true;
    }
    if (!can_send(s, now) || goes_alone(s, frame, now)) {
        return false;
    }
    note_answers(s, *destination, asks);
    link_record& l = *link(s.now().publish);
    const bool counted = s.part && s.part->carried;
    if (counted) {
        ++switch_.tally.accepted;
        switch_.tally.unconfirmed += receipt.empty();
        sends_.count(s.id, &session_sends::accepted, true);
        sends_.count(s.id, &session_sends::unconfirmed, receipt.empty());
    }
    // A SEND that asked for a receipt is open until the receipt arrives. One that did not is
    // forwarded, and nothing more is known about it.
    l.core.send(
        frame,
        {.session = s.id,
         .client_receipt = receipt,
         .counted = counted && !receipt.empty(),
         .as = as,
         .own_id = next_own_id()},
        out_);
    s.owed += !receipt.empty() && l.core.can().receipts();
    if (receipt.empty() || !l.core.can().receipts()) {
        send_accounts::note_silent(s, l);
    }
    s.last_send_link = l.core.id();
    s.last_send = l.core.sent();
    links_.mark_used(l, now);
    l.congested = out_.link_backlog(l.core.id()) > settings_.broker_outbox;
    return true;
}

// P5: what clients send is known by it on both colors, with no configuration: gateway, epoch, shard
// and a counter.
std::string_view client_sends::next_own_id()
{
    if (!pairing_.marks() || settings_.gateway_id.empty()) {
        return {};
    }
    own_id_ = settings_.gateway_id;
    for (const std::uint64_t part : {shard_.epoch, std::uint64_t{settings_.shard}, ++sends_made_}) {
        std::array<char, 16> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), part, 16);
        own_id_.append("-").append(digits.data(), end.ptr);
    }
    return own_id_;
}

// S12: a reply address is known to the color that brought it, and to no other.
bool client_sends::answers_old(const client_session& s, std::string_view destination)
{
    if (!is_reply_address(destination)) {
        return false;
    }
    const color* from = s.answers ? s.answers->color_of(destination) : nullptr;
    const endpoint_ref* heard = s.who->heard ? s.who->heard->find(destination) : nullptr;
    return from != nullptr ? *from != s.live : heard != nullptr && heard->color != s.live;
}

void client_sends::note_answers(client_session& s, std::string_view destination, bool asks)
{
    if (asks && !s.answers) {
        s.answers = std::make_unique<reply_addresses>();
    }
    if (s.who->heard && is_reply_address(destination)) {
        s.who->heard->on_answered(destination);
    }
    if (s.answers) {
        s.answers->on_answered(destination);
        if (asks) {
            s.answers->on_request(s.live);
        }
    }
}

// S12: to the old color, while its link lingers; outside of the fence, and counted.
void client_sends::send_answer(
    client_session& s, const stomp::frame_view& frame, framing as, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto destination = *frame.find("destination");
    const bool personal = s.answers && s.answers->color_of(destination) != nullptr;
    const endpoint_ref* heard =
        personal || !s.who->heard ? nullptr : s.who->heard->find(destination);
    const binding& b = s.bindings[broker::other(s.live)];
    link_record* l = link(b.publish);
    if (l == nullptr || !l->core.ready()) {
        l = link(b.own);
    }
    if (heard != nullptr && (l == nullptr || !l->core.ready() || l->at() != *heard)) {
        // Its own binding is left, or was another endpoint's.
        if (link_record* kept = lingering_.for_answers(*s.who, *heard)) {
            l = kept;
        }
    }
    if (l == nullptr || !l->core.ready()) {
        ++switch_.tally.replies_refused;
        name_counted(control::counted_cause::reply_refused, s.id);
        endings_.fail_client(
            s, "the reply address belongs to brokers that were left", receipt,
            disconnect_reason::broker_error, now);
        return;
    }
    ++switch_.tally.replies_to_old;
    l->core.send(
        frame,
        {.session = s.id, .client_receipt = receipt, .as = as, .own_id = next_own_id()}, out_);
    if (!receipt.empty() && l->core.can().receipts()) {
        ++s.owed;
        if (s.part) {
            ++s.part->owed_old; // S13: the new color's wait behind it
        }
    }
    if (personal) {
        s.answers->on_answered(destination);
    }
    if (heard != nullptr) {
        s.who->heard->on_answered(destination);
        lingering_.on_answered(*s.who, *heard, now);
    }
    at(now, due::drain);
}

// E6: what ended a shared link goes on one of the session's own. True: it waits for that.
bool client_sends::goes_alone(client_session& s, const stomp::frame_view& frame, time_point now)
{
    binding& b = s.now();
    if (ended_.empty() || b.group == nullptr || b.group->dedicated ||
        !ended_.would_end(s.who->key, frame, now)) {
        return false;
    }
    s.on_own = true;
    if (b.publish != b.own || b.own == link_id::none) {
        binder_.advance(s, s.live, now);
    }
    return s.now().publish == link_id::none || s.now().publish != s.now().own;
}

bool client_sends::buffer(client_session& s, const stomp::frame_view& frame, framing as, time_point now)
{
    if (!s.transactions) {
        s.transactions = std::make_unique<transaction_buffer>(&shard_.budget);
    }
    const auto fault =
        s.transactions->add(*frame.find("transaction"), frame, as, settings_.transaction_bytes);
    if (fault == transaction_fault::none) {
        return true;
    }
    endings_.fail_client(
        s, to_string(fault), frame.find("receipt").value_or(""), disconnect_reason::protocol_error,
        now);
    return false;
}

} // namespace gateway
