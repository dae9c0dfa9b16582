#include "broker/embedded/refusal.hpp"

namespace embedded {

std::string_view to_string(refusal why) noexcept
{
    switch (why) {
    case refusal::malformed_frame: return "malformed frame";
    case refusal::unknown_command: return "unknown command";
    case refusal::not_connected: return "not connected";
    case refusal::connected_already: return "connected already";
    case refusal::handshake_timeout: return "no CONNECT in time";
    case refusal::unsupported_version: return "unsupported version";
    case refusal::access_refused: return "Bad CONNECT"; // as RabbitMQ says it
    case refusal::missing_header: return "missing header";
    case refusal::bad_header: return "bad header";
    case refusal::unknown_destination: return "unknown destination";
    case refusal::no_such_queue: return "no such queue";
    case refusal::queue_locked: return "queue is exclusive";
    case refusal::queue_kind_differs: return "queue is of another kind";
    case refusal::duplicate_subscription: return "duplicate subscription id";
    case refusal::unknown_ack: return "unknown ack id";
    case refusal::unknown_transaction: return "unknown transaction";
    case refusal::transaction_open: return "transaction is open already";
    case refusal::too_many_subscriptions: return "too many subscriptions";
    case refusal::too_many_queues: return "too many queues";
    case refusal::too_many_transactions: return "too many transactions";
    case refusal::transaction_too_large: return "transaction too large";
    case refusal::memory_limit: return "memory limit";
    case refusal::rejected_for_test: return "not_found";
    case refusal::refused_for_test: return "Invalid destination";
    }
    return "refused";
}

fault missing_header(std::string_view name)
{
    return {refusal::missing_header, "The header '" + std::string{name} + "' is required."};
}

} // namespace embedded
