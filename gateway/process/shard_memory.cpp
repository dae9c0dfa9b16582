// limits.buffered_total: at the end of each turn the memory that this shard holds is compared with
// its part of the limit. This file closes peers when it is too much.

#include "gateway/memory/shedding.hpp"
#include "gateway/process/shard.hpp"
#include "gateway/telemetry/log.hpp"
#include "gateway/transports/sockjs/http_connection.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr auto shed_interval = std::chrono::milliseconds{20};
constexpr std::uint64_t told_step = 64 * 1024;

} // namespace

void shard::count_held()
{
    memory_budget& budget = router_.budget();
    budget.set(held_kind::shared, net::payload::bytes_alive()); // a shard is a thread
    budget.set(held_kind::log, log::queued_bytes() / process_.shards);
    const std::uint64_t held = budget.total();
    if (held > told_held_ + told_step || held + told_step < told_held_) {
        process_.held.fetch_add(held - told_held_, std::memory_order_relaxed);
        told_held_ = held;
    }
}

void shard::shed(net::time_point now)
{
    if (!router_.may_close_for_memory()) {
        stop_reading(over_budget());
        return;
    }
    stop_reading(false);
    if (!over_budget()) {
        return;
    }
    shed_at_ = now + shed_interval;
    close_largest(router_.budget().total() - buffered_max_, now);
}

void shard::give_back_memory()
{
    if (router_.may_close_for_memory()) {
        close_largest(router_.budget().total() / 4, loop_.now());
    }
}

void shard::close_largest(std::uint64_t excess, net::time_point now)
{
    std::vector<client_connection*> peers;
    std::vector<shed_candidate> all;
    for (const auto& [number, c] : clients_) {
        const bool over = c->session() == session_id::none && c->closing();
        all.push_back(
            {.index = peers.size(),
             .what = over                                                ? shed_class::over
                     : !c->connected()                                   ? shed_class::stranger
                     : c->stalled_for(settings_.limits.client_stall, now) ? shed_class::stalled
                                                                         : shed_class::connected,
             .bytes = c->held() + c->out().size() + router_.kept_for(c->session())});
        peers.push_back(c.get());
    }
    std::vector<sockjs::http_connection*> requests; // numbered behind the clients
    for (const auto& [number, c] : hub_->all()) {
        all.push_back(
            {.index = peers.size() + requests.size(),
             .what = c->closing()    ? shed_class::over
                     : c->receives() ? shed_class::connected
                                     : shed_class::stranger,
             .bytes = c->held() + c->out().size()});
        requests.push_back(c.get());
    }
    const std::uint64_t held = router_.budget().total();
    const auto chosen = choose_shed(all, excess);
    for (const std::size_t index : chosen) {
        if (index >= peers.size()) {
            requests[index - peers.size()]->cut();
            continue;
        }
        client_connection* c = peers[index];
        const bool slow = all[index].what == shed_class::stalled;
        if (!c->connected() && c->session() == session_id::none) {
            ++counters_.listener(c->listener()).rejected[reject_reason::overload];
        }
        router_.close_for_memory(
            c->session(), slow ? disconnect_reason::slow_consumer : disconnect_reason::limit, now);
        c->cut();
    }
    if (!chosen.empty()) {
        log::line_about(
            log_level::warning, {}, "limits.buffered_total was reached: clients were closed",
            {{"closed", chosen.size()}, {"held", held}, {"limit", buffered_max_}});
    }
}

// S14: from hold to commit.
void shard::stop_reading(bool on)
{
    if (on == stopped_reading_) {
        return;
    }
    stopped_reading_ = on;
    for (const auto& [number, c] : clients_) {
        c->stop_for_memory(on);
    }
    router_.stop_links_for_memory(on);
    hub_->stop_reading(on);
    if (on) {
        log::line_about(
            log_level::warning, {},
            "limits.buffered_total was reached while clients are held: they are not read",
            {{"held", router_.budget().total()}, {"limit", buffered_max_}});
    }
}

} // namespace gateway
