#include "gateway/process/endpoint_probe.hpp"

#include "broker/stomp/serializer.hpp"
#include "gateway/process/shard.hpp"

#include <fstream>

namespace gateway {

namespace {

constexpr auto refusal_time = std::chrono::milliseconds{250};

} // namespace

endpoint_probe::endpoint_probe(
    shard& owner, control::endpoint_ref which, depth how, net::duration timeout, answer done)
    : shard_(owner), which_(which), how_(how), timeout_(timeout), done_(std::move(done))
{
}

const health_config& endpoint_probe::health() const
{
    return shard_.settings().brokers.colors[which_.color].health;
}

endpoint_scheme endpoint_probe::scheme() const
{
    return shard_.settings().brokers.colors[which_.color].endpoints[which_.index].scheme;
}

void endpoint_probe::start()
{
    std::string why;
    headers_.assign(health().headers.begin(), health().headers.end());
    connection_ =
        shard_.connect({.at = which_, .handshake_headers = &headers_}, *this, why, health().path);
    if (connection_ == nullptr) {
        finish(false, std::move(why));
        return;
    }
    shard_.loop().timers().arm(*this, shard_.loop().now() + timeout_);
}

void endpoint_probe::link_open(broker::link_id)
{
    // The 101 is an answer of the process itself. A CONNECT without a login would only be a session
    // more in the eyes of an application.
    if (health().login.empty() && by_websocket(scheme())) {
        finish(true, {});
        return;
    }
    if (health().login.empty() && how_ == depth::health) {
        if (within_tls(
                scheme())) { // a server of TLS 1.3 refuses a certificate behind the handshake
            opened_ = true;
            shard_.loop().timers().arm(*this, shard_.loop().now() + refusal_time);
        } else {
            finish(true, {});
        }
        return;
    }
    stomp::serializer frame;
    frame.begin(stomp::command::connect).raw("accept-version", "1.0,1.1,1.2").raw("host", "/");
    if (!health().login.empty()) {
        std::string passcode; // re-read each time: it may be rotated
        std::ifstream file{health().passcode_file};
        std::getline(file >> std::ws, passcode);
        frame.raw("login", health().login).raw("passcode", passcode);
    }
    asked_ = true;
    connection_->write_frame(frame.end_head(), {}, broker::framing::text);
}

void endpoint_probe::link_frame(broker::link_id, const stomp::frame_view& frame, broker::framing)
{
    if (over_) {
        return;
    }
    if (frame.command == stomp::command::connected) {
        stomp::serializer bye;
        connection_->write_frame(
            bye.begin(stomp::command::disconnect).end_head(), {}, broker::framing::text);
        finish(true, {});
    } else if (health().login.empty()) {
        finish(true, {}); // it does not know us, but it answers
    } else {
        finish(
            false,
            "it refused health.login: " + std::string{frame.find("message").value_or("ERROR")});
    }
}

void endpoint_probe::link_lost(broker::link_id, std::string why)
{
    finish(asked_ && health().login.empty() && !connection_->tls_failed(), std::move(why));
}

void endpoint_probe::link_refused(broker::link_id, websocket::upgrade_refusal what)
{
    const bool judged = !health().headers.empty() || !health().path.empty();
    const bool ok =
        judged ? what.status >= 200 && what.status < 300 : !websocket::says_not_ready(what.status);
    finish(ok, std::move(what.why));
}

void endpoint_probe::on_timer(net::time_point)
{
    if (opened_) {
        finish(true, {});
        return;
    }
    const bool began = connection_->bytes_read() > 0;
    finish(
        false, asked_  ? "no answer to CONNECT in time"
               : began ? "its answer did not end in time"
                       : "no answer in time");
}

void endpoint_probe::finish(bool ok, std::string why)
{
    if (over_) {
        return;
    }
    over_ = true;
    cancel();
    if (connection_ != nullptr) {
        shard_.part(std::move(connection_));
    }
    done_(ok, std::move(why));
}

} // namespace gateway
