// What a shard does for its SockJS hub: which connections and sessions it takes, and whose they are.

#include "gateway/process/shard.hpp"
#include "gateway/telemetry/log.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

namespace {

constexpr std::size_t logged_origin_bytes_max = 200;

std::string without_port(const std::string& peer)
{
    return peer.substr(0, peer.rfind(':'));
}

} // namespace

// Plain WebSocket is served beneath SockJS's paths, too.
void shard::open_hub()
{
    for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
        const auto& l = settings_.listeners[i];
        sockjs::premises here;
        for (const auto& path : l.sockjs_paths) {
            here.services.push_back({.path = path, .cookie_needed = l.cookie_needed});
            policies_[i].paths.push_back(path + "/websocket");
        }
        here.websocket_paths = policies_[i].paths;
        premises_.push_back(std::move(here));
    }
    const auto& limits = settings_.limits;
    hub_ = std::make_unique<sockjs::hub>(
        loop_, static_cast<sockjs::hub_owner&>(*this), router_.budget(),
        sockjs::hub_settings{
            .shard = router_.shard_number(),
            .shards = process_.shards,
            .key = process_.sockjs_key,
            .head_bytes_max = limits.http_head,
            .body_bytes_max = limits.frame_before_connect,
            .request_timeout = limits.handshake_timeout,
            .stall = 2 * limits.client_stall}); // its session's client is judged before
}

websocket::hop shard::hop_from(const sockjs::standing& who) const
{
    const auto& proxies = settings_.listeners[who.listener].trusted_proxies;
    const bool trusted =
        std::ranges::any_of(proxies, [&](const auto& range) { return range.contains(who.peer); });
    return trusted ? websocket::hop::trusted_proxy : websocket::hop::peer;
}

bool shard::page_may_come(const sockjs::standing& who, const websocket::http_head& head)
{
    if (websocket::page_is_allowed(head, policies_[who.listener], hop_from(who))) {
        return true;
    }
    ++counters_.listener(who.listener).rejected[reject_reason::origin];
    const std::string address = without_port(who.peer);
    log::line_about(
        log_level::info, address,
        "refused a client: this origin is not allowed: " +
            std::string{head.find("Origin").value_or("").substr(0, logged_origin_bytes_max)},
        {{"peer", address}});
    return false;
}

void shard::serve_http(client_connection& c, sockjs::handed_on socket)
{
    if (c.counted()) { // a session counts, and not the connections that speak for it
        --counters_.listener(c.listener()).connections;
        c.set_counted(false);
    }
    destroy_later(c);
    hub_->adopt(std::move(socket));
}

std::string
shard::open_user(sockjs::session& s, const sockjs::standing& opener, const sockjs::request& by)
{
    auto& counts = counters_.listener(opener.listener);
    const auto& limits = settings_.limits;
    if (over_budget()) {
        ++counts.rejected[reject_reason::overload];
        return "out of memory for clients (limits.buffered_total)";
    }
    if (process_.clients.fetch_add(1, std::memory_order_relaxed) >= process_.clients_max) {
        process_.clients.fetch_sub(1, std::memory_order_relaxed);
        ++counts.rejected[reject_reason::limit];
        return "too many clients (limits.clients)";
    }
    const bool counts_addresses = limits.clients_per_address > 0;
    if (counts_addresses &&
        !process_.addresses.enter(without_port(opener.peer), limits.clients_per_address)) {
        process_.clients.fetch_sub(1, std::memory_order_relaxed);
        ++counts.rejected[reject_reason::ip_limit];
        return "too many clients of one address (limits.clients_per_address)";
    }
    const std::uint64_t number = ++last_client_;
    auto& c = clients_.add(number, std::make_unique<client_connection>(*this, opener, number, s));
    if (counts_addresses) {
        c.set_counted_address();
    }
    ++counts.accepted;
    ++counts.connections;
    c.set_counted();
    const auto& policy = policies_[opener.listener];
    c.begin_session(
        websocket::forwarded_fields(by.head, policy),
        websocket::place_told(by.head, policy, hop_from(opener)));
    return {};
}

std::size_t shard::body_bytes_max(const net::connection& user) const
{
    return static_cast<const client_connection&>(user).body_bytes_max();
}

void shard::upgrade(sockjs::handed_on socket)
{
    const std::uint64_t number = ++last_client_;
    const std::size_t listener = socket.who.listener;
    auto& c = clients_.add(
        number, std::make_unique<client_connection>(*this, std::move(socket.socket), listener, number));
    ++counters_.listener(listener).connections;
    c.set_counted();
    c.go_on(std::move(socket.who), std::move(socket.bytes));
}

void shard::hand_over(unsigned number, sockjs::handed_on socket)
{
    shard* const other = process_.by_number[number];
    other->post(
        [other, moved = std::move(socket)]() mutable { other->hub_->adopt(std::move(moved)); });
}

void shard::connection_gone(const sockjs::standing& who)
{
    if (who.address_counted) {
        process_.addresses.leave(without_port(who.peer));
    }
    process_.clients.fetch_sub(1, std::memory_order_relaxed);
}

} // namespace gateway
