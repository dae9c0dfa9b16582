// Questions of the API to the members outside of any switch, with their answers added up.

#include "control/service/control_service.hpp"
#include "control/service/ask_all.hpp"

#include <algorithm>

namespace control {

void add(member_snapshot& sum, const member_snapshot& one)
{
    const auto add_counts = [](session_counts& into, const session_counts& more) {
        for (const auto field :
             {&session_counts::connecting, &session_counts::active, &session_counts::waiting,
              &session_counts::quiescing, &session_counts::held, &session_counts::rebinding,
              &session_counts::pinned, &session_counts::parked, &session_counts::closing}) {
            into.*field += more.*field;
        }
    };
    add_counts(sum.sessions, one.sessions);
    sum.clients += one.clients;
    for (const auto color : broker::colors) {
        sum.bound[color] += one.bound[color];
        add_counts(sum.by_color[color], one.by_color[color]);
        sum.parked_until[color] = std::min(sum.parked_until[color], one.parked_until[color]);
        auto& known = sum.endpoints[color];
        for (const auto& endpoint : one.endpoints[color]) {
            const auto same = std::ranges::find(known, endpoint.name, &endpoint_snapshot::name);
            if (same == known.end()) {
                known.push_back(endpoint);
                continue;
            }
            // Healthy where every member finds it so: one that does not is what an operator looks
            // for.
            same->healthy = same->healthy && endpoint.healthy;
            same->draining = same->draining || endpoint.draining;
            same->links += endpoint.links;
            same->sessions += endpoint.sessions;
            if (same->last_error.empty()) {
                same->last_error = endpoint.last_error;
            }
        }
    }
}

void control_service::snapshot(std::function<void(gateway_snapshot)> done)
{
    ask_all<member_snapshot>(
        context_, members_, settings_.question_timeout,
        [](member_port& member, auto answered) { member.snapshot(std::move(answered)); },
        [done = std::move(done)](std::vector<std::pair<member_number, member_snapshot>> answers) {
            gateway_snapshot all;
            for (const auto& [from, one] : answers) {
                add(all.total, one);
            }
            all.members = std::move(answers);
            done(std::move(all));
        });
}

void control_service::sessions(std::function<void(std::vector<session_snapshot>)> done)
{
    ask_all<std::vector<session_snapshot>>(
        context_, members_, settings_.question_timeout,
        [](member_port& member, auto answered) { member.sessions(std::move(answered)); },
        [done = std::move(done)](
            std::vector<std::pair<member_number, std::vector<session_snapshot>>> answers) {
            std::vector<session_snapshot> all;
            for (auto& [from, some] : answers) {
                std::ranges::move(some, std::back_inserter(all));
            }
            done(std::move(all));
        });
}

void control_service::disconnect(
    std::string session, std::string who, std::function<void(bool)> done)
{
    ask_all<bool>(
        context_, members_, settings_.question_timeout,
        [session](member_port& member, auto answered) {
            member.disconnect(session, std::move(answered));
        },
        [session, who = std::move(who), done = std::move(done), log = log_,
         epoch = state().epoch](std::vector<std::pair<member_number, bool>> answers) {
            const bool found = std::ranges::any_of(answers, [](const auto& a) { return a.second; });
            log.audit(
                {{"who", who},
                 {"what", "disconnect"},
                 {"session", session},
                 {"epoch", epoch},
                 {"result", found ? "done" : "not_found"}});
            done(found);
        });
}

} // namespace control
