// How many clients, threads, links and bytes there may be: the configuration, and what the system allows.

#include "gateway/memory/memory_limit.hpp"
#include "gateway/process/running_process.hpp"
#include "gateway/telemetry/log.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace gateway {

namespace {

constexpr std::uint64_t descriptors_kept = 256; // listeners, admin, logs, epoll
constexpr std::size_t links_per_login_least = 1000;

std::uint64_t raise_descriptors()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

double seconds_of(std::chrono::milliseconds span) noexcept
{
    return std::chrono::duration<double>(span).count();
}

// limits.clients and limits.buffered_total have metrics of their own, as they are in force.
std::vector<limit_number> limit_numbers(const config& c)
{
    const auto& l = c.limits;
    const auto number = [](auto value) { return static_cast<double>(value); };
    return {
        {"teal_clients_per_address_limit", "limits.clients_per_address; 0: none",
         number(l.clients_per_address)},
        {"teal_links_per_login_limit", "limits.links_per_login; 0: a quarter of the descriptors",
         number(l.links_per_login)},
        {"teal_subscriptions_per_client_limit", "limits.subscriptions", number(l.subscriptions)},
        {"teal_frame_limit_bytes", "limits.frame", number(l.frame)},
        {"teal_broker_frame_limit_bytes", "limits.broker_frame", number(l.broker_frame)},
        {"teal_client_outbox_limit_bytes", "limits.client_outbox", number(l.client_outbox)},
        {"teal_client_carry_limit_bytes", "limits.client_carry", number(l.client_carry)},
        {"teal_broker_outbox_limit_bytes", "limits.broker_outbox", number(l.broker_outbox)},
        {"teal_client_stall_limit_seconds", "limits.client_stall", seconds_of(l.client_stall)},
        {"teal_park_limit_seconds", "brokers.park_timeout", seconds_of(c.brokers.park_timeout)},
    };
}

} // namespace

// Descriptors that clients and links may have.
std::uint64_t process::room() const noexcept
{
    return descriptors_ > descriptors_kept ? descriptors_ - descriptors_kept : 0;
}

// limits.clients and limits.buffered_total: at the start, and again by a reload.
void process::set_limits()
{
    if (descriptors_ == 0) {
        descriptors_ = raise_descriptors();
        shared_.shards = settings_.threads != 0 ? settings_.threads
                                                : std::max(1u, std::thread::hardware_concurrency());
    }
    // A dedicated session takes three while a switch is prepared; a shared one takes one, some need
    // more.
    const bool dedicated = settings_.brokers.multiplex == multiplex_mode::dedicated;
    const std::uint64_t fits = dedicated ? room() / 3 : room() / 10 * 9;
    const std::uint64_t clients = std::min<std::uint64_t>(settings_.limits.clients, fits);
    shared_.clients_max = clients;
    counters_.clients_limit = clients;
    counters_.limits = limit_numbers(settings_);
    if (clients < settings_.limits.clients && settings_.limits.clients != limits_config{}.clients) {
        log::line(
            log_level::warning, "limits.clients was lowered to what the descriptors allow",
            {{"configured", settings_.limits.clients},
             {"clients", clients},
             {"descriptors", descriptors_}});
    } else {
        log::line(
            log_level::info, "descriptors", {{"clients", clients}, {"descriptors", descriptors_}});
    }
    const std::uint64_t memory = memory_available();
    const std::uint64_t buffered = settings_.limits.buffered_total.of(memory);
    shared_.buffered_max = buffered / shared_.shards;
    counters_.buffered_limit = buffered;
    log::line(log_level::info, "memory", {{"buffered_total", buffered}, {"available", memory}});
}

shard_settings process::core_settings(const config& c, unsigned shard) const
{
    shard_settings core = shard_settings_of(c, shared_.shards, shard, secrets_);
    core.pairing.secret = pairing_secret_;
    core.gateway_id = gateway_id_;
    const bool dedicated = c.brokers.multiplex == multiplex_mode::dedicated;
    if (core.links_per_login == 0 && !dedicated) { // D3; dedicated: limits.clients is the bound
        core.links_per_login =
            std::max<std::size_t>(links_per_login_least, room() / 4 / shared_.shards);
    }
    return core;
}

} // namespace gateway
