#include "control/api/health.hpp"

#include "control/record/plain_text.hpp"

#include <algorithm>
#include <ctime>

namespace control {

namespace {

std::string counted(std::uint64_t count, const std::string& what)
{
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string time_of_day(std::chrono::system_clock::time_point when)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[16];
    return std::string(text, std::strftime(text, sizeof text, "%H:%M:%S", &parts)) + " UTC";
}

bool serves(const endpoint_snapshot& one) noexcept
{
    return one.healthy && !one.draining;
}

bool any_serves(const std::vector<endpoint_snapshot>& endpoints)
{
    return std::ranges::any_of(endpoints, serves);
}

// "blue/b1: Connection refused", of the first endpoint that says why.
std::string reason(const std::string& color, const std::vector<endpoint_snapshot>& endpoints)
{
    for (const auto& one : endpoints) {
        if (!one.healthy && !one.last_error.empty()) {
            return " (" + color + "/" + one.name + ": " + printable(one.last_error) + ")";
        }
    }
    const bool drained = std::ranges::all_of(endpoints, &endpoint_snapshot::draining);
    return drained && !endpoints.empty() ? " (every endpoint of it is drained)" : "";
}

class diagnosis {
public:
    explicit diagnosis(const health_facts& facts)
        : facts_(facts), live_(facts.stored.live), other_(broker::other(facts.stored.live))
    {
    }
    health made()
    {
        parts();
        live_color();
        other_color();
        sessions();
        if (!facts_.store_trouble.empty()) {
            say(health_state::degraded,
                "the store is not writable: " + facts_.store_trouble +
                    "; no switch can begin, traffic goes on");
        }
        if (!facts_.ready) {
            say(health_state::degraded, "not ready: " + facts_.not_ready_because);
        }
        std::ranges::stable_sort(found_, [](const auto& a, const auto& b) {
            return a.first > b.first;
        });
        health all;
        for (auto& [state, sentence] : found_) {
            all.state = std::max(all.state, state);
            all.sentences.push_back(std::move(sentence));
        }
        return all;
    }

private:
    void say(health_state state, std::string sentence)
    {
        found_.emplace_back(state, std::move(sentence));
    }
    const std::vector<endpoint_snapshot>& endpoints(broker::color c) const
    {
        return facts_.now.total.endpoints[c];
    }
    void parts()
    {
        if (!facts_.stuck.empty()) {
            say(health_state::down, facts_.stuck + "; its clients are not served");
        } else if (facts_.now.members.size() < facts_.members) {
            say(health_state::degraded,
                std::to_string(facts_.members - facts_.now.members.size()) + " of " +
                    counted(facts_.members, "shard") + " did not answer in time");
        }
    }
    // "; 3 clients are parked, closed from 03:09:13 UTC on"
    std::string parked(broker::color c) const
    {
        const auto count = facts_.now.total.by_color[c].parked;
        const auto until = facts_.now.total.parked_until[c];
        if (count == 0 || until == net::never) {
            return "";
        }
        return counted(count, "client") + " parked, closed from " +
               time_of_day(facts_.wall(until)) + " on";
    }
    void live_color()
    {
        const std::string color(to_string(live_)), other(to_string(other_));
        const auto& all = endpoints(live_);
        if (facts_.now.members.empty()) {
            return; // nothing is known
        }
        if (any_serves(all)) {
            for (const auto& one : all) {
                if (!one.healthy) {
                    const auto others = std::ranges::count_if(all, serves);
                    say(health_state::degraded,
                        color + "/" + one.name + " is live and does not answer" +
                            (one.last_error.empty() ? "" : ": " + printable(one.last_error)) + "; " +
                            counted(static_cast<std::uint64_t>(others), "other endpoint") + " of " +
                            color + (others == 1 ? " serves" : " serve"));
                }
            }
            return;
        }
        const auto waiting = parked(live_);
        std::string sentence = color + " is live and down" + reason(color, all) +
                               (waiting.empty() ? "" : ": " + waiting);
        if (facts_.switching) {
            sentence += "; a switch runs";
        } else if (any_serves(endpoints(other_))) {
            sentence += "; `tealctl switch " + other + "` takes them";
        } else {
            sentence += "; " + other + " is down, too";
        }
        say(health_state::down, std::move(sentence));
    }
    void other_color()
    {
        const std::string color(to_string(other_));
        if (!facts_.now.members.empty() && !any_serves(endpoints(other_))) {
            say(health_state::degraded, color + " is down" + reason(color, endpoints(other_)) +
                                            ": no switch to it can begin");
        }
    }
    void sessions()
    {
        if (any_serves(endpoints(live_))) {
            if (const auto waiting = parked(live_); !waiting.empty()) {
                say(health_state::degraded, waiting + "; " + std::string(to_string(live_)) +
                                                " answers, but does not take them");
            }
        }
        if (const auto pinned = facts_.now.total.sessions.pinned; pinned > 0) {
            say(health_state::degraded,
                counted(pinned, "client") + " pinned to the color that is not live: " +
                    "`tealctl sessions` names them");
        }
    }

    const health_facts& facts_;
    broker::color live_, other_;
    std::vector<std::pair<health_state, std::string>> found_;
};

} // namespace

std::string_view to_string(health_state state) noexcept
{
    switch (state) {
    case health_state::ok: return "ok";
    case health_state::degraded: return "degraded";
    case health_state::down: return "down";
    }
    return "";
}

health health_of(const health_facts& facts)
{
    return diagnosis(facts).made();
}

} // namespace control
