#include "gateway/process/shard.hpp"

#include "gateway/process/endpoint_probe.hpp"
#include "gateway/telemetry/log.hpp"

#include <algorithm>
#include <new>
#include <unistd.h>

namespace gateway {

class shard::core_timer final : public net::timer {
public:
    explicit core_timer(shard& owner) : shard_(owner) {}

private:
    void on_timer(net::time_point now) override { shard_.router_.on_deadline(now); }
    shard& shard_;
};

// Its only purpose is a turn, at whose end begin_handshakes() is called.
class shard::gate_timer final : public net::timer {
private:
    void on_timer(net::time_point) override {}
};

// Behind the flush of everything that this turn has written.
class shard::sample_check final : public net::flushable {
public:
    explicit sample_check(shard& owner) : shard_(owner) {}
    void flush() override { shard_.settle_samples(); }

private:
    shard& shard_;
};

shard::shard(
    config settings, shard_settings core, process_state& process,
    std::shared_ptr<const endpoint_addresses> where, std::shared_ptr<const tls_contexts> secure,
    report_sink reports)
    : settings_(std::move(settings)), process_(process), where_(std::move(where)),
      secure_(std::move(secure)), reports_(std::move(reports)),
      gate_(
          {.share_percent = settings_.limits.tls_handshake_share,
           .per_address = settings_.limits.tls_handshakes_per_address}),
      timer_(std::make_unique<core_timer>(*this)), gate_timer_(std::make_unique<gate_timer>()),
      sample_check_(std::make_unique<sample_check>(*this)),
      buffered_max_(process.buffered_max), router_(std::move(core), *this, counters_)
{
    for (const auto& l : settings_.listeners) {
        policies_.push_back(
            {.paths = l.paths,
             .allowed_origins = l.allowed_origins,
             .forward_headers = l.forward_headers,
             .head_bytes_max = settings_.limits.http_head,
             .within_tls = l.tls.has_value(),
             .tells_place = settings_.brokers.tells_place()});
    }
    open_hub();
    loop_.set_turn_handler(this);
}

shard::~shard()
{
    loop_.set_turn_handler(nullptr);
    timer_->cancel();
    gate_timer_->cancel();
    listeners_.clear();
    hub_.reset();
    by_session_.clear();
    clients_.clear();
    for (const std::uint64_t id : links_.keys_in_order()) {
        links_.at(id)->abandon();
    }
    links_.clear();
    lost_links_.clear();
    probes_.clear();
    parting_.clear();
}

boost::system::error_code shard::adopt_listener(int descriptor, std::size_t index)
{
    listeners_.push_back(
        std::make_unique<listener>(loop_, descriptor, index, static_cast<listener_owner&>(*this)));
    return listeners_.back()->failed();
}

void shard::start(color live, control::epoch_number epoch)
{
    post([this, live, epoch] { router_.start(live, epoch, loop_.now()); });
}

void shard::run()
{
    context_.run();
}

void shard::stop()
{
    boost::asio::post(context_, [this] {
        loop_.stop();
        work_.reset();
        context_.stop();
    });
}

// ---- clients

bool address_counts::enter(const std::string& address, std::uint64_t most)
{
    const std::lock_guard lock{mutex_};
    auto& count = counts_[address];
    if (count >= most) {
        return false;
    }
    ++count;
    return true;
}

void address_counts::leave(const std::string& address)
{
    const std::lock_guard lock{mutex_};
    if (const auto at = counts_.find(address); at != counts_.end() && --at->second == 0) {
        counts_.erase(at);
    }
}

void shard::accepted(int descriptor, std::size_t index)
{
    const std::uint64_t number = ++last_client_;
    client_connection& c =
        clients_.add(number, std::make_unique<client_connection>(
                    *this, net::loose_socket{descriptor}, index, number));
    auto& counts = counters_.listener(index);
    const auto& at = settings_.listeners[index];
    const bool many =
        process_.clients.fetch_add(1, std::memory_order_relaxed) >= process_.clients_max;
    if (over_budget()) {
        ++counts.rejected[reject_reason::overload];
        c.refuse("out of memory for clients (limits.buffered_total)");
    } else if (many) {
        ++counts.rejected[reject_reason::limit];
        c.refuse("too many clients (limits.clients)");
    } else if (at.proxy_protocol == proxy_versions::none) {
        admit(c);
    } else if (!may_proxy(at, c.peer())) {
        c.turn_away("it is not from a proxy in trusted_proxies");
    } // else once the PROXY header has said who it is
}

void shard::admit(client_connection& c)
{
    auto& counts = counters_.listener(c.listener());
    if (settings_.limits.clients_per_address > 0) {
        const std::string peer = c.peer();
        if (!process_.addresses.enter(
                peer.substr(0, peer.rfind(':')), settings_.limits.clients_per_address)) {
            ++counts.rejected[reject_reason::ip_limit];
            c.refuse("too many clients of one address (limits.clients_per_address)");
            return;
        }
        c.set_counted_address();
    }
    ++counts.accepted;
    ++counts.connections;
    c.set_counted();
}

void shard::accept_failed(std::size_t index, boost::system::error_code why, bool tell)
{
    ++counters_.listener(index).rests;
    if (tell) {
        say(log_level::warning, "no client can be accepted at " +
                                    settings_.listeners[index].bind.text +
                                    " for now: " + why.message());
    }
}

client_connection* shard::client(session_id id) const
{
    const auto at = by_session_.find(static_cast<std::uint64_t>(id));
    return at == by_session_.end() ? nullptr : at->second;
}

void shard::backlog_changed(client_connection& c)
{
    if (!c.backlog_listed) {
        c.backlog_listed = true;
        backlogged_.push_back(&c);
        loop_.request_turn();
    }
}

void shard::destroy_later(client_connection& c)
{
    dead_.push_back(c.number());
    loop_.request_turn();
}

// ---- the end of a turn

void shard::on_turn_end(net::time_point now)
{
    if (paused_ != net::clock::paused()) {
        paused_ = net::clock::paused();
        beat_behind_a_pause(now);
    }
    for (auto& [id, why] : std::exchange(failed_dials_, {})) {
        router_.on_link_lost(id, why, now);
    }
    for (client_connection* c : std::exchange(resumed_, {})) {
        c->resume_listed = false;
        c->interpret(now);
    }
    for (client_connection* c : std::exchange(backlogged_, {})) {
        c->backlog_listed = false;
        c->check_backlog(now);
    }
    begin_handshakes();
    count_held();
    if (stopped_reading_ || (over_budget() && now >= shed_at_)) {
        shed(now);
    }
    lost_links_.clear();
    std::erase_if(probes_, [](const auto& p) { return p->over(); });
    std::erase_if(parting_, [](const auto& l) { return l->gone(); });
    for (const std::uint64_t number : std::exchange(dead_, {})) {
        client_connection* const c = clients_.find(number);
        if (c == nullptr) {
            continue;
        }
        remove(*c);
    }
    loop_.timers().arm(*timer_, router_.next_deadline());
    if (!resumed_.empty() || !failed_dials_.empty()) {
        loop_.request_turn();
    }
    if (!samples_.empty()) {
        loop_.mark_dirty(*sample_check_);
    }
    last_turn_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

void shard::settle_samples()
{
    samples_.settle(
        counters_.forward_duration, net::clock::now(),
        [this](direction to, std::uint64_t owner) -> std::optional<std::uint64_t> {
            if (to == direction::in) {
                const auto* l = link(static_cast<link_id>(owner));
                return l == nullptr ? std::nullopt : std::optional{l->out().written()};
            }
            const auto* c = client(static_cast<session_id>(owner));
            return c == nullptr ? std::nullopt : std::optional{c->out().written()};
        });
}

// outside.md N27. One step a turn, as a rule: behind it the gate is closed for a while.
void shard::begin_handshakes()
{
    while (const auto who = gate_.next(net::clock::now())) {
        client_connection* const c = clients_.find(*who); // who goes leaves the gate
        const auto began = net::clock::now();
        try {
            c->begin_handshake(secure_->listeners[c->listener()]);
        } catch (const std::bad_alloc&) {
            c->cut();
        }
        const auto ended = net::clock::now();
        gate_.spent(ended - began, ended);
    }
    loop_.timers().arm(*gate_timer_, gate_.next_deadline());
}

void shard::remove(client_connection& c)
{
    std::erase(resumed_, &c);
    std::erase(backlogged_, &c);
    if (c.counted()) {
        --counters_.listener(c.listener()).connections;
    }
    if (!c.counted_address().empty()) {
        process_.addresses.leave(c.counted_address());
    }
    const bool moved = c.moved();
    clients_.erase(c.number());
    if (!moved) {
        process_.clients.fetch_sub(1, std::memory_order_relaxed);
    }
}

// Our clocks stood still, those of the peers did not: they wait for a sign of life.
void shard::beat_behind_a_pause(net::time_point now)
{
    for (const auto& [number, c] : clients_) {
        c->beat_at_once(now);
    }
    for (const std::uint64_t id : links_.keys_in_order()) {
        if (broker::link_connection* l = link(static_cast<link_id>(id))) {
            l->beat_at_once(now);
        }
    }
}

void shard::stop_accepting()
{
    for (auto& l : listeners_) {
        l->close();
    }
    listeners_.clear();
}

std::size_t shard::send_away(std::size_t more, bool at_once)
{
    std::vector<client_connection*> told; // to close one changes no table before the turn's end
    std::size_t others = 0;
    for (const auto& [number, c] : clients_) {
        if (number > sent_away_ && (more > 0 || at_once)) {
            sent_away_ = number;
            more -= more > 0 ? 1 : 0;
        }
        if (number <= sent_away_) {
            told.push_back(c.get());
        } else {
            ++others;
        }
    }
    for (client_connection* c : told) {
        c->send_away(at_once);
    }
    hub_->drain();
    return others;
}

void shard::report(control::report what)
{
    reports_(std::move(what));
}

// Lines of the cores are about brokers and the switch, which every shard sees. But links,
// subscriptions and sessions belong to one shard.
void shard::log(log_level level, std::string line)
{
    const bool own = line.starts_with("link to ") || line.starts_with("session ") ||
                     line.find(" is drained: ") != line.npos ||
                     line.find(" cancelled a subscription: ") != line.npos;
    if (own) {
        log::line_about(level, {}, line);
    } else {
        say(level, line);
    }
}

void shard::say(log_level level, const std::string& text)
{
    log::line_of_shard(level, router_.shard_number(), text);
}

} // namespace gateway
