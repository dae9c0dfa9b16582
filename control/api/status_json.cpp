#include "control/api/status_json.hpp"

#include "control/record/json.hpp"
#include "control/record/report_json.hpp"
#include "control/record/wall_time.hpp"

#include <boost/json/array.hpp>

namespace control {

boost::json::object to_json(const session_counts& counts)
{
    return {{"connecting", counts.connecting},
            {"active", counts.active},
            {"waiting", counts.waiting},
            {"quiescing", counts.quiescing},
            {"held", counts.held},
            {"rebinding", counts.rebinding},
            {"pinned", counts.pinned},
            {"parked", counts.parked},
            {"closing", counts.closing}};
}

boost::json::object to_json(const send_counts& sends)
{
    return {{"accepted", sends.accepted},
            {"confirmed", sends.confirmed},
            {"unconfirmed", sends.unconfirmed},
            {"open", sends.open},
            {"held", sends.held},
            {"refused", sends.refused},
            {"in_doubt", sends.in_doubt}};
}

boost::json::object to_json(const session_snapshot& session)
{
    return {
        {"id", session.id},
        {"peer", session.peer},
        {"login", session.login},
        {"state", session.state},
        {"color", session.color},
        {"endpoint", session.endpoint},
        {"version", session.version},
        {"shared", session.shared},
        {"subscriptions", session.subscriptions},
        {"frames_in", session.frames_in},
        {"frames_out", session.frames_out},
        {"outbox_bytes", session.outbox_bytes},
        {"carried_bytes", session.carried_bytes},
        {"age_s", rounded(session.age_s)},
        {"held_ms", rounded(session.held_ms)},
        {"rate", rounded(session.rate)},
        {"sends", to_json(session.sends)}};
}

boost::json::object pools_json(const member_snapshot& total)
{
    boost::json::object pools;
    for (const auto color : broker::colors) {
        boost::json::array endpoints;
        for (const auto& one : total.endpoints[color]) {
            if (!one.shown()) {
                continue;
            }
            boost::json::object endpoint{{"name", one.name},       {"url", one.url},
                                         {"healthy", one.healthy}, {"draining", one.draining},
                                         {"links", one.links},     {"sessions", one.sessions}};
            if (!one.last_error.empty()) {
                endpoint["last_error"] = one.last_error;
            }
            endpoints.push_back(std::move(endpoint));
        }
        pools[to_string(color)] = boost::json::object{
            {"endpoints", std::move(endpoints)}, {"sessions", total.bound[color]}};
    }
    return pools;
}

boost::json::object status_json(
    const gateway_snapshot& all, const stored_state& state, const switch_record* running,
    const std::string& version, const health& how)
{
    boost::json::object out;
    boost::json::array sentences;
    for (const auto& one : how.sentences) {
        sentences.emplace_back(one);
    }
    out["health"] = to_string(how.state);
    out["sentences"] = std::move(sentences);
    out["epoch"] = state.epoch;
    out["live"] = to_string(state.live);
    out["switch"] =
        running != nullptr ? boost::json::value(to_json(*running, net::clock::now())) : nullptr;
    out["clients"] = all.total.clients;
    out["sessions"] = to_json(all.total.sessions);
    boost::json::object parked;
    for (const auto color : broker::colors) {
        const auto until = all.total.parked_until[color];
        parked[to_string(color)] =
            until == net::never ? boost::json::value(nullptr)
                                : boost::json::value(rfc3339(wall_time(until)));
    }
    out["parked_until"] = std::move(parked);
    out["pools"] = pools_json(all.total);
    out["version"] = version;
    out["previous"] = state.previous ? boost::json::value(to_string(*state.previous)) : nullptr;
    return out;
}

} // namespace control
