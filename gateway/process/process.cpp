#include "gateway/process/process.hpp"

#include "broker/net/outbox_pool.hpp"
#include "broker/net/socket.hpp"
#include "broker/net/stray_signals.hpp"
#include "control/api/api.hpp"
#include "control/api/server.hpp"
#include "control/service/control_service.hpp"
#include "gateway/memory/freed_memory.hpp"
#include "gateway/telemetry/log.hpp"
#include "gateway/memory/memory_limit.hpp"
#include "gateway/memory/memory_reserve.hpp"
#include "gateway/process/switch_service.hpp"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <malloc.h>
#include <map>
#include <random>
#include <set>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace gateway {

namespace {

constexpr std::uint64_t descriptors_kept = 256; // listeners, admin, logs, epoll
constexpr auto trim_check = std::chrono::milliseconds{250};
constexpr auto drain_step = std::chrono::milliseconds{100};
constexpr int drain_steps = 50; // clients are sent away over 5 s, so that they do not storm
// The most that the kernel may hold unsent for a peer that no broker has accepted yet: the answer
// to its upgrade, pongs.
constexpr int unsent_before_connected = 16 * 1024;

int start_error(const std::string& sentence)
{
    log::flush(); // in front of it
    std::fprintf(stderr, "teal-gateway: %s\n", sentence.c_str());
    return 2;
}

std::string cannot_listen(const bind_address& at, const boost::system::error_code& why)
{
    return "cannot listen on " + at.text + ": " + why.message();
}

std::string joined(const std::vector<std::string>& words)
{
    std::string all;
    for (const auto& word : words) {
        all += (all.empty() ? "" : ", ") + word;
    }
    return all;
}

std::uint64_t raise_descriptors()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

std::string hex_of(std::uint64_t value)
{
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(value));
    return digits.data();
}

net::address address_of(const bind_address& bind)
{
    return {.host = bind.host, .port = bind.port, .path = bind.unix_path};
}

control::control_settings control_settings_of(const config& c)
{
    control::control_settings s;
    const auto& w = c.switching;
    s.prepare_timeout = w.prepare_timeout;
    s.hold_timeout = w.hold_timeout;
    s.on_hold_timeout = w.on_hold_timeout == hold_timeout_action::pin ? control::hold_policy::pin
                        : w.on_hold_timeout == hold_timeout_action::cut
                            ? control::hold_policy::cut
                            : control::hold_policy::abort;
    s.max_failed = w.max_failed.sessions != 0
                       ? control::failure_limit{static_cast<double>(w.max_failed.sessions), false}
                       : control::failure_limit{w.max_failed.percent, w.max_failed.percent > 0};
    s.members = {
        .linger = w.linger,
        .seam_timeout = w.seam_timeout,
        .seam_quiet = w.seam_quiet,
        .receipt_timeout = w.receipt_timeout,
        .marker_interval = w.marker_interval,
        .drain_timeout = w.drain_timeout,
        .pin_timeout = w.pin_timeout,
        .prepare_timeout = w.prepare_timeout,
        .hold_timeout = w.hold_timeout,
        .strict_queue_order = w.queue_order == stored_order::strict};
    s.connect_rate = c.brokers.connect_rate;
    for (const auto color : broker::colors) {
        for (const auto& e : c.brokers.colors[color].endpoints) {
            s.endpoint_names[color].push_back(e.name);
        }
    }
    return s;
}

// Names of all endpoints, resolved; one that cannot be keeps what was `known` of it and is tried
// again (re-resolved every 30 s): the lookup may lack no more than a descriptor (outside.md, N1).
std::shared_ptr<const endpoint_addresses>
resolve_endpoints(const config& c, const endpoint_addresses& known)
{
    auto found = std::make_shared<endpoint_addresses>(known);
    for (const auto color : broker::colors) {
        const auto& endpoints = c.brokers.colors[color].endpoints;
        found->of[color].resize(endpoints.size());
        for (std::size_t i = 0; i < endpoints.size(); ++i) {
            auto at = net::resolve({.host = endpoints[i].host, .port = endpoints[i].port});
            if (at && !at->empty()) {
                found->of[color][i] = std::move(*at);
            }
        }
    }
    return found;
}

class process {
public:
    explicit process(config settings) : settings_(std::move(settings)) {}
    ~process();
    int run();

private:
    int start();
    int open_listeners();
    void count_switches();
    std::string metrics();
    void on_signal();
    void wait_for_signal();
    void on_pause(net::duration paused);
    void note_signal(int number);
    void drain(int step);
    void stop();
    void resolve_again();
    void trim_memory();
    void release_memory();

    config settings_;
    process_state shared_;
    boost::asio::io_context control_{1};
    std::vector<std::unique_ptr<shard>> shards_;
    std::vector<std::thread> threads_;
    std::vector<std::unique_ptr<shard_port>> ports_;
    std::unique_ptr<control::control_service> service_;
    std::unique_ptr<control::api> api_;
    std::unique_ptr<control::api_server> server_;
    boost::asio::signal_set signals_{control_};
    boost::asio::steady_timer timer_{control_}, resolve_timer_{control_}, trim_timer_{control_};
    trim_decider trims_;
    std::size_t trims_open_ = 0; // shards that a release of memory still waits for
    std::thread resolver_;
    std::shared_ptr<const endpoint_addresses> where_;
    control_counters counters_;
    std::set<control::switch_number> counted_;
    std::vector<shard_numbers> last_numbers_;
    std::map<int, net::time_point> signals_told_;
    bool stopping_ = false;
    net::pulse pulse_{[this](net::duration paused) { on_pause(paused); }}; // the first to go
};

process::~process()
{
    if (resolver_.joinable()) {
        resolver_.join();
    }
    for (auto& s : shards_) {
        s->stop();
    }
    for (auto& t : threads_) {
        t.join();
    }
    server_.reset();
    api_.reset();
    service_.reset();
}

int process::open_listeners()
{
    for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
        const auto& l = settings_.listeners[i];
        auto at = address_of(l.bind);
        if (!l.reuse_port) { // in use is an error, which SO_REUSEPORT would hide
            const auto trial = net::listen_on(at, net::reuse_port::no);
            if (!trial) {
                return start_error(cannot_listen(l.bind, trial.error()));
            }
            if (at.is_unix()) { // one socket for all shards; the kernel wakes one of them
                for (auto& s : shards_) {
                    if (const auto failed = s->adopt_listener(::dup(*trial), i)) {
                        return start_error(cannot_listen(l.bind, failed));
                    }
                }
                ::close(*trial);
                continue;
            }
            if (const auto bound = net::local_address(*trial)) {
                at.port = bound->port;
            }
            ::close(*trial);
        }
        for (auto& s : shards_) {
            const auto part = net::listen_on(at, net::reuse_port::yes);
            if (!part) {
                return start_error(cannot_listen(l.bind, part.error()));
            }
            net::bound_unsent(*part, unsent_before_connected);
            if (const auto failed = s->adopt_listener(*part, i)) {
                return start_error(cannot_listen(l.bind, failed));
            }
        }
        log::line(log_level::info, "listening", {{"bind", at.text()}, {"path", joined(l.paths)}});
    }
    return 0;
}

int process::start()
{
    log::set_up(settings_.log);
    log::start();
    freed_memory::set_up();
    memory_reserve::set_up();
    const std::uint64_t descriptors = raise_descriptors();
    const bool dedicated = settings_.brokers.multiplex == multiplex_mode::dedicated;
    // A dedicated session takes three while a switch is prepared; a shared one takes one, some need
    // more.
    const std::uint64_t room = descriptors > descriptors_kept ? descriptors - descriptors_kept : 0;
    const std::uint64_t fits = dedicated ? room / 3 : room / 10 * 9;
    shared_.clients_max = std::min<std::uint64_t>(settings_.limits.clients, fits);
    if (shared_.clients_max < settings_.limits.clients &&
        settings_.limits.clients != limits_config{}.clients) {
        log::line(
            log_level::warning, "limits.clients was lowered to what the descriptors allow",
            {{"configured", settings_.limits.clients},
             {"clients", shared_.clients_max},
             {"descriptors", descriptors}});
    } else {
        log::line(
            log_level::info, "descriptors",
            {{"clients", shared_.clients_max}, {"descriptors", descriptors}});
    }
    const unsigned threads = settings_.threads != 0
                                 ? settings_.threads
                                 : std::max(1u, std::thread::hardware_concurrency());
    const std::uint64_t memory = memory_available();
    const std::uint64_t buffered = settings_.limits.buffered_total.of(memory);
    shared_.buffered_max = buffered / threads;
    shared_.shards = threads;
    counters_.buffered_limit = buffered;
    log::line(log_level::info, "memory", {{"buffered_total", buffered}, {"available", memory}});

    auto opened = control::open_file_store(settings_.store.path, settings_.initial_color);
    if (auto* sentence = std::get_if<std::string>(&opened)) {
        return start_error(*sentence);
    }
    auto& store = std::get<control::opened_store>(opened);
    where_ = resolve_endpoints(settings_, {});
    std::random_device random;
    const broker::secrets secrets = broker::draw_secrets();
    const auto secret = [&] { return std::uint64_t{random()} << 32 | random(); };
    const std::array<std::uint64_t, 2> pairing_secret{secret(), secret()};
    const std::string gateway_id = hex_of(secret()) + hex_of(secret());
    for (unsigned i = 0; i < threads; ++i) {
        shard_settings core = shard_settings_of(settings_, threads, i, secrets);
        core.pairing.secret = pairing_secret;
        core.gateway_id = gateway_id;
        if (core.links_per_login == 0 && !dedicated) { // D3; dedicated: limits.clients is the bound
            core.links_per_login = std::max<std::size_t>(1000, room / 4 / threads);
        }
        shards_.push_back(std::make_unique<shard>(
            settings_, std::move(core), shared_, where_, [this](control::report what) {
                boost::asio::post(control_, [this, what = std::move(what)]() mutable {
                    service_->on_report(std::move(what));
                });
            }));
        ports_.push_back(std::make_unique<shard_port>(*shards_.back(), control_, i == 0));
    }
    if (const int status = open_listeners(); status != 0) {
        return status;
    }
    const auto live = store.state.live;
    const auto epoch = store.state.epoch;
    std::vector<control::member_port*> members;
    for (auto& p : ports_) {
        members.push_back(p.get());
    }
    const auto log_sink = [](control::log_level level, std::string text) {
        text.starts_with("audit ") ? log::audit_line(text)
                                   : log::line_about(static_cast<log_level>(level), {}, text);
    };
    service_ = std::make_unique<control::control_service>(
        control_, control_settings_of(settings_), std::move(store), std::move(members), log_sink);
    control::api_options options;
    options.version = TEAL_VERSION;
    if (!settings_.admin.tokens_file.empty()) {
        auto tokens = control::token_file::open(settings_.admin.tokens_file);
        if (auto* sentence = std::get_if<std::string>(&tokens)) {
            return start_error(*sentence);
        }
        options.tokens = std::move(std::get<control::token_file>(tokens));
    }
    options.metrics = [this] { return metrics(); };
    options.answered = [this](std::string_view route, unsigned status) {
        counters_.count_request(route, static_cast<int>(status));
    };
    api_ = std::make_unique<control::api>(*service_, std::move(options), log_sink);
    auto server = control::api_server::listen(
        control_, *api_, *service_, {.bind = settings_.admin.bind.text}, log_sink);
    if (auto* sentence = std::get_if<std::string>(&server)) {
        return start_error(*sentence);
    }
    server_ = std::move(std::get<std::unique_ptr<control::api_server>>(server));
    count_switches();
    for (auto& s : shards_) {
        s->start(live, epoch);
        threads_.emplace_back([&s] { s->run(); });
    }
    service_->set_ready(true);
    log::line(
        log_level::info, "ready",
        {{"version", TEAL_VERSION},
         {"threads", threads},
         {"live", to_string(live)},
         {"epoch", epoch},
         {"admin", settings_.admin.bind.text}});
    return 0;
}

// The numbers of a switch go into the metrics once, when its report is final.
void process::count_switches()
{
    for (const auto& l : settings_.listeners) {
        counters_.listeners.push_back(l.bind.text);
    }
    counters_.clients_limit = shared_.clients_max;
    service_->watch([this](control::switch_number id) {
        const auto* record = service_->find(id);
        if (record == nullptr || !record->final || record->dry_run || !counted_.insert(id).second) {
            return;
        }
        const auto now =
            std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
                .count();
        const bool switched = record->result == control::switch_result::switched;
        counters_.last_success = switched ? now : counters_.last_success;
        counters_.count_switch(
            record->to,
            switched                                            ? switch_result::switched
            : record->result == control::switch_result::refused ? switch_result::refused
                                                                : switch_result::aborted,
            record->total());
        if (record->final_since) {
            counters_.switch_duration[switch_span::total].observe(
                *record->final_since - record->started);
        }
    });
}

std::string process::metrics()
{
    const auto* running = service_->running();
    counters_.live = service_->state().live;
    counters_.epoch = service_->state().epoch;
    counters_.switch_in_progress = running != nullptr;
    counters_.auth_failures = api_->auth_failures();
    counters_.paused_seconds = std::chrono::duration<double>(net::clock::paused()).count();
    if (running != nullptr) {
        counters_.switch_started =
            std::chrono::duration<double>(running->started_at.time_since_epoch()).count();
    }
    const auto counters = collect_counters(shards_, last_numbers_, counters_);
    return render_metrics(counters, counters_);
}

// On the pulse's thread. Shards that nothing else wakes have heart-beats to send too.
void process::on_pause(net::duration paused)
{
    log::line(
        log_level::warning, "this process did not run for a while",
        {{"ms", std::chrono::duration_cast<milliseconds>(paused).count()}});
    boost::asio::post(control_, [this] {
        ++counters_.pauses;
        for (auto& s : shards_) {
            s->post([] {});
        }
    });
}

void process::wait_for_signal()
{
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
        if (error) {
            return;
        }
        if (number != SIGTERM && number != SIGINT) {
            note_signal(number);
        } else if (stopping_) {
            log::line(log_level::warning, "stopping at once");
            stop();
            return;
        } else {
            on_signal();
        }
        wait_for_signal();
    });
}

// A line each ten seconds and signal: whoever sends them in a loop does not fill the log.
void process::note_signal(int number)
{
    auto& told = signals_told_[number];
    const auto now = net::clock::now();
    if (told != net::time_point{} && now - told < std::chrono::seconds{10}) {
        return;
    }
    told = now;
    if (number == SIGHUP) {
        log::line(
            log_level::warning,
            "SIGHUP: reloading the configuration is not built yet; nothing changed");
        return;
    }
    const char* name = ::sigabbrev_np(number); // null of a real-time one
    log::line(
        log_level::warning, "a signal that means nothing here was ignored",
        {{"signal", name != nullptr ? "SIG" + std::string(name) : std::to_string(number)}});
}

// S16: a switch that is not being written is aborted, then clients are sent away over a while, then
// links leave.
void process::on_signal()
{
    stopping_ = true;
    log::line(log_level::info, "stopping: draining clients; a second signal stops at once");
    service_->set_ready(false, "draining");
    service_->shut_down([this] {
        for (auto& s : shards_) {
            s->post([one = s.get()] { one->stop_accepting(); });
        }
        drain(0);
    });
}

void process::drain(int step)
{
    const std::uint64_t left = shared_.clients.load();
    if (left == 0 || step >= 2 * drain_steps) {
        timer_.expires_after(
            step == 0 ? std::chrono::milliseconds{50} : 3 * drain_step); // links' DISCONNECTs
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                stop();
            }
        });
        return;
    }
    const auto steps_left = static_cast<std::size_t>(std::max(1, drain_steps - step));
    for (auto& s : shards_) {
        s->post([one = s.get(), steps_left] { one->drain_some(one->clients() / steps_left + 1); });
    }
    timer_.expires_after(drain_step);
    timer_.async_wait([this, step](const boost::system::error_code& error) {
        if (!error) {
            drain(step + 1);
        }
    });
}

void process::stop()
{
    signals_.cancel();
    timer_.cancel();
    resolve_timer_.cancel();
    trim_timer_.cancel();
    if (server_) {
        server_->stop();
    }
    control_.stop();
}

// A name with several addresses is all of them, and they change: looked up again in a thread of its
// own.
void process::resolve_again()
{
    const bool names = std::ranges::any_of(broker::colors, [&](auto color) {
        return std::ranges::any_of(settings_.brokers.colors[color].endpoints, [](const auto& e) {
            return e.host.find_first_not_of("0123456789.:abcdefABCDEF") != std::string::npos;
        });
    });
    if (!names) {
        return;
    }
    resolve_timer_.expires_after(std::chrono::seconds{30});
    resolve_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        if (resolver_.joinable()) {
            resolver_.join();
        }
        resolver_ = std::thread([this, known = where_] {
            const auto found = resolve_endpoints(settings_, *known);
            boost::asio::post(control_, [this, found] { where_ = found; });
            for (auto& s : shards_) {
                s->post([one = s.get(), found] { one->set_addresses(found); });
            }
        });
        resolve_again();
    });
}

// What many peers have left goes back to the system, and not only to the allocator.
void process::trim_memory()
{
    trim_timer_.expires_after(trim_check);
    trim_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        if (memory_reserve::was_used()) {
            log::line_about(log_level::error, {}, "out of memory: clients that hold most are closed");
            for (auto& s : shards_) {
                s->post([one = s.get()] { one->give_back_memory(); });
            }
            ::malloc_trim(0);
        }
        memory_reserve::fill_up();
        if (trims_open_ == 0 && trims_.due(shared_.held.load(), shared_.clients.load())) {
            release_memory();
        }
        trim_memory();
    });
}

// Each shard what it pooled and the end of its own heap, then the holes of all heaps at once.
void process::release_memory()
{
    trims_open_ = shards_.size();
    freed_memory::begin_release();
    for (auto& s : shards_) {
        s->post([this] {
            net::release_pooled_outboxes();
            freed_memory::release_end_of_heap();
            boost::asio::post(control_, [this] {
                if (--trims_open_ == 0) {
                    freed_memory::end_release();
                }
            });
        });
    }
}

int process::run()
{
    if (const int status = start(); status != 0) {
        return status;
    }
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        signals_.add(number);
    }
    for (const int number : net::stray_signals()) {
        signals_.add(number);
    }
    wait_for_signal();
    resolve_again();
    trim_memory();
    control_.run();
    log::line(log_level::info, "stopped");
    return 0;
}

} // namespace

int run_gateway(config settings)
{
    const int status = process{std::move(settings)}.run();
    log::stop(std::chrono::seconds{1}); // whoever reads the log or not
    return status;
}

} // namespace gateway
