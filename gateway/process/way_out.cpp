// How this gateway leaves, before it stops: not ready, then no new clients, then the clients are sent away
// one by one. docs/outside.md A12, docs/switch.md S16.

#include "gateway/process/running_process.hpp"
#include "gateway/telemetry/log.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace gateway {

using control::way_out_stage;

namespace {

constexpr auto look_again = std::chrono::milliseconds{20};
// What links may take to say goodbye once no client is left.
constexpr auto goodbyes_max = std::chrono::seconds{1};

} // namespace

// Once; asked again it goes on.
void process::begin_way_out()
{
    if (way_out_.stage != way_out_stage::serving) {
        return;
    }
    const auto& d = settings_.drain;
    const auto now = net::clock::now();
    way_out_.stage = way_out_stage::lame_duck;
    way_out_.serves_until = now + d.delay;
    way_out_.sends_away_until = way_out_.serves_until + d.timeout;
    log::line(
        log_level::info, "leaving: not ready any more, clients are sent away after drain.delay",
        {{"delay_ms", static_cast<std::uint64_t>(d.delay.count())},
         {"pace", std::uint64_t{d.pace}},
         {"timeout_ms", static_cast<std::uint64_t>(d.timeout.count())},
         {"clients", shared_.clients.load()}});
    service_->set_ready(false, "draining");
    service_->shut_down([this] { way_out_.steady = true; });
    go_on_leaving();
}

// Balancers see that it is not ready, and until they do they send clients, who are served.
void process::go_on_leaving()
{
    const auto now = net::clock::now();
    const bool waits =
        now < way_out_.serves_until || (!way_out_.steady && now < way_out_.sends_away_until);
    if (!waits) {
        begin_sending_away();
        return;
    }
    timer_.expires_after(std::max<net::duration>(look_again, way_out_.serves_until - now));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            go_on_leaving();
        }
    });
}

void process::begin_sending_away()
{
    way_out_.stage = way_out_stage::leaving;
    for (auto& s : shards_) {
        s->post([one = s.get()] { one->stop_accepting(); });
    }
    socket_files_.clear();
    way_out_.staying.assign(shards_.size(), 0);
    pace_.begin(net::clock::now());
    send_away();
}

// A step: each shard's part of those that may go now, and the others that go once they may.
void process::send_away()
{
    const auto now = net::clock::now();
    const bool at_once = now >= way_out_.sends_away_until;
    const auto shares = shares_of(pace_.due(now), way_out_.staying);
    way_out_.asked = shards_.size();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        shards_[i]->post([this, i, more = shares[i], at_once] {
            const std::size_t others = shards_[i]->send_away(more, at_once);
            boost::asio::post(control_, [this, i, others] {
                way_out_.staying[i] = others;
                if (--way_out_.asked == 0) {
                    on_sent_away();
                }
            });
        });
    }
}

void process::on_sent_away()
{
    if (shared_.clients.load() == 0) {
        way_out_.no_client_since = net::clock::now();
        finish_way_out();
        return;
    }
    timer_.expires_after(pace_.next_step());
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            send_away();
        }
    });
}

// Links say DISCONNECT behind what was SENT on them.
void process::finish_way_out()
{
    way_out_.asked = shards_.size();
    const auto left = std::make_shared<bool>(false);
    const auto answered = [this, left] {
        if (--way_out_.asked > 0) {
            return;
        }
        if (!*left || net::clock::now() >= way_out_.no_client_since + goodbyes_max) {
            way_out_.stage = way_out_stage::drained;
            log::line(log_level::info, "drained: no client is left");
            if (stopping_) {
                stop();
            }
            return;
        }
        timer_.expires_after(look_again);
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                finish_way_out();
            }
        });
    };
    for (auto& s : shards_) {
        s->post([this, one = s.get(), left, answered] {
            boost::asio::post(control_, [left, answered, empty = one->empty()] {
                *left = *left || !empty;
                answered();
            });
        });
    }
}

} // namespace gateway
