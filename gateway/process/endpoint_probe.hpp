#pragma once

// Asks one endpoint whether it answers.
//
// A stomp:// endpoint is healthy when the transport opens, a stomps:// one when TLS is agreed on and not
// refused within a moment. Where health.login is set, STOMP CONNECT
// must be answered with CONNECTED, too. A preflight always sends CONNECT and takes any answer as a
// sign of life, an ERROR or a close included, because a stopped process still accepts connections
// (C10).
//
// A ws:// endpoint is asked for an upgrade, and any HTTP answer is a sign of life: an application
// that wants a login answers 401, 403 or a redirect. Only 502, 503 and 504 are none, because they
// are a balancer's word for what is behind it. Where health.headers or health.path is set, only 101
// and 2xx will do.
//
// Threading:  one shard's thread.
// Lifetime:   owned by its shard until `done` was called. The connection is left with a farewell.

#include "broker/link_connection.hpp"
#include "gateway/core/tables/effects.hpp"
#include "gateway/settings/config.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gateway {

class shard;

class endpoint_probe final : public broker::link_owner, private net::timer {
public:
    using answer = std::function<void(bool, std::string)>;

    enum class depth : std::uint8_t { health, preflight };

    endpoint_probe(
        shard& owner, control::endpoint_ref which, depth how, net::duration timeout, answer done);
    void start();
    bool over() const noexcept { return over_; }

private:
    void link_open(broker::link_id id) override;
    void
    link_frame(broker::link_id id, const stomp::frame_view& frame, broker::framing as) override;
    void link_skipped(broker::link_id, const stomp::frame_view&) override {}
    void link_drained(broker::link_id) override {}
    void link_lost(broker::link_id id, std::string why) override;
    void link_refused(broker::link_id id, websocket::upgrade_refusal what) override;
    void on_timer(net::time_point now) override;
    void finish(bool ok, std::string why);
    const health_config& health() const;
    endpoint_scheme scheme() const;

    shard& shard_;
    control::endpoint_ref which_;
    depth how_;
    net::duration timeout_;
    answer done_;
    std::vector<handshake_field> headers_; // health.headers
    std::unique_ptr<broker::link_connection> connection_;
    bool opened_ = false; // TLS is up, and may still be refused
    bool asked_ = false; // CONNECT was written
    bool over_ = false;
};

} // namespace gateway
