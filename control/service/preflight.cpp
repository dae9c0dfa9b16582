// From the request to the order: the id is stored, members are asked what the target would need,
// and the switch begins or is refused with numbers (switch.md C10, design.md section 6.1).

#include "control/service/ask_all.hpp"
#include "control/service/control_service.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace control {

namespace {

struct preflight_verdict {
    std::string refusal; // empty: go
    std::vector<session_failure> failures;
    std::uint64_t links_to_dial = 0;
    std::uint64_t left_out = 0;
    bool backplane_unknown = false; // P9
};

std::string seconds(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", value);
    return text;
}

// One endpoint answers if it answered any member.
std::vector<endpoint_check> merged_checks(const member_answers<preflight_answer>& answers)
{
    std::vector<endpoint_check> all;
    for (const auto& [from, answer] : answers) {
        for (const auto& check : answer.endpoints) {
            const auto known = std::ranges::find(all, check.name, &endpoint_check::name);
            if (known == all.end()) {
                all.push_back(check);
            } else if (check.ok) {
                *known = check;
            }
        }
    }
    return all;
}

preflight_verdict judge(
    const member_answers<preflight_answer>& answers, std::size_t members, broker::color target,
    double connect_rate, net::duration deadline)
{
    preflight_verdict verdict;
    std::uint64_t needed = 0;
    std::uint64_t free_descriptors = UINT64_MAX;
    for (const auto& [from, answer] : answers) {
        verdict.links_to_dial += answer.links_to_dial;
        verdict.left_out += answer.left_out;
        verdict.backplane_unknown |= answer.backplane_unknown;
        needed += answer.descriptors_needed;
        free_descriptors = std::min(free_descriptors, answer.descriptors_free);
    }
    const auto checks = merged_checks(answers);
    const std::string color(to_string(target));
    for (const auto& check : checks) {
        if (!check.ok) {
            verdict.failures.push_back({"", color + "/" + check.name, check.error});
        }
    }
    const double dialling = static_cast<double>(verdict.links_to_dial) / connect_rate;
    const double limit = std::chrono::duration<double>(deadline).count();
    if (answers.size() < members) {
        verdict.refusal = std::to_string(members - answers.size()) + " of " +
                          std::to_string(members) + " members did not answer the preflight";
    } else if (std::ranges::none_of(checks, &endpoint_check::ok)) {
        verdict.refusal =
            "none of the " + std::to_string(checks.size()) + " endpoints of " + color + " answers";
        if (!checks.empty()) {
            verdict.refusal +=
                ": " + color + "/" + checks.front().name + ": " + checks.front().error;
        }
    } else if (needed > free_descriptors) {
        verdict.refusal = "the links to " + color + " need " + std::to_string(needed) +
                          " descriptors, " + std::to_string(free_descriptors) +
                          " are free; raise the limit of open files";
    } else if (dialling > limit) {
        verdict.refusal = "dialling " + std::to_string(verdict.links_to_dial) +
                          " links at connect_rate " + std::to_string(std::llround(connect_rate)) +
                          "/s takes " + seconds(dialling) + ", longer than the deadline of " +
                          seconds(limit);
    }
    return verdict;
}

} // namespace

void control_service::request_switch(
    switch_request request, std::function<void(switch_answer)> done)
{
    if (stopping_) {
        done({switch_outcome::stopping, 0, "the gateway is stopping"});
        return;
    }
    if (pending_ || running() != nullptr) { // C1
        done(
            {switch_outcome::busy, pending_ ? pending_->id : running()->id, "another switch runs"});
        return;
    }
    if (request.to == state().live) {
        done(
            {switch_outcome::live_already, 0,
             std::string(to_string(request.to)) + " is live already"});
        return;
    }
    stored_state with_id = state();
    ++with_id.last_switch;
    pending_ = std::make_unique<pending_switch>(pending_switch{
        with_id.last_switch, std::move(request), std::chrono::system_clock::now(),
        std::move(done)});
    // An id is never given twice, after a restart neither; and a store that is down refuses before
    // anyone prepares.
    store_->write(with_id, [this, alive = alive_](write_result result) {
        if (*alive) {
            on_id_written(result);
        }
    });
}

void control_service::on_id_written(write_result result)
{
    coordinator_.on_id_used(pending_->id);
    note_store(store_->trouble());
    if (result != write_result::written) {
        const auto pending = std::move(pending_);
        tell_steady();
        pending->done(
            {switch_outcome::store_failed, 0,
             "the store takes no writes; traffic goes on" +
                 (store_trouble_.empty() ? "" : ": " + store_trouble_)});
        return;
    }
    const auto target = pending_->request.to;
    ask_all<preflight_answer>(
        context_, members_, settings_.preflight_timeout,
        [target](member_port& member, auto answered) {
            member.preflight(target, std::move(answered));
        },
        [this, alive = alive_](const member_answers<preflight_answer>& answers) {
            if (*alive) {
                on_preflight(answers);
            }
        });
}

void control_service::on_preflight(const member_answers<preflight_answer>& answers)
{
    const auto deadline = pending_->request.deadline.value_or(settings_.default_deadline);
    auto verdict =
        judge(answers, members_.size(), pending_->request.to, settings_.connect_rate, deadline);
    if (stopping_) {
        verdict.refusal = "the gateway is stopping"; // S16
    }
    if (!verdict.refusal.empty()) {
        refuse(std::move(verdict.refusal), std::move(verdict.failures));
        return;
    }
    // connect_rate is for the whole process. Each member gets a part by what it has to dial, and
    // never nothing, because sessions that arrive there later need a standby, too.
    dial_share_.assign(members_.size(), 0);
    const auto parts = static_cast<double>(verdict.links_to_dial + members_.size());
    for (const auto& [from, answer] : answers) {
        dial_share_[from] = static_cast<double>(answer.links_to_dial + 1) / parts;
    }
    std::string note;
    if (pending_->request.dry_run) {
        note = std::to_string(verdict.links_to_dial) + " links to dial, about " +
               seconds(static_cast<double>(verdict.links_to_dial) / settings_.connect_rate);
    }
    if (verdict.left_out > 0) {
        note += (note.empty() ? "" : "; ") + std::to_string(verdict.left_out) +
                " sessions wait for limits.links_per_login and are left out";
    }
    if (verdict.backplane_unknown && pending_->request.dry_run) {
        note += "; brokers.backplane is taken for separate: no marker can be tried";
    }
    begin(std::move(note));
}

void control_service::begin(std::string note)
{
    const auto pending = std::move(pending_);
    effects out;
    const bool accepted = coordinator_.on_request(
        {pending->id, pending->request, settings_, pending->started_at, std::move(note)},
        net::clock::now(), out);
    run(out);
    tell_steady(); // where it was not accepted
    pending->done(
        accepted ? switch_answer{switch_outcome::accepted, pending->id, ""}
                 : switch_answer{switch_outcome::stopping, pending->id, "the gateway is stopping"});
}

go_reply control_service::may_go(switch_number id) const
{
    if (running() == nullptr || running()->id != id) {
        return {go_outcome::none, "switch " + std::to_string(id) + " does not run", {}};
    }
    if (coordinator_.state() != coordinator_state::paused) {
        return {
            go_outcome::not_paused,
            "switch " + std::to_string(id) + " is " + std::string(to_string(running()->phase)),
            {}};
    }
    return {};
}

// C14. Much may have happened since it was prepared.
void control_service::go(switch_number id, std::string who, std::function<void(go_reply)> done)
{
    const auto said = [this, id, who = std::move(who), done = std::move(done)](go_reply reply) {
        std::vector<log_field> fields{
            {"who", who},
            {"what", "go"},
            {"switch", id},
            {"epoch", state().epoch},
            {"result", reply.outcome == go_outcome::accepted ? "accepted" : "refused"}};
        if (!reply.detail.empty()) {
            fields.push_back({"detail", reply.detail});
        }
        log_.audit(std::move(fields));
        done(std::move(reply));
    };
    if (auto refused = may_go(id); refused.outcome != go_outcome::accepted) {
        said(std::move(refused));
        return;
    }
    const auto target = running()->to;
    ask_all<preflight_answer>(
        context_, members_, settings_.preflight_timeout,
        [target](member_port& member, auto answered) {
            member.preflight(target, std::move(answered));
        },
        [this, alive = alive_, id, said](const member_answers<preflight_answer>& answers) {
            if (*alive) {
                said(gone_on(id, answers));
            }
        });
}

go_reply control_service::gone_on(switch_number id, const member_answers<preflight_answer>& answers)
{
    if (auto ended = may_go(id); ended.outcome != go_outcome::accepted) { // meanwhile
        return ended;
    }
    auto verdict = judge(
        answers, members_.size(), running()->to, settings_.connect_rate,
        settings_.default_deadline);
    if (!verdict.refusal.empty()) {
        return {go_outcome::refused, verdict.refusal, std::move(verdict.failures)};
    }
    effects out;
    const auto answer = coordinator_.on_go(net::clock::now(), out);
    run(out);
    if (answer == go_answer::unready) {
        return {
            go_outcome::refused,
            std::to_string(coordinator_.unready()) + " of " +
                std::to_string(running()->total().sessions_total) +
                " sessions have no standby at the moment",
            {}};
    }
    return {};
}

// A refused switch has an id and a report too. Of a dry run the refusal is the answer it was made
// for.
void control_service::refuse(std::string why, std::vector<session_failure> failures)
{
    const auto pending = std::move(pending_);
    tell_steady();
    const auto now = net::clock::now();
    switch_record record;
    record.id = pending->id;
    record.from = state().live;
    record.to = pending->request.to;
    record.dry_run = pending->request.dry_run;
    record.phase = record.dry_run ? switch_phase::done : switch_phase::aborted;
    record.result = record.dry_run ? switch_result::would_fail : switch_result::refused;
    record.final = true;
    record.epoch = state().epoch;
    record.reason = pending->request.reason;
    record.who = pending->request.who;
    record.detail = why;
    record.started_at = pending->started_at;
    record.started = now;
    record.final_since = now;
    record.drained_since = now;
    record.note_failures(failures);
    on_changed(history_.add(std::move(record)));
    pending->done(
        {pending->request.dry_run ? switch_outcome::accepted : switch_outcome::refused, pending->id,
         why});
}

} // namespace control
