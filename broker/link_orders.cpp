// Everything that a link is told to write: frames of its sessions, barriers, markers, its end.

#include "broker/link.hpp"
#include "broker/link_frames.hpp"
#include "broker/own_headers.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace broker {

void link::send(const stomp::frame_view& frame, const send_options& options, link_effects& out)
{
    BOOST_ASSERT(state_ == link_state::ready);
    if (options.transaction.empty()) {
        if (search_.wants_barrier()) { // in front of it: what is asked covers what was counted
            barrier(clock_, out);
        }
        end_run(options.session, out);
    }
    std::uint64_t receipt = 0;
    auto& s = out.scratch().begin(stomp::command::send);
    s.forward(
        frame, [](std::string_view name) { return name == "receipt" || name == "transaction"; });
    if (!options.own_id.empty()) { // P5
        s.raw(id_header, options.own_id);
    }
    if (!options.transaction.empty()) {
        s.raw("transaction", options.transaction); // its own answer comes with COMMIT's
    } else {
        ++sent_;
        if (options.client_receipt.empty() || !can().receipts()) {
            ++silent_open_;
            ++silent_written_;
            silent_counted_ += options.counted;
        } else {
            receipt = owe(
                {.kind = owed_kind::send,
                 .session = options.session,
                 .client_receipt = std::string{options.client_receipt},
                 .counted = options.counted});
            s.raw("receipt", wire_receipt(receipt));
        }
    }
    const auto head = s.end_head();
    note(
        {.what =
             options.transaction.empty() ? frame_kind::send : frame_kind::in_transaction,
         .session = options.session,
         .receipt = receipt,
         .send = options.transaction.empty() ? sent_ : 0,
         .silent = receipt == 0 && options.transaction.empty() ? silent_written_ : 0},
        head);
    out.write_link(order_.id, head, frame.body, options.as);
}

std::string link::begin(session_id session, link_effects& out)
{
    end_run(session, out);
    std::string transaction = "t" + std::to_string(++transactions_);
    auto& s = out.scratch().begin(stomp::command::begin);
    out.write_link(order_.id, s.raw("transaction", transaction).end_head(), {}, framing::text);
    return transaction;
}

void link::commit(std::string_view transaction, const send_options& options, link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::commit);
    s.raw("transaction", transaction);
    ++sent_;
    if (can().receipts()) {
        // It is always asked for: the client's receipts of the frames inside wait for it, too.
        const auto receipt = owe(
            {.kind = owed_kind::commit,
             .session = options.session,
             .client_receipt = std::string{options.client_receipt},
             .counted = options.counted});
        s.raw("receipt", wire_receipt(receipt));
        search_.committed(options.session, receipt);
    } else {
        ++silent_open_;
        ++silent_written_;
        silent_counted_ += options.counted;
    }
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

std::string link::id_of(wire_id wire) const
{
    const auto named = std::ranges::find(named_, wire, &decltype(named_)::value_type::second);
    return named == named_.end() ? to_wire(wire) : named->first;
}

std::optional<wire_id> link::wire_of(std::string_view id) const
{
    const auto named = std::ranges::find(named_, id, &decltype(named_)::value_type::first);
    return named == named_.end() ? parse_wire_id(id) : std::optional{named->second};
}

bool link::says(wire_id wire) const
{
    return !named_.empty() &&
           std::ranges::find(named_, to_wire(wire), &decltype(named_)::value_type::first) !=
               named_.end();
}

// RabbitMQ's name of a delivery begins with T_ and the id of its subscription.
bool link::names_delivery(std::string_view text) const
{
    return text.find("T_s") != text.npos || std::ranges::any_of(named_, [&](const auto& named) {
               return text.find("T_" + named.first) != text.npos;
           });
}

void link::subscribe(
    wire_id wire, std::string_view head, std::string_view ack_mode, link_effects& out,
    std::string_view name)
{
    BOOST_ASSERT(state_ == link_state::ready);
    if (name == own_subscription) {
        name = {}; // what comes for that one is nobody's (B1)
    }
    if (!name.empty()) {
        const auto again = std::ranges::find(named_, name, &decltype(named_)::value_type::first);
        if (again == named_.end()) {
            named_.emplace_back(name, wire);
        } else {
            again->second = wire;
        }
    }
    auto& s = out.scratch().begin(stomp::command::subscribe);
    s.raw("id", id_of(wire)).raw("ack", ack_mode);
    std::uint64_t receipt = 0;
    if (can().receipts()) {
        receipt = owe({.kind = owed_kind::subscribe, .wire = wire});
        s.raw("receipt", wire_receipt(receipt));
    }
    std::string whole{s.bytes()};
    whole += head;
    whole += '\n';
    note({.what = frame_kind::subscribe, .wire = wire, .receipt = receipt}, whole);
    out.write_link(order_.id, whole, {}, framing::text);
}

void link::unsubscribe(
    wire_id wire, bool durable, session_id session, std::string_view client_receipt,
    link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::unsubscribe);
    s.raw("id", id_of(wire));
    if (durable) {
        s.raw("durable", "true"); // the client asked to end it for good
    }
    std::uint64_t receipt = 0;
    if (can().receipts()) {
        receipt = owe(
            {.kind = owed_kind::unsubscribe,
             .session = session,
             .wire = wire,
             .client_receipt = std::string{client_receipt}});
        s.raw("receipt", wire_receipt(receipt));
    }
    note({.what = frame_kind::other, .session = session, .wire = wire, .receipt = receipt}, {});
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

void link::acknowledge(const acknowledgement& what, link_effects& out)
{
    auto& s = out.scratch().begin(what.negative ? stomp::command::nack : stomp::command::ack);
    if (version_ == stomp::version::v12) {
        s.raw("id", what.broker_ack);
    } else {
        s.raw("message-id", what.broker_ack).raw("subscription", id_of(what.wire));
    }
    std::uint64_t receipt = 0;
    if (!what.transaction.empty()) {
        s.raw("transaction", what.transaction);
    } else if (!what.client_receipt.empty() && can().receipts()) {
        receipt = owe(
            {.kind = owed_kind::acknowledge,
             .session = what.session,
             .client_receipt = std::string{what.client_receipt}});
        s.raw("receipt", wire_receipt(receipt));
    }
    note(
        {.what = what.session == session_id::none ? frame_kind::ours : frame_kind::other,
         .session = what.session,
         .receipt = receipt},
        {});
    std::string whole{s.bytes()};
    whole += what.extra_head;
    whole += '\n';
    out.write_link(order_.id, whole, {}, framing::text);
}

bool link::ask_taken(wire_id wire, link_effects& out)
{
    if (state_ != link_state::ready || !can().receipts()) {
        return false;
    }
    owed_answer answer{.kind = owed_kind::taken, .wire = wire};
    can().barrier == barrier_kind::routed ? ask_routed(std::move(answer), out)
                                          : ask_received("teal-taken", std::move(answer), out);
    return true;
}

void link::marker(std::string_view queue_name, std::string_view mark, link_effects& out)
{
    write_mark(queue_name, mark, 0, out);
}

void link::mark_queue(
    std::string_view queue_name, std::string_view mark, std::uint64_t number, link_effects& out)
{
    write_mark(queue_name, mark, owe({.kind = owed_kind::taken, .covers = number}), out);
}

void link::write_mark(
    std::string_view queue_name, std::string_view mark, std::uint64_t receipt, link_effects& out)
{
    auto& s = out.scratch().begin(stomp::command::send);
    std::string destination =
        "/amq/queue/"; // H13: never /queue/NAME, which would declare it anew and kill the link
    destination += queue_name;
    s.raw("destination", destination).raw(marker_header, mark);
    if (receipt != 0) {
        s.raw("receipt", wire_receipt(receipt));
    }
    const auto head = s.end_head();
    note({.what = frame_kind::ours, .receipt = receipt}, head);
    out.write_link(order_.id, head, {}, framing::text);
}

void link::barrier(net::time_point now, link_effects& out)
{
    if (state_ != link_state::ready || proven()) {
        return;
    }
    if (barrier_open()) {
        barrier_again_ = sent_ > barrier_covers_;
        return;
    }
    barrier_again_ = false;
    barrier_covers_ = sent_;
    silent_at_barrier_ = silent_open_;
    // M4: `routed` wherever the broker can prove it.
    switch (can().barrier) {
    case barrier_kind::routed:
        return ask_routed({.kind = owed_kind::barrier, .covers = sent_}, out);
    case barrier_kind::ordered:
    case barrier_kind::received:
        return ask_received(
            "teal-barrier", {.kind = owed_kind::barrier, .covers = sent_}, out);
    case barrier_kind::none: deadline_ = now; return;
    case barrier_kind::unknown: break;
    }
    BOOST_ASSERT_MSG(false, "a ready link without a trial");
}

void link::prove(std::uint64_t up_to) noexcept
{
    proven_ = std::max(proven_, up_to);
    silent_open_ -= silent_at_barrier_;
    silent_counted_ -= std::min(silent_counted_, silent_at_barrier_);
    silent_at_barrier_ = 0;
}

std::uint64_t link::count_open() noexcept
{
    silent_counted_ = silent_open_;
    silent_counted_to_ = silent_written_;
    std::uint64_t count = silent_open_;
    owed_.for_each([&](owed_answer& owed) {
        if (owed.kind == owed_kind::send || owed.kind == owed_kind::commit) {
            owed.counted = !owed.doubted; // S13: the earlier report said what is in doubt
            count += owed.counted;
        }
    });
    return count;
}

void link::leave(net::time_point now, link_effects& out, std::string_view reason)
{
    if (leave_wanted_ || state_ == link_state::lost) {
        return;
    }
    order_.reason = reason;
    leave_wanted_ = true;
    switch (state_) {
    case link_state::dialling:
    case link_state::connecting:
        out.close_link(order_.id); // nothing of a client's was written
        state_ = link_state::lost;
        return;
    case link_state::trying: return; // go_on() leaves when it is over
    case link_state::ready:
        if (may_disconnect()) {
            write_disconnect(out);
        } else {
            barrier(now, out);
        }
        return;
    case link_state::leaving:
    case link_state::lost: return;
    }
}

// H8: RabbitMQ forgets the confirms that are open at a DISCONNECT.
bool link::may_disconnect() const noexcept
{
    return state_ == link_state::ready && leave_wanted_ && proven() && !search_.open() &&
           owed_.asked() == 0;
}

void link::disconnect_if_due(link_effects& out)
{
    if (may_disconnect()) {
        write_disconnect(out);
    }
}

void link::write_disconnect(link_effects& out)
{
    state_ = link_state::leaving;
    auto& s = out.scratch().begin(stomp::command::disconnect);
    if (!order_.session_mark.empty()) {
        s.raw(session_header, order_.session_mark).raw(reason_header, order_.reason);
    }
    if (can().receipts()) {
        s.raw("receipt", wire_receipt(owe({.kind = owed_kind::leave})));
    }
    out.write_link(order_.id, s.end_head(), {}, framing::text);
}

} // namespace broker
