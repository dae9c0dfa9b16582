// broker_core's part for SEND, SUBSCRIBE, UNSUBSCRIBE, ACK and NACK.

#include "broker/embedded/broker_core.hpp"

#include <charconv>

namespace embedded {
namespace {

constexpr std::string_view temp_queue_prefix = "/temp-queue/";

bool is_true(std::optional<std::string_view> value) noexcept
{
    return value == "true";
}

std::optional<ack_mode> ack_mode_from(std::string_view text) noexcept
{
    if (text == "auto") {
        return ack_mode::automatic;
    }
    if (text == "client") {
        return ack_mode::cumulative;
    }
    if (text == "client-individual") {
        return ack_mode::individual;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> prefetch_from(std::string_view text) noexcept
{
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value}
                                                                    : std::nullopt;
}

} // namespace

broker_core::outcome
broker_core::on_send(session& s, const stomp::frame_view& frame, net::time_point now)
{
    const auto raw = frame.find("destination");
    if (!raw) {
        return missing_header("destination");
    }
    const std::string text = plain(s, *raw);
    if (!options_.chaos.close_on.empty() && text == options_.chaos.close_on) {
        end(s, session_sink::parting::at_once, now);
        return std::nullopt;
    }
    if (!options_.chaos.error_on.empty() && text == options_.chaos.error_on) {
        return fault{
            refusal::refused_for_test, "'" + text + "' is not a valid destination: --chaos"};
    }
    if (outcome refused = check_send(parse_destination(text), text)) {
        return refused;
    }
    const auto reply_to = frame.find("reply-to");
    if (reply_to && reply_to->starts_with(temp_queue_prefix) &&
        !s.subscriptions.contains(*reply_to) &&
        (s.subscriptions.size() >= options_.session_subscriptions_max || queues_.full())) {
        return fault{refusal::too_many_queues, "No temporary queue can be made for reply-to."};
    }
    if (const auto id = frame.find("transaction")) {
        return keep_for_commit(s, *id, frame);
    }
    route(s, frame, now);
    return std::nullopt;
}

broker_core::outcome broker_core::check_send(const destination& to, std::string_view text)
{
    if (to.kind == destination_kind::unknown || to.kind == destination_kind::temp_queue) {
        return fault{
            refusal::unknown_destination,
            "'" + std::string{text} +
                "' is not a valid destination: SEND goes to /topic/, /exchange/, /queue/, "
                "/amq/queue/ or /reply-queue/."};
    }
    if (stats_.memory_bytes >= options_.memory_bytes_max) {
        return fault{
            refusal::memory_limit, "Queued messages fill the memory limit of " +
                                       std::to_string(options_.memory_bytes_max) + " bytes."};
    }
    if (to.kind == destination_kind::queue) {
        const message_queue* queue = queues_.find(to.name);
        if (queue != nullptr && queue->kind != queue_kind::stored) {
            return fault{refusal::queue_kind_differs, "That queue is reached by /amq/queue/ only."};
        }
        if (queue == nullptr && queues_.full()) {
            return fault{
                refusal::too_many_queues,
                "There are " + std::to_string(options_.queues_max) + " queues."};
        }
    }
    return std::nullopt;
}

// check_send checked it when the frame arrived. At COMMIT nothing can refuse it any more.
void broker_core::route(session& s, const stomp::frame_view& frame, net::time_point now)
{
    const std::string text = plain(s, *frame.find("destination"));
    encoding how{s.version, {}, is_gateways_own(text)};
    std::string reply_to;
    if (const auto asked = frame.find("reply-to"); asked && asked->starts_with(temp_queue_prefix)) {
        reply_to = reply_address(s, *asked);
        how.reply_to = reply_to;
    }
    const message m = encode_message(message_, frame, how);
    if (how.own) {
        ++stats_.gateway.sent;
    } else {
        ++stats_.clients.sent;
        stats_.arrivals.add(now);
    }
    queues_.publish(parse_destination(text), m, now);
}

// RabbitMQ's temporary queues: server-named, consumed by this connection with the subscription id
// /temp-queue/NAME, reached by others as /reply-queue/<server name> (brokers.md H14).
std::string broker_core::reply_address(session& s, std::string_view temp_queue)
{
    const auto known = s.subscriptions.find(temp_queue);
    const message_queue* queue = known == s.subscriptions.end() ? nullptr : known->second->queue;
    if (queue == nullptr) {
        message_queue& made = queues_.make(queues_.fresh_name("reply-"), queue_kind::reply);
        made.exclusive_to = &s;
        queues_.attach(s, made, {.key = temp_queue, .id = temp_queue});
        queue = &made;
    }
    return stomp::escape("/reply-queue/" + queue->name, s.version);
}

broker_core::outcome broker_core::on_subscribe(session& s, const stomp::frame_view& frame)
{
    const auto raw = frame.find("destination");
    const auto id = frame.find("id");
    if (!raw || (!id && s.version != stomp::version::v10)) {
        return missing_header(raw ? "id" : "destination");
    }
    const std::string text = plain(s, *raw);
    if (!options_.chaos.reject_subscribe.empty() && text == options_.chaos.reject_subscribe) {
        return fault{refusal::rejected_for_test, "no such exchange: rejected by --chaos"};
    }
    const std::string key = id ? std::string{*id} : '\n' + text;
    if (key.starts_with(temp_queue_prefix)) {
        return fault{
            refusal::bad_header,
            "Subscription ids that begin with /temp-queue/ are this broker's."};
    }
    if (s.subscriptions.contains(key)) {
        return fault{
            refusal::duplicate_subscription, "This session has that subscription already."};
    }
    if (s.subscriptions.size() >= options_.session_subscriptions_max) {
        return fault{
            refusal::too_many_subscriptions,
            "A session may have " + std::to_string(options_.session_subscriptions_max) +
                " subscriptions."};
    }
    const auto mode = ack_mode_from(frame.find("ack").value_or("auto"));
    const auto prefetch = prefetch_from(frame.find("prefetch-count").value_or("0"));
    if (!mode || !prefetch) {
        return fault{
            refusal::bad_header,
            mode ? "prefetch-count is a number." : "ack is auto, client or client-individual."};
    }
    message_queue* queue = nullptr;
    if (outcome refused = choose_queue(s, frame, text, queue)) {
        return refused;
    }
    queues_.attach(
        s, *queue,
        {.key = key,
         .id = id.value_or(""),
         .mode = *mode,
         .prefetch = *prefetch,
         .own = is_gateways_own(text)});
    return std::nullopt;
}

// Finds or makes the queue of a subscription, with the rights that it asks for.
broker_core::outcome broker_core::choose_queue(
    session& s, const stomp::frame_view& frame, std::string_view text, message_queue*& chosen)
{
    const destination to = parse_destination(text);
    const bool durable = is_true(frame.find("durable")) && frame.has("id");
    const bool exclusive = is_true(frame.find("exclusive"));
    std::string name{to.name};
    bool made_up = false; // by this broker, for this subscription alone: nobody else may read it
    queue_kind kind = queue_kind::stored;
    switch (to.kind) {
    case destination_kind::queue:
    case destination_kind::named_queue: break;
    case destination_kind::topic:
        kind = queue_kind::topic;
        if (const auto given = frame.find("x-queue-name"); given && !given->empty()) {
            name = plain(s, *given);
        } else if (durable) {
            // Bound to destination and id, whoever the user is (brokers.md H11).
            name = "durable-" + plain(s, *frame.find("id")) + '@' + std::string{text};
        } else {
            name = queues_.fresh_name("stomp-subscription-");
            made_up = true;
        }
        break;
    case destination_kind::temp_queue:
    case destination_kind::reply_queue:
    case destination_kind::unknown:
        return fault{
            refusal::unknown_destination,
            "SUBSCRIBE is to /topic/, /exchange/, /queue/ or /amq/queue/."};
    }
    message_queue* queue = queues_.find(name);
    if (queue == nullptr) {
        if (to.kind == destination_kind::named_queue) {
            return fault{refusal::no_such_queue, "There is no queue '" + name + "'."};
        }
        if (queues_.full()) {
            return fault{
                refusal::too_many_queues,
                "There are " + std::to_string(options_.queues_max) + " queues."};
        }
        queue = &queues_.make(std::move(name), kind);
        queue->durable = kind == queue_kind::topic && durable;
        queue->auto_delete = is_true(frame.find("auto-delete"));
        queue->exclusive_to = (exclusive || made_up) && !queue->durable ? &s : nullptr;
    } else if (to.kind != destination_kind::named_queue && queue->kind != kind) {
        return fault{
            refusal::queue_kind_differs, "The queue '" + name + "' exists and is of another kind."};
    } else if (queue->exclusive_to != nullptr && queue->exclusive_to != &s) {
        return fault{refusal::queue_locked, "The queue '" + name + "' is another session's alone."};
    } else if (queue->exclusive_to == nullptr && exclusive && !queue->durable) {
        return fault{
            refusal::queue_locked, "The queue '" + name + "' exists and is not exclusive."};
    }
    if (kind == queue_kind::topic) {
        queues_.bind(*queue, text);
    }
    chosen = queue;
    return std::nullopt;
}

broker_core::outcome
broker_core::on_unsubscribe(session& s, const stomp::frame_view& frame, net::time_point now)
{
    const auto id = frame.find("id");
    const auto raw = frame.find("destination");
    if (!id && (!raw || s.version != stomp::version::v10)) {
        return missing_header("id");
    }
    const auto it = s.subscriptions.find(id ? std::string{*id} : '\n' + plain(s, *raw));
    // Leaving what is left already is no fault: UNSUBSCRIBE is never answered with ERROR
    // (design.md 6.4, *Embedded*).
    if (it == s.subscriptions.end() || it->second->queue->kind == queue_kind::reply) {
        return std::nullopt;
    }
    const bool deletes = it->second->queue->durable && is_true(frame.find("durable"));
    queues_.detach(*it->second, deletes ? departure::queue_deleted : departure::unsubscribed, now);
    return std::nullopt;
}

broker_core::outcome broker_core::on_ack(session& s, const stomp::frame_view& frame)
{
    const std::string_view name = s.version == stomp::version::v12 ? "id" : "message-id";
    const auto text = frame.find(name);
    if (!text) {
        return missing_header(name);
    }
    const auto id = queues_.parse_ack_id(*text);
    if (!id || queues_.can_settle(s, *id) == settled::unknown) {
        return fault{refusal::unknown_ack, "No delivery of this session waits for that id."};
    }
    if (const auto tx = frame.find("transaction")) {
        return keep_for_commit(s, *tx, frame);
    }
    if (frame.command == stomp::command::ack) {
        queues_.settle(s, *id, settlement::accept);
    } else {
        const bool back = frame.find("requeue") != "false";
        queues_.settle(s, *id, back ? settlement::requeue : settlement::drop);
    }
    return std::nullopt;
}

} // namespace embedded
