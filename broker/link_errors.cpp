// ERRORs of a broker: the barrier that follows one, the RECEIPTs that are kept back until it is
// answered, and what the link's end means. switch.md E1 to E5. error_search names the session.

#include "broker/link.hpp"
#include "broker/link_frames.hpp"

#include <algorithm>

namespace broker {

namespace {

constexpr unsigned rounds_max = 3; // of barriers behind ERRORs that keep coming, without a judgement

} // namespace

link_event link::on_error(const stomp::frame_view& frame, net::time_point now, link_effects& out)
{
    broker_error error = read_error(frame);
    const std::string text = error.text;
    if (state_ == link_state::connecting) {
        last_error_ = text;
        return {.what = link_event::kind::refused, .text = text, .error = std::move(error)};
    }
    // A message that was in flight when its UNSUBSCRIBE was answered: the link lives on (design.md
    // section 6.4).
    if (names_delivery(frame.body) &&
        (text.find("ubscription not found") != text.npos ||
         frame.body.find("ubscription not found") != frame.body.npos)) {
        return {.what = link_event::kind::swallowed, .text = text};
    }
    if (state_ == link_state::trying) {
        last_error_ = text;
        return {.what = link_event::kind::error, .text = text};
    }
    const auto number = parse_receipt(frame.find("receipt-id").value_or(""));
    const owed_answer* owed = number ? owed_.find(*number) : nullptr;
    if (const auto subscription = frame.find("subscription"); subscription && owed == nullptr) {
        if (const auto wire = wire_of(*subscription)) { // RabbitMQ keeps the link (brokers.md H20)
            return {.what = link_event::kind::cancelled, .wire = *wire, .text = text};
        }
    }
    last_error_ = text;
    std::optional<written_frame> named;
    if (owed != nullptr) {
        named = {.session = owed->session, .wire = owed->wire, .receipt = *number};
        switch (owed->kind) {
        case owed_kind::send: named->what = frame_kind::send; break;
        case owed_kind::commit: named->what = frame_kind::in_transaction; break;
        case owed_kind::subscribe: named->what = frame_kind::subscribe; break;
        case owed_kind::unsubscribe:
        case owed_kind::acknowledge: named->what = frame_kind::other; break;
        case owed_kind::barrier:
        case owed_kind::error_end:
        case owed_kind::run_end:
        case owed_kind::taken:
        case owed_kind::trial_routed:
        case owed_kind::trial_received:
        case owed_kind::leave: named->what = frame_kind::ours; break;
        }
    }
    shadow_ = 0;
    if (auto found = search_.on_error(std::move(error), named, owed_, now)) {
        std::vector<finding> one;
        one.push_back(std::move(*found));
        refuse(std::move(one));
    }
    if (state_ == link_state::ready && error_end_by_ == net::never) {
        ask_error_end(now, out);
    }
    return {.what = link_event::kind::error, .text = text};
}

// E3: one barrier at a time. For ERRORs that arrive meanwhile another one follows its answer.
void link::ask_error_end(net::time_point now, link_effects& out)
{
    errors_before_ = search_.kept();
    error_end_by_ = now + order_.trial_timeout;
    if (can().barrier == barrier_kind::routed) {
        ask_routed({.kind = owed_kind::error_end}, out);
    } else if (can().receipts()) {
        ask_received("teal-error", {.kind = owed_kind::error_end}, out);
    }
}

link_event link::on_error_end(std::uint64_t number, net::time_point now, link_effects& out)
{
    error_end_by_ = net::never;
    let_go(number, owed_kind::subscribe); // they are none of the refused ones
    // ERRORs that came meanwhile are judged together with those before: two may mean the same.
    if (search_.kept() > errors_before_ && rounds_ < rounds_max) {
        ++rounds_;
        ask_error_end(now, out);
        return {.what = link_event::kind::news};
    }
    rounds_ = 0;
    refuse(search_.on_alive(errors_before_, owed_, now));
    search_.on_barrier(number);
    let_go(number, owed_kind::commit);
    if (search_.open()) {
        ask_error_end(now, out);
    } else {
        last_error_.clear();
        disconnect_if_due(out);
    }
    return {.what = link_event::kind::news};
}

// E4. Where nothing is answered at all (B3), a link that did not end by then lives on.
link_event link::on_error_overdue(link_effects& out)
{
    error_end_by_ = net::never;
    if (can().receipts()) {
        return {
            .what = link_event::kind::mute,
            .text = "no answer to the barrier after an ERROR: " + last_error_};
    }
    refuse(search_.on_alive(search_.kept(), owed_, clock_));
    last_error_.clear();
    disconnect_if_due(out);
    return {.what = link_event::kind::news};
}

void link::hurry(net::time_point until) noexcept
{
    if (error_end_by_ != net::never) {
        error_end_by_ = std::min(error_end_by_, until);
    }
}

// Invariant (3).
bool link::keep_back(std::uint64_t number, const owed_answer& owed)
{
    const bool keeps = (owed.kind == owed_kind::subscribe && search_.open()) ||
                       (owed.kind == owed_kind::commit && search_.suspects(number));
    if (keeps && std::ranges::find(kept_back_, number) == kept_back_.end()) {
        kept_back_.push_back(number);
        if (owed.kind == owed_kind::subscribe && shadow_ == 0) {
            shadow_ = number;
        }
    }
    return keeps;
}

// Receipts that a barrier answered by now has followed, or that no ERROR concerns any more.
void link::let_go(std::uint64_t below, owed_kind what)
{
    std::erase_if(kept_back_, [&](std::uint64_t number) {
        const owed_answer* owed = owed_.find(number);
        if (owed == nullptr) {
            return true; // refused meanwhile
        }
        const bool commit = owed->kind == owed_kind::commit;
        if (commit ? what != owed->kind || search_.suspects(number)
                   : number > below && search_.open()) {
            return false;
        }
        auto& to = commit && search_.doubts(number) ? news_.doubted : news_.answered;
        subscribed_ |= owed->kind == owed_kind::subscribe;
        to.push_back(std::move(*owed_.take(number)));
        return true;
    });
}

void link::refuse(std::vector<finding> found)
{
    for (finding& one : found) {
        link_news::refusal refused{.what = std::move(one)};
        const written_frame& frame = refused.what.frame;
        if (refused.what.what == finding::kind::named) {
            refused.owed = frame.receipt == 0 ? std::nullopt : owed_.take(frame.receipt);
            refused.silent = frame.silent != 0;
            refused.open = refused.silent && frame.send > proven_;
            refused.covered = refused.open && barrier_open() && frame.send <= barrier_covers_;
            refused.counted = refused.silent && frame.silent <= silent_counted_to_;
            silent_open_ -= refused.open;
            silent_at_barrier_ -= refused.covered;
            silent_counted_ -= refused.open && refused.counted;
        }
        news_.refused.push_back(std::move(refused));
    }
}

void link::on_lost(bool by_broker)
{
    if (by_broker && state_ == link_state::ready) {
        refuse(search_.on_end(shadow_, owed_));
    }
    state_ = link_state::lost;
    error_end_by_ = net::never;
}

// BEGIN and ABORT. The RECEIPT proves that everything before them was read.
void link::ask_received(std::string_view transaction, owed_answer answer, link_effects& out)
{
    const auto n = owe(std::move(answer));
    auto& b = out.scratch().begin(stomp::command::begin);
    out.write_link(order_.id, b.raw("transaction", transaction).end_head(), {}, framing::text);
    auto& a = out.scratch().begin(stomp::command::abort);
    a.raw("transaction", transaction).raw("receipt", wire_receipt(n));
    out.write_link(order_.id, a.end_head(), {}, framing::text);
    const auto kind = owed_.find(n)->kind;
    if (kind == owed_kind::barrier || kind == owed_kind::error_end || kind == owed_kind::taken) {
        note({.what = frame_kind::ours, .receipt = n}, {});
    }
}

// E2, by order.
void link::end_run(session_id next, link_effects& out)
{
    if (state_ == link_state::ready && can().receipts() && search_.run_ends(next, clock_)) {
        ask_received("teal-run", {.kind = owed_kind::run_end, .covers = search_.end_run()}, out);
    }
}

} // namespace broker
