// One endpoint is drained, or taken back: what is refused, the order to every member, the audit
// line. switch.md C1, M13.

#include "control/service/control_service.hpp"
#include "control/service/ask_all.hpp"

#include <algorithm>

namespace control {

namespace {

// "host:port" of "stomp://host:port/path".
std::string_view authority_of(std::string_view url)
{
    const auto scheme = url.find("://");
    url.remove_prefix(scheme == url.npos ? 0 : scheme + 3);
    return url.substr(0, url.find('/'));
}

// By its name, else by its host and port where only one has these. The index is that of the
// configured list: every member says it in that order.
std::optional<std::uint16_t>
index_of(const std::vector<endpoint_snapshot>& known, const std::string& wanted)
{
    auto at = std::ranges::find(known, wanted, &endpoint_snapshot::name);
    if (at == known.end()) {
        const auto same = [&](const endpoint_snapshot& one) {
            return !one.removed && authority_of(one.url) == wanted;
        };
        at = std::ranges::find_if(known, same);
        if (at == known.end() || std::ranges::count_if(known, same) > 1) {
            return std::nullopt;
        }
    }
    return static_cast<std::uint16_t>(at - known.begin());
}

std::string_view to_string(drain_outcome outcome) noexcept
{
    switch (outcome) {
    case drain_outcome::accepted: return "accepted";
    case drain_outcome::no_such_endpoint: return "no_such_endpoint";
    case drain_outcome::nowhere_to_go: return "nowhere_to_go";
    case drain_outcome::busy: return "busy";
    case drain_outcome::unanswered: return "unanswered";
    case drain_outcome::stopping: return "stopping";
    }
    return "";
}

} // namespace

// C1: not while a switch runs, its preflight included.
std::optional<drain_answer> control_service::refuses_drain() const
{
    drain_answer answer;
    if (stopping_) {
        answer.outcome = drain_outcome::stopping;
        answer.detail = "the gateway is stopping";
        return answer;
    }
    if (pending_ || running() != nullptr) {
        answer.outcome = drain_outcome::busy;
        answer.id = pending_ ? pending_->id : running()->id;
        answer.detail = "switch " + std::to_string(answer.id) + " runs";
        return answer;
    }
    return std::nullopt;
}

void control_service::drain_endpoint(drain_request request, std::function<void(drain_answer)> done)
{
    if (const auto refused = refuses_drain()) {
        audit(request, false, *refused);
        done(*refused);
        return;
    }
    snapshot([this, alive = alive_, request = std::move(request),
              done = std::move(done)](const gateway_snapshot& found) {
        if (*alive) {
            order_drain(request, found, done);
        }
    });
}

void control_service::order_drain(
    const drain_request& request, const gateway_snapshot& found,
    std::function<void(drain_answer)> done)
{
    const auto& known = found.total.endpoints[request.color];
    const std::string color{to_string(request.color)};
    const auto index = index_of(known, request.endpoint);
    const bool was_draining = index && known[*index].draining;
    auto answer = refuses_drain().value_or(drain_answer{}); // a switch may have begun meanwhile
    const auto refuse = [&](drain_outcome outcome, std::string detail) {
        answer.outcome = outcome;
        answer.detail = std::move(detail);
    };
    if (answer.outcome != drain_outcome::accepted) {
        // said already
    } else if (found.members.size() < members_.size()) {
        refuse(
            drain_outcome::unanswered, std::to_string(members_.size() - found.members.size()) +
                                           " of " + std::to_string(members_.size()) +
                                           " members did not answer");
    } else if (!index) {
        refuse(drain_outcome::no_such_endpoint, color + "/" + request.endpoint);
    } else if (request.on) {
        answer.sessions = known[*index].sessions;
        answer.others = static_cast<std::uint64_t>(std::ranges::count_if(known, [&](const auto& e) {
            return &e != &known[*index] && e.healthy && !e.draining && !e.removed;
        }));
        // On the other color they end with the drain of the switch that left it.
        if (request.color == state().live && answer.others == 0 && !request.force) {
            refuse(
                drain_outcome::nowhere_to_go,
                std::to_string(answer.sessions) + " sessions are bound to " + color + "/" +
                    known[*index].name + "; none of the " + std::to_string(known.size() - 1) +
                    " other endpoints of " + color +
                    " is healthy and not draining; `force` drains it all the same");
        }
    }
    if (answer.outcome != drain_outcome::accepted) {
        audit(request, was_draining, answer);
        done(std::move(answer));
        return;
    }
    answer.name = known[*index].name;
    ask_all<bool>(
        context_, members_, settings_.question_timeout,
        [which = endpoint_ref{request.color, *index},
         on = request.on](member_port& member, auto answered) {
            member.drain_endpoint(which, on, std::move(answered));
        },
        [this, alive = alive_, request, was_draining, answer = std::move(answer),
         done = std::move(done)](const member_answers<bool>& answers) mutable {
            if (!*alive) {
                return;
            }
            if (answers.size() < members_.size()) {
                answer.outcome = drain_outcome::unanswered;
                answer.detail = "a member did not answer the order";
            }
            audit(request, was_draining, answer);
            snapshot([answer = std::move(answer),
                      done = std::move(done)](const gateway_snapshot& after) mutable {
                answer.total = after.total;
                done(std::move(answer));
            });
        });
}

void control_service::audit(
    const drain_request& request, bool was_draining, const drain_answer& answer)
{
    std::vector<log_field> fields{
        {"who", request.who},
        {"what", request.on ? "drain" : "undrain"},
        {"endpoint", std::string(to_string(request.color)) + "/" +
                         (answer.name.empty() ? request.endpoint : answer.name)},
        {"from", was_draining ? "draining" : "serving"},
        {"to", request.on ? "draining" : "serving"},
        {"epoch", state().epoch},
        {"result", to_string(answer.outcome)},
        {"sessions", answer.sessions}};
    if (!answer.detail.empty()) {
        fields.emplace_back("detail", answer.detail);
    }
    log_.audit(std::move(fields));
}

} // namespace control
