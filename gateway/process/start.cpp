// How the gateway starts: configuration to settings, the store, shards, listeners, the admin API.

#include "gateway/memory/memory_reserve.hpp"
#include "gateway/process/running_process.hpp"
#include "gateway/settings/config_values.hpp"
#include "gateway/telemetry/log.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <unistd.h>

namespace gateway {

namespace {

int start_error(const std::string& sentence)
{
    log::flush(); // in front of it
    std::fprintf(stderr, "teal-gateway: %s\n", sentence.c_str());
    return 2;
}

std::string joined(const std::vector<std::string>& words)
{
    std::string all;
    for (const auto& word : words) {
        all += (all.empty() ? "" : ", ") + word;
    }
    return all;
}

std::string hex_of(std::uint64_t value)
{
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(value));
    return digits.data();
}

} // namespace

control::control_settings control_settings_of(const config& c)
{
    control::control_settings s;
    const auto& w = c.switching;
    s.prepare_timeout = w.prepare_timeout;
    s.hold_timeout = w.hold_timeout;
    s.pause_timeout = w.pause_timeout;
    s.on_hold_timeout = w.on_hold_timeout;
    s.max_failed = w.max_failed;
    s.members = timing_of(w);
    s.connect_rate = c.brokers.connect_rate;
    for (const auto color : broker::colors) {
        for (const auto& e : c.brokers.colors[color].endpoints) {
            s.endpoint_names[color].push_back(e.name);
        }
    }
    return s;
}

int process::open_listeners()
{
    for (std::size_t i = 0; i < settings_.listeners.size(); ++i) {
        const auto& l = settings_.listeners[i];
        auto opened = open_listening_socket(l, shards_.size());
        if (!opened.failed.empty()) {
            return start_error(opened.failed);
        }
        socket_files_.push_back(std::move(opened.file));
        boost::system::error_code failed;
        for (std::size_t n = 0; n < shards_.size(); ++n) {
            if (const auto why = shards_[n]->adopt_listener(opened.descriptors[n], i)) {
                failed = why;
            }
        }
        if (failed) {
            return start_error("cannot listen on " + l.bind.text + ": " + failed.message());
        }
        if (l.protocol == client_protocol::stomp) {
            log::line(
                log_level::info, "listening", {{"bind", opened.bound}, {"protocol", "stomp"}});
        } else {
            log::line(
                log_level::info, "listening",
                {{"bind", opened.bound},
                 {"path", joined(l.paths)},
                 {"sockjs", l.sockjs_paths.empty() ? "off" : "on"}});
        }
    }
    return 0;
}

void process::make_shards()
{
    std::random_device random;
    secrets_ = broker::draw_secrets();
    shared_.sockjs_key =
        broker::draw_secrets().names; // a draw of its own: clients choose its texts
    const auto secret = [&] { return std::uint64_t{random()} << 32 | random(); };
    pairing_secret_ = {secret(), secret()};
    gateway_id_ = hex_of(secret()) + hex_of(secret());
    for (unsigned i = 0; i < shared_.shards; ++i) {
        shards_.push_back(std::make_unique<shard>(
            settings_, core_settings(settings_, i), shared_, where_, secure_,
            [this](control::report what) {
                boost::asio::post(control_, [this, what = std::move(what)]() mutable {
                    service_->on_report(std::move(what));
                });
            }));
        ports_.push_back(std::make_unique<shard_port>(*shards_.back(), control_, i == 0));
        shared_.by_number.push_back(shards_.back().get());
    }
}

// The coordinator and its HTTP server. 0, or the process's exit status.
int process::open_control(control::opened_store store)
{
    std::vector<control::member_port*> members;
    for (auto& p : ports_) {
        members.push_back(p.get());
    }
    const auto log_sink = [](const control::log_event& event) {
        event.audit ? log::audit(event.text, event.fields)
                    : log::line_about(event.level, {}, event.text, event.fields);
    };
    service_ = std::make_unique<control::control_service>(
        control_, control_settings_of(settings_), std::move(store), std::move(members), log_sink);
    service_->set_way_out(
        {.begin = [this] { begin_way_out(); },
         .now = [this] { return control::way_out_state{way_out_.stage, shared_.clients.load()}; }});
    service_->set_configuration(
        {.reload = [this](bool only_tell, auto done) { reload(only_tell, std::move(done)); },
         .show =
             [this] {
                 std::vector<std::pair<std::string, std::string>> all;
                 for (auto& one : values_of(settings_)) {
                     all.emplace_back(std::move(one.key), std::move(one.text));
                 }
                 return all;
             }});
    control::api_options options;
    options.version = TEAL_VERSION;
    if (!settings_.admin.tokens_file.empty()) {
        auto tokens = control::token_file::open(settings_.admin.tokens_file);
        if (auto* sentence = std::get_if<std::string>(&tokens)) {
            return start_error(*sentence);
        }
        options.tokens = std::move(std::get<control::token_file>(tokens));
    }
    options.open_metrics = settings_.admin.open_metrics;
    options.sockets_ask_tokens = !settings_.admin.by_tcp();
    options.metrics = [this] { return metrics(); };
    options.stuck = [this] { return stuck_shard(); };
    options.answered = [this](std::string_view route, unsigned status) {
        counters_.count_request(route, static_cast<int>(status));
    };
    api_ = std::make_unique<control::api>(*service_, std::move(options), log_sink);
    for (const auto& bind : settings_.admin.binds) {
        auto server = control::api_server::listen(
            control_, *api_, *service_,
            {.bind = bind.text,
             .socket_mode = settings_.admin.socket_file.mode,
             .socket_group = settings_.admin.socket_file.group},
            log_sink);
        if (auto* sentence = std::get_if<std::string>(&server)) {
            return start_error(*sentence);
        }
        servers_.push_back(std::move(std::get<std::unique_ptr<control::api_server>>(server)));
    }
    return 0;
}

int process::start()
{
    log::set_up(settings_.log);
    log::start();
    freed_memory::set_up();
    memory_reserve::set_up();
    set_limits();
    tls_seen_ = tls_files_seen(settings_);
    auto secure = open_tls(settings_, {});
    if (!secure.failures.empty()) {
        return start_error(secure.failures.front());
    }
    take_tls(std::move(secure.contexts));
    warn_of_tls();
    auto opened = control::open_file_store(settings_.store.path, settings_.initial_color);
    if (auto* sentence = std::get_if<std::string>(&opened)) {
        return start_error(*sentence);
    }
    auto& store = std::get<control::opened_store>(opened);
    where_ = resolve_endpoints(settings_, {});
    make_shards();
    if (const int status = open_listeners(); status != 0) {
        return status;
    }
    const auto live = store.state.live;
    const auto epoch = store.state.epoch;
    if (const int status = open_control(std::move(store)); status != 0) {
        return status;
    }
    service_->note_store(control::try_file_store(settings_.store.path));
    conditions_ = std::make_unique<control::condition_log>([](const control::log_event& event) {
        log::line(event.level, event.text, event.fields);
    });
    store_watch_ = std::make_unique<control::store_watch>(
        control_, [path = settings_.store.path] { return control::try_file_store(path); },
        [this](std::string trouble) { service_->note_store(std::move(trouble)); });
    count_switches();
    for (auto& s : shards_) {
        s->start(live, epoch);
        threads_.emplace_back([&s] { s->run(); });
    }
    service_->set_ready(true);
    std::vector<std::string> admins;
    for (const auto& bind : settings_.admin.binds) {
        admins.push_back(bind.text);
    }
    const std::string admin = joined(admins);
    log::line(
        log_level::info, "ready",
        {{"version", TEAL_VERSION},
         {"threads", shared_.shards},
         {"live", to_string(live)},
         {"epoch", epoch},
         {"admin", admin}});
    return 0;
}

} // namespace gateway
