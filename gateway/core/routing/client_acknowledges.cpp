// A client's ACK and NACK. docs/switch.md K4, S11; docs/brokers.md H1 to H3.

#include "gateway/core/routing/client_acknowledges.hpp"

#include <algorithm>

namespace gateway {

// K4: the id that an ACK or NACK names. Clients use one header for the other, because brokers give
// both ids the same value.
std::optional<std::string_view>
client_acknowledges::said_ack(const client_session& s, const stomp::frame_view& frame)
{
    const bool newest = s.version == stomp::version::v12;
    const auto id = frame.find(newest ? "id" : "message-id");
    return id ? id : frame.find(newest ? "message-id" : "id");
}

// K4. False: the client is told, and there is nothing to settle. Also asked when the frame is put into a
// transaction, which could not be half done later.
bool client_acknowledges::check_acknowledge(
    client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto id = said_ack(s, frame);
    if (id && shard_.acks.parse(s.id, *id)) {
        return true;
    }
    endings_.fail_client(
        s, id ? "no such id was given to this session" : "ACK or NACK without an id",
        frame.find("receipt").value_or(""), disconnect_reason::protocol_error, now);
    return false;
}

void client_acknowledges::client_acknowledge(client_session& s, const stomp::frame_view& frame, time_point now)
{
    if (!check_acknowledge(s, frame, now)) {
        return;
    }
    const auto receipt = frame.find("receipt").value_or("");
    const bool negative = frame.command == stomp::command::nack;
    const broker::given_ack named = *shard_.acks.parse(s.id, *said_ack(s, frame));
    const subscription* sub = s.journal.at(named.subscription);
    std::vector<delivery> taken;
    if (sub != nullptr && sub->mode == ack_mode::client) {
        // Cumulative ones are expanded here (brokers.md H2, H3).
        taken = s.ledger.take_up_to(named.subscription, named.number);
    } else if (auto one = s.ledger.take(named.number)) {
        taken.push_back(std::move(*one));
    }
    if (taken.empty()) { // S11, K4: settled, or gone with its link: swallowed, its RECEIPT answered
        ++counters_.stale_acks[stale_ack::dropped];
        receipts_.answer_receipt(s, receipt);
        return;
    }
    std::string extra;
    for (const auto& h : frame.headers) {
        if (h.name != "id" && h.name != "message-id" && h.name != "subscription" &&
            h.name != "receipt" && h.name != "transaction" && h.name != "content-length") {
            extra.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    for (std::size_t i = 0; i < taken.size(); ++i) {
        acknowledgements_.acknowledge(
            s, taken[i], negative, extra, i + 1 == taken.size() ? receipt : std::string_view{},
            now);
    }
}

} // namespace gateway
