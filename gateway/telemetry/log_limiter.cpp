#include "gateway/telemetry/log_limiter.hpp"

#include <algorithm>
#include <utility>

namespace gateway::log {

namespace {

constexpr std::size_t kind_bytes_max = 48;
constexpr std::string_view others = "other lines";

} // namespace

std::string kind_of(std::string_view text)
{
    std::string kind;
    for (const char c : text.substr(0, text.find(':'))) {
        if ((c < '0' || c > '9') && kind.size() < kind_bytes_max) {
            kind += c;
        }
    }
    while (kind.ends_with(' ')) {
        kind.pop_back();
    }
    return kind;
}

bool limiter::allow(std::string_view text, std::string_view peer, net::time_point now)
{
    if (now >= until_) {
        begin(now);
    }
    std::string kind = kind_of(text);
    if (!kinds_.contains(kind) && kinds_.size() >= kinds_max) {
        kind = others;
    }
    tally& of_kind = kinds_[kind];
    bool allowed = of_kind.written < per_kind;
    if (allowed && !peer.empty()) {
        auto key = std::pair{kind, std::string{peer}};
        if (!peers_.contains(key) && peers_.size() >= peers_max) {
            key.second.clear();
        }
        allowed = ++peers_[key] <= per_peer;
    }
    ++(allowed ? of_kind.written : of_kind.suppressed);
    return allowed;
}

std::vector<limiter::suppressed> limiter::take_suppressed(net::time_point now)
{
    if (now >= until_ && !kinds_.empty()) {
        begin(now);
    }
    return std::exchange(over_, {});
}

void limiter::begin(net::time_point now)
{
    for (auto& [kind, numbers] : kinds_) {
        if (numbers.suppressed > 0) {
            over_.push_back({kind, numbers.suppressed});
        }
    }
    kinds_.clear();
    peers_.clear();
    until_ = now + window;
}

bool shard_echo::is_new(std::string_view text, unsigned shard, net::time_point now)
{
    auto at = texts_.find(text);
    if (at == texts_.end()) {
        if (texts_.size() >= texts_max) {
            std::erase_if(texts_, [&](const auto& t) { return t.second.last + remembered < now; });
        }
        if (texts_.size() >= texts_max) {
            texts_.clear();
        }
        at = texts_.emplace(std::string{text}, seen{}).first;
    } else if (at->second.last + remembered < now) {
        at->second = {};
    }
    seen& one = at->second;
    one.last = now;
    const std::uint64_t times = ++one.by_shard[shard];
    const bool news = times > one.written;
    one.written = std::max(one.written, times);
    return news;
}

} // namespace gateway::log
