#include "gateway/endpoint_probe.hpp"

#include "broker/stomp/serializer.hpp"
#include "gateway/shard.hpp"

#include <fstream>

namespace gateway {

endpoint_probe::endpoint_probe(shard& owner, control::endpoint_ref which, net::duration timeout, answer done)
    : shard_(owner), which_(which), timeout_(timeout), done_(std::move(done))
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
    if (health.login.empty()) {
        finish(true, {});
        return;
    }
    std::string passcode; // re-read each time: it may be rotated
    std::getline(std::ifstream{health.passcode_file} >> std::ws, passcode);
    stomp::serializer frame;
    frame.begin(stomp::command::connect).raw("accept-version", "1.0,1.1,1.2").raw("host", "/");
    frame.raw("login", health.login).raw("passcode", passcode);
    connection_->write_frame(frame.end_head(), {}, broker::framing::text);
}

void endpoint_probe::link_frame(broker::link_id, const stomp::frame_view& frame, broker::framing)
{
    if (frame.command == stomp::command::connected) {
        stomp::serializer bye;
        connection_->write_frame(bye.begin(stomp::command::disconnect).end_head(), {}, broker::framing::text);
        finish(true, {});
    } else {
        finish(false, "it refused health.login: " + std::string{frame.find("message").value_or("ERROR")});
    }
}

void endpoint_probe::link_lost(broker::link_id, std::string why)
{
    finish(false, std::move(why));
}

void endpoint_probe::on_timer(net::time_point)
{
    finish(false, "no answer in time");
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
