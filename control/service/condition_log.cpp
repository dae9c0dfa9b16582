#include "control/service/condition_log.hpp"

#include "control/record/plain_text.hpp"
#include "control/record/report_json.hpp"
#include "control/record/wall_time.hpp"

#include <algorithm>

namespace control {

namespace {

std::int64_t seconds_since(std::optional<net::time_point> begun, net::time_point now)
{
    return std::chrono::duration_cast<std::chrono::seconds>(now - begun.value_or(now)).count();
}

} // namespace

bool condition_log::condition::turns(bool on, net::time_point when) noexcept
{
    if (on == since.has_value()) {
        return false;
    }
    if (on) {
        since = when; // at its end the line that says so resets it
    }
    return true;
}

void condition_log::look(
    const gateway_snapshot& now, broker::color live, std::uint64_t clients_max, net::time_point when)
{
    if (now.members.empty()) {
        return; // nobody answered in time: nothing is known
    }
    for (const auto c : broker::colors) {
        pool(c, now, c == live, when);
        parked(c, now, when);
    }
    const bool full = clients_max > 0 && now.total.clients >= clients_max;
    if (full_.turns(full, when)) {
        if (full) {
            log_(
                log_level::warning, "limits.clients is reached: new clients are refused",
                {{"clients", now.total.clients}, {"limit", clients_max}});
        } else {
            log_(
                log_level::info, "limits.clients is not reached any more",
                {{"clients", now.total.clients},
                 {"limit", clients_max},
                 {"seconds", seconds_since(full_.since, when)}});
            full_.since.reset();
        }
    }
}

void condition_log::pool(
    broker::color c, const gateway_snapshot& now, bool live, net::time_point when)
{
    const auto& endpoints = now.total.endpoints[c];
    const std::string color(to_string(c));
    const bool down =
        !endpoints.empty() && std::ranges::none_of(endpoints, &endpoint_snapshot::healthy);
    if (!down_[c].turns(down, when)) {
        return;
    }
    if (down) {
        log_(
            live ? log_level::error : log_level::warning,
            color + " is down: " +
                (live ? "it is live, and its clients wait" : "no switch to it can begin"),
            {{"color", color},
             {"live", live},
             {"sessions", now.total.bound[c]},
             {"error", printable(endpoints.front().last_error)}});
    } else {
        log_(
            log_level::info, color + " is up again",
            {{"color", color}, {"live", live}, {"seconds", seconds_since(down_[c].since, when)}});
        down_[c].since.reset();
    }
}

void condition_log::parked(broker::color c, const gateway_snapshot& now, net::time_point when)
{
    const auto count = now.total.by_color[c].parked;
    const std::string color(to_string(c));
    most_parked_[c] = std::max(most_parked_[c], count);
    if (!parked_[c].turns(count > 0, when)) {
        return;
    }
    if (count > 0) {
        const auto until = now.total.parked_until[c];
        log_(
            log_level::warning, "clients are parked: they stay connected without a broker",
            {{"color", color},
             {"parked", count},
             {"closed_from", until == net::never ? "" : rfc3339(wall_time(until))}});
    } else {
        log_(
            log_level::info, "no client is parked any more",
            {{"color", color},
             {"parked_at_most", most_parked_[c]},
             {"seconds", seconds_since(parked_[c].since, when)}});
        parked_[c].since.reset();
        most_parked_[c] = 0;
    }
}

} // namespace control
