#pragma once

// The running gateway: its shards and their threads, the control plane on the thread that called
// run(), signals and upkeep. start.cpp puts it together, way_out.cpp and process.cpp end it, upkeep.cpp
// does what comes again and again, reload.cpp takes a configuration anew, tls_reload.cpp TLS files.
//
// Threading:  run()'s thread but where a function says otherwise.
// Lifetime:   the destructor ends shards and joins their threads.

#include "broker/net/time.hpp"
#include "control/api/api.hpp"
#include "control/api/server.hpp"
#include "control/service/condition_log.hpp"
#include "control/service/control_service.hpp"
#include "control/service/store_watch.hpp"
#include "gateway/listening/listening_socket.hpp"
#include "gateway/memory/freed_memory.hpp"
#include "gateway/memory/memory_limit.hpp"
#include "gateway/process/departure_pace.hpp"
#include "gateway/process/switch_service.hpp"
#include "gateway/settings/config.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace gateway {

// Names of all endpoints, resolved; one that cannot be keeps what was `known` of it and is tried
// again (re-resolved every 30 s): the lookup may lack no more than a descriptor (outside.md, N1).
std::shared_ptr<const endpoint_addresses>
resolve_endpoints(const config& c, const endpoint_addresses& known);

control::control_settings control_settings_of(const config& c);

class process {
public:
    explicit process(config settings) : settings_(std::move(settings)), pace_(settings_.drain.pace)
    {
    }
    ~process();
    int run();

private:
    int start();
    void set_limits();
    void make_shards();
    int open_listeners();
    int open_control(control::opened_store store);
    void count_switches();
    std::string metrics();
    void on_stop_signal();
    void wait_for_signal();
    void on_pause(net::duration paused);
    void note_signal(int number);
    void begin_way_out();
    void go_on_leaving();
    void begin_sending_away();
    void send_away();
    void on_sent_away();
    void finish_way_out();
    void stop();
    void resolve_again();
    void resolve(config c, std::function<void(std::shared_ptr<const endpoint_addresses>)> then);
    void take_addresses(std::shared_ptr<const endpoint_addresses> found);
    void reload(bool only_tell, control::configuration_hooks::answered done);
    void take_reload_when_steady(
        std::uint64_t wanted, config next, std::shared_ptr<const endpoint_addresses> where,
        std::function<void()> done);
    void take_reload(config next, std::shared_ptr<const endpoint_addresses> where);
    void reload_shard(unsigned shard);
    void take_tokens(const std::string& file_before);
    std::uint64_t room() const noexcept;
    shard_settings core_settings(const config& c, unsigned shard) const;
    void trim_memory();
    void release_memory();
    void warn_of_tls() const;
    void take_tls(std::shared_ptr<const tls_contexts> contexts);
    void reload_tls();
    void read_tls_again(); // shards are not told yet
    void watch_tls();
    void watch_turns();
    std::string stuck_shard() const;
    void look_at_conditions();

    config settings_;
    process_state shared_;
    boost::asio::io_context control_{1};
    std::vector<std::unique_ptr<shard>> shards_;
    std::vector<socket_file> socket_files_; // removed when nobody is accepted any more
    std::vector<std::thread> threads_;
    std::vector<std::unique_ptr<shard_port>> ports_;
    std::unique_ptr<control::control_service> service_;
    std::unique_ptr<control::api> api_;
    std::vector<std::unique_ptr<control::api_server>> servers_; // one for each of admin.bind
    boost::asio::signal_set signals_{control_};
    boost::asio::steady_timer timer_{control_}, resolve_timer_{control_}, trim_timer_{control_},
        tls_timer_{control_}, turn_timer_{control_};
    std::unique_ptr<control::store_watch> store_watch_;
    std::unique_ptr<control::condition_log> conditions_;
    unsigned turn_looks_ = 0;
    trim_decider trims_;
    std::size_t trims_open_ = 0; // shards that a release of memory still waits for
    std::thread resolver_;
    std::shared_ptr<const endpoint_addresses> where_;
    std::shared_ptr<const tls_contexts> secure_;
    std::string tls_seen_; // tls_files_seen() of what is in use
    struct way_out {
        control::way_out_stage stage = control::way_out_stage::serving;
        bool steady = false; // S16: no switch runs any more
        net::time_point serves_until{}, sends_away_until{};
        net::time_point no_client_since{};
        std::vector<std::size_t> staying; // clients that were not told to go, by shard
        std::size_t asked = 0;            // shards that have not answered the last step
    };
    way_out way_out_;
    departure_pace pace_;
    std::uint64_t descriptors_ = 0; // that this process may have
    // Drawn at the start.
    broker::secrets secrets_;
    std::array<std::uint64_t, 2> pairing_secret_{};
    std::string gateway_id_;
    std::uint64_t reload_wanted_ = 0; // of several that wait for a switch the newest counts
    control_counters counters_;
    std::set<control::switch_number> counted_, drains_counted_;
    std::vector<shard_numbers> last_numbers_;
    std::map<int, net::time_point> signals_told_;
    bool stopping_ = false;
    net::pulse pulse_{[this](net::duration paused) { on_pause(paused); }}; // the first to go
};

} // namespace gateway
