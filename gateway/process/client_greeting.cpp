// A client's first bytes: the PROXY header where its listener demands one, TLS's handshake, then what its
// transport wants to hear before STOMP.

#include "broker/net/socket.hpp"
#include "broker/net/tls/stream.hpp"
#include "gateway/listening/proxy_header.hpp"
#include "gateway/process/client_connection.hpp"
#include "gateway/process/shard.hpp"
#include "gateway/telemetry/log.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

namespace {

constexpr char tls_handshake_record = 22; // RFC 8446, 5.1

std::string without_port(const std::string& peer)
{
    return peer.substr(0, peer.rfind(':'));
}

} // namespace

std::string client_connection::peer() const
{
    if (peer_) {
        return *peer_;
    }
    const auto at_the_other_end = net::peer_address(descriptor());
    return at_the_other_end ? *at_the_other_end : "?";
}

std::string client_connection::counted_address() const
{
    return address_counted_ ? without_port(*peer_) : std::string{};
}

void client_connection::set_counted_address()
{
    peer_ = std::make_unique<std::string>(peer());
    address_counted_ = true;
}

// outside.md N8. What the header says is the client from here on: for limits, log and sessions.
std::span<char> client_connection::read_proxy_header(std::span<char> bytes)
{
    const std::size_t before = partial_.size();
    keep({bytes.data(), std::min(bytes.size(), proxy_header_bytes_max - before)});
    auto header = parse_proxy_header(partial_, place().proxy_protocol);
    switch (header.came) {
    case proxy_header::outcome::unfinished: return {};
    case proxy_header::outcome::failed:
        turn_away("its PROXY header " + std::string{header.why});
        return {};
    case proxy_header::outcome::whole: break;
    }
    stage_ = first_stage();
    drop_input();
    if (!header.source.empty()) {
        peer_ = std::make_unique<std::string>(std::move(header.source));
    }
    shard_.admit(*this);
    return bytes.subspan(header.size - before);
}

void client_connection::turn_away(std::string_view why)
{
    ++shard_.counters().listener(listener_).rejected[reject_reason::proxy];
    const std::string from = without_port(peer());
    log::line_about(
        log_level::warning, from,
        "refused a connection to " + place().bind.text + ": " + std::string{why}, {{"peer", from}});
    cut();
}

client_connection::stage client_connection::first_stage() const noexcept
{
    return place().tls ? stage::hello : stage::greeting;
}

// outside.md N27. What came is kept, and nothing more is read, until it is this one's turn.
void client_connection::await_handshake(std::span<char> hello)
{
    stage_ = stage::securing;
    if (hello.front() != tls_handshake_record) {
        handshake_failed("the client does not speak TLS");
        cut();
        return;
    }
    keep({hello.data(), hello.size()});
    pause_reading();
    if (!peer_) {
        peer_ = std::make_unique<std::string>(peer());
    }
    in_gate_ = true;
    shard_.gate().enter(number_, without_port(*peer_));
}

void client_connection::begin_handshake(const std::shared_ptr<const tls::server_context>& from)
{
    if (closing()) {
        leave_gate();
        return;
    }
    const std::string hello = std::exchange(partial_, {});
    if (!stopped_) {
        resume_reading();
    }
    wrap(tls::stream::accept(from), hello);
    account();
}

void client_connection::on_connected()
{
    leave_gate();
    stage_ = stage::greeting;
    ++shard_.counters().listener(listener_).tls_handshakes;
    account();
}

void client_connection::leave_gate()
{
    if (in_gate_) {
        in_gate_ = false;
        shard_.gate().leave(number_, without_port(*peer_));
    }
}

void client_connection::handshake_failed(const std::string& why)
{
    ++shard_.counters().listener(listener_).rejected[reject_reason::tls];
    const std::string from = without_port(peer());
    log::line_about(
        log_level::info, from, "refused a client at " + place().bind.text + ": " + why,
        {{"peer", from}});
}

std::span<char> client_connection::greet(std::span<char> bytes)
{
    const auto from = peer();
    const bool trusted = std::ranges::any_of(
        place().trusted_proxies, [&](const auto& range) { return range.contains(from); });
    const door at{
        .upgrade = shard_.upgrade_policy(listener_),
        .from = trusted ? websocket::hop::trusted_proxy : websocket::hop::peer};
    const std::size_t most = wire().greeting_bytes_max(at);
    if (most == 0) {
        open({}, {.https = place().tls.has_value()});
        return bytes;
    }
    const std::size_t before = partial_.size();
    keep({bytes.data(), std::min(bytes.size(), most + 1 - before)}); // no more is looked at
    switch (sockjs_wish(before)) {
    case sockjs::wish::unfinished: return {};
    case sockjs::wish::http: serve_http(bytes.subspan(partial_.size() - before)); return {};
    case sockjs::wish::plain_websocket:
    case sockjs::wish::framed_websocket: break;
    }
    auto said = wire().greet(partial_, before, at, out());
    switch (said.came) {
    case greeting::outcome::unfinished: return {};
    case greeting::outcome::refused:
        ++shard_.counters().listener(listener_).rejected[said.why];
        if (!said.reason.empty()) {
            const std::string address = without_port(from);
            log::line_about(
                log_level::info, address, "refused a client: " + said.reason, {{"peer", address}});
        }
        touch();
        close_after_flush();
        return {};
    case greeting::outcome::accepted: break;
    }
    touch();
    std::string{}.swap(partial_); // `= {}` would keep the room
    open(std::move(said.headers), std::move(said.place));
    return bytes.subspan(said.used - before);
}

void client_connection::open(
    std::vector<std::pair<std::string, std::string>> headers, websocket::client_place place)
{
    stage_ = stage::open;
    session_ = shard_.opened(*this, peer(), std::move(headers), std::move(place));
    if (!address_counted_ && !carried()) {
        peer_.reset();
    }
}

} // namespace gateway
