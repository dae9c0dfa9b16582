#include "control/service/control_service.hpp"

#include "control/record/json.hpp"
#include "control/record/report_json.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace control {

control_service::control_service(
    boost::asio::io_context& context, control_settings settings, opened_store opened,
    std::vector<member_port*> members, log_sink log)
    : context_(context), settings_(std::move(settings)), store_(std::move(opened.where)),
      members_(std::move(members)), log_(std::move(log)),
      coordinator_(static_cast<member_number>(members_.size()), opened.state), timer_(context)
{
}

control_service::~control_service()
{
    *alive_ = false;
}

void control_service::set_ready(bool ready, std::string why)
{
    ready_ = ready;
    not_ready_because_ = std::move(why);
}

void control_service::note_store(std::string trouble)
{
    const bool before = store_trouble_.empty();
    store_trouble_ = std::move(trouble);
    if (before && !store_trouble_.empty()) {
        log_(
            log_level::error, "the store is not writable, and no switch can begin; traffic goes on: " +
                                  store_trouble_);
    } else if (!before && store_trouble_.empty()) {
        log_(log_level::info, "the store is writable again");
    }
}

void control_service::on_report(report what)
{
    if (auto* past = history_.find(what.id)) {
        // C9: the coordinator is steady and has forgotten this one, but it still joins or drains.
        if (const auto* now_known = std::get_if<numbers>(&what.what);
            now_known && past->phase != switch_phase::done) {
            past->take(what.from, now_known->now);
            past->advance(net::clock::now());
            on_changed(*past);
        }
        return;
    }
    effects out;
    coordinator_.on_report(what, net::clock::now(), out);
    run(out);
}

abort_answer control_service::abort(switch_number id, const std::string& who)
{
    if (id != coordinator_.current().id || coordinator_.state() == coordinator_state::steady) {
        return find(id) != nullptr ? abort_answer::decided : abort_answer::none;
    }
    effects out;
    const auto answer = coordinator_.on_abort_request("asked by " + who, net::clock::now(), out);
    log_.audit(
        {{"who", who},
         {"what", "abort"},
         {"switch", id},
         {"epoch", state().epoch},
         {"result", answer == abort_answer::accepted ? "accepted" : "decided"}});
    run(out);
    return answer;
}

void control_service::shut_down(std::function<void()> steady)
{
    stopping_ = true;
    on_stopped_ = std::move(steady);
    effects out;
    coordinator_.on_shutdown(net::clock::now(), out);
    run(out);
    if (coordinator_.state() == coordinator_state::steady && on_stopped_) {
        boost::asio::post(context_, std::exchange(on_stopped_, nullptr));
    }
}

const switch_record* control_service::running() const noexcept
{
    return coordinator_.state() == coordinator_state::steady ? nullptr : &coordinator_.current();
}

const switch_record* control_service::find(switch_number id) const noexcept
{
    // One that has just ended is in the history a moment later than its watchers hear of it.
    const auto* past = history_.find(id);
    const auto& now = coordinator_.current();
    return past == nullptr && now.id == id && id != 0 ? &now : past;
}

std::vector<const switch_record*> control_service::recent() const
{
    std::vector<const switch_record*> all;
    if (const auto* now = running()) {
        all.push_back(now);
    }
    for (const auto& one : history_.newest_first()) {
        all.push_back(&one);
    }
    return all;
}

std::uint64_t control_service::watch(watcher who)
{
    watchers_.emplace(++watchers_made_, std::move(who));
    return watchers_made_;
}

void control_service::unwatch(std::uint64_t number)
{
    watchers_.erase(number);
}

// A queue, never recursion: a store that answers within the call only adds to it.
void control_service::run(effects& out)
{
    std::ranges::move(out, std::back_inserter(queue_));
    out.clear();
    if (running_queue_) {
        return;
    }
    running_queue_ = true;
    while (!queue_.empty()) {
        const effect next = std::move(queue_.front());
        queue_.pop_front();
        run_one(next);
    }
    running_queue_ = false;
    arm_timer();
}

void control_service::run_one(const effect& what)
{
    if (const auto* order = std::get_if<to_members>(&what)) {
        send(order->what);
    } else if (const auto* write = std::get_if<write_state>(&what)) {
        store_->write(write->what, [this, alive = alive_](write_result result) {
            if (*alive) {
                note_store(store_->trouble());
                effects out;
                coordinator_.on_store_result(result, net::clock::now(), out);
                run(out);
            }
        });
    } else if (std::holds_alternative<read_state>(what)) {
        log_(log_level::warning, "the store did not confirm the new epoch; reading it back");
        store_->read([this, alive = alive_](std::optional<stored_state> found) {
            if (*alive) {
                effects out;
                coordinator_.on_store_read(found, net::clock::now(), out);
                run(out);
            }
        });
    } else if (std::holds_alternative<changed>(what)) {
        on_changed(coordinator_.current());
    } else {
        on_steady();
    }
}

void control_service::send(const command& what)
{
    if (const auto* decided = std::get_if<commit>(&what.what)) {
        log_(
            log_level::info,
            "switch " + std::to_string(what.id) + ": epoch " + std::to_string(decided->epoch) +
                " is stored; clients published through " + names_of(decided->endpoints));
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
        command own = what;
        if (auto* order = std::get_if<prepare>(&own.what);
            order != nullptr && i < dial_share_.size()) {
            order->connect_rate *= dial_share_[i];
        }
        members_[i]->send(std::move(own));
    }
}

std::string control_service::names_of(const std::vector<endpoint_ref>& endpoints) const
{
    std::string names;
    for (const auto& one : endpoints) {
        const auto& known = settings_.endpoint_names[one.color];
        names += (names.empty() ? "" : ", ") + std::string(to_string(one.color)) + "/" +
                 (one.index < known.size() ? known[one.index] : std::to_string(one.index));
    }
    return names.empty() ? "no endpoint" : names;
}

void control_service::on_changed(switch_record& record)
{
    record.note_phase(net::clock::now());
    const auto phase_before = record.told_phase;
    if (!phase_before || *phase_before != record.phase) {
        record.told_phase = record.phase;
        record.events.add("phase", to_text(progress_json(record)));
        const bool failed = !record.dry_run && (record.phase == switch_phase::aborting ||
                                                record.phase == switch_phase::aborted);
        log_(
            failed ? log_level::warning : log_level::info,
            "switch " + std::to_string(record.id) + " to " + std::string(to_string(record.to)) +
                ": " + std::string(to_string(record.phase)) +
                (record.detail.empty() ? "" : ", " + record.detail));
    } else {
        record.events.add("progress", to_text(progress_json(record)));
    }
    // The report is told when it becomes final, and once more with what the drain added.
    const bool drained = record.final && record.drained_since.has_value();
    if ((record.final && !record.told_final) || (drained && !record.events.ended())) {
        record.events.add("report", to_text(to_json(record, net::clock::now())));
    }
    if (record.final && !record.told_final) {
        record.told_final = true;
        audit(record);
    }
    if (drained) {
        record.events.end();
    }
    // A watcher may leave while it is told.
    for (auto next = watchers_.begin(); next != watchers_.end();) {
        const auto tell = (next++)->second;
        tell(record.id);
    }
}

void control_service::on_steady()
{
    history_.add(coordinator_.current());
    tell_steady();
    if (on_stopped_) {
        boost::asio::post(context_, std::exchange(on_stopped_, nullptr));
    }
}

// C11: on the clock that stands still while this process does.
void control_service::arm_timer()
{
    const auto next = coordinator_.next_deadline();
    if (next == net::never) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(next);
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
        if (!error && *alive) {
            effects out;
            coordinator_.on_deadline(net::clock::now(), out);
            run(out);
        }
    });
}

void control_service::audit(const switch_record& record)
{
    const tally sum = record.total();
    const auto microseconds = [](double ms) { return static_cast<std::int64_t>(ms * 1000); };
    log_.audit(
        {{"who", record.who},
         {"what", record.dry_run ? "dry_run" : "switch"},
         {"switch", record.id},
         {"from", to_string(record.from)},
         {"to", to_string(record.to)},
         {"epoch", record.epoch},
         {"result", to_string(record.result)},
         {"reason", record.reason},
         {"detail", record.detail},
         {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(
                    record.final_since.value_or(record.started) - record.started)
                    .count()},
         {"sessions", sum.sessions_total},
         {"moved", sum.sessions_moved},
         {"pinned", sum.sessions_pinned},
         {"failed", sum.sessions_failed},
         {"gone", sum.sessions_gone},
         {"held_p99_us", microseconds(record.held.p99_ms)},
         {"held_max_us", microseconds(record.held.max_ms)},
         {"sends", sum.accepted},
         {"in_doubt", sum.in_doubt},
         {"seams", sum.seams_total},
         {"forced", sum.seams_forced},
         {"gaps", sum.gaps},
         {"counted", record.counted().size()}});
}

} // namespace control
