#include "gateway/transports/sockjs/websocket_wire.hpp"

#include "broker/websocket/upgrade.hpp"
#include "gateway/transports/sockjs/xhr_wire.hpp"
#include "gateway/transports/websocket/websocket_transport.hpp"

#include <utility>

namespace gateway::sockjs {

namespace {

using websocket::close_code;
constexpr auto broken_framing = static_cast<close_code>(3000); // as npm's server says
constexpr std::size_t kept_room_max = std::size_t{64} * 1024;

// What is built to learn its length. One loop's thread fills and empties it within a call.
class scratch {
public:
    scratch() { text().clear(); }
    ~scratch()
    {
        if (text().capacity() > kept_room_max) {
            std::string{}.swap(text());
        }
    }
    static std::string& text() noexcept
    {
        thread_local std::string kept;
        return kept;
    }
};

void append_text(net::outbox& out, std::string_view text)
{
    websocket::append_message(out, websocket::role::server, websocket::opcode::text, text);
}

} // namespace

greeting websocket_wire::greet(
    std::string_view so_far, std::size_t looked_at, const door& at, net::outbox& out)
{
    auto policy = at.upgrade; // the path was judged by who made this wire
    policy.any_path = true;
    policy.drafts = true;
    websocket_transport plain;
    auto came = plain.greet(so_far, looked_at, {.upgrade = policy, .from = at.from}, out);
    if (came.came == greeting::outcome::accepted) {
        append_text(out, "o");
        at_.loop().timers().arm(*this, at_.loop().now() + heart_beat_);
    }
    return came;
}

incoming
websocket_wire::next(std::span<char>& bytes, std::size_t message_bytes_max, net::connection& to)
{
    while (true) {
        if (next_ < came_.count()) {
            const std::size_t begin = next_ == 0 ? 0 : came_.ends[next_ - 1];
            const std::size_t end = came_.ends[next_++];
            if (begin == end) {
                continue;
            }
            return {
                .what = incoming::kind::data, .payload = {came_.bytes.data() + begin, end - begin}};
        }
        came_ = {};
        next_ = 0;
        const auto event = decoder_.next(bytes, message_bytes_max);
        switch (event.kind) {
        case websocket::event_kind::need_more: return {};
        case websocket::event_kind::data:
            if (!take_message(event.payload, event.message_end)) {
                return fail(to, broken_framing, "Broken framing.");
            }
            break;
        case websocket::event_kind::ping:
            pongs_.on_ping(event.payload, websocket::role::server, to);
            return {.what = incoming::kind::control};
        case websocket::event_kind::pong: return {.what = incoming::kind::control};
        case websocket::event_kind::close:
            websocket::append_close(to.out(), websocket::role::server, event.code, {});
            to.touch();
            return {.what = incoming::kind::closed};
        case websocket::event_kind::failed: return fail(to, event.code, {});
        }
    }
}

// False: it is broken.
bool websocket_wire::take_message(std::span<const char> part, bool end)
{
    const std::string_view text{part.data(), part.size()};
    if (!end || !message_.empty()) {
        message_.append(text);
    }
    if (!end) {
        return true;
    }
    const std::string_view json = message_.empty() ? text : message_;
    const bool well = json.empty() || // nothing is said, and that is allowed
                      decode_messages(json, single_string::yes, came_) == decoding::done;
    std::string{}.swap(message_);
    return well;
}

incoming
websocket_wire::fail(net::connection& to, websocket::close_code code, std::string_view reason)
{
    cancel();
    websocket::append_close(to.out(), websocket::role::server, code, reason);
    to.touch();
    return {
        .what = incoming::kind::failed,
        .fault = code == close_code::invalid_payload   ? frame_error::utf8
                 : code == close_code::message_too_big ? frame_error::size
                                                       : frame_error::parse};
}

void websocket_wire::append_message(net::outbox& out, std::string_view text)
{
    const scratch one;
    std::string& made = one.text();
    made = "a[\"";
    append_quoted(made, text);
    append_text(out, made.append("\"]"));
}

void websocket_wire::append_frame(
    net::outbox& out, std::string_view head, std::string_view body, bool) const
{
    const scratch one;
    std::string& made = one.text();
    made = "a[\"";
    const std::size_t in_head = append_quoted(made, head);
    count_altered(altered_, in_head + append_quoted(made, body));
    append_text(out, made.append("\\u0000\"]"));
}

void websocket_wire::append_frame(
    net::outbox& out, std::string_view head, const net::payload_ref& rest, bool) const
{
    const scratch one;
    std::string& made = one.text();
    made = "a[\"";
    const std::size_t in_head = append_quoted(made, head);
    count_altered(altered_, in_head + append_quoted(made, rest->bytes()));
    append_text(out, made.append("\"]"));
}

void websocket_wire::append_beat(net::outbox& out, bool) const
{
    append_text(out, R"(a["\n"])");
}

void websocket_wire::append_question(net::outbox& out) const
{
    websocket::append_message(out, websocket::role::server, websocket::opcode::ping, {});
}

void websocket_wire::append_end(
    net::outbox& out, std::string_view frame, websocket::close_code code)
{
    append_text(out, frame);
    websocket::append_close(out, websocket::role::server, code, {});
}

void websocket_wire::append_close(
    net::outbox& out, disconnect_reason why, std::string_view text) const
{
    append_end(out, close_frame(why, text), close_code_of(why));
}

void websocket_wire::append_unavailable(net::outbox& out, std::string_view sentence) const
{
    websocket_transport{}.append_unavailable(out, sentence);
}

void websocket_wire::on_written(net::connection& to)
{
    pongs_.on_written(websocket::role::server, to);
    if (armed()) {
        at_.loop().timers().arm(*this, at_.loop().now() + heart_beat_);
    }
}

// SockJS's own: it keeps proxies from taking the connection for a dead one.
void websocket_wire::on_timer(net::time_point now)
{
    if (at_.closing()) {
        return;
    }
    if (at_.out().empty() && at_.flowing()) {
        append_text(at_.out(), "h");
        at_.touch();
    }
    at_.loop().timers().arm(*this, now + heart_beat_);
}

} // namespace gateway::sockjs
