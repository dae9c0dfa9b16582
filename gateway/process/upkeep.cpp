// What comes again and again while the gateway runs: names are looked up, memory is given back, numbers
// of switches are counted.

#include "broker/net/outbox_pool.hpp"
#include "broker/net/socket.hpp"
#include "control/record/wall_time.hpp"
#include "gateway/memory/memory_reserve.hpp"
#include "gateway/process/running_process.hpp"
#include "gateway/telemetry/log.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <malloc.h>

namespace gateway {

namespace {

constexpr auto trim_check = std::chrono::milliseconds{250};
constexpr auto turn_check = std::chrono::seconds{1};
constexpr unsigned conditions_every = 2; // of these checks
constexpr auto stuck_after = std::chrono::seconds{10};

} // namespace

// Names of all endpoints, resolved; one that cannot be keeps what was `known` of it and is tried
// again (re-resolved every 30 s): the lookup may lack no more than a descriptor (outside.md, N1).
std::shared_ptr<const endpoint_addresses>
resolve_endpoints(const config& c, const endpoint_addresses& known)
{
    auto found = std::make_shared<endpoint_addresses>(known);
    for (const auto color : broker::colors) {
        const auto& endpoints = c.brokers.colors[color].endpoints;
        found->of[color].resize(endpoints.size());
        for (std::size_t i = 0; i < endpoints.size(); ++i) {
            auto at = net::resolve({.host = endpoints[i].host, .port = endpoints[i].port});
            if (at && !at->empty()) {
                found->of[color][i] = std::move(*at);
            }
        }
    }
    return found;
}

// The numbers of a switch go into the metrics once, when its report is final; how long the old color
// was drained, when that is over.
void process::count_switches()
{
    for (const auto& l : settings_.listeners) {
        counters_.listeners.push_back(l.bind.text);
    }
    counters_.last_reload = control::seconds_since_1970(std::chrono::system_clock::now());
    service_->watch([this](control::switch_number id) {
        const auto* record = service_->find(id);
        if (record == nullptr || record->dry_run) {
            return;
        }
        counters_.switch_started =
            std::max(counters_.switch_started, control::seconds_since_1970(record->started_at));
        if (record->final && counted_.insert(id).second) {
            if (record->result == control::switch_result::switched) {
                counters_.last_success =
                    control::seconds_since_1970(std::chrono::system_clock::now());
            }
            counters_.count_switch(*record, net::clock::now());
        }
        if (record->drained_since && drains_counted_.insert(id).second) {
            counters_.count_drain(*record, net::clock::now());
        }
    });
}

std::string process::metrics()
{
    const auto* running = service_->running();
    counters_.live = service_->state().live;
    counters_.epoch = service_->state().epoch;
    counters_.switch_in_progress = running != nullptr;
    counters_.auth_failures = api_->auth_failures();
    counters_.store_writable = service_->store_trouble().empty();
    counters_.paused_seconds = std::chrono::duration<double>(net::clock::paused()).count();
    const auto counters = collect_counters(shards_, last_numbers_, counters_);
    return render_metrics(counters, counters_);
}

// On the pulse's thread. Shards that nothing else wakes have heart-beats to send too.
void process::on_pause(net::duration paused)
{
    log::line(
        log_level::warning, "this process did not run for a while",
        {{"ms", std::chrono::duration_cast<milliseconds>(paused).count()}});
    boost::asio::post(control_, [this] {
        ++counters_.pauses;
        for (auto& s : shards_) {
            s->post([] {});
        }
    });
}

// A shard that nothing wakes is woken once a second, so that one that does not turn is known by that.
void process::watch_turns()
{
    turn_timer_.expires_after(turn_check);
    turn_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        const auto now = net::clock::now();
        for (auto& s : shards_) {
            const auto age = now - s->last_turn();
            if (age >= turn_check && age < stuck_after) { // behind that it has been woken often enough
                s->post([] {});
            }
        }
        if (++turn_looks_ % conditions_every == 0) {
            look_at_conditions();
        }
        watch_turns();
    });
}

void process::look_at_conditions()
{
    service_->snapshot([this](const control::gateway_snapshot& found) {
        conditions_->look(
            found, service_->state().live, shared_.clients_max, net::clock::now());
    });
}

// /livez. On the clock of the data path: a pause of the whole process is no shard's fault (N3).
std::string process::stuck_shard() const
{
    const auto now = net::clock::now();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        if (const auto age = now - shards_[i]->last_turn(); age >= stuck_after) {
            return "shard " + std::to_string(i) + " has not turned for " +
                   std::to_string(std::chrono::duration_cast<std::chrono::seconds>(age).count()) +
                   " s";
        }
    }
    return {};
}

// A name with several addresses is all of them, and they change: looked up again in a thread of its
// own.
void process::resolve_again()
{
    resolve_timer_.expires_after(std::chrono::seconds{30});
    resolve_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        const bool names = std::ranges::any_of(broker::colors, [&](auto color) {
            return std::ranges::any_of(
                settings_.brokers.colors[color].endpoints, [](const auto& e) {
                    return e.host.find_first_not_of("0123456789.:abcdefABCDEF") !=
                           std::string::npos;
                });
        });
        if (names) {
            resolve(settings_, [this](auto found) { take_addresses(std::move(found)); });
        }
        resolve_again();
    });
}

// One lookup at a time: a second one begins behind the first. `then` on the control thread.
void process::resolve(config c, std::function<void(std::shared_ptr<const endpoint_addresses>)> then)
{
    if (resolver_.joinable()) {
        resolver_.join();
    }
    resolver_ = std::thread([this, c = std::move(c), known = where_, then = std::move(then)] {
        boost::asio::post(control_, [found = resolve_endpoints(c, *known), then] { then(found); });
    });
}

void process::take_addresses(std::shared_ptr<const endpoint_addresses> found)
{
    for (const auto color : broker::colors) {
        // It was asked before a reload that brought more endpoints.
        if (found->of[color].size() < settings_.brokers.colors[color].endpoints.size()) {
            return;
        }
    }
    where_ = std::move(found);
    for (auto& s : shards_) {
        s->post([one = s.get(), where = where_] { one->set_addresses(where); });
    }
}

// What many peers have left goes back to the system, and not only to the allocator.
void process::trim_memory()
{
    trim_timer_.expires_after(trim_check);
    trim_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        if (memory_reserve::was_used()) {
            log::line_about(log_level::error, {}, "out of memory: clients that hold most are closed");
            for (auto& s : shards_) {
                s->post([one = s.get()] { one->give_back_memory(); });
            }
            ::malloc_trim(0);
        }
        memory_reserve::fill_up();
        if (trims_open_ == 0 && trims_.due(shared_.held.load(), shared_.clients.load())) {
            release_memory();
        }
        trim_memory();
    });
}

// Each shard what it pooled and the end of its own heap, then the holes of all heaps at once.
void process::release_memory()
{
    trims_open_ = shards_.size();
    freed_memory::begin_release();
    for (auto& s : shards_) {
        s->post([this] {
            net::release_pooled_outboxes();
            freed_memory::release_end_of_heap();
            boost::asio::post(control_, [this] {
                if (--trims_open_ == 0) {
                    freed_memory::end_release();
                }
            });
        });
    }
}

} // namespace gateway
