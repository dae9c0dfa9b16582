#include "tests/load/fleet.hpp"

#include <algorithm>
#include <cstdio>

namespace load {
namespace {

constexpr std::chrono::milliseconds connect_tick{10};
constexpr std::chrono::seconds connect_slack{30}; // beyond clients / connect_rate
constexpr std::chrono::seconds leave_limit{10};
constexpr std::chrono::milliseconds first_send_after{50};
// Below this the wake-ups would cost more than the sends.
constexpr std::chrono::microseconds pacing_step{200};
constexpr int sends_per_turn_max = 2000;
constexpr std::size_t reasons_max = 5;

} // namespace

fleet::fleet(fleet_options options)
    : options_(std::move(options)), plan_(options_.shape),
      checker_(plan_, options_.client.confirm, options_.order),
      pacer_(plan_.clients(), options_.rate, options_.seed), meter_(plan_.clients()),
      commons_{{}, {}, numbered_body{options_.body_size}}, flush_pending_(plan_.clients(), false)
{
    clients_.reserve(plan_.clients());
    result_.clients = plan_.clients();
    if (options_.tell_missing) {
        missing_ = missing_log{plan_.clients()};
    }
}

boost::system::result<run_result, std::string> fleet::run()
{
    loop_.set_turn_handler(this);
    await_signal();
    connect_start_ = net::clock::now();
    const std::chrono::duration<double> pacing{plan_.clients() / options_.connect_rate};
    loop_.timers().arm(
        phase_timer_,
        connect_start_ + connect_slack + std::chrono::duration_cast<net::duration>(pacing));
    loop_.timers().arm(connect_timer_, connect_start_);
    loop_.timers().arm(second_timer_, connect_start_ + std::chrono::seconds{1});
    loop_.request_turn();
    context_.run();
    if (!failure_.empty()) {
        return failure_;
    }
    return take_result();
}

void fleet::await_signal()
{
    signals_.async_wait([this](const boost::system::error_code& error, int) {
        if (error) {
            return;
        }
        switch (phase_) {
        case phase::connecting: fail("interrupted"); return;
        case phase::sending: stop_sending(); break;
        case phase::draining: leave_all(); break;
        case phase::leaving: finish(); return;
        case phase::done: return;
        }
        loop_.request_turn();
        await_signal();
    });
}

void fleet::on_fleet_timer(timer_role role, net::time_point now)
{
    switch (role) {
    case timer_role::connect: connect_some(now); return;
    case timer_role::pacing: send_due(); return;
    case timer_role::warmup_end:
        if (phase_ == phase::sending) {
            meter_.open_window(now);
        }
        return;
    case timer_role::second:
        if (options_.progress) {
            print_progress(now - connect_start_);
        }
        loop_.timers().arm(second_timer_, second_timer_.deadline() + std::chrono::seconds{1});
        return;
    case timer_role::phase_end: break;
    }
    switch (phase_) {
    case phase::connecting:
        fail(
            "only " + std::to_string(subscribed_) + " of " + std::to_string(plan_.clients()) +
            " clients were subscribed in time");
        break;
    case phase::sending: stop_sending(); break;
    case phase::draining: leave_all(); break;
    case phase::leaving:
    case phase::done: finish(); break;
    }
}

void fleet::connect_some(net::time_point now)
{
    const std::chrono::duration<double> elapsed = now - connect_start_;
    const double due = (elapsed.count() + 0.01) * options_.connect_rate;
    while (clients_.size() < plan_.clients() && static_cast<double>(clients_.size()) < due) {
        const auto descriptor = net::start_connect(options_.address);
        if (!descriptor) {
            fail("cannot connect: " + descriptor.error().message());
            return;
        }
        const auto number = static_cast<std::uint32_t>(clients_.size());
        clients_.push_back(std::make_unique<load_client>(
            loop_, *descriptor,
            load_client::place{number, plan_, options_.client, commons_, *this}));
    }
    if (clients_.size() < plan_.clients()) {
        loop_.timers().arm(connect_timer_, now + connect_tick);
    }
}

void fleet::on_subscribed(std::uint32_t)
{
    if (++subscribed_ == plan_.clients() && phase_ == phase::connecting) {
        start_sending();
    }
}

void fleet::start_sending()
{
    phase_ = phase::sending;
    std::printf("teal-load: all %u clients subscribed\n", plan_.clients());
    std::fflush(stdout); // scripts wait for the line
    const net::time_point first = net::clock::now() + first_send_after;
    const net::time_point measured = first + options_.warmup;
    meter_.start(first, measured);
    pacer_.start(first);
    loop_.timers().arm(warmup_timer_, measured);
    loop_.timers().arm(phase_timer_, measured + options_.duration);
    arm_pacing();
}

void fleet::arm_pacing()
{
    const net::time_point due = pacer_.next_due();
    loop_.timers().arm(
        pacing_timer_, due == net::never ? due : std::max(due, net::clock::now() + pacing_step));
}

void fleet::send_due()
{
    const net::time_point now = net::clock::now();
    for (int i = 0; i < sends_per_turn_max && pacer_.next_due() <= now; ++i) {
        const pacer::send next = pacer_.take();
        load_client& client = *clients_[next.client];
        if (client.gone()) {
            continue;
        }
        if (!client.has_room()) {
            ++result_.skipped;
            continue;
        }
        message_number number;
        number.kind = plan_.kind_of(next.client, next.ordinal);
        number.publisher = next.client;
        number.sequence = checker_.on_sent({next.client, number.kind});
        missing_.on_sent({next.client, number.kind}, now);
        number.scheduled_ns = (next.due - meter_.sending_start()).count();
        client.send(
            number, plan_.in_transaction(next.client, next.ordinal)
                        ? load_client::wrapped::in_transaction
                        : load_client::wrapped::no);
        meter_.on_sent(now, next.due, result_);
    }
    arm_pacing();
}

void fleet::on_delivery(
    std::uint32_t client, stream_kind subscription, const message_number& number, redelivered again)
{
    checker_.on_delivery(client, subscription, number, again);
    // The turn's own time would hide how long this message waited behind others of the turn.
    meter_.on_delivery(net::clock::now(), client, number, result_);
}

void fleet::on_receipt(stream_id stream, std::uint32_t sequence)
{
    checker_.on_receipt(stream, sequence);
}

void fleet::stop_sending()
{
    const net::time_point now = net::clock::now();
    meter_.close_window(now, result_);
    pacing_timer_.cancel();
    phase_ = phase::draining;
    for (std::uint32_t i = 0; i < plan_.clients(); ++i) {
        if (!clients_[i]->gone()) {
            flush_pending_[i] = true;
            ++flushes_pending_;
            clients_[i]->flush_sends();
        }
    }
    loop_.timers().arm(phase_timer_, now + options_.drain_limit);
}

void fleet::on_flushed(std::uint32_t client)
{
    if (!flush_pending_[client]) {
        on_error(client, "a second RECEIPT for its last SEND");
        return;
    }
    flush_pending_[client] = false;
    --flushes_pending_;
    checker_.on_flushed(client);
}

void fleet::on_turn_end(net::time_point)
{
    if (phase_ == phase::draining && flushes_pending_ == 0 && checker_.outstanding() == 0) {
        leave_all();
    }
}

void fleet::leave_all()
{
    phase_ = phase::leaving;
    for (std::uint32_t i = 0; i < plan_.clients(); ++i) {
        if (flush_pending_[i]) {
            on_error(i, "its last SEND was never answered");
        }
        clients_[i]->leave();
    }
    loop_.timers().arm(phase_timer_, net::clock::now() + leave_limit);
    if (gone_ == plan_.clients()) {
        finish();
    }
}

void fleet::on_error(std::uint32_t client, std::string what)
{
    ++result_.errors;
    remember("client " + std::to_string(client) + ": " + what);
}

void fleet::on_gone(std::uint32_t client, ending how, const std::string& why)
{
    ++gone_;
    if (phase_ == phase::connecting) {
        remember("client " + std::to_string(client) + " could not connect: " + why);
        fail(result_.reasons.front());
        return;
    }
    if (phase_ == phase::done) {
        return;
    }
    switch (how) {
    case ending::orderly: break;
    case ending::unanswered:
        on_error(client, "closed without the RECEIPT of its DISCONNECT");
        break;
    case ending::disconnected:
        ++result_.disconnected;
        remember("client " + std::to_string(client) + " was disconnected: " + why);
        break;
    }
    // One that left in order stays owed what it was owed: all of it came, or the drain is over.
    if (how == ending::disconnected) {
        checker_.on_gone(client);
        meter_.on_gone(client);
        if (flush_pending_[client]) {
            flush_pending_[client] = false;
            --flushes_pending_;
        }
    }
    if (phase_ == phase::leaving && gone_ == plan_.clients()) {
        finish();
        return;
    }
    if (phase_ == phase::sending && gone_ == plan_.clients()) {
        stop_sending(); // to nobody
    }
    loop_.request_turn(); // what it was owed is not awaited any more
}

void fleet::remember(std::string reason)
{
    if (result_.reasons.size() < reasons_max) {
        result_.reasons.push_back(std::move(reason));
    }
}

void fleet::fail(std::string why)
{
    failure_ = std::move(why);
    finish();
}

void fleet::finish()
{
    // Who has not answered its DISCONNECT by now never will.
    if (phase_ == phase::leaving) {
        const std::uint32_t left = plan_.clients() - gone_;
        result_.errors += left;
        if (left != 0) {
            remember(std::to_string(left) + " clients were not closed after their DISCONNECT");
        }
    }
    phase_ = phase::done;
    loop_.stop();
    context_.stop();
}

run_result fleet::take_result()
{
    result_.judged = checker_.finish();
    if (options_.tell_missing) {
        result_.missing = missing_.lines(checker_.missing());
    }
    result_.errors += result_.judged.count(fault::misrouted);
    result_.errors += result_.judged.count(fault::receipt_unasked);
    result_.silence = meter_.silence();
    return std::move(result_);
}

} // namespace load
