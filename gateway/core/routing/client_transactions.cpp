// A client's transactions: kept here until COMMIT, at a broker within one turn.

#include "gateway/core/routing/client_transactions.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace gateway {

bool client_transactions::client_transaction(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto id = frame.find("transaction");
    if (!id || id->empty()) {
        endings_.fail_client(
            s, "a transaction frame without a transaction", receipt,
            disconnect_reason::protocol_error, now);
        return true;
    }
    if (frame.command == stomp::command::begin) {
        if (!s.transactions) {
            s.transactions = std::make_unique<transaction_buffer>(&shard_.budget);
        }
        const auto fault = s.transactions->begin(*id, settings_.transactions);
        if (fault != transaction_fault::none) {
            endings_.fail_client(s, to_string(fault), receipt, disconnect_reason::protocol_error, now);
        } else {
            receipts_.answer_receipt(s, receipt);
        }
        return true;
    }
    if (frame.command == stomp::command::commit) {
        const transaction* whole = s.transactions ? s.transactions->find(*id) : nullptr;
        if (!client_sends_.can_send(s, now) ||
            (whole != nullptr && std::ranges::any_of(whole->frames, [&](const auto& f) {
                 return client_sends_.goes_alone(s, f.frame.view(), now);
             }))) {
            return false;
        }
    }
    auto taken = s.transactions ? s.transactions->take(*id) : std::nullopt;
    if (!taken) {
        endings_.fail_client(
            s, to_string(transaction_fault::unknown), receipt, disconnect_reason::protocol_error,
            now);
        return true;
    }
    if (frame.command == stomp::command::commit) {
        commit_at_broker(s, *taken, receipt, now);
        return true;
    }
    receipts_.answer_receipt(s, receipt); // of what is thrown away nothing is answered (E9)
    return true;
}

// H9: no transaction is open at a broker across a turn, so no switch meets one.
void client_transactions::commit_at_broker(
    client_session& s, const transaction& t, std::string_view receipt, time_point now)
{
    link_record& l = *link(s.now().publish);
    std::string
        receipts; // of the frames inside, then COMMIT's, answered together; raw values hold no LF
    const auto want = [&](std::string_view one) {
        if (!one.empty()) {
            receipts.append(receipts.empty() ? "" : "\n").append(one);
        }
    };
    // ACKs first: those of another link cannot be in this transaction and go ahead of it.
    bool split = false;
    for (const auto& f : t.frames) {
        if (f.frame.command != stomp::command::send) {
            want(f.frame.find("receipt").value_or(""));
            split |= acknowledges_elsewhere(s, f.frame, l.core.id());
            stomp::frame bare = f.frame;
            std::erase_if(bare.headers, [](const auto& h) {
                return h.first == "receipt" || h.first == "transaction";
            });
            client_acknowledges_.client_acknowledge(s, bare.view(), now);
        }
    }
    switch_.tally.transactions_split += split;
    const std::string id = l.core.begin(s.id, out_);
    bool sends = false;
    std::vector<const buffered_frame*> answers; // S12: they belong to the old color
    for (const auto& f : t.frames) {
        if (f.frame.command == stomp::command::send) {
            want(f.frame.find("receipt").value_or(""));
            if (client_sends_.answers_old(s, f.frame.find("destination").value_or(""))) {
                answers.push_back(&f);
                continue;
            }
            sends = true;
            l.core.send(
                f.frame.view(),
                {.session = s.id, .as = f.as, .own_id = client_sends_.next_own_id(), .transaction = id}, out_);
        }
    }
    want(receipt);
    const bool counted = s.part && s.part->carried && sends;
    switch_.tally.accepted += counted;
    sends_.count(s.id, &session_sends::accepted, counted);
    l.core.commit(id, {.session = s.id, .client_receipt = receipts, .counted = counted}, out_);
    s.owed += !receipts.empty() && l.core.can().receipts();
    if (!l.core.can().receipts()) {
        send_accounts::note_silent(s, l);
    }
    s.last_send_link = l.core.id();
    s.last_send = l.core.sent();
    links_.mark_used(l, now);
    const auto session = s.id;
    for (const buffered_frame* one : answers) {
        stomp::frame bare = one->frame;
        std::erase_if(bare.headers, [](const auto& h) {
            return h.first == "receipt" || h.first == "transaction";
        });
        if (find(session) != nullptr) {
            client_sends_.send_answer(s, bare.view(), one->as, now);
        }
    }
}

// Whether an ACK or NACK belongs to a delivery of another link.
bool client_transactions::acknowledges_elsewhere(
    const client_session& s, const stomp::frame& ack, link_id here) const
{
    const auto view = ack.view();
    const auto id = client_acknowledges_.said_ack(s, view);
    const auto named = id ? shard_.acks.parse(s.id, *id) : std::nullopt;
    const delivery* d = named ? s.ledger.find(named->number) : nullptr;
    return d != nullptr && d->link != here;
}

} // namespace gateway
