#include "gateway/process/switch_service.hpp"

#include "control/record/wall_time.hpp"

#include <algorithm>
#include <chrono>
#include <dirent.h>
#include <future>
#include <sys/resource.h>

namespace gateway {

namespace {

std::uint64_t open_descriptors()
{
    std::uint64_t count = 0;
    if (DIR* folder = ::opendir("/proc/self/fd")) {
        while (::readdir(folder) != nullptr) {
            ++count;
        }
        ::closedir(folder);
    }
    return count;
}

std::uint64_t free_descriptors()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const std::uint64_t open = open_descriptors();
    return limit.rlim_cur > open ? limit.rlim_cur - open : 0;
}

} // namespace

void shard_port::send(control::command what)
{
    shard_.post(
        [this, what = std::move(what)] {
            shard_.note_switch(what.id);
            shard_.core().on_command(what, shard_.loop().now());
        });
}

void shard_port::snapshot(std::function<void(control::member_snapshot)> done)
{
    shard_.post([this, done = std::move(done)]() mutable {
        boost::asio::post(
            control_, [answer = shard_.core().snapshot(), done = std::move(done)]() mutable {
                done(std::move(answer));
            });
    });
}

void shard_port::sessions(std::function<void(std::vector<control::session_snapshot>)> done)
{
    shard_.post([this, done = std::move(done)]() mutable {
        boost::asio::post(
            control_, [answer = shard_.core().sessions(shard_.loop().now()),
                       done = std::move(done)]() mutable { done(std::move(answer)); });
    });
}

void shard_port::disconnect(std::string session, std::function<void(bool)> done)
{
    shard_.post([this, session = std::move(session), done = std::move(done)]() mutable {
        const bool was_here = shard_.core().disconnect(session, shard_.loop().now());
        boost::asio::post(control_, [was_here, done = std::move(done)] { done(was_here); });
    });
}

void shard_port::drain_endpoint(
    control::endpoint_ref which, bool on, std::function<void(bool)> done)
{
    shard_.post([this, which, on, done = std::move(done)]() mutable {
        shard_.core().drain_endpoint(which, on, shard_.loop().now());
        boost::asio::post(control_, [done = std::move(done)] { done(true); });
    });
}

void shard_port::preflight(color target, std::function<void(control::preflight_answer)> done)
{
    shard_.post([this, target, done = std::move(done)]() mutable {
        control::preflight_answer answer;
        answer.links_to_dial = shard_.core().links_to_dial(target);
        answer.left_out = shard_.core().left_out();
        answer.backplane_unknown = shard_.core().backplane_unknown();
        answer.descriptors_needed = answer.links_to_dial;
        answer.descriptors_free = free_descriptors();
        const auto reply = [this, done = std::move(done)](control::preflight_answer what) {
            boost::asio::post(control_, [what = std::move(what), done] { done(what); });
        };
        if (!checks_) {
            reply(std::move(answer));
            return;
        }
        shard_.check_endpoints(
            target,
            [this, target, answer, reply](std::vector<std::pair<bool, std::string>> found) mutable {
                const auto& endpoints = shard_.settings().brokers.colors[target].endpoints;
                const auto known = shard_.core().snapshot().endpoints[target];
                for (std::size_t i = 0; i < found.size(); ++i) {
                    if (known[i].removed) {
                        continue;
                    }
                    if (known[i].draining) { // no standby goes there
                        found[i] = {false, "it is drained"};
                    }
                    answer.endpoints.push_back(
                        {endpoints[i].name, found[i].first, std::move(found[i].second)});
                }
                reply(std::move(answer));
            });
    });
}

namespace {

// As the API adds them up: healthy where every shard finds it so.
void add_endpoints(
    const broker::per_color<std::vector<control::endpoint_snapshot>>& more,
    control_counters& totals)
{
    for (const color c : broker::colors) {
        auto& sums = totals.endpoints[c];
        sums.resize(
            std::max(sums.size(), more[c].size())); // by place: what a reload removed has one
        for (std::size_t i = 0; i < more[c].size(); ++i) {
            sums[i].links += more[c][i].links;
            sums[i].healthy = more[c][i].healthy && (sums[i].healthy || sums[i].name.empty());
            sums[i].draining |= more[c][i].draining;
            sums[i].removed = more[c][i].removed;
            sums[i].name = more[c][i].name;
        }
    }
}

} // namespace

std::vector<shard_counters> collect_counters(
    std::vector<std::unique_ptr<shard>>& shards, std::vector<shard_numbers>& last,
    control_counters& totals)
{
    last.resize(shards.size());
    std::vector<std::future<shard_numbers>> answers;
    for (auto& one : shards) {
        auto answer = std::make_shared<std::promise<shard_numbers>>();
        answers.push_back(answer->get_future());
        one->post([s = one.get(), answer] {
            auto state = s->core().snapshot();
            auto counters = s->take_counters(state);
            answer->set_value({std::move(counters), std::move(state)});
        });
    }
    totals.endpoints = {};
    broker::per_color<net::time_point> parked_until{net::never, net::never};
    std::vector<shard_counters> counters;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].wait_for(std::chrono::milliseconds{200}) == std::future_status::ready) {
            last[i] = answers[i].get();
        }
        counters.push_back(last[i].counters);
        add_endpoints(last[i].state.endpoints, totals);
        for (const color c : broker::colors) {
            parked_until[c] = std::min(parked_until[c], last[i].state.parked_until[c]);
        }
    }
    const auto now = net::clock::now();
    totals.turn_ages.clear();
    for (const auto& one : shards) {
        totals.turn_ages.push_back(std::chrono::duration<double>(now - one->last_turn()).count());
    }
    for (const color c : broker::colors) {
        totals.parked_until[c] = parked_until[c] == net::never
                                     ? 0
                                     : control::seconds_since_1970(control::wall_time(parked_until[c]));
    }
    for (const color c : broker::colors) {
        std::erase_if(totals.endpoints[c], [](const auto& e) { return e.removed && e.links == 0; });
    }
    return counters;
}

} // namespace gateway
