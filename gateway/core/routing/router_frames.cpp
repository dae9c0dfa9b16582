// What a client's frames do: SEND and subscriptions. What waits for what is in can_send().

#include "gateway/core/routing/router.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gateway {

bool router::can_send(client_session& s, time_point now)
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
    if (needs_own(s) && s.replies && b.publish != b.own) {
        advance(s, s.live, now);
        return false;
    }
    link_record* l = link(b.publish);
    return l != nullptr && l->core.ready() && !l->congested;
}

bool router::client_send(
    client_session& s, const stomp::frame_view& frame, framing as, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto destination = frame.find("destination");
    if (!destination || destination->empty()) {
        fail_client(
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
    // What asked for a receipt is open until it comes; what did not is forwarded, and that is all
    // there is to know.
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
    mark_used(l, now);
    l.congested = out_.link_backlog(l.core.id()) > settings_.broker_outbox;
    return true;
}

// P5: what clients send is known by it on both colors, with no configuration: gateway, epoch, shard
// and a counter.
std::string_view router::next_own_id()
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
bool router::answers_old(const client_session& s, std::string_view destination)
{
    if (!is_reply_address(destination)) {
        return false;
    }
    const color* from = s.answers ? s.answers->color_of(destination) : nullptr;
    const endpoint_ref* heard = s.who->heard ? s.who->heard->find(destination) : nullptr;
    return from != nullptr ? *from != s.live : heard != nullptr && heard->color != s.live;
}

void router::note_answers(client_session& s, std::string_view destination, bool asks)
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
void router::send_answer(
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
        fail_client(
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

void router::client_subscribe(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    auto read = read_subscribe(frame, s.version, {&settings_.broadcast, settings_.prefetch});
    if (!read) {
        fail_client(s, read.error(), receipt, disconnect_reason::protocol_error, now);
        return;
    }
    if (s.journal.find(read->client_id) != nullptr) {
        fail_client(
            s, "a subscription with this id is open already", receipt,
            disconnect_reason::protocol_error, now);
        return;
    }
    if (s.journal.size() >= settings_.subscriptions) {
        fail_client(
            s, "too many subscriptions (limits.subscriptions)", receipt, disconnect_reason::limit,
            now);
        return;
    }
    s.journal.add(std::move(*read));
    ++s.open_subscribes;
    // The journal drives the rest: what has no wire subscription yet gets one when its link is
    // there (S15).
    advance(s, s.live, now);
}

void router::client_unsubscribe(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto id = frame.find("id");
    const auto destination = frame.find("destination");
    subscription* sub = id            ? s.journal.find(*id)
                        : destination ? s.journal.find(*destination)
                                      : nullptr;
    if (sub == nullptr) {
        fail_client(
            s, "UNSUBSCRIBE of no subscription", receipt, disconnect_reason::protocol_error, now);
        return;
    }
    s.open_subscribes -= !sub->confirmed;
    // Its SUBSCRIBE may not be answered yet: the two are then answered together, in order.
    std::string receipts = sub->take_receipt();
    if (!receipt.empty()) {
        receipts.append(receipts.empty() ? "" : "\n").append(receipt);
    }
    const auto number_of = sub->number;
    const bool for_good = frame.find("durable") == std::string_view{"true"} ||
                          frame.find("persistent") == std::string_view{"true"};
    const auto wires = sub->wires;
    // S11: an ACK of what it got before would be an ERROR at RabbitMQ: swallowed from here on.
    s.ledger.drop_subscription(number_of);
    if (wire_subscription* w = wire(wires[broker::other(s.live)])) {
        drop_member(*w, s.id, number_of, now);
    }
    wire_subscription* w = wire(wires[s.live]);
    seams_.leave(s.id, number_of, now);
    if (w != nullptr) {
        w->durable &= for_good; // only then the broker is told to delete the queue
        drop_member(*w, s.id, number_of, now, receipts);
    } else {
        answer_receipt(s, receipts);
    }
    s.journal.remove(number_of);
    if (client_session* still = find(s.id); still != nullptr && still->open_subscribes == 0) {
        pump_later(*still);
    }
}

} // namespace gateway
