// Acknowledgements back to the broker, and what a client does not take. switch.md S11, S14, S17;
// brokers.md H1 to H3.

#include "gateway/core/routing/router.hpp"

#include <algorithm>

namespace gateway {

// K4: the id that an ACK or NACK names. Clients say the one header for the other, as brokers give
// both ids the same value.
std::optional<std::string_view>
router::said_ack(const client_session& s, const stomp::frame_view& frame)
{
    const bool newest = s.version == stomp::version::v12;
    const auto id = frame.find(newest ? "id" : "message-id");
    return id ? id : frame.find(newest ? "message-id" : "id");
}

// K4. False: the client is told, and there is nothing to settle. Also asked when the frame is put into a
// transaction, which could not be half done later.
bool router::check_acknowledge(
    client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto id = said_ack(s, frame);
    if (id && shard_.acks.parse(s.id, *id)) {
        return true;
    }
    fail_client(
        s, id ? "no such id was given to this session" : "ACK or NACK without an id",
        frame.find("receipt").value_or(""), disconnect_reason::protocol_error, now);
    return false;
}

void router::client_acknowledge(client_session& s, const stomp::frame_view& frame, time_point now)
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
        answer_receipt(s, receipt);
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
        acknowledge(
            s, taken[i], negative, extra, i + 1 == taken.size() ? receipt : std::string_view{},
            now);
    }
}

void router::acknowledge(
    client_session& s, const delivery& d, bool negative, std::string_view extra,
    std::string_view receipt, time_point now)
{
    link_record* l = link(d.link);
    // S11: it goes to the link of its delivery; link gone or its wire subscription left: swallowed,
    // answered.
    wire_subscription* w = wire(d.wire);
    if (l == nullptr || l->core.state() != broker::link_state::ready || w == nullptr ||
        w->state == wire_state::leaving) {
        ++counters_.stale_acks[stale_ack::dropped];
        answer_receipt(s, receipt);
        return;
    }
    if (d.color != s.live) {
        ++counters_.stale_acks[stale_ack::routed_old];
        at(now, due::drain);
    }
    // `linger` begins anew: an acknowledgement is what lets the old color give its next one (T4).
    if (w->giving_back || (d.color != s.live && !w->broadcast)) {
        w->last_message = now;
    }
    l->core.acknowledge(
        {.negative = negative,
         .wire = d.wire,
         .broker_ack = d.broker_ack,
         .extra_head = extra,
         .session = s.id,
         .client_receipt = receipt},
        out_);
    if (!receipt.empty()) {
        l->core.can().receipts() ? void(++s.owed) : answer_receipt(s, receipt);
    }
}

void router::on_client_written(session_id id, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    for (const delivery& d : s->ledger.take_written(out_.client_written(id))) {
        acknowledge(*s, d, false, {}, {}, now);
    }
    if (s->ledger.awaits_write()) {
        out_.watch_written(id);
    }
    run_later(now);
}

// S17, design.md section 4: a mark, not a wall.
void router::on_client_backlog(session_id id, backlog level, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    s->over_outbox = level;
    if (level == backlog::over_mark) {
        s->stalled_written = out_.client_written(id);
        at(now + settings_.client_stall, due::session_stall, number(id));
    }
    bool shares = false;
    for (const color c : broker::colors) {
        const binding& b = s->bindings[c];
        if (link_record* own = link(b.own)) {
            out_.read_link(own->core.id(), may_read(*s, *own));
        }
        shares |= b.group != nullptr && !b.group->dedicated;
    }
    if (level == backlog::over_wall) {
        if (shares && switch_.phase < member_phase::holding) {
            fail_slow(*s, now); // what it would miss is never skipped in silence
        } else {
            member_.try_hold(*s, now);
        }
    }
    run_later(now);
}

void router::fail_slow(client_session& s, time_point now)
{
    out_.close_client(s.id, disconnect_reason::slow_consumer, "the client does not read");
    end_session(s, now);
}

} // namespace gateway
