#include "tests/sockjs_echo/echo_clients.hpp"

#include "gateway/transports/websocket/websocket_transport.hpp"

namespace sockjs_echo {

namespace {

constexpr std::size_t message_bytes_max = 1024 * 1024;
const std::string go_away = R"(c[3000,"Go away!"])";
constexpr auto go_away_code = static_cast<websocket::close_code>(3000);

} // namespace

carried_client::carried_client(
    net::readiness_loop& loop, gateway::sockjs::session& over, manner how)
    : echo_client(loop), wire_(over, *this)
{
    if (how == manner::close) {
        wire_.end_with(go_away);
        close_after_flush();
    }
}

void carried_client::on_bytes(std::span<char> bytes)
{
    gateway::sockjs::xhr_wire::append_message(out(), {bytes.data(), bytes.size()});
    touch();
}

void carried_client::on_closed(boost::system::error_code reason)
{
    wire_.on_closed();
    echo_client::on_closed(reason);
}

socket_client::socket_client(
    net::readiness_loop& loop, net::loose_socket socket, framing as, manner how)
    : echo_client(loop, std::move(socket)),
      wire_(
          as == framing::sockjs ? std::make_unique<gateway::sockjs::websocket_wire>(*this)
                                : nullptr),
      policy_{.allowed_origins = {"*"}, .any_path = true}, how_(how)
{
}

void socket_client::on_bytes(std::span<char> bytes)
{
    if (open_) {
        echo(bytes);
        return;
    }
    so_far_.append(bytes.data(), bytes.size());
    greet();
}

void socket_client::greet()
{
    gateway::websocket_transport plain;
    gateway::transport& wire = wire_ ? static_cast<gateway::transport&>(*wire_) : plain;
    const auto came = wire.greet(so_far_, 0, {.upgrade = policy_}, out());
    touch();
    if (came.came == gateway::greeting::outcome::refused) {
        close_after_flush();
    }
    if (came.came != gateway::greeting::outcome::accepted) {
        return;
    }
    open_ = true;
    if (how_ == manner::close) {
        say_go_away();
        return;
    }
    std::string rest = so_far_.substr(came.used);
    so_far_.clear();
    echo({rest.data(), rest.size()});
}

void socket_client::say_go_away()
{
    if (wire_) {
        gateway::sockjs::websocket_wire::append_end(out(), go_away, go_away_code);
    } else {
        websocket::append_close(out(), websocket::role::server, go_away_code, "Go away!");
    }
    close_after_flush();
}

void socket_client::echo(std::span<char> bytes)
{
    if (!wire_) {
        echo_plain(bytes);
        return;
    }
    while (!closing()) {
        const auto came = wire_->next(bytes, message_bytes_max, *this);
        switch (came.what) {
        case gateway::incoming::kind::need_more: return;
        case gateway::incoming::kind::control: break;
        case gateway::incoming::kind::data:
            gateway::sockjs::websocket_wire::append_message(
                out(), {came.payload.data(), came.payload.size()});
            touch();
            break;
        case gateway::incoming::kind::closed:
        case gateway::incoming::kind::failed: close_after_flush(); return;
        }
    }
}

void socket_client::echo_plain(std::span<char> bytes)
{
    while (!closing()) {
        const auto event = decoder_.next(bytes, message_bytes_max);
        switch (event.kind) {
        case websocket::event_kind::need_more: return;
        case websocket::event_kind::data:
            message_.append(event.payload.data(), event.payload.size());
            if (event.message_end) {
                websocket::append_message(
                    out(), websocket::role::server,
                    event.binary ? websocket::opcode::binary : websocket::opcode::text, message_);
                message_.clear();
                touch();
            }
            break;
        case websocket::event_kind::ping:
            websocket::append_pong(out(), websocket::role::server, event.payload);
            touch();
            break;
        case websocket::event_kind::pong: break;
        case websocket::event_kind::close:
        case websocket::event_kind::failed:
            websocket::append_close(out(), websocket::role::server, event.code, {});
            close_after_flush();
            return;
        }
    }
}

void socket_client::on_written()
{
    if (wire_) {
        wire_->on_written(*this);
    }
}

} // namespace sockjs_echo
