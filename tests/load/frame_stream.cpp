#include "tests/load/frame_stream.hpp"

#include <algorithm>

namespace load {

frame_stream::frame_stream(const dial_target& target) : target_(target) {}

void frame_stream::start(net::outbox& out, frame_sink& sink)
{
    if (target_.over == dial_target::transport::tcp) {
        head_done_ = true;
        sink.on_open();
        return;
    }
    websocket::upgrade_dial dial;
    dial.host = target_.host_port;
    dial.target = target_.path;
    if (target_.subprotocol) {
        dial.subprotocols = target_.versions;
    }
    upgrade_ = websocket::start_upgrade(dial);
    out.append(upgrade_.request);
}

void frame_stream::write(net::outbox& out, std::string_view frame)
{
    if (target_.over == dial_target::transport::tcp) {
        out.append(frame);
    } else {
        websocket::append_message(out, websocket::role::client, websocket::opcode::text, frame);
    }
}

void frame_stream::write_close(net::outbox& out)
{
    if (target_.over == dial_target::transport::websocket && !close_sent_) {
        close_sent_ = true;
        websocket::append_close(out, websocket::role::client, websocket::close_code::normal, "");
    }
}

frame_stream::outcome frame_stream::fail(std::string why)
{
    over_ = true;
    why_ = std::move(why);
    return outcome::failed;
}

frame_stream::outcome frame_stream::feed(
    std::span<char> bytes, net::outbox& out, stomp::frame_view& scratch, frame_sink& sink)
{
    if (over_) {
        return outcome::open;
    }
    if (!head_done_) {
        const outcome head = take_head(bytes, sink);
        if (head != outcome::open || !head_done_) {
            return head;
        }
    }
    if (target_.over == dial_target::transport::websocket) {
        return take_messages(bytes, out, scratch, sink);
    }
    const std::string_view frames{bytes.data(), bytes.size()};
    return take_frames(frames, scratch, sink) ? outcome::open : outcome::failed;
}

frame_stream::outcome frame_stream::take_head(std::span<char>& bytes, frame_sink& sink)
{
    const std::size_t before = partial_.size();
    partial_.append(bytes.data(), bytes.size());
    const std::optional<std::size_t> end = websocket::end_of_head(partial_);
    if (!end) {
        return partial_.size() > websocket::http_head_bytes_max ? fail("HTTP head without an end")
                                                                : outcome::open;
    }
    const std::vector<stomp::version> none;
    const auto answer = websocket::check_upgrade(
        std::string_view{partial_}.substr(0, *end), upgrade_,
        target_.subprotocol ? target_.versions : none);
    if (!answer) {
        return fail(answer.error());
    }
    head_done_ = true;
    upgrade_ = {};
    bytes = bytes.subspan(*end - before);
    partial_ = {};
    sink.on_open();
    return outcome::open;
}

frame_stream::outcome frame_stream::take_messages(
    std::span<char> bytes, net::outbox& out, stomp::frame_view& scratch, frame_sink& sink)
{
    for (;;) {
        const websocket::event event = decoder_.next(bytes, frame_bytes_max);
        switch (event.kind) {
        case websocket::event_kind::need_more: return outcome::open;
        case websocket::event_kind::data:
            if (!take_frames({event.payload.data(), event.payload.size()}, scratch, sink)) {
                return outcome::failed;
            }
            break;
        case websocket::event_kind::ping:
            websocket::append_pong(out, websocket::role::client, event.payload);
            break;
        case websocket::event_kind::pong: break;
        case websocket::event_kind::close:
            over_ = true;
            why_ = "WebSocket close " + std::to_string(static_cast<unsigned>(event.code)) + " " +
                   std::string{event.payload.begin(), event.payload.end()};
            write_close(out);
            return outcome::closed;
        case websocket::event_kind::failed: return fail("bytes that are not WebSocket frames");
        }
    }
}

bool frame_stream::take_frames(std::string_view bytes, stomp::frame_view& scratch, frame_sink& sink)
{
    const bool copied = !partial_.empty();
    if (copied) {
        partial_.append(bytes);
        bytes = partial_;
    }
    const stomp::limits bounds{.frame_bytes = frame_bytes_max};
    std::size_t done = 0;
    while (done < bytes.size()) {
        const stomp::parse_result result = parser_.parse(bytes.substr(done), bounds, scratch);
        if (result.status == stomp::parse_status::need_more) {
            break;
        }
        if (result.status == stomp::parse_status::failed) {
            fail("not STOMP: " + stomp::make_error_code(result.error).message());
            return false;
        }
        done += result.consumed;
        if (result.status == stomp::parse_status::frame) {
            sink.on_frame(scratch);
        }
    }
    if (copied) {
        partial_.erase(0, done);
        if (partial_.empty()) {
            partial_ = {}; // thousands of idle clients: keep no capacity
        }
    } else {
        partial_.assign(bytes.substr(done));
    }
    return true;
}

} // namespace load
