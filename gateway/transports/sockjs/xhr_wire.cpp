#include "gateway/transports/sockjs/xhr_wire.hpp"

#include "gateway/transports/websocket/websocket_transport.hpp"

#include <utility>

namespace gateway::sockjs {

std::string close_frame(unsigned code, std::string_view reason)
{
    return "c[" + std::to_string(code) + ',' + in_quotes(reason) + ']';
}

std::string close_frame(disconnect_reason why, std::string_view text)
{
    const auto code = close_code_of(why);
    if (code == websocket::close_code::no_status) {
        return close_frame(1002, "Connection interrupted");
    }
    const bool normal = code == websocket::close_code::normal;
    return close_frame(
        static_cast<unsigned>(code), text.empty() && normal ? "Normal closure" : text);
}

xhr_wire::xhr_wire(session& over, net::connection& user, std::uint64_t* altered)
    : session_(&over), altered_(altered)
{
    over.bind(*this, user);
}

xhr_wire::~xhr_wire()
{
    xhr_wire::on_closed();
}

greeting xhr_wire::greet(std::string_view, std::size_t, const door&, net::outbox&)
{
    return {.came = greeting::outcome::accepted};
}

incoming xhr_wire::next(std::span<char>& bytes, std::size_t, net::connection&)
{
    if (bytes.empty()) {
        return {};
    }
    return {.what = incoming::kind::data, .payload = std::exchange(bytes, {})};
}

void xhr_wire::append_message(net::outbox& out, std::string_view text)
{
    out.append("\"");
    append_quoted(out, text);
    out.append("\"\n");
}

void xhr_wire::append_frame(
    net::outbox& out, std::string_view head, std::string_view body, bool) const
{
    out.append("\"");
    const std::size_t in_head = append_quoted(out, head);
    count_altered(altered_, in_head + append_quoted(out, body));
    out.append("\\u0000\"\n");
}

void xhr_wire::append_frame(
    net::outbox& out, std::string_view head, const net::payload_ref& rest, bool) const
{
    out.append("\"");
    const std::size_t in_head = append_quoted(out, head);
    count_altered(altered_, in_head + append_quoted(out, rest->bytes()));
    out.append("\"\n");
}

void xhr_wire::append_beat(net::outbox& out, bool) const
{
    out.append("\"\\n\"\n");
}

void xhr_wire::append_close(net::outbox&, disconnect_reason why, std::string_view text) const
{
    end_with(close_frame(why, text));
}

void xhr_wire::append_unavailable(net::outbox&, std::string_view sentence) const
{
    end_with(close_frame(1013, sentence));
}

void xhr_wire::end_with(std::string frame) const
{
    if (session_ != nullptr) {
        session_->will_close(std::move(frame));
    }
}

void xhr_wire::on_turn()
{
    if (session_ != nullptr) {
        session_->on_user_turn();
    }
}

void xhr_wire::on_closed()
{
    if (session* const over = std::exchange(session_, nullptr)) {
        over->on_user_closed();
    }
}

} // namespace gateway::sockjs
