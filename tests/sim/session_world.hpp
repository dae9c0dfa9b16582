#pragma once

// One session with its standby and one broadcast subscription: the real router (one shard), the
// real coordinator and the real embedded broker of each color, joined by pipes of whole frames.
// What may happen next is a list; a search chooses. A world cannot be copied: each path runs from
// the start.
//
// Invariants:
// (1) Each core's state follows from the sequence of what it was given, so digest() is made of
//     these sequences alone: two orders that no core can tell apart are one state, and nothing else
//     is.
// (2) The clock moves only where nothing is under way.

#include "broker/embedded/broker_core.hpp"
#include "broker/stomp/parser.hpp"
#include "control/coordinator/switch_coordinator.hpp"
#include "gateway/core/routing/router.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sim {

using broker::color;

enum class forged : std::uint8_t { // errors of the model; each must be found
    none,
    no_barrier,         // a barrier is answered before what lies in front of it was routed
    marker_first,       // a marker overtakes the messages in front of it
    discard_after_hold, // what the new color brings before the commit is dropped
};

struct session_plan {
    bool shared = true;
    unsigned sends = 2, outside = 2; // of the client; of a publisher that follows the live color
    unsigned switches = 1;
    bool losses = false; // one link may be lost
    bool aborts = false; // one abort request
    bool leaves = false; // the client may end its connection, frames on their way or not
    forged error = forged::none;
};

class session_world final : public gateway::effects {
public:
    enum class act : std::uint8_t {
        to_broker, // the broker takes the link's next frame
        to_router, // the router does
        dial,      // a link is there
        client,    // the router takes the client's next frame
        command,
        report,
        stored,
        request,
        send,    // the client says it
        leave,   // FIN
        outside, // a message published at the live color
        abort,
        lose,          // a link is lost, what lies in its pipes with it
        lose_but_sent, // what was written still reaches the broker, later
        clock,
    };
    struct move {
        act what = act::clock;
        std::uint64_t link = 0;
    };

    explicit session_world(const session_plan& plan);
    ~session_world();

    // CONNECTED and subscribed, everything at rest.
    void set_up();
    std::vector<move> moves() const; // the first is what a fair network does next
    void make(move m);
    std::uint64_t digest() const;
    bool switched_and_quiet() const;
    // The rest of the client's and the publisher's messages, everything arrives, the client leaves;
    // then the whole is judged.
    void finish();

    const std::vector<std::string>& violations() const noexcept { return violations_; }
    static std::string name(move m);
    std::string trace; // what was done, where `tracing`
    bool tracing = false;

private:
    struct pipe_frame {
        std::string bytes; // empty: the end of the connection
        std::uint64_t stamp = 0;
    };
    struct end;
    struct message {
        std::optional<color> at;
        unsigned delivered = 0, receipts = 0;
        bool own = false, confirmed_before = false;
    };

    // ---- gateway::effects
    void write_client(
        gateway::session_id to, std::string_view head, std::string_view body,
        gateway::framing as) override;
    void write_client(
        gateway::session_id to, std::string_view head, const net::payload_ref& rest,
        gateway::framing as) override;
    void client_up(gateway::session_id, stomp::version, std::string_view) override {}
    void close_client(
        gateway::session_id which, gateway::disconnect_reason reason,
        std::string_view text) override;
    void resume_client(gateway::session_id) override { resumed_ = true; }
    std::uint64_t client_appended(gateway::session_id) const override { return written_; }
    std::uint64_t client_written(gateway::session_id) const override { return written_; }
    void watch_written(gateway::session_id) override { watching_ = true; }
    void dial(const gateway::dial_order& order) override;
    void read_link(gateway::link_id which, bool on) override;
    std::size_t link_backlog(gateway::link_id) const override { return 0; }
    void probe(control::endpoint_ref which) override { probes_.push_back(which); }
    void report(control::report what) override;
    void log(control::log_level, std::string) override {}
    void write_link(
        gateway::link_id to, std::string_view head, std::string_view body,
        gateway::framing as) override;
    void close_link(gateway::link_id which) override;
    bool link_flushed(gateway::link_id which) const override;

    void violation(std::string what);
    void told(std::uint64_t& history, std::uint64_t what, std::string_view bytes = {});
    void say(std::string frame);
    void settle(); // what the driver does behind each event
    void run(const control::effects& out);
    void broker_takes(end& l);
    void router_takes(end& l);
    void client_taken();
    void client_gets(std::string_view bytes);
    void on_delivery(const stomp::frame_view& frame);
    void on_arrival(color at, std::string_view body);
    void broker_writes(end& l, std::string bytes);
    void lose(std::uint64_t link, bool sent_arrives);
    void publish_outside();
    void advance_clock();
    bool anything_under_way() const;
    void run_dry();
    void judge();
    void judge_tally(const control::tally& t);
    bool lossless(color c) const noexcept { return !lost_[c]; }

    session_plan plan_;
    net::time_point now_{std::chrono::hours{1}};
    std::uint64_t stamp_ = 0;
    gateway::shard_counters counters_;
    std::unique_ptr<gateway::router> router_;
    control::switch_coordinator coordinator_;
    broker::per_color<std::unique_ptr<embedded::broker_core>> brokers_;
    broker::per_color<std::unique_ptr<end>> publishers_;
    std::map<std::uint64_t, std::unique_ptr<end>> links_;
    gateway::session_id client_{};
    std::deque<pipe_frame> from_client_;
    template <class T>
    struct posted {
        T what;
        std::uint64_t stamp = 0;
        std::uint64_t of = 0; // the sender's history: says all of what it holds
    };
    std::deque<posted<control::command>> commands_;
    std::deque<posted<control::report>> reports_;
    std::optional<control::stored_state> writing_;
    std::uint64_t writing_stamp_ = 0;
    std::vector<control::endpoint_ref> probes_;
    std::map<control::switch_number, control::switch_record> history_;
    std::map<unsigned, message> messages_; // own ones from 1, outside ones from 1001
    broker::per_color<bool> lost_{false, false}, reached_{false, false};
    unsigned sends_ = 0, outside_ = 0, requests_ = 0, receipts_ = 0, connected_ = 0;
    unsigned last_own_ = 0, last_outside_ = 0; // delivered
    bool subscribed_ = false, left_ = false, gone_ = false, closed_ = false, resumed_ = false,
         watching_ = false, loss_left_ = false, abort_left_ = false, leave_asked_ = false,
         disconnect_answered_ = false, said_disconnect_ = false, gaps_ = false,
         best_effort_ = false;
    std::uint64_t written_ = 0;
    std::uint64_t router_history_ = 1, coordinator_history_ = 2;
    broker::per_color<std::uint64_t> broker_history_{3, 4};
    std::vector<std::string> violations_;
};

} // namespace sim
