#include "broker/link_connection.hpp"

#include "broker/link_frames.hpp"
#include "broker/net/tls/stream.hpp"
#include "broker/net/utf8.hpp"

#include <limits>
#include <new>
#include <utility>

namespace broker {

namespace {

// How long a broker has to end a connection that is left.
constexpr auto farewell_time = std::chrono::seconds{1};

// One frame of the parser, reused: a loop's thread parses one at a time.
stomp::frame_view& scratch_frame()
{
    thread_local stomp::frame_view frame;
    return frame;
}

} // namespace

link_connection::link_connection(
    net::readiness_loop& loop, int descriptor, link_transport transport, link_owner& owner)
    : connection(loop, descriptor, origin::connecting), transport_(std::move(transport)),
      owner_(&owner)
{
    reached_.began = loop.now();
    set_read_quantum(64 * 1024); // one link brings what many clients read
    if (const auto context = std::exchange(transport_.tls, nullptr)) {
        wrap(tls::stream::connect(context, transport_.tls_name));
    }
}

link_connection::~link_connection()
{
    account(0, 0);
}

void link_connection::account() noexcept
{
    account(kept_bytes(), out().held());
    count(transport_.meters.bytes_out, out().written() - std::exchange(counted_out_, out().written()));
}

void link_connection::account(std::size_t input, std::size_t outbox) noexcept
{
    if (transport_.input_meter != nullptr) {
        *transport_.input_meter += input - counted_input_; // modulo 2^64: less is less
        counted_input_ = input;
    }
    if (transport_.outbox_meter != nullptr) {
        *transport_.outbox_meter += outbox - counted_outbox_;
        counted_outbox_ = outbox;
    }
}

void link_connection::on_connected()
{
    reached_.secured = loop().now();
    if (!transport_.websocket) {
        opened();
        return;
    }
    pending_ =
        std::make_unique<websocket::pending_upgrade>(websocket::start_upgrade(transport_.upgrade));
    out().append(pending_->request);
    touch();
}

void link_connection::write_frame(std::string_view head, std::string_view body, framing as)
{
    if (!transport_.websocket) {
        out().append(head);
        out().append(body);
        out().append(std::string_view{"\0", 1});
    } else {
        std::string whole;
        whole.reserve(head.size() + body.size() + 1);
        whole.append(head).append(body).push_back('\0');
        // RFC 6455, 8.1: text is valid UTF-8, or the broker ends the link (1007). Whatever a frame
        // was cut from or joined of, the whole of it is looked at.
        const bool text = as != framing::binary && net::is_utf8(whole);
        websocket::append_message(
            out(), websocket::role::client,
            text ? websocket::opcode::text : websocket::opcode::binary, whole);
    }
    over_mark_ |= out().size() > transport_.outbox_mark;
    said_ = true;
    touch();
    account();
}

void link_connection::abandon()
{
    owner_ = nullptr;
    cancel();
    close_now();
}

void link_connection::farewell()
{
    owner_ = nullptr;
    cancel();
    if (closing()) {
        return;
    }
    if (!transport_.websocket) {
        close_after_flush(farewell_time);
    } else if (decoder_ == nullptr) {
        close_now();
    } else {
        websocket::append_close(out(), websocket::role::client, websocket::close_code::normal, {});
        touch();
        loop().timers().arm(*this, loop().now() + farewell_time);
    }
}

void link_connection::on_bytes(std::span<char> bytes)
{
    beat_.on_received(loop().now());
    count(transport_.meters.bytes_in, bytes.size());
    if (owner_ == nullptr) {
        return;
    }
    try {
        take(bytes);
    } catch (const std::bad_alloc&) {
        end("no memory for what the broker sent");
    }
    account();
}

void link_connection::take(std::span<char> bytes)
{
    if (!transport_.websocket) {
        feed({bytes.data(), bytes.size()}, framing::plain);
        return;
    }
    if (decoder_ == nullptr) {
        bytes = upgraded(bytes);
        if (decoder_ == nullptr) {
            return;
        }
        opened();
    }
    decode(bytes);
}

void link_connection::opened()
{
    reached_.open = loop().now();
    owner_->link_open(transport_.id);
}

// Collects the answer to the upgrade. Returns the bytes after its head.
std::span<char> link_connection::upgraded(std::span<char> bytes)
{
    const std::size_t before = partial_.size();
    partial_.append(bytes.data(), bytes.size());
    if (!websocket::may_be_http(partial_)) {
        end("WebSocket upgrade: the answer is no HTTP");
        return {};
    }
    const auto end_of = websocket::end_of_head(partial_, before);
    if (!end_of) {
        if (partial_.size() > websocket::http_head_bytes_max) {
            end("the answer to the WebSocket upgrade is too long");
            judge_answer();
        }
        return {};
    }
    const auto answer = websocket::check_upgrade(
        std::string_view{partial_}.substr(0, *end_of), *pending_, transport_.upgrade.subprotocols);
    if (!answer) {
        end("WebSocket upgrade: " + answer.error());
        partial_.resize(*end_of);
        judge_answer();
        return {};
    }
    const std::size_t used = *end_of - before;
    std::string{}.swap(partial_); // `= {}` would keep the room
    pending_.reset();
    decoder_ =
        std::make_unique<websocket::decoder>(websocket::role::client, websocket::text_check::none);
    return bytes.subspan(used);
}

// Whatever came instead of an upgrade, who answered lives.
void link_connection::judge_answer()
{
    if (auto refusal = websocket::refusal_of(partial_)) {
        refusal->why = "WebSocket upgrade: " + refusal->why;
        refusal_ = std::make_unique<websocket::upgrade_refusal>(*std::move(refusal));
    }
}

void link_connection::decode(std::span<char> bytes)
{
    while (owner_ != nullptr && !closing()) {
        // Its messages are taken as they come, none is kept: what is too large is found by the
        // parser, and costs that frame only.
        const auto event = decoder_->next(bytes, std::numeric_limits<std::size_t>::max());
        switch (event.kind) {
        case websocket::event_kind::need_more: return;
        case websocket::event_kind::data:
            feed(
                {event.payload.data(), event.payload.size()},
                event.binary ? framing::binary
                             : framing::plain); // RabbitMQ sends any body as text [run]
            break;
        case websocket::event_kind::ping:
            pongs_.on_ping(event.payload, websocket::role::client, *this);
            break;
        case websocket::event_kind::pong: break;
        case websocket::event_kind::close:
            websocket::append_close(out(), websocket::role::client, event.code, {});
            why_ = "closed by the broker with code " +
                   std::to_string(static_cast<unsigned>(event.code));
            close_after_flush();
            return;
        case websocket::event_kind::failed: end_malformed("malformed WebSocket frame"); return;
        }
    }
}

void link_connection::feed(std::string_view bytes, framing as)
{
    if (partial_.empty()) {
        const std::size_t used = parse(bytes, as, as);
        if (owner_ != nullptr && !closing()) {
            partial_.append(bytes.substr(used));
            partial_as_ = as;
        }
        return;
    }
    // A frame that is cut over messages is binary where any of them is.
    const framing whole = partial_as_ == framing::binary ? framing::binary : as;
    partial_.append(bytes);
    const std::size_t used = parse(partial_, whole, as);
    partial_.erase(0, used);
    partial_as_ = used == 0 ? whole : as;
    if (partial_.empty() && partial_.capacity() > 4096) {
        std::string{}.swap(partial_); // `= {}` would keep the room
    }
}

// `first`: how the frame came that the bytes begin with.
std::size_t link_connection::parse(std::string_view bytes, framing first, framing further)
{
    std::size_t used = 0;
    auto& frame = scratch_frame();
    while (owner_ != nullptr && !closing() && used < bytes.size()) {
        const auto result = parser_.parse(bytes.substr(used), transport_.limits, frame);
        switch (result.status) {
        case stomp::parse_status::need_more:
            if (result.lacking > bytes.size() - used && bytes.data() != partial_.data()) {
                partial_.reserve(bytes.size() - used + result.lacking); // it will be all of that
            }
            return used;
        case stomp::parse_status::heart_beat: count(transport_.meters.beats_in); break;
        case stomp::parse_status::skipping: break;
        case stomp::parse_status::skipped:
            if (frame.command == stomp::command::message) {
                owner_->link_skipped(transport_.id, frame);
            } else {
                deliver(frame, framing::plain); // what it answers is in its head
            }
            break;
        case stomp::parse_status::frame: deliver(frame, used == 0 ? first : further); break;
        case stomp::parse_status::failed:
            reached_.fault = result.error;
            end_malformed(
                "malformed STOMP from the broker: " +
                stomp::make_error_code(result.error).message());
            return bytes.size();
        }
        used += result.consumed;
    }
    return used;
}

void link_connection::deliver(const stomp::frame_view& frame, framing as)
{
    if (frame.command == stomp::command::connected) {
        reached_.connected = true;
        begin_heart_beat(frame);
    }
    owner_->link_frame(transport_.id, frame, as);
}

void link_connection::begin_heart_beat(const stomp::frame_view& connected)
{
    parser_.set_version(version_of(connected));
    const auto theirs = stomp::parse_heart_beat(connected.find("heart-beat").value_or("0,0"));
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(transport_.heart_beat);
    beat_ = stomp::heart_beat{
        stomp::negotiate({ms, ms}, theirs.value_or(stomp::heart_beat_offer{})), loop().now()};
    loop().timers().arm(*this, beat_.next_deadline());
}

void link_connection::on_timer(net::time_point now)
{
    if (owner_ == nullptr) { // farewell: the broker had its time
        close_now();
        return;
    }
    // H15: a link that is not read for a slow client's sake cannot show its broker's life.
    if (!reading()) {
        beat_.on_received(now);
    }
    switch (beat_.on_deadline(now)) {
    case stomp::heart_beat::due::lost:
        end(std::string{broker_was_silent});
        return;
    case stomp::heart_beat::due::send: write_beat(now); break;
    case stomp::heart_beat::due::nothing: break;
    }
    loop().timers().arm(*this, beat_.next_deadline());
}

// After bytes that the broker does not take, it would reach nobody.
void link_connection::write_beat(net::time_point now)
{
    beat_.on_sent(now);
    if (!flowing()) {
        return;
    }
    count(transport_.meters.beats_out);
    if (transport_.websocket) {
        websocket::append_message(out(), websocket::role::client, websocket::opcode::text, "\n");
    } else {
        out().append("\n");
    }
    touch();
}

void link_connection::beat_at_once(net::time_point now)
{
    if (beat_.sends() && owner_ != nullptr && !closing()) {
        write_beat(now);
    }
}

void link_connection::on_written()
{
    if (std::exchange(said_, false)) {
        beat_.on_sent(loop().now());
    }
    pongs_.on_written(websocket::role::client, *this);
    account();
    if (over_mark_ && out().size() < transport_.outbox_mark / 2) {
        over_mark_ = false;
        if (owner_ != nullptr) {
            owner_->link_drained(transport_.id);
        }
    }
}

void link_connection::on_peer_fin()
{
    if (why_.empty()) { // N24: an end that TLS did not announce is a loss like any other, and named
        const std::string cut = layer_failure();
        why_ = "closed by the broker" + (cut.empty() ? "" : ": " + cut);
    }
    close_now();
}

void link_connection::end_malformed(std::string why)
{
    reached_.malformed = true;
    end(std::move(why));
}

void link_connection::end(std::string why)
{
    why_ = std::move(why);
    close_now();
}

void link_connection::on_closed(boost::system::error_code reason)
{
    cancel();
    if (why_.empty() && !layer_failure().empty()) {
        tls_failed_ = true;
        why_ = layer_failure();
    }
    if (owner_ != nullptr && refusal_ != nullptr) {
        owner_->link_refused(transport_.id, *std::move(refusal_));
    } else if (owner_ != nullptr) {
        owner_->link_lost(transport_.id, why_.empty() ? reason.message() : why_);
    }
}

} // namespace broker
