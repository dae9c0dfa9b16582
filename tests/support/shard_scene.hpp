#pragma once

// A shard's cores with everybody around them played: brokers that answer at once unless a test says
// otherwise, clients whose frames are carried while the shard does not want them, and a clock that
// a test moves.
//
// It is FIFO throughout, so the recorded list of effects is the same in every run.

#include "gateway/settings/config.hpp"
#include "gateway/core/routing/router.hpp"
#include "tests/support/effects_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <source_location>

namespace testing_support {

using namespace std::chrono_literals;
using broker::color;
using broker::framing;
using broker::link_id;
using broker::session_id;
using gateway::session_state;

inline const net::time_point t0 = net::time_point{} + 1h;

// How the brokers of one color behave.
struct played_broker {
    bool dials = true; // else: connection refused
    bool answers_connect = true;
    std::string refuses_login; // ERROR instead of CONNECTED
    std::string refuses_handshake; // why: an HTTP answer instead of 101
    // A SUBSCRIBE to it is answered as RabbitMQ does: ERROR that names nothing, RECEIPT, EOF.
    std::string refuses_destination;
    std::string version;       // of CONNECTED; empty: the highest offered
    std::string more;          // further CONNECTED headers
    bool markers = true;       // an own address gives what is SENT to it
    bool one_world = true;     // also what is SENT to it at another endpoint
    bool one_backplane = false; // also what is SENT to it at the other color (P9)
    // Frames whose receipt the broker keeps back; see shard_scene::answer().
    std::function<bool(const stomp::frame&)> keeps_back = [](const stomp::frame&) { return false; };
};

class shard_scene {
public:
    explicit shard_scene(gateway::shard_settings settings = usual_settings())
        : router(std::move(settings), log, counters)
    {
        router.start(color::blue, 1, now);
        work();
        log.take();
    }

    static gateway::shard_settings usual_settings()
    {
        auto s = gateway::shard_settings_of({}, 1, 0, {});
        s.endpoints.blue = {{.name = "b", .url = "stomp://b:1"}};
        s.endpoints.green = {{.name = "g", .url = "stomp://g:1"}};
        s.secrets = known_secrets;
        s.finds_backplane = false; // P9 has tests of its own
        s.connect_rate = 50'000;
        return s;
    }

    // ---- clients
    session_id client(const std::string& connect = "CONNECT accept-version:1.2 host:/ login:anna")
    {
        const auto id = arrives();
        says(id, connect);
        return id;
    }
    session_id arrives(const std::string& peer = "127.0.0.1:9")
    {
        return router.open_client(peer, {}, now);
    }
    void says(session_id id, const std::string& text, framing as = framing::text)
    {
        auto frame = frame_of(text);
        for (auto& [name, value] : frame.headers) {
            if ((name == "id" || name == "message-id") && value.starts_with("ab-")) {
                value = log.aliases.real_ack(name_of(id), value);
            }
        }
        carried_[id].push_back({std::move(frame), as});
        work();
    }
    void goes(session_id id)
    {
        router.on_client_gone(id, now);
        work();
    }
    void backlog(session_id id, gateway::backlog level)
    {
        router.on_client_backlog(id, level, now);
        work();
    }
    std::size_t carried(session_id id) { return carried_[id].size(); }
    session_state state(session_id id) const
    {
        EXPECT_TRUE(exists(id)) << "session " << static_cast<std::uint64_t>(id) << " is gone";
        return exists(id) ? router.session(id)->state : session_state::closing;
    }
    bool exists(session_id id) const { return router.session(id) != nullptr; }

    // ---- brokers
    void brings(std::uint64_t link, const std::string& text, framing as = framing::text)
    {
        auto frame = frame_of(text);
        for (auto& [name, value] : frame.headers) {
            if (name == "teal-marker" && value.find(';') == value.npos) {
                value = word_aliases::sealed(value);
            }
        }
        router.on_link_frame(link_id{link}, frame.view(), as, now);
        work();
    }
    // A MESSAGE that is larger than limits.broker_frame.
    void skips(std::uint64_t link, const std::string& head)
    {
        const auto frame = frame_of(head);
        router.on_link_skipped(link_id{link}, frame.view(), now);
        work();
    }
    void loses(std::uint64_t link, const std::string& why = "EOF")
    {
        router.on_link_lost(link_id{link}, why, now);
        work();
    }
    // Says what `keeps_back` kept back, oldest first; at most `most`.
    void answer(std::size_t most = 1000)
    {
        for (; most > 0 && !kept_back_.empty(); --most) {
            const auto [link, receipt] = kept_back_.front();
            kept_back_.pop_front();
            brings(static_cast<std::uint64_t>(link), "RECEIPT receipt-id:" + receipt);
        }
    }
    std::size_t kept_back() const noexcept { return kept_back_.size(); }
    void forget_kept_back() { kept_back_.clear(); }

    // ---- time
    void run(net::duration time)
    {
        const auto end = now + time;
        while (router.next_deadline() <= end) {
            now = std::max(now, router.next_deadline());
            work();
        }
        now = end;
    }

    // ---- the coordinator
    static control::prepare_settings usual_timing()
    {
        return {
            .linger = 1s,
            .seam_timeout = 1s,
            .seam_quiet = 50ms,
            .receipt_timeout = 2s,
            .marker_interval = 100ms,
            .drain_timeout = 30s,
            .pin_timeout = 5min,
            .overlap = 5s};
    }
    template <class Order>
    void orders(Order what)
    {
        router.on_command({.id = switch_id, .what = std::move(what)}, now);
        work();
    }
    void prepares(color to = color::green, control::prepare_settings timing = usual_timing())
    {
        ++switch_id;
        orders(control::prepare{.to = to, .connect_rate = 50'000, .settings = timing});
    }
    void holds() { orders(control::hold{}); }
    void commits(std::vector<control::endpoint_ref> endpoints = {})
    {
        committed = switch_id;
        orders(control::commit{.epoch = router.epoch() + 1, .endpoints = std::move(endpoints)});
    }
    void aborts() { orders(control::abort_switch{"asked"}); }

    // Plays until nobody has anything to do at this time.
    void work()
    {
        for (int turns = 0;; ++turns) {
            if (turns > 10'000) {
                ADD_FAILURE() << "the shard spins";
                return;
            }
            const bool ripe = router.next_deadline() <= now;
            if (ripe) {
                router.on_deadline(now);
            }
            bool busy = feed_clients();
            busy |= play_dials();
            busy |= play_frames();
            if (!busy && router.next_deadline() > now) {
                return;
            }
        }
    }

    effects_log log;
    gateway::shard_counters counters;
    net::time_point now = t0;
    broker::per_color<played_broker> brokers;
    control::switch_number switch_id = 0;
    control::switch_number committed = 0; // the last one that did; what markers join
    gateway::router router;

private:
    using client_version = stomp::version;
    struct carried_frame {
        stomp::frame frame;
        framing as;
    };
    struct queue_place {
        link_id link;
        std::string subscription;
    };

    bool feed_clients()
    {
        bool fed = false;
        for (const session_id id : std::exchange(log.resumed, {})) {
            if (carried_[id].empty()) {
                router.on_carry_empty(id);
            }
        }
        for (auto& [id, frames] : carried_) {
            while (!frames.empty() && router.wants_client(id)) {
                auto next = std::move(frames.front());
                frames.pop_front();
                const client_version as = router.session(id)->version; // as a parser of that client
                next.frame.trims_values =
                    as == client_version::v10 && router.session(id)->connected();
                router.on_client_frame(id, next.frame.view(), next.as, now);
                fed = true;
                if (frames.empty()) {
                    router.on_carry_empty(id);
                }
            }
        }
        return fed;
    }
    bool play_dials()
    {
        const auto dials = std::exchange(log.dials, {});
        for (const auto& order : dials) {
            colors_[order.link] = order.at.color;
            if (const auto& why = brokers[order.at.color].refuses_handshake; !why.empty()) {
                router.on_link_refused(order.link, why, now);
            } else if (brokers[order.at.color].dials) {
                router.on_link_open(order.link, now);
            } else {
                router.on_link_lost(order.link, "connection refused", now);
            }
        }
        for (const auto at : std::exchange(log.probes, {})) {
            router.on_probe(at, brokers[at.color].dials, "connection refused", now);
        }
        return !dials.empty();
    }
    bool play_frames()
    {
        const auto written = log.take_written();
        for (const auto& [link, text] : written) {
            play(link, frame_of(text), brokers[colors_[link]]);
        }
        return !written.empty();
    }
    void tell(link_id link, const std::string& text)
    {
        const auto frame = frame_of(text);
        router.on_link_frame(link, frame.view(), framing::text, now);
    }
    void play(link_id link, const stomp::frame& frame, const played_broker& as)
    {
        if (frame.command == stomp::command::connect) {
            play_connect(link, frame, as);
            return;
        }
        const auto destination = frame.find("destination").value_or("");
        if (frame.command == stomp::command::subscribe && !destination.empty() &&
            destination == as.refuses_destination) {
            tell(link, "ERROR message:not_found | no exchange");
            tell(link, "RECEIPT receipt-id:" + std::string{frame.find("receipt").value_or("")});
            router.on_link_lost(link, "EOF", now);
            return;
        }
        if (frame.command == stomp::command::subscribe) {
            queues_["/amq/queue/" + std::string{frame.find("x-queue-name").value_or("")}] = {
                link, std::string{*frame.find("id")}};
        }
        const auto mark = frame.find("teal-marker");
        const bool comes =
            mark && (mark->starts_with('^')
                         ? as.one_backplane
                         : as.markers && (as.one_world || mark->find('/') == mark->npos));
        if (comes && queues_.contains(std::string{destination})) {
            const auto& at = queues_.at(std::string{destination});
            tell(
                at.link, "MESSAGE subscription:" + at.subscription + " message-id:m teal-marker:" +
                             std::string{*frame.find("teal-marker")});
        }
        if (const auto receipt = frame.find("receipt")) {
            if (as.keeps_back(frame)) {
                kept_back_.emplace_back(link, *receipt);
            } else {
                tell(link, "RECEIPT receipt-id:" + std::string{*receipt});
            }
        }
        const bool stuck = frame.find("receipt") && as.keeps_back(frame);
        if (frame.command == stomp::command::disconnect && !stuck) {
            router.on_link_lost(link, "EOF", now);
        }
    }
    void play_connect(link_id link, const stomp::frame& frame, const played_broker& as)
    {
        if (!as.answers_connect) {
            return;
        }
        if (!as.refuses_login.empty() &&
            frame.find("login") == std::string_view{as.refuses_login}) {
            tell(link, "ERROR message:Bad CONNECT | Access refused");
            router.on_link_lost(link, "EOF", now);
            return;
        }
        const auto offered = frame.find("accept-version").value_or("1.0");
        const auto version =
            as.version.empty() ? std::string{offered.substr(offered.size() - 3)} : as.version;
        tell(
            link, "CONNECTED version:" + version + " heart-beat:0,0" +
                      (as.more.empty() ? "" : " " + as.more));
    }

    std::map<session_id, std::deque<carried_frame>> carried_;
    std::map<link_id, color> colors_;
    std::map<std::string, queue_place> queues_;
    std::deque<std::pair<link_id, std::string>> kept_back_;
};

inline bool is_send(const stomp::frame& f)
{
    return f.command == stomp::command::send;
}
// A barrier or the trial's first rung.
inline bool is_barrier(const stomp::frame& f)
{
    return is_send(f) && f.find("destination") == "/amq/queue/" + broker::private_names{known_secrets.names, 0}.barrier();
}
inline bool is_client_send(const stomp::frame& f)
{
    return is_send(f) && !f.find("destination").value_or("").starts_with("/amq/queue/");
}
inline bool is_subscribe(const stomp::frame& f)
{
    return f.command == stomp::command::subscribe;
}

// The fixture of tests that compare the whole list of effects.
class RouterTest : public testing::Test, public shard_scene {
protected:
    explicit RouterTest(gateway::shard_settings settings = usual_settings())
        : shard_scene(std::move(settings))
    {
    }

    // What the shard asked for since the last call.
    void
    effects_are(const lines& expected, std::source_location at = std::source_location::current())
    {
        const testing::ScopedTrace trace{at.file_name(), static_cast<int>(at.line()), "effects"};
        const auto joined = [](const lines& list) {
            std::string text; // as one text gtest shows a diff by lines
            for (const auto& line : list) {
                text += line + "\n";
            }
            return text;
        };
        EXPECT_EQ(joined(expected), joined(log.take()));
    }
    void skip_effects() { log.take(); }
};

} // namespace testing_support
