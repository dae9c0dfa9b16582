#pragma once

// One thread with its readiness loop: listeners, clients, links, and the router that decides about
// them. It is the driver that carries out everything in gateway/core/tables/effects.hpp.
//
// Threading:  run() runs on the shard's own thread. Other threads use post(). The constructor and
//             the destructor run on the main thread, before run() and after it.
// Lifetime:   built by main. It outlives nothing but the immutable tables that it was given.

#include "broker/link_connection.hpp"
#include "broker/net/hash_map.hpp"
#include "broker/net/numbered_table.hpp"
#include "broker/net/readiness_loop.hpp"
#include "broker/net/socket.hpp"
#include "broker/net/tls/handshake_gate.hpp"
#include "broker/websocket/upgrade.hpp"
#include "gateway/core/routing/router.hpp"
#include "gateway/core/tables/effects.hpp"
#include "gateway/listening/listener.hpp"
#include "gateway/process/client_connection.hpp"
#include "gateway/process/forward_samples.hpp"
#include "gateway/process/tls_contexts.hpp"
#include "gateway/settings/config.hpp"
#include "gateway/transports/sockjs/hub.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gateway {

class endpoint_probe;
class shard;

// limits.clients_per_address: how many connections each address has, over all shards. Touched at
// accept and close only.
class address_counts {
public:
    // False: it has that many already.
    bool enter(const std::string& address, std::uint64_t most);
    void leave(const std::string& address);

private:
    std::mutex mutex_;
    net::hash_map<std::string, std::uint64_t> counts_;
};

// What all shards of a process share: touched when a connection comes or goes, never on the data
// path.
struct process_state {
    std::atomic<std::uint64_t> clients{0};
    std::atomic<std::uint64_t> held{0}; // of limits.buffered_total, as the shards counted last
    address_counts addresses;
    std::atomic<std::uint64_t> clients_max{0}; // limits.clients as the descriptors allow
    std::uint64_t buffered_max = 0; // limits.buffered_total, one shard's part, at the start
    unsigned shards = 1;
    std::vector<shard*> by_number; // until the process ends
    broker::secret_key sockjs_key; // which shard a SockJS session belongs to
};

// Immutable once given out: where each endpoint is, as the names resolved last.
struct endpoint_addresses {
    broker::per_color<std::vector<std::vector<net::socket_address>>> of;
};

// A configuration that was loaded again, as a shard needs it.
struct reloaded {
    config settings;
    shard_settings core;
    std::uint64_t buffered_max = 0; // this shard's part
    // What its endpoints need comes with it.
    std::shared_ptr<const endpoint_addresses> where;
    std::shared_ptr<const tls_contexts> secure;
};

using report_sink = std::function<void(control::report)>;

class shard final : private effects,
                    private broker::link_owner,
                    private listener_owner,
                    private sockjs::hub_owner,
                    private net::turn_handler {
public:
    shard(
        config settings, shard_settings core, process_state& process,
        std::shared_ptr<const endpoint_addresses> where, std::shared_ptr<const tls_contexts> secure,
        report_sink reports);
    ~shard();

    // Opens its part of a listener; a descriptor that is listening.
    boost::system::error_code adopt_listener(int descriptor, std::size_t index);
    void start(color live, control::epoch_number epoch);
    void run();  // until stop()
    void stop(); // any thread: returns at once
    template <class F>
    void post(F&& f) // any thread
    {
        boost::asio::post(context_, [this, work = std::forward<F>(f)]() mutable {
            work();
            loop_.request_turn();
        });
    }

    // ---- on the shard's thread
    router& core() noexcept { return router_; }
    net::readiness_loop& loop() noexcept { return loop_; }
    const config& settings() const noexcept { return settings_; }
    shard_counters& counters() noexcept { return counters_; }
    // Copies for the page of /metrics, and for the API.
    shard_counters take_counters(const control::member_snapshot& state);
    forward_samples& samples() noexcept { return samples_; }
    void note_switch(control::switch_number id) noexcept { switch_number_ = id; }
    // Any thread: when a turn of its loop ended last.
    net::time_point last_turn() const noexcept
    {
        return net::time_point{net::duration{last_turn_.load(std::memory_order_relaxed)}};
    }
    void set_addresses(std::shared_ptr<const endpoint_addresses> where)
    {
        where_ = std::move(where);
    }
    // For connections from now on.
    void set_tls(std::shared_ptr<const tls_contexts> secure) { secure_ = std::move(secure); }
    void reload(reloaded loaded); // outside of a switch (shard_reload.cpp)
    void stop_accepting();
    // outside.md A12: `more` clients more are sent away (1012), and those that were told before are asked
    // again. `at_once`: all of them, whatever is owed. Returns how many were not told yet.
    std::size_t send_away(std::size_t more, bool at_once);
    // Nothing is left of clients and links but what nobody waits for.
    bool empty() const noexcept { return clients_.empty() && links_.empty() && parting_.empty(); }
    void give_back_memory();           // the system has none left
    std::size_t clients() const noexcept { return clients_.size(); }
    // Asks every endpoint of a color now; `done` gets one answer each.
    void
    check_endpoints(color c, std::function<void(std::vector<std::pair<bool, std::string>>)> done);

    // ---- by connections
    tls::handshake_gate& gate() noexcept { return gate_; }
    // Who it is, is known now: counts it, or refuses it for limits.clients_per_address.
    void admit(client_connection& c);
    session_id opened(
        client_connection& c, std::string peer,
        std::vector<std::pair<std::string, std::string>> handshake, websocket::client_place place);
    const websocket::upgrade_policy& upgrade_policy(std::size_t listener) const
    {
        return policies_[listener];
    }
    // What SockJS serves at a listener (shard_sockjs.cpp).
    const sockjs::premises& at(std::size_t listener) const override { return premises_[listener]; }
    // Its socket goes to the SockJS hub; it is destroyed soon.
    void serve_http(client_connection& c, sockjs::handed_on socket);
    void backlog_changed(client_connection& c);
    void destroy_later(client_connection& c);
    // An event that every shard sees becomes one line of the process.
    void say(log_level level, const std::string& text);

private:
    class core_timer;
    class gate_timer;
    class sample_check;
    friend class endpoint_probe;

    // effects
    void write_link(link_id to, std::string_view head, std::string_view body, framing as) override;
    void close_link(link_id which) override;
    bool link_flushed(link_id which) const override;
    void
    write_client(session_id to, std::string_view head, std::string_view body, framing as) override;
    void write_client(
        session_id to, std::string_view head, const net::payload_ref& rest, framing as) override;
    void client_up(session_id which, stomp::version version, std::string_view heart_beat) override;
    void close_client(session_id which, disconnect_reason reason, std::string_view text) override;
    void resume_client(session_id which) override;
    std::uint64_t client_appended(session_id which) const override;
    std::uint64_t client_written(session_id which) const override;
    void watch_written(session_id which) override;
    void dial(const dial_order& order) override;
    void read_link(link_id which, bool on) override;
    std::size_t link_backlog(link_id which) const override;
    void probe(control::endpoint_ref which) override;
    void report(control::report what) override;
    void log(log_level level, std::string line) override;

    // link_owner
    void link_open(link_id id) override;
    void link_frame(link_id id, const stomp::frame_view& frame, framing as) override;
    void link_skipped(link_id id, const stomp::frame_view& head) override;
    void link_drained(link_id id) override;
    void link_lost(link_id id, std::string why) override;
    void link_refused(link_id id, websocket::upgrade_refusal what) override;

    // listener_owner
    void accepted(int descriptor, std::size_t listener) override;
    void accept_failed(std::size_t listener, boost::system::error_code why, bool tell) override;

    // sockjs::hub_owner
    websocket::hop hop_from(const sockjs::standing& who) const;
    bool page_may_come(const sockjs::standing& who, const websocket::http_head& head) override;
    std::string open_user(
        sockjs::session& s, const sockjs::standing& opener, const sockjs::request& by) override;
    std::size_t body_bytes_max(const net::connection& user) const override;
    void upgrade(sockjs::handed_on socket) override;
    void hand_over(unsigned number, sockjs::handed_on socket) override;
    void connection_gone(const sockjs::standing& who) override;

    void on_turn_end(net::time_point now) override;
    void settle_samples();
    void count_lost_dial(const broker::link_connection& lost, broker::color c);
    std::uint64_t carried_bytes();
    void open_hub();
    void remove(client_connection& c);
    client_connection* client(session_id id) const;
    broker::link_connection* link(link_id id) const;
    // A connection under way to that endpoint; null and a sentence where there is none.
    // `path`: asked for at a ws:// endpoint in place of its own; empty: its own.
    std::vector<std::pair<std::string, std::string>>
    said_in_handshake(const dial_order& order) const;
    std::unique_ptr<broker::link_connection> connect(
        const dial_order& order, broker::link_owner& owner, std::string& why,
        std::string_view path = {});
    // Says goodbye on it, and keeps it until it is gone.
    void part(std::unique_ptr<broker::link_connection> left);
    void forget_link(link_id id);
    void start_probe(
        control::endpoint_ref which, bool preflight, std::function<void(bool, std::string)> done);
    void count_held();
    void shed(net::time_point now);
    void close_largest(std::uint64_t excess, net::time_point now);
    void beat_behind_a_pause(net::time_point now);
    void begin_handshakes();
    void stop_reading(bool on);
    bool over_budget() const noexcept { return router_.budget().total() > buffered_max_; }

    config settings_;
    shard_counters counters_;
    process_state& process_;
    std::shared_ptr<const endpoint_addresses> where_;
    std::shared_ptr<const tls_contexts> secure_;
    report_sink reports_;
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        context_.get_executor()};
    net::readiness_loop loop_{context_};
    std::vector<websocket::upgrade_policy> policies_;
    std::vector<sockjs::premises> premises_;
    std::vector<std::unique_ptr<listener>> listeners_;
    tls::handshake_gate gate_;
    net::numbered_table<client_connection> clients_;
    std::uint64_t last_client_ = 0;
    std::uint64_t sent_away_ = 0; // the newest of those that were told to go
    net::hash_map<std::uint64_t, client_connection*> by_session_;
    net::hash_map<std::uint64_t, std::unique_ptr<broker::link_connection>> links_;
    // Destroyed at the end of the turn.
    std::vector<std::unique_ptr<broker::link_connection>> lost_links_;
    std::vector<std::unique_ptr<broker::link_connection>> parting_; // until they are gone
    std::vector<std::pair<link_id, std::string>> failed_dials_;
    std::vector<std::unique_ptr<endpoint_probe>> probes_;
    std::vector<client_connection*> resumed_, backlogged_;
    std::vector<std::uint64_t> dead_; // clients, by number: one may be listed twice
    std::unique_ptr<core_timer> timer_;
    std::unique_ptr<gate_timer> gate_timer_;
    std::unique_ptr<sample_check> sample_check_;
    forward_samples samples_;
    std::atomic<net::duration::rep> last_turn_{net::clock::now().time_since_epoch().count()};
    std::size_t next_address_ = 0;
    net::time_point shed_at_{};
    net::duration paused_ = net::clock::paused(); // pauses of the process that are dealt with
    control::switch_number switch_number_ = 0; // the newest that it has heard of; for the log
    std::uint64_t told_held_ = 0; // of process_.held: this shard's
    bool stopped_reading_ = false;
    std::uint64_t buffered_max_; // this shard's part of limits.buffered_total
    router router_;
    std::unique_ptr<sockjs::hub> hub_; // ends before the clients and their budget
};

} // namespace gateway
