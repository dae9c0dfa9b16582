// A client at a listener with SockJS: what its first request wants, and the two ways by which it comes
// from or goes to connections that serve HTTP.

#include "gateway/process/client_connection.hpp"
#include "gateway/process/shard.hpp"
#include "gateway/transports/sockjs/websocket_wire.hpp"
#include "gateway/transports/sockjs/xhr_wire.hpp"

#include <utility>

namespace gateway {

client_connection::client_connection(
    shard& owner, const sockjs::standing& who, std::uint64_t number, sockjs::session& over)
    : connection(owner.loop()), shard_(owner),
      transport_(std::make_unique<sockjs::xhr_wire>(over, *this, &owner.counters().sockjs_altered)),
      peer_(std::make_unique<std::string>(who.peer)), since_(owner.loop().now()), number_(number),
      listener_(static_cast<std::uint16_t>(who.listener)), stage_(stage::greeting)
{
    shard_.loop().timers().arm(*this, since_ + shard_.settings().limits.handshake_timeout);
}

void client_connection::begin_session(
    std::vector<std::pair<std::string, std::string>> headers, websocket::client_place place)
{
    open(std::move(headers), std::move(place));
}

void client_connection::go_on(sockjs::standing who, std::string bytes)
{
    stage_ = stage::greeting;
    peer_ = std::make_unique<std::string>(std::move(who.peer));
    address_counted_ = who.address_counted;
    on_bytes({bytes.data(), bytes.size()});
}

// Without SockJS every first request is a plain WebSocket's.
sockjs::wish client_connection::sockjs_wish(std::size_t looked_at)
{
    if (place().sockjs_paths.empty()) {
        return sockjs::wish::plain_websocket;
    }
    const auto wish = sockjs::wish_of(
        partial_, looked_at, shard_.settings().limits.http_head, shard_.at(listener_));
    if (wish == sockjs::wish::framed_websocket) {
        transport_.emplace<std::unique_ptr<transport>>(
            std::make_unique<sockjs::websocket_wire>(*this, shard_.counters().sockjs_altered));
    }
    return wish;
}

void client_connection::serve_http(std::span<const char> rest)
{
    cancel();
    moved_ = true;
    std::string bytes = std::move(partial_);
    drop_input();
    bytes.append(rest.data(), rest.size());
    sockjs::standing who{
        .listener = listener_, .peer = peer(), .address_counted = address_counted_};
    address_counted_ = false; // it goes along
    shard_.serve_http(*this, {release(), std::move(bytes), std::move(who)});
}

std::size_t client_connection::body_bytes_max() const noexcept
{
    const std::size_t most = shard_.settings().limits.frame + 64 * 1024;
    return connected_ ? 2 * most : room_before_connect(); // JSON's escapes
}

} // namespace gateway
