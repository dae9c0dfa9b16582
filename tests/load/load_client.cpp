#include "tests/load/load_client.hpp"

namespace load {
load_client::load_client(net::readiness_loop& loop, int descriptor, const place& at)
    : net::connection(loop, descriptor, origin::connecting), number_(at.number), plan_(at.plan),
      settings_(at.settings), commons_(at.commons), owner_(at.owner), stream_(at.settings.target)
{
    for (const stream_kind kind : all_kinds) {
        if (plan_.uses(kind)) {
            destinations_[index(kind)] = plan_.destination_name(number_, kind);
        }
    }
}

void load_client::write(std::string_view frame)
{
    stream_.write(out(), frame);
    beat_.on_sent(loop().now());
    touch();
}

void load_client::on_connected()
{
    stream_.start(out(), *this);
    touch();
}

void load_client::on_bytes(std::span<char> bytes)
{
    if (state_ == state::gone || !why_.empty()) {
        return;
    }
    beat_.on_received(loop().now());
    switch (stream_.feed(bytes, out(), commons_.frame, *this)) {
    case frame_stream::outcome::open: break;
    case frame_stream::outcome::closed:
        why_ = stream_.why();
        close_after_flush();
        break;
    case frame_stream::outcome::failed:
        owner_.on_error(number_, stream_.why());
        end(stream_.why());
        break;
    }
    if (!out().empty()) {
        touch(); // a pong or a close frame
    }
}

void load_client::on_left()
{
    state_ = state::left;
    beat_timer_.cancel();
    if (settings_.target.over == dial_target::transport::websocket) {
        stream_.write_close(out()); // the peer's close follows
        touch();
    } else {
        close_after_flush();
    }
}

void load_client::on_beat(net::time_point now)
{
    switch (beat_.on_deadline(now)) {
    case stomp::heart_beat::due::nothing: break;
    case stomp::heart_beat::due::send: write("\n"); break;
    case stomp::heart_beat::due::lost: end("no heart-beat from the broker"); return;
    }
    loop().timers().arm(beat_timer_, beat_.next_deadline());
}

void load_client::on_peer_fin()
{
    if (why_.empty()) {
        why_ = "closed by the peer";
    }
    close_now();
}

void load_client::end(std::string why)
{
    why_ = std::move(why);
    close_now();
}

void load_client::on_closed(boost::system::error_code reason)
{
    beat_timer_.cancel();
    if (reason && why_.empty()) {
        why_ = reason.message();
    }
    const ending how = state_ == state::left      ? ending::orderly
                       : state_ == state::leaving ? ending::unanswered
                                                  : ending::disconnected;
    state_ = state::gone;
    owner_.on_gone(number_, how, why_);
}

} // namespace load
