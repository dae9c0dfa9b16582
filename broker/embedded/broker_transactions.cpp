// broker_core's part for BEGIN, COMMIT and ABORT: frames are kept, within bounds, and run at COMMIT
// all at once.

#include "broker/embedded/broker_core.hpp"

#include <algorithm>
#include <vector>

namespace embedded {
namespace {

// The charge for a kept frame.
std::size_t cost(const stomp::frame_view& frame) noexcept
{
    std::size_t bytes = frame.body.size() + 256;
    for (const stomp::header& h : frame.headers) {
        bytes += h.name.size() + h.value.size() + 64;
    }
    return bytes;
}

} // namespace

transaction* broker_core::find_transaction(session& s, std::string_view id) noexcept
{
    const auto it = std::ranges::find(s.transactions, id, &transaction::id);
    return it == s.transactions.end() ? nullptr : &*it;
}

broker_core::outcome broker_core::on_begin(session& s, const stomp::frame_view& frame)
{
    const auto id = frame.find("transaction");
    if (!id) {
        return missing_header("transaction");
    }
    if (find_transaction(s, *id) != nullptr) {
        return fault{refusal::transaction_open, "COMMIT or ABORT it first."};
    }
    if (s.transactions.size() >= options_.session_transactions_max) {
        return fault{
            refusal::too_many_transactions,
            "A session may have " + std::to_string(options_.session_transactions_max) + " open."};
    }
    s.transactions.push_back({std::string{*id}, {}, 0});
    return std::nullopt;
}

broker_core::outcome
broker_core::keep_for_commit(session& s, std::string_view id, const stomp::frame_view& frame)
{
    transaction* t = find_transaction(s, id);
    if (t == nullptr) {
        return fault{refusal::unknown_transaction, "No BEGIN of it is open."};
    }
    if (t->frames.size() >= options_.transaction_frames_max) {
        return fault{
            refusal::transaction_too_large, "A transaction may have " +
                                                std::to_string(options_.transaction_frames_max) +
                                                " frames."};
    }
    const std::size_t bytes = cost(frame);
    if (stats_.memory_bytes + bytes > options_.memory_bytes_max) {
        return fault{refusal::memory_limit, "Open transactions fill the memory limit."};
    }
    t->frames.emplace_back(frame);
    t->bytes += bytes;
    stats_.memory_bytes += bytes;
    return std::nullopt;
}

broker_core::outcome
broker_core::on_commit(session& s, const stomp::frame_view& frame, net::time_point now)
{
    const auto id = frame.find("transaction");
    transaction* t = id ? find_transaction(s, *id) : nullptr;
    if (t == nullptr) {
        return id ? fault{refusal::unknown_transaction, "No BEGIN of it is open."}
                  : missing_header("transaction");
    }
    const std::vector<stomp::frame> frames = std::move(t->frames);
    forget_transaction(s, *t);
    for (const stomp::frame& kept : frames) {
        const stomp::frame_view view = kept.view();
        if (view.command == stomp::command::send) {
            route(s, view, now);
        } else if (
            const auto ack = queues_.parse_ack_id(
                *view.find(s.version == stomp::version::v12 ? "id" : "message-id"))) {
            // Settled meanwhile (by an ACK outside, or twice in here): nothing left to do.
            const bool back =
                view.command == stomp::command::nack && view.find("requeue") != "false";
            const settlement how = view.command == stomp::command::ack ? settlement::accept
                                   : back                              ? settlement::requeue
                                                                       : settlement::drop;
            queues_.settle(s, *ack, how);
        }
        answer_receipt(s, view, now);
    }
    return std::nullopt;
}

broker_core::outcome broker_core::on_abort(session& s, const stomp::frame_view& frame)
{
    const auto id = frame.find("transaction");
    transaction* t = id ? find_transaction(s, *id) : nullptr;
    if (t == nullptr) {
        return id ? fault{refusal::unknown_transaction, "No BEGIN of it is open."}
                  : missing_header("transaction");
    }
    forget_transaction(s, *t);
    return std::nullopt;
}

void broker_core::forget_transaction(session& s, transaction& t)
{
    stats_.memory_bytes -= t.bytes;
    s.transactions.erase(s.transactions.begin() + (&t - s.transactions.data()));
}

} // namespace embedded
