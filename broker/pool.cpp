#include "broker/pool.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <limits>

namespace broker {

namespace {

constexpr auto first_back_off = std::chrono::milliseconds{100};

} // namespace

pool::pool(std::vector<pool_endpoint> endpoints, pool_settings settings)
    : endpoints_(std::move(endpoints)), states_(endpoints_.size()), settings_(settings)
{
}

void pool::reload(std::vector<pool_endpoint> endpoints, pool_settings settings, net::time_point now)
{
    BOOST_ASSERT(endpoints.size() >= endpoints_.size());
    endpoints_ = std::move(endpoints);
    states_.resize(endpoints_.size());
    settings_ = settings;
    for (state& s : states_) {
        s.next_probe = std::min(s.next_probe, now + settings_.interval);
    }
}

void pool::fail(state& s, std::string why, net::time_point now)
{
    s.last_error = std::move(why);
    s.successes = 0;
    if (++s.failures < settings_.fall && s.healthy) {
        return;
    }
    // Down: probed soon, then less often, never less often than while up.
    s.back_off = s.healthy ? net::duration{first_back_off}
                           : std::min<net::duration>(s.back_off * 3 / 2, settings_.interval);
    s.healthy = false;
    s.next_probe = now + s.back_off;
}

void pool::on_dial_failed(std::size_t index, std::string why, net::time_point now)
{
    if (states_[index].healthy) {
        fail(states_[index], std::move(why), now);
    }
}

void pool::on_dial_succeeded(std::size_t index) noexcept
{
    state& s = states_[index];
    s.failures = 0;
    s.healthy = true;
    s.last_error.clear();
}

void pool::on_probe(std::size_t index, bool ok, std::string why, net::time_point now)
{
    state& s = states_[index];
    s.probing = false;
    if (!ok) {
        s.next_probe = now + settings_.interval;
        fail(s, std::move(why), now);
        return;
    }
    s.failures = 0;
    s.next_probe = now + settings_.interval;
    if (s.healthy) {
        return;
    }
    if (++s.successes >= settings_.rise) {
        s.healthy = true;
        s.successes = 0;
        s.last_error.clear();
    } else {
        s.next_probe =
            now + first_back_off; // it is coming back: the second answer need not wait an interval
    }
}

std::optional<std::size_t> pool::pick() const noexcept
{
    std::optional<std::size_t> best, spare;
    double best_load = std::numeric_limits<double>::max();
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        if (!states_[i].healthy || states_[i].draining || endpoints_[i].removed) {
            continue;
        }
        if (endpoints_[i].weight == 0) {
            if (!spare || states_[i].sessions < states_[*spare].sessions) {
                spare = i;
            }
            continue;
        }
        const double load = static_cast<double>(states_[i].sessions + 1) / endpoints_[i].weight;
        if (load < best_load) {
            best_load = load;
            best = i;
        }
    }
    return best ? best : spare;
}

bool pool::any_healthy() const noexcept
{
    for (std::size_t i = 0; i < states_.size(); ++i) {
        if (states_[i].healthy && !endpoints_[i].removed) {
            return true;
        }
    }
    return false;
}

std::vector<std::size_t> pool::take_due_probes(net::time_point now)
{
    std::vector<std::size_t> due;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        if (!endpoints_[i].removed && !states_[i].probing && states_[i].next_probe <= now) {
            states_[i].probing = true;
            due.push_back(i);
        }
    }
    return due;
}

net::time_point pool::next_probe() const noexcept
{
    net::time_point next = net::never;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        if (!endpoints_[i].removed && !states_[i].probing) {
            next = std::min(next, states_[i].next_probe);
        }
    }
    return next;
}

} // namespace broker
