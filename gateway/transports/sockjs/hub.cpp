#include "gateway/transports/sockjs/hub.hpp"

#include "gateway/transports/sockjs/http_connection.hpp"

#include <utility>

namespace gateway::sockjs {

hub::hub(net::readiness_loop& loop, hub_owner& owner, memory_budget& budget, hub_settings settings)
    : loop_(loop), owner_(owner), budget_(budget), settings_(std::move(settings))
{
}

hub::~hub()
{
    for (const auto& [number, c] : connections_) {
        c->abandon();
    }
    connections_.clear();
    sessions_.clear();
}

void hub::adopt(handed_on connection)
{
    const std::uint64_t number = ++last_;
    auto& made = connections_.add(
        number, std::make_unique<http_connection>(
                    *this, std::move(connection.socket), std::move(connection.who), number));
    made.begin(std::move(connection.bytes));
}

void hub::drain()
{
    draining_ = true;
    for (const auto& [number, c] : connections_) {
        c->drain();
    }
}

void hub::stop_reading(bool on)
{
    stopped_ = on;
    for (const auto& [number, c] : connections_) {
        c->read_or_not();
    }
}

std::string hub::name_of(const standing& who, const route& where) const
{
    std::string name = std::to_string(who.listener) + '/' + std::to_string(where.service) + '/';
    return name.append(where.session);
}

unsigned hub::shard_of(std::string_view name) const noexcept
{
    return static_cast<unsigned>(
        broker::keyed_digest(settings_.key, name) / 65536 % settings_.shards);
}

session* hub::find(std::string_view name)
{
    const auto at = sessions_.find(broker::keyed_digest(settings_.key, name));
    if (at == sessions_.end() || at->second->name() != name || at->second->forgotten()) {
        return nullptr;
    }
    return at->second.get();
}

session* hub::open(
    std::string name, const standing& who, const request& by, const service& of, std::string& why)
{
    if (draining_) {
        why = "the gateway is going away";
        return nullptr;
    }
    const std::uint64_t key = broker::keyed_digest(settings_.key, name);
    const auto known = sessions_.find(key);
    if (known != sessions_.end()) {
        if (!known->second->forgotten()) { // another name with the same digest
            why = "try another session id";
            return nullptr;
        }
        sessions_.erase(known);
    }
    auto its = settings_.session;
    its.response_bytes_max = of.response_bytes_max;
    auto made = std::make_unique<session>(
        loop_, static_cast<session_owner&>(*this), key, std::move(name), its);
    session& opened = *made;
    why = owner_.open_user(opened, who, by);
    if (!why.empty()) {
        return nullptr;
    }
    sessions_.emplace(key, std::move(made));
    return &opened;
}

void hub::session_is_over(session& s)
{
    over_.push_back(s.key());
    if (over_.size() <= over_max) {
        return;
    }
    const auto oldest = sessions_.find(std::exchange(over_.front(), 0));
    over_.pop_front();
    if (oldest != sessions_.end() && oldest->second->over() && oldest->second.get() != &s) {
        sessions_.erase(oldest);
    }
}

void hub::remove_session(session& s)
{
    while (!over_.empty() && (over_.front() == s.key() || !sessions_.contains(over_.front()))) {
        over_.pop_front();
    }
    sessions_.erase(s.key());
}

void hub::closed(http_connection& c)
{
    owner_.connection_gone(c.who());
    connections_.erase(c.number());
}

void hub::given_away(http_connection& c)
{
    given_away_.push_back(c.number());
    loop_.timers().arm(*this, loop_.now());
}

void hub::on_timer(net::time_point)
{
    for (const std::uint64_t number : std::exchange(given_away_, {})) {
        connections_.erase(number);
    }
}

} // namespace gateway::sockjs
