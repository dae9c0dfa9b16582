// What a simulated client is given, and what it makes of it.

#include "tests/sim/sim_client.hpp"

#include "tests/sim/mini_broker.hpp"

#include <algorithm>

namespace sim {

namespace {

constexpr char nul = '\0';
constexpr auto disconnect_max = std::chrono::seconds{2}; // receipt_timeout
constexpr auto busy_max = std::chrono::milliseconds{500};

} // namespace

void sim_client::on_bytes()
{
    const connection_ref wire = wire_;
    heard_ = when_.now();
    wire->to_other->take_into(buffer_);
    const unsigned life = life_;
    while (life == life_ && wire->to_other->reading) {
        const auto result = parser_.parse(buffer_, {}, frame_);
        if (result.status == stomp::parse_status::need_more) {
            break;
        }
        if (result.status == stomp::parse_status::failed) {
            checker_.violation(
                "client " + std::to_string(number_) + " got bytes that are no frame");
            break;
        }
        if (result.status == stomp::parse_status::frame) {
            on_frame(frame_);
        }
        if (life == life_) {
            buffer_.erase(0, result.consumed);
        }
    }
}

void sim_client::on_frame(const stomp::frame_view& frame)
{
    if (checker_.tracing()) {
        std::string line =
            "client " + std::to_string(number_) + " gets " + std::string{to_string(frame.command)};
        for (const auto& h : frame.headers) {
            line.append(" ").append(h.name).append(":").append(h.value);
        }
        checker_.note(line + " " + std::string{frame.body.substr(0, 12)});
    }
    switch (frame.command) {
    case stomp::command::connected:
        if (connected_) {
            checker_.violation("client " + std::to_string(number_) + " got a second CONNECTED");
        }
        connected_ = true;
        if (frame.find("version").value_or("") != version_) {
            checker_.violation(
                "client " + std::to_string(number_) + " got another version than it offers");
        }
        parser_.set_version(
            is("1.2")   ? stomp::version::v12
            : is("1.1") ? stomp::version::v11
                        : stomp::version::v10);
        if (state_ == state::connecting) {
            state_ = state::up;
            begin_beats(frame.find("heart-beat").value_or("0,0"));
            next_step();
        }
        return;
    case stomp::command::message: on_message(frame); return;
    case stomp::command::receipt: on_receipt(frame.find("receipt-id").value_or("")); return;
    case stomp::command::error: on_error(frame); return;
    default: checker_.violation("a client got a client's frame"); return;
    }
}

void sim_client::on_error(const stomp::frame_view& frame)
{
    const std::string_view sentence = frame.find("message").value_or("");
    const auto receipt = pending_.find(std::string{frame.find("receipt-id").value_or("")});
    const bool address_gone = habits_.asks > 0 && sentence.find("reply address") != sentence.npos;
    if (receipt != pending_.end() && !receipt->second.refused && !at_fault_ && !address_gone) {
        checker_.violation(
            "client " + std::to_string(number_) + " got the ERROR of another's frame: " +
            std::string{sentence});
    }
    if (refusals_ > 0) {
        --refusals_;
        if (receipt != pending_.end()) {
            pending_.erase(receipt);
        }
        return;
    }
    // S12: the color of that address is gone. S8: pinned for too long.
    at_fault_ |= address_gone;
    at_fault_ |= habits_.may_be_given_up && sentence.find("pin_timeout") != sentence.npos;
    if (!at_fault_ && !habits_.may_be_closed) {
        checker_.violation(
            "client " + std::to_string(number_) +
            " got ERROR for nothing: " + std::string{sentence});
    }
}

void sim_client::on_receipt(std::string_view id)
{
    const auto at = pending_.find(std::string{id});
    if (at == pending_.end()) {
        if (id == "x" && habits_.guesses) {
            return; // B4: nothing answered the SUBSCRIBE, and the ERROR is on its way still
        }
        checker_.violation(
            "client " + std::to_string(number_) +
            " got a RECEIPT that it did not ask for, or twice: " + std::string{id});
        return;
    }
    const pending what = std::move(at->second);
    pending_.erase(at);
    if (what.refused && !habits_.guesses) { // B4: that of a SUBSCRIBE, before its ERROR comes
        checker_.violation(
            "client " + std::to_string(number_) + " got the RECEIPT of what was refused or aborted");
    }
    switch (what.what) {
    case pending::kind::subscribe:
        checker_.on_subscribe_answered(*what.record);
        for (own_subscription& one : subscriptions_) {
            if (one.stream && !one.from_first && one.record == *what.record) {
                one.begins_by = checker_.stream_size();
            }
        }
        return;
    case pending::kind::unsubscribe:
        checker_.on_unsubscribe_answered(*what.record);
        std::erase_if(subscriptions_, [&](const auto& s) { return s.record == *what.record; });
        return;
    case pending::kind::disconnect:
        if (habits_.in_doubt) {
            return; // proves nothing about what a lost link carried
        }
        [[fallthrough]];
    case pending::kind::send:
        for (const message_key key : what.keys) {
            checker_.on_send_answered(key);
            std::erase(unanswered_, key);
        }
        return;
    case pending::kind::other: return;
    }
}

void sim_client::on_message(const stomp::frame_view& frame)
{
    const auto id = frame.find("subscription");
    if (id == "/temp-queue/mine") {
        checker_.on_answer(number_, frame.body);
        return;
    }
    const auto to = frame.find("destination").value_or("");
    const auto s = std::ranges::find_if(subscriptions_, [&](const own_subscription& one) {
        return one.named ? id == std::string_view{one.id} : !id && one.destination == to;
    });
    if (s == subscriptions_.end()) {
        checker_.violation(
            "client " + std::to_string(number_) +
            " got a MESSAGE for no subscription of its own: " + std::string{id.value_or("")});
        return;
    }
    for (const auto& h : frame.headers) {
        if (h.value.find("stomp-subscription-teal-") != h.value.npos) {
            checker_.violation("the name of a private queue reached a client: K1");
        }
        if (h.name == "teal-marker" && !h.value.ends_with(forged_seal)) {
            checker_.violation("a marker reached a client");
        }
    }
    checker_.on_message(
        s->record, to, frame.body, frame.find("redelivered") == std::string_view{"true"});
    judge_work(*s, frame);
    if (const auto address = frame.find("reply-to")) {
        answer(*address, frame.body);
    }
    if (s->ack == own_subscription::mode::automatic) {
        return;
    }
    const auto ack = frame.find(is("1.2") ? "ack" : "message-id");
    if (!ack || ack != frame.find("message-id")) { // K4: clients say the one for the other
        checker_.violation("a MESSAGE without an id to acknowledge it by, or with two");
        return;
    }
    const bool individual = s->ack == own_subscription::mode::individual;
    if (!individual && random_.chance(40)) {
        return; // a later ACK covers it, or none does before it leaves
    }
    const unsigned life = life_;
    when_.after(
        random_.chance(80) ? random_.microseconds(0, 3000) : random_.milliseconds(1, 200),
        [this, life, individual, stored = !s->broadcast, of = s->id, what = std::string{*ack}] {
            if (life == life_ && state_ == state::up && !silent_) {
                acknowledge(of, what, individual, stored);
            }
        });
}

// Some of those who get a question answer it.
void sim_client::answer(std::string_view address, std::string_view question)
{
    const auto asked = key_of(question);
    if (!asked || state_ != state::up || silent_ || !random_.chance(habits_.answers)) {
        return;
    }
    if (asked->number % 4 != 0) {
        write_answer(address, *asked);
        return;
    }
    // It thinks for a while: its session may have left the address's color by then.
    when_.after(
        std::chrono::milliseconds{asked->number % 400},
        [this, life = life_, to = std::string{address}, question = *asked] {
            if (life == life_ && state_ == state::up && !silent_) {
                write_answer(to, question);
            }
        });
}

void sim_client::write_answer(std::string_view address, message_key question)
{
    const message_key key = next_key();
    checker_.on_send(key, checker::answer_to(question.publisher / checker::publishers_each));
    // Who asked may have gone: the RECEIPT does not say that the answer is in a queue.
    const std::string asked_for = key.number % 2 == 1 ? ask({.what = pending::kind::send}) : "";
    say("SEND\ndestination:" + std::string{address} + "\n" + asked_for + "\n" + body_of(key, 3) +
        nul);
}

void sim_client::acknowledge(std::string subscription, std::string id, bool individual, bool stored)
{
    const bool negative = stored && individual && !is("1.0") && random_.chance(5);
    std::string frame = negative ? "NACK\n" : "ACK\n";
    frame += (is("1.2") ? "id:" : "message-id:") + id + "\n";
    if (!is("1.2") && !subscription.empty()) {
        frame += "subscription:" + subscription + "\n";
    }
    if (random_.chance(15)) {
        frame += ask({});
    }
    note_settled(subscription);
    say(frame + "\n" + nul);
}

void sim_client::on_end(bool reset)
{
    if (!reset && !wire_->to_other->reading) {
        return; // seen once it has read what lies before
    }
    at_fault_ |= checker_.take_slow(number_) || silent_;
    if (silent_) {
        checker_.on_client_vanished(number_);
    }
    if (!at_fault_ && state_ != state::leaving && !habits_.may_be_closed) {
        checker_.violation("disconnected: client " + std::to_string(number_));
    }
    // Behind a frame whose answer was an ERROR that named nobody, DISCONNECT's is in doubt (S13).
    const bool unnamed = habits_.refused > 0 && std::ranges::any_of(pending_, [](const auto& p) {
                             return p.second.refused || p.second.doubtful;
                         });
    // H7: what lay in front of it filled a slow pipe for longer than its RECEIPT is waited for.
    const bool busy = when_.now() >= left_ + disconnect_max && when_.now() < heard_ + busy_max;
    if (state_ == state::leaving && !at_fault_ && !habits_.in_doubt && !unnamed && !busy &&
        std::ranges::any_of(
            pending_, [](const auto& p) { return p.second.what == pending::kind::disconnect; })) {
        checker_.violation("client " + std::to_string(number_) + "'s DISCONNECT was not answered");
    }
    wire_->to_gateway->finish();
    gone();
}

void sim_client::check_answered()
{
    if (state_ == state::over || state_ == state::idle || at_fault_) {
        return;
    }
    if (state_ != state::up) {
        checker_.violation("client " + std::to_string(number_) + " waits for CONNECTED for ever");
    }
    check_streams();
    for (const auto& [id, what] : pending_) {
        const bool may_miss = what.refused || (what.doubtful && habits_.refused > 0) ||
                              (what.what == pending::kind::send && habits_.in_doubt);
        if (!may_miss) {
            checker_.violation(
                "client " + std::to_string(number_) + "'s receipt " + id + " was never answered");
        }
    }
}

} // namespace sim
