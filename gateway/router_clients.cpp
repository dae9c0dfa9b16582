// A client's frames, in order: what is done at once, what waits, what is refused.

#include "gateway/router.hpp"

#include "broker/stomp/heart_beat.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

constexpr std::string_view supported_versions = "1.0,1.1,1.2";

struct offered {
    bool v10 = false, v11 = false, v12 = false;
    bool any() const noexcept { return v10 || v11 || v12; }
    stomp::version highest() const noexcept
    {
        return v12 ? stomp::version::v12 : v11 ? stomp::version::v11 : stomp::version::v10;
    }
    std::string text() const
    {
        std::string list;
        for (const auto& [is, name] : {std::pair{v10, "1.0"}, {v11, "1.1"}, {v12, "1.2"}}) {
            if (is) {
                list += list.empty() ? "" : ",";
                list += name;
            }
        }
        return list;
    }
};

offered read_versions(const stomp::frame_view& connect)
{
    const auto list = connect.find("accept-version");
    if (!list) {
        return {.v10 = true}; // STOMP 1.2, "Protocol Negotiation": no header means 1.0
    }
    offered versions;
    std::string_view rest = *list;
    while (!rest.empty()) {
        auto one = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), one.size() + 1));
        while (one.starts_with(' ')) {
            one.remove_prefix(1);
        }
        versions.v10 |= one == "1.0";
        versions.v11 |= one == "1.1";
        versions.v12 |= one == "1.2";
    }
    return versions;
}

bool is_ours(std::string_view connect_header) noexcept
{
    return connect_header == "accept-version" || connect_header == "heart-beat" || connect_header == "receipt" ||
        connect_header == "content-length";
}

} // namespace

session_id router::open_client(
    std::string peer, std::vector<std::pair<std::string, std::string>> handshake, time_point now)
{
    auto s = std::make_unique<client_session>();
    s->id = static_cast<session_id>(++last_session_);
    s->live = live_;
    s->peer = std::move(peer);
    s->rare().handshake = std::move(handshake);
    s->since = now;
    const auto id = s->id;
    ++counters_.sessions[live_][session_label::connecting];
    // S7: who arrives from hold on waits for the decision.
    if (phase_ >= member_phase::holding) {
        enter(*s, session_state::waiting, now);
    }
    sessions_.emplace(number(id), std::move(s));
    return id;
}

bool router::wants_client(session_id id) const noexcept
{
    const auto* s = session(id);
    // A waiting session's CONNECT may be read; it is answered after the decision.
    return s != nullptr &&
        (gateway::wants_client(*s) || (s->state == session_state::waiting && !s->connect_seen));
}

void router::on_client_frame(session_id id, const stomp::frame_view& frame, framing as, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    ++s->frames_in;
    ++counters_.frames[side::client][direction::in][kind_of(frame.command)];
    switch (s->state) {
    case session_state::connecting:
    case session_state::waiting: connect(*s, frame, now); break;
    case session_state::active:
        if ((s->waiting && !s->waiting->empty()) || !perform(*s, frame, as, now)) {
            if (find(id) != nullptr) {
                enqueue(*s, frame, as);
            }
        }
        break;
    case session_state::closing: break;
    case session_state::quiescing:
    case session_state::held:
    case session_state::rebinding:
        BOOST_ASSERT_MSG(false, "a frame was interpreted while it must be carried");
    }
    run_later(now);
}

void router::connect(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    if (frame.command != stomp::command::connect && frame.command != stomp::command::stomp) {
        fail_client(s, "the first frame must be CONNECT or STOMP", receipt, disconnect_reason::protocol_error, now);
        return;
    }
    const offered versions = read_versions(frame);
    if (!versions.any()) {
        fail_client(s, "unsupported version: supported are 1.0, 1.1 and 1.2", receipt,
            disconnect_reason::protocol_error, now);
        return;
    }
    s.rare().client_heart_beat = frame.find("heart-beat").value_or("0,0");
    if (!stomp::parse_heart_beat(s.rare().client_heart_beat)) {
        fail_client(s, "malformed heart-beat header", receipt, disconnect_reason::protocol_error, now);
        return;
    }
    s.connect_seen = true;
    s.version = versions.highest();
    s.who = identify(s, frame, versions.text(), versions.highest());
    s.rare().handshake = {};
    if (s.state == session_state::connecting) {
        s.parked_since = now;
        if (!advance(s, s.live, now)) { // most are in at once: no deadline is kept for them
            at(now + settings_.park_timeout, due::session_park, number(s.id));
        }
    }
}

identity* router::identify(
    client_session& s, const stomp::frame_view& connect, std::string accept_version, stomp::version highest)
{
    // DESIGN.md section 5: every CONNECT header but four, the forwarded handshake headers, the versions offered.
    std::string head;
    for (std::size_t i = 0; i < connect.headers.size(); ++i) {
        const auto& h = connect.headers[i];
        const bool repeat = std::any_of(connect.headers.begin(), connect.headers.begin() + static_cast<std::ptrdiff_t>(i),
            [&](const auto& earlier) { return earlier.name == h.name; });
        if (!repeat && !is_ours(h.name)) {
            head.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    std::string key = accept_version + '\n' + head + '\n';
    for (const auto& [name, value] : s.rare().handshake) {
        key.append(name).append(":").append(value).append("\n");
    }
    auto& slot = identities_[key];
    if (!slot) {
        slot = std::make_unique<identity>();
        slot->key = key;
        slot->connect_head = std::move(head);
        slot->accept_version = std::move(accept_version);
        slot->login = connect.find("login").value_or("");
        slot->highest = highest;
        slot->handshake = s.rare().handshake;
    }
    ++slot->sessions;
    return slot.get();
}

bool router::perform(client_session& s, const stomp::frame_view& frame, framing as, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    switch (frame.command) {
    case stomp::command::send: return client_send(s, frame, as, now);
    case stomp::command::subscribe: client_subscribe(s, frame, now); return true;
    case stomp::command::unsubscribe: client_unsubscribe(s, frame, now); return true;
    case stomp::command::ack:
    case stomp::command::nack:
        if (!frame.has("transaction") || !buffer(s, frame, as, now)) {
            if (!frame.has("transaction")) {
                client_acknowledge(s, frame, now);
            }
        }
        return true;
    case stomp::command::begin:
    case stomp::command::commit:
    case stomp::command::abort: return client_transaction(s, frame, now);
    case stomp::command::disconnect: client_disconnect(s, frame, now); return true;
    case stomp::command::connect:
    case stomp::command::stomp:
        fail_client(s, "connected already", receipt, disconnect_reason::protocol_error, now);
        return true;
    default:
        fail_client(s, "not a client's frame", receipt, disconnect_reason::protocol_error, now);
        return true;
    }
}

void router::enqueue(client_session& s, const stomp::frame_view& frame, framing as)
{
    if (!s.waiting) {
        s.waiting = std::make_unique<std::vector<buffered_frame>>();
    }
    s.waiting->push_back({stomp::frame{frame}, as});
    s.waiting_bytes += weight(s.waiting->back().frame);
}

void router::pump(client_session& s, time_point now)
{
    const auto id = s.id;
    if (s.state != session_state::active) {
        return;
    }
    if (s.waiting) {
        // The queue is taken out: a frame that ends the session must not pull it away under the loop.
        auto queue = std::move(*s.waiting);
        s.waiting.reset();
        std::size_t done = 0;
        for (; done < queue.size(); ++done) {
            const std::size_t bytes = weight(queue[done].frame);
            if (!perform(s, queue[done].frame.view(), queue[done].as, now)) {
                break;
            }
            if (find(id) == nullptr) {
                return;
            }
            s.waiting_bytes -= bytes;
            if (s.state != session_state::active) {
                ++done;
                break;
            }
        }
        if (done < queue.size()) {
            queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(done));
            s.waiting = std::make_unique<std::vector<buffered_frame>>(std::move(queue));
        }
    }
    if (!s.waiting && s.gone) {
        end_session(s, now);
        return;
    }
    if (gateway::wants_client(s)) {
        out_.resume_client(id);
    }
}

bool router::can_send(client_session& s, time_point now)
{
    binding& b = s.now();
    if (b.group == nullptr || b.at != binding::phase::ready || b.moving) {
        return false;
    }
    // DESIGN.md section 5: a SEND waits for the receipts of its session's open SUBSCRIBEs (B4: where there are any).
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

bool router::client_send(client_session& s, const stomp::frame_view& frame, framing as, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto destination = frame.find("destination");
    if (!destination || destination->empty()) {
        fail_client(s, "SEND without a destination", receipt, disconnect_reason::protocol_error, now);
        return true;
    }
    if (frame.has("transaction")) {
        buffer(s, frame, as, now);
        return true;
    }
    s.replies |= frame.find("reply-to").value_or("").starts_with("/temp-queue/");
    if (!can_send(s, now)) {
        return false;
    }
    link_record& l = *link(s.now().publish);
    const bool counted = s.part && s.part->carried;
    if (counted) {
        ++tally_.accepted;
        tally_.unconfirmed += receipt.empty();
    }
    // What asked for a receipt is open until it comes; what did not is forwarded, and that is all there is to know.
    l.core.send(frame, {.session = s.id, .client_receipt = receipt, .counted = counted && !receipt.empty(), .as = as}, out_);
    s.owed += !receipt.empty() && l.core.can().receipts();
    s.last_send_link = l.core.id();
    s.last_send = l.core.sent();
    mark_used(l, now);
    l.congested = out_.link_backlog(l.core.id()) > settings_.broker_outbox;
    return true;
}

bool router::buffer(client_session& s, const stomp::frame_view& frame, framing as, time_point now)
{
    if (!s.transactions) {
        s.transactions = std::make_unique<transaction_buffer>();
    }
    const auto fault = s.transactions->add(*frame.find("transaction"), frame, as, settings_.transaction_bytes);
    if (fault == transaction_fault::none) {
        return true;
    }
    fail_client(s, to_string(fault), frame.find("receipt").value_or(""), disconnect_reason::protocol_error, now);
    return false;
}

bool router::client_transaction(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto id = frame.find("transaction");
    if (!id || id->empty()) {
        fail_client(s, "a transaction frame without a transaction", receipt, disconnect_reason::protocol_error, now);
        return true;
    }
    if (frame.command == stomp::command::begin) {
        if (!s.transactions) {
            s.transactions = std::make_unique<transaction_buffer>();
        }
        const auto fault = s.transactions->begin(*id, settings_.transactions);
        if (fault != transaction_fault::none) {
            fail_client(s, to_string(fault), receipt, disconnect_reason::protocol_error, now);
        } else {
            answer_receipt(s, receipt);
        }
        return true;
    }
    if (frame.command == stomp::command::commit && !can_send(s, now)) {
        return false;
    }
    auto taken = s.transactions ? s.transactions->take(*id) : std::nullopt;
    if (!taken) {
        fail_client(s, to_string(transaction_fault::unknown), receipt, disconnect_reason::protocol_error, now);
        return true;
    }
    if (frame.command == stomp::command::commit) {
        commit_at_broker(s, *taken, receipt, now);
        return true;
    }
    for (const auto& f : taken->frames) {
        answer_receipt(s, f.frame.find("receipt").value_or(""));
    }
    answer_receipt(s, receipt);
    return true;
}

void router::commit_at_broker(client_session& s, const transaction& t, std::string_view receipt, time_point now)
{
    link_record& l = *link(s.now().publish);
    std::string receipts; // of the frames inside, then COMMIT's, answered together; raw values hold no LF
    const auto want = [&](std::string_view one) {
        if (!one.empty()) {
            receipts.append(receipts.empty() ? "" : "\n").append(one);
        }
    };
    // ACKs first: those of another link cannot be in this transaction and go ahead of it.
    for (const auto& f : t.frames) {
        if (f.frame.command != stomp::command::send) {
            want(f.frame.find("receipt").value_or(""));
            stomp::frame bare = f.frame;
            std::erase_if(bare.headers, [](const auto& h) { return h.first == "receipt" || h.first == "transaction"; });
            client_acknowledge(s, bare.view(), now);
        }
    }
    const std::string id = l.core.begin(out_);
    bool sends = false;
    for (const auto& f : t.frames) {
        if (f.frame.command == stomp::command::send) {
            sends = true;
            want(f.frame.find("receipt").value_or(""));
            l.core.send(f.frame.view(), {.session = s.id, .as = f.as, .transaction = id}, out_);
        }
    }
    want(receipt);
    const bool counted = s.part && s.part->carried && sends;
    tally_.accepted += counted;
    l.core.commit(id, {.session = s.id, .client_receipt = receipts, .counted = counted}, out_);
    s.owed += !receipts.empty() && l.core.can().receipts();
    s.last_send_link = l.core.id();
    s.last_send = l.core.sent();
    mark_used(l, now);
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
        fail_client(s, "a subscription with this id is open already", receipt, disconnect_reason::protocol_error, now);
        return;
    }
    if (s.journal.size() >= settings_.subscriptions) {
        fail_client(s, "too many subscriptions (limits.subscriptions)", receipt, disconnect_reason::limit, now);
        return;
    }
    s.journal.add(std::move(*read));
    ++s.open_subscribes;
    // The journal drives the rest: what has no wire subscription yet gets one when its link is there (S15).
    advance(s, s.live, now);
}

void router::client_unsubscribe(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const auto id = frame.find("id");
    const auto destination = frame.find("destination");
    subscription* sub = id ? s.journal.find(*id) : destination ? s.journal.find(*destination) : nullptr;
    if (sub == nullptr) {
        fail_client(s, "UNSUBSCRIBE of no subscription", receipt, disconnect_reason::protocol_error, now);
        return;
    }
    s.open_subscribes -= !sub->confirmed;
    // Its SUBSCRIBE may not be answered yet: the two are then answered together, in order.
    std::string receipts = sub->take_receipt();
    if (!receipt.empty()) {
        receipts.append(receipts.empty() ? "" : "\n").append(receipt);
    }
    const auto number_of = sub->number;
    const bool for_good = frame.find("durable") == std::string_view{"true"} || frame.find("persistent") == std::string_view{"true"};
    const auto wires = sub->wires;
    // S11: an ACK of what it got before would be an ERROR at RabbitMQ: swallowed from here on.
    s.ledger.drop_subscription(number_of);
    if (wire_subscription* w = wire(wires[broker::other(s.live)])) {
        drop_member(*w, s.id, number_of, now);
    }
    wire_subscription* w = wire(wires[s.live]);
    leave_seams(s.id, number_of, now);
    if (w != nullptr) {
        w->durable &= for_good; // only then the broker is told to delete the queue
        drop_member(*w, s.id, number_of, now, receipts);
    } else {
        answer_receipt(s, receipts);
    }
    s.journal.remove(number_of);
    if (client_session* still = find(s.id); still != nullptr && still->open_subscribes == 0) {
        pump(*still, now);
    }
}

void router::mark_used(link_record& l, time_point now)
{
    if (!l.used) {
        l.used = true;
        sent_through_[l.at().color].insert(l.at());
    }
    if (!barriers_due_ && l.core.role() == link_role::publish) {
        barriers_due_ = true;
        at(now + std::chrono::seconds{1}, due::barriers);
    }
}

void router::client_disconnect(client_session& s, const stomp::frame_view& frame, time_point now)
{
    s.leaving = true;
    s.rare().disconnect_receipt = frame.find("receipt").value_or("");
    if (s.transactions) {
        s.transactions.reset(); // STOMP 1.2, "BEGIN": aborted when the connection ends
    }
    enter(s, session_state::closing, now);
    s.close_by = now + settings_.receipt_timeout;
    at(s.close_by, due::session_close, number(s.id));
    finish_closing(s, now);
}

void router::finish_closing(client_session& s, time_point now)
{
    // S13: DISCONNECT's receipt is answered after the barrier and all that is owed.
    if (!s.rare().disconnect_receipt.empty()) {
        if (s.owed > 0) {
            return;
        }
        if (link_record* l = link(s.last_send_link); l != nullptr && l->core.proven_up_to() < s.last_send &&
            l->core.state() == broker::link_state::ready) {
            ask_barrier(*l, now);
            return;
        }
        send_receipt(s, s.rare().disconnect_receipt);
    }
    close(s, disconnect_reason::disconnect, {});
    end_session(s, now);
}

void router::answer_receipt(client_session& s, std::string_view receipt)
{
    if (receipt.empty()) {
        return;
    }
    // S13: the new color's wait behind the old one's.
    if (s.part && s.part->owed_old > 0 && s.live == to_) {
        s.part->receipts.emplace_back(receipt);
        return;
    }
    send_receipt(s, receipt);
}

void router::send_receipt(client_session& s, std::string_view receipt)
{
    while (!receipt.empty()) {
        const auto one = receipt.substr(0, receipt.find('\n'));
        receipt.remove_prefix(std::min(receipt.size(), one.size() + 1));
        auto& frame = out_.scratch().begin(stomp::command::receipt);
        frame.raw("receipt-id", one);
        ++counters_.frames[side::client][direction::out][frame_kind::receipt];
        out_.write_client(s.id, frame.end_head(), std::string_view{}, framing::text);
    }
}

void router::on_client_fault(session_id id, std::string_view sentence, time_point now)
{
    if (client_session* s = find(id)) {
        fail_client(*s, sentence, {}, disconnect_reason::protocol_error, now);
    }
    run_later(now);
}

void router::fail_client(
    client_session& s, std::string_view sentence, std::string_view receipt, disconnect_reason why, time_point now)
{
    const auto version = s.connected ? s.version : stomp::version::v10;
    auto& frame = out_.scratch().begin(stomp::command::error);
    std::string plain{sentence};
    std::ranges::replace_if(plain, [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
    frame.text("message", plain, version);
    if (!receipt.empty()) {
        frame.raw("receipt-id", receipt);
    }
    if (!s.connected && s.who == nullptr) {
        frame.raw("version", supported_versions); // STOMP 1.2, "Protocol Negotiation"
    }
    ++counters_.frames[side::client][direction::out][frame_kind::error];
    out_.write_client(s.id, frame.end_head(), std::string_view{}, framing::text);
    close(s, why, plain);
    end_session(s, now);
}

void router::on_client_gone(session_id id, time_point now)
{
    client_session* s = find(id);
    if (s == nullptr) {
        return;
    }
    s->gone = true;
    // S4: frames that were read wait for their turn first; what waits has a bound.
    if (s->waiting && !s->waiting->empty() && !s->closing()) {
        s->close_by = now + settings_.receipt_timeout + timing_.drain_timeout;
        at(s->close_by, due::session_close, number(id));
        return;
    }
    end_session(*s, now);
    run_later(now);
}

// Once: a session whose connection ended may still be failed by what was carried for it.
void router::close(client_session& s, disconnect_reason why, std::string_view text)
{
    if (!s.closed) {
        s.closed = true;
        out_.close_client(s.id, why, text);
    }
}

void router::end_session(client_session& s, time_point now)
{
    const auto id = s.id;
    if (s.gone) {
        close(s, disconnect_reason::reset, {});
    }
    for (const auto& sub : s.journal) {
        leave_seams(id, sub->number, now);
        for (const color c : broker::colors) {
            wire_subscription* w = wire(sub->wires[c]);
            if (w != nullptr && w->shared) {
                drop_member(*w, id, sub->number, now);
            } else if (w != nullptr) {
                erase_wire(w->id); // its link leaves by DISCONNECT: never by UNSUBSCRIBE of a durable one (H11)
            }
        }
    }
    session_left_switch(s, now);
    unbind(s, color::blue, now);
    unbind(s, color::green, now);
    draining_.erase(id);
    if (s.who != nullptr) {
        --s.who->sessions;
        release_identity(*s.who);
    }
    enter(s, session_state::closing, now);
    --counters_.sessions[s.live][session_label::closing];
    sessions_.erase(number(id));
    if (in_switch()) {
        phase_ <= member_phase::prepared ? check_prepared(now) : check_held(now);
    }
}

} // namespace gateway
