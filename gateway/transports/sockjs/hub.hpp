#pragma once

// The SockJS sessions over HTTP of one shard, and the connections whose requests speak for them. A
// session belongs to the shard that its id says; a request for it that came in at another shard goes
// there with its connection. So nothing is shared.
//
// Threading:  one loop's thread; adopt() of what another shard hands over is posted to it.
// Lifetime:   outlives its sessions and connections, and ends before their users do.
// Limits:     sessions are clients of the owner's, who may refuse one. Those that are over are kept for
//             disconnect_delay, over_max at most.

#include "broker/net/hash_map.hpp"
#include "broker/net/numbered_table.hpp"
#include "broker/secrets.hpp"
#include "gateway/memory/memory_budget.hpp"
#include "gateway/transports/sockjs/door.hpp"
#include "gateway/transports/sockjs/request.hpp"
#include "gateway/transports/sockjs/session.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace gateway::sockjs {

class http_connection;

// Whose connection it is.
struct standing {
    std::size_t listener = 0;
    std::string peer;             // as net::peer_address() writes it
    bool address_counted = false; // towards limits.clients_per_address
};

// A connection on its way: its socket, what was read of the next request, whose it is.
struct handed_on {
    net::loose_socket socket;
    std::string bytes;
    standing who;
};

class hub_owner {
public:
    virtual const premises& at(std::size_t listener) const = 0;
    // By its Origin; who may not is counted and logged.
    virtual bool page_may_come(const standing& who, const websocket::http_head& head) = 0;
    // Makes the user of a session: a carried connection with an xhr_wire. A sentence: not now.
    virtual std::string open_user(session& s, const standing& opener, const request& by) = 0;
    // Of a request's body that goes to that user.
    virtual std::size_t body_bytes_max(const net::connection& user) const = 0;
    virtual void upgrade(handed_on connection) = 0; // its next request is no HTTP resource's
    virtual void hand_over(unsigned shard, handed_on connection) = 0;
    virtual void connection_gone(const standing& who) = 0;

protected:
    ~hub_owner() = default;
};

struct hub_settings {
    unsigned shard = 0, shards = 1;
    broker::secret_key key; // which shard a session belongs to; of the process
    std::size_t head_bytes_max = 32 * 1024;
    std::size_t body_bytes_max = 64 * 1024;            // of a request that brings no messages
    std::chrono::milliseconds request_timeout{10'000}; // and a second more for each 16 KiB
    std::chrono::milliseconds stall{10'000};           // an answer of which nothing is taken
    std::chrono::milliseconds idle{75'000};            // between two requests
    session_settings session;
};

class hub final : private session_owner, private net::timer {
public:
    static constexpr std::size_t over_max = 4096;

    hub(net::readiness_loop& loop, hub_owner& owner, memory_budget& budget, hub_settings settings);
    ~hub() override;

    // For what begins from now on.
    void set_limits(
        std::size_t head_bytes_max, std::size_t body_bytes_max,
        std::chrono::milliseconds request_timeout, std::chrono::milliseconds stall) noexcept
    {
        settings_.head_bytes_max = head_bytes_max;
        settings_.body_bytes_max = body_bytes_max;
        settings_.request_timeout = request_timeout;
        settings_.stall = stall;
    }
    void adopt(handed_on connection);
    // The gateway goes away: no new sessions, and idle connections are closed.
    void drain();
    // No memory is left, and nobody may be closed: requests are not read.
    void stop_reading(bool on);
    std::size_t connections() const noexcept { return connections_.size(); }
    const net::numbered_table<http_connection>& all() const noexcept { return connections_; }

    // ---- by its connections
    std::string name_of(const standing& who, const route& where) const;
    unsigned shard_of(std::string_view name) const noexcept;
    session* find(std::string_view name);
    // A session of that name with a user. Null: not now, and why.
    session* open(
        std::string name, const standing& who, const request& by, const service& of,
        std::string& why);
    void closed(http_connection& c);     // destroys it
    void given_away(http_connection& c); // destroys it soon
    hub_owner& owner() noexcept { return owner_; }
    memory_budget& budget() noexcept { return budget_; }
    net::readiness_loop& loop() noexcept { return loop_; }
    const hub_settings& settings() const noexcept { return settings_; }
    bool draining() const noexcept { return draining_; }
    bool reading() const noexcept { return !stopped_; }

private:
    void session_is_over(session& s) override;
    void remove_session(session& s) override;
    void on_timer(net::time_point now) override;

    net::readiness_loop& loop_;
    hub_owner& owner_;
    memory_budget& budget_;
    hub_settings settings_;
    net::numbered_table<http_connection> connections_;
    net::hash_map<std::uint64_t, std::unique_ptr<session>> sessions_;
    std::deque<std::uint64_t> over_;        // keys, the oldest first
    std::vector<std::uint64_t> given_away_; // connections
    std::uint64_t last_ = 0;
    bool draining_ = false, stopped_ = false;
};

} // namespace gateway::sockjs
