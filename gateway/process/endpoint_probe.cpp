#include "gateway/process/endpoint_probe.hpp"

#include "broker/stomp/serializer.hpp"
#include "gateway/process/shard.hpp"

#include <fstream>

namespace gateway {

endpoint_probe::endpoint_probe(
    shard& owner, control::endpoint_ref which, depth how, net::duration timeout, answer done)
    : shard_(owner), which_(which), how_(how), timeout_(timeout), done_(std::move(done))
{
}

void endpoint_probe::start()
{
    std::string why;
    connection_ = shard_.connect({.at = which_}, *this, why);
    if (connection_ == nullptr) {
        finish(false, std::move(why));
        return;
    }
    shard_.loop().timers().arm(*this, shard_.loop().now() + timeout_);
}

void endpoint_probe::link_open(broker::link_id)
{
    const auto& health = shard_.settings().brokers.colors[which_.color].health;
    if (health.login.empty() && how_ == depth::health) {
        finish(true, {});
        return;
    }
    stomp::serializer frame;
    frame.begin(stomp::command::connect).raw("accept-version", "1.0,1.1,1.2").raw("host", "/");
    if (!health.login.empty()) {
        std::string passcode; // re-read each time: it may be rotated
        std::ifstream file{health.passcode_file};
        std::getline(file >> std::ws, passcode);
        frame.raw("login", health.login).raw("passcode", passcode);
    }
    asked_ = true;
    connection_->write_frame(frame.end_head(), {}, broker::framing::text);
}

void endpoint_probe::link_frame(broker::link_id, const stomp::frame_view& frame, broker::framing)
{
    if (frame.command == stomp::command::connected) {
        stomp::serializer bye;
        connection_->write_frame(
            bye.begin(stomp::command::disconnect).end_head(), {}, broker::framing::text);
        finish(true, {});
    } else if (shard_.settings().brokers.colors[which_.color].health.login.empty()) {
        finish(true, {}); // it does not know us, but it answers
    } else {
        finish(
            false,
            "it refused health.login: " + std::string{frame.find("message").value_or("ERROR")});
    }
}

void endpoint_probe::link_lost(broker::link_id, std::string why)
{
    const bool answered =
        asked_ && shard_.settings().brokers.colors[which_.color].health.login.empty();
    finish(answered, std::move(why));
}

void endpoint_probe::on_timer(net::time_point)
{
    finish(false, asked_ ? "no answer to CONNECT in time" : "no answer in time");
}

void endpoint_probe::finish(bool ok, std::string why)
{
    if (over_) {
        return;
    }
    over_ = true;
    cancel();
    if (connection_ != nullptr) {
        connection_->abandon();
    }
    done_(ok, std::move(why));
}

} // namespace gateway
