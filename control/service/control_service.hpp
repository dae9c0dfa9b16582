#pragma once

// Everything on the control thread: the coordinator, the store, the history, and the questions to
// the members.
//
// Threading:  all calls are made on the thread of the io_context that it was given. Members post
//             their reports there.
// Lifetime:   built after the members' ports and destroyed before them.
// Invariants:
// (1) Every change writes one audit line: who, what, from, to, epoch, result.
// (2) Every question to members ends: by their answers or by a timer.

#include "broker/net/waitable_timer.hpp"
#include "control/coordinator/switch_coordinator.hpp"
#include "control/protocol/log_sink.hpp"
#include "control/protocol/member_port.hpp"
#include "control/record/history.hpp"
#include "control/service/configuration.hpp"
#include "control/store/file_store.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace control {

enum class switch_outcome : std::uint8_t {
    accepted,     // runs, or was a dry run that preflight ended: the report tells
    live_already, // that color is live; nothing done
    busy,         // another switch, or its preflight, runs (C1); `id` is that one's
    refused,      // by preflight (C10); `id` has a report
    store_failed, // the store does not take writes: switches are refused, traffic goes on
                  // (design.md section 8)
    stopping,     // S16
};
struct switch_answer {
    switch_outcome outcome = switch_outcome::accepted;
    switch_number id = 0;
    std::string detail;
};

enum class go_outcome : std::uint8_t {
    accepted,   // the hold begins
    none,       // no such switch runs; `detail` says what there is
    not_paused, // it prepares still, or goes on already
    refused,    // by a preflight that was made anew; it stays paused
};
struct go_reply {
    go_outcome outcome = go_outcome::accepted;
    std::string detail;
    std::vector<session_failure> failures;
};

struct drain_request {
    broker::color color = broker::color::blue;
    std::string endpoint; // its name, or host:port
    bool on = true;       // else taken back
    std::string who;
    bool force = false; // although no other endpoint of the live color is left
};
enum class drain_outcome : std::uint8_t {
    accepted, // noted by every member; sessions move from now on
    no_such_endpoint,
    nowhere_to_go, // of the live color no other endpoint is left, and `force` was not said
    busy,          // a switch runs (C1); `id` is that one's
    unanswered,    // by a member: some may have noted it; the order may be repeated
    stopping,
};
struct drain_answer {
    drain_outcome outcome = drain_outcome::accepted;
    std::string detail;
    switch_number id = 0;
    std::uint64_t sessions = 0, others = 0; // bound there; endpoints that would take them
    std::string name;                       // of the endpoint, as configured
    member_snapshot total;                  // behind the order
};

// This gateway's own way out, before it stops.
enum class way_out_stage : std::uint8_t {
    serving,   // it does not leave
    lame_duck, // not ready, and serving still: balancers notice
    leaving,   // nobody new comes, clients are sent away
    drained,   // no client is left; it waits to be stopped
};
std::string_view to_string(way_out_stage stage) noexcept;
struct way_out_state {
    way_out_stage stage = way_out_stage::serving;
    std::uint64_t clients = 0; // connections of clients that are left
};
// What the process does for it.
struct way_out_hooks {
    std::function<void()> begin; // asked again: nothing
    std::function<way_out_state()> now;
};

// All members' answers added up.
struct gateway_snapshot {
    member_snapshot total;
    std::vector<std::pair<member_number, member_snapshot>> members; // those that answered in time
};

class control_service {
public:
    control_service(
        boost::asio::io_context& context, control_settings settings, opened_store opened,
        std::vector<member_port*> members, log_sink log);
    control_service(const control_service&) = delete;
    control_service& operator=(const control_service&) = delete;
    ~control_service();

    // ---- from the gateway
    void on_report(report what);
    const stored_state& state() const noexcept { return coordinator_.stored(); }
    // Not ready (starting, draining): /readyz says `why`.
    void set_ready(bool ready, std::string why = {});
    // A switch keeps the settings it began with; the next one takes these (S16).
    void reload(control_settings settings) { settings_ = std::move(settings); }
    // What the newest trial of the store, or a write, came to; empty: it takes writes.
    void note_store(std::string trouble);
    const std::string& store_trouble() const noexcept { return store_trouble_; }
    // S16: aborts a switch that is not being written, refuses new ones, calls back once steady.
    void shut_down(std::function<void()> steady);

    // ---- from the API
    void request_switch(switch_request request, std::function<void(switch_answer)> done);
    abort_answer abort(switch_number id, const std::string& who);
    // C14: a paused switch goes on, if the target still answers.
    void go(switch_number id, std::string who, std::function<void(go_reply)> done);
    void snapshot(std::function<void(gateway_snapshot)> done);
    void sessions(std::function<void(std::vector<session_snapshot>)> done);
    void disconnect(std::string session, std::string who, std::function<void(bool)> done);
    // One endpoint is drained, or taken back. Not kept: a new process knows nothing of it.
    void drain_endpoint(drain_request request, std::function<void(drain_answer)> done);

    // This gateway leaves. By a request or a signal, which are the same.
    void set_way_out(way_out_hooks hooks) { way_out_ = std::move(hooks); }
    void drain_self(const std::string& who);
    way_out_state way_out() const { return way_out_.now ? way_out_.now() : way_out_state{}; }

    // The configuration, which is the process's.
    void set_configuration(configuration_hooks hooks) { configuration_ = std::move(hooks); }
    void reload_configuration(
        const std::string& who, bool only_tell, configuration_hooks::answered done);
    std::vector<std::pair<std::string, std::string>> configuration() const
    {
        return configuration_.show ? configuration_.show() : decltype(configuration_.show()){};
    }
    // From its request, preflight included, to steady; 0: none.
    switch_number switch_under_way() const noexcept;
    // Now, or as soon as no switch is under way.
    void when_steady(std::function<void()> then);

    // Null where there is none. Valid until control runs again.
    const switch_record* running() const noexcept;
    const switch_record* find(switch_number id) const noexcept;
    std::vector<const switch_record*> recent() const; // newest first
    bool ready() const noexcept { return ready_; }
    std::size_t member_count() const noexcept { return members_.size(); }
    const std::string& not_ready_because() const noexcept { return not_ready_because_; }

    // Called with the switch's id after each change of a record.
    using watcher = std::function<void(switch_number)>;
    std::uint64_t watch(watcher who);
    void unwatch(std::uint64_t number);

private:
    struct pending_switch {
        switch_number id = 0;
        switch_request request;
        std::chrono::system_clock::time_point started_at;
        std::function<void(switch_answer)> done;
    };

    void on_id_written(write_result result);
    void on_preflight(const std::vector<std::pair<member_number, preflight_answer>>& answers);
    void begin(std::string note);
    void refuse(std::string why, std::vector<session_failure> failures);
    go_reply may_go(switch_number id) const;
    go_reply gone_on(
        switch_number id, const std::vector<std::pair<member_number, preflight_answer>>& answers);
    std::optional<drain_answer> refuses_drain() const;
    void order_drain(
        const drain_request& request, const gateway_snapshot& found,
        std::function<void(drain_answer)> done);
    void audit(const drain_request& request, bool was_draining, const drain_answer& answer);
    void run(effects& out);
    void run_one(const effect& what);
    void send(const command& what);
    void on_changed(switch_record& record);
    void on_steady();
    void tell_steady();
    void arm_timer();
    void audit(const switch_record& record);
    std::string names_of(const std::vector<endpoint_ref>& endpoints) const;

    boost::asio::io_context& context_;
    control_settings settings_;
    std::unique_ptr<store> store_;
    std::vector<member_port*> members_;
    log_sink log_;
    switch_coordinator coordinator_;
    switch_history history_;
    net::waitable_timer timer_;
    // Between the request and its order: id written, preflight asked.
    std::unique_ptr<pending_switch> pending_;
    std::vector<double> dial_share_; // of connect_rate, by member
    std::deque<effect> queue_;
    bool running_queue_ = false;
    bool ready_ = false;
    bool stopping_ = false;
    std::string not_ready_because_ = "starting";
    way_out_hooks way_out_;
    std::string store_trouble_;
    configuration_hooks configuration_;
    std::vector<std::function<void()>> steady_waiters_;
    std::function<void()> on_stopped_;
    std::map<std::uint64_t, watcher> watchers_;
    std::uint64_t watchers_made_ = 0;
    // Late callbacks find out that the service is gone.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace control
