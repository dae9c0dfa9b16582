#pragma once

// What clients said, what brokers got and what clients were given, judged by contract.md's
// definitions. Knows nothing of the gateway: it is told by the simulated clients and brokers only.
//
// Invariants:
// (1) A violation names what happened and when; the first one ends nothing, so that a trace shows
//     the whole of it.

#include "broker/color.hpp"
#include "tests/sim/scheduler.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

using broker::color;

// A numbered message: who published it, and which of theirs it is.
struct message_key {
    unsigned publisher = 0;
    unsigned number = 0;
    auto operator<=>(const message_key&) const = default;
};
std::string body_of(message_key key, std::size_t padding);
std::optional<message_key> key_of(std::string_view body);

// Places in the one order of everything that happens in a world.
using ordinal = std::uint64_t;

enum class tracing : std::uint8_t {
    off,
    printed,
    kept, // the last lines before the first violation
};

class checker {
public:
    explicit checker(const scheduler& when, sim::tracing trace, bool bytes = false) noexcept
        : when_(when), trace_(trace), bytes_(bytes && trace != sim::tracing::off)
    {
    }

    // How long a session may take to be bound again after its link was cut. `unseen`: what of it no
    // broker sees, where it joins a subscription that others have there already.
    void expect_bound_within(net::duration d, net::duration unseen) noexcept
    {
        bind_again_max_ = d;
        unseen_ = unseen;
    }

    // Backplane `shared`: what is published on one color comes by both.
    enum class told_apart : std::uint8_t {
        surely,
        best_effort, // by content: something may come twice, and the report says so (P4)
        never, // without a key a subscription is on neither color from the decision on until the
               // new one has it
    };
    void expect_one_world(told_apart how) noexcept
    {
        one_world_ = true;
        breaks_ = how == told_apart::never;
        twice_excused_ = how == told_apart::best_effort;
    }

    bool breaks() const noexcept { return breaks_; } // a gap there is no excuse for the order

    // ---- clients
    using subscription_number = std::size_t;
    void on_send(message_key key, std::string destination);
    void on_send_answered(message_key key); // its RECEIPT, or that of its COMMIT or DISCONNECT
    void on_send_dropped(message_key key);  // ABORT: nobody may get it
    subscription_number on_subscribe(
        unsigned client, unsigned shard, std::string destination, bool broadcast, bool automatic);
    void on_subscribe_answered(subscription_number which);
    void on_unsubscribe(subscription_number which);
    void on_unsubscribe_answered(subscription_number which);
    // To a temporary queue of that client's; anybody else who gets it is a neighbour.
    void on_answer(unsigned client, std::string_view body);
    static std::string answer_to(unsigned client)
    {
        return "/temp-queue/ of " + std::to_string(client);
    }
    void on_client_left(unsigned client); // what it subscribed ends
    // The gateway may close a client that does not read (design.md section 4).
    // The one stream: how many it has, and so where its readers must be in the end.
    void on_stream_grown(std::uint64_t size) noexcept { stream_size_ = size; }
    std::uint64_t stream_size() const noexcept { return stream_size_; }
    // T2: a reader of what comes next began behind what came next.
    void on_stream_missed(unsigned client) { streams_missed_ += !moves_.contains(client); }
    void on_slow_consumer(unsigned client) { slow_.insert(client); }
    bool take_slow(unsigned client) { return slow_.erase(client) > 0; }
    void on_client_vanished(unsigned client); // with what was written to it and not read
    void on_message(
        subscription_number which, std::string_view destination, std::string_view body,
        bool redelivered);

    // ---- others, who publish beside the gateway
    static constexpr unsigned beside_first = 1'000'000; // publisher numbers from here on
    static constexpr unsigned equal_first = 2'000'000;  // and of those who say always the same
    void on_beside(color at, message_key key, std::string destination);
    // P7: nothing but what reports own up to is excused; every pair has its marks.
    void expect_marks() noexcept { marks_ = true; }

    // ---- brokers
    void on_arrival(color at, message_key key);
    void on_subscribed(color at, unsigned shard, const std::string& destination);
    void on_link_given_up() noexcept; // while what was written to it may still arrive
    void on_subscription_cut(color at, unsigned shard, const std::string& destination);
    void on_hold_over(unsigned shard, time_point began);
    // The gateway left a link with that subscription on it: where links break it moves to another
    // endpoint (M13).
    void on_subscription_left(color at, unsigned shard, const std::string& destination);
    // Publisher numbers of one client: one for each of its connections.
    static constexpr unsigned publishers_each = 1000;
    // M13: the endpoint of that client is drained. What comes from here until it is bound elsewhere
    // may fall into the gap.
    void on_moving(unsigned client);
    void on_moved(unsigned client, bool stays);
    void on_killed(color at);
    void on_left_in_queue(message_key key)
    {
        left_in_queues_.insert(key);
    } // at the end of the world

    // ---- the control side
    void on_decided(color to, std::uint64_t switch_id);
    // What the report of a switch owns up to; cumulative.
    struct excuses {
        bool fence = false, order = false;
        bool quiet = false; // a seam joined by quiet: where links stall it may lose what they hold
        bool gaps = false;  // what was on its way from an endpoint that was lost, too
        bool given_up = false;    // sessions were pinned, cut or failed, with gaps
        bool left_behind = false; // stored messages on the old color
        bool pairing = false;     // pairs without marks, or with more than is remembered
        std::uint64_t doubtful = 0, alone = 0; // P7
    };
    void on_report(std::uint64_t switch_id, const excuses& of);
    void expect_stalls() noexcept { stalls_ = true; }

    // A cluster: who is bound again at another node may be overtaken by what it sends there.
    void expect_paths() noexcept { paths_ = true; }
    // M13: a marker is waited for no longer; what is on its way then is part of the gap.
    void expect_moves_within(net::duration most) noexcept { move_max_ = most; }
    void expect_no_markers() noexcept { no_markers_ = true; }     // who moves leaves without
    void expect_stored_order() noexcept { stored_order_ = true; } // queue_order: strict

    // At the end of the world, before the last clients leave.
    void check_lost();
    // T2: no more began anew than the reports count.
    void check_streams(std::uint64_t counted);

    void violation(std::string what);
    void note(const std::string& line); // the trace
    bool tracing() const noexcept { return trace_ != sim::tracing::off; }
    // What the gateway wrote, whole: `to` is a client or a link. Where bytes are asked for.
    void note_bytes(const std::string& to, std::string_view head, std::string_view rest);
    bool tracing_bytes() const noexcept { return bytes_; }
    std::vector<std::string> last_lines() const { return {lines_.begin(), lines_.end()}; }
    const std::vector<std::string>& violations() const noexcept { return violations_; }
    std::uint64_t deliveries() const noexcept { return deliveries_; }
    std::uint64_t sends() const noexcept { return sends_.size(); }

private:
    struct send_record {
        std::string destination;
        ordinal sent = 0;
        std::size_t sent_in = 0; // of decided_: the last one then
        bool answered = false, dropped = false, delivered = false;
        std::optional<color> at;
        time_point arrived{};
    };
    struct subscription_record {
        unsigned client = 0, shard = 0;
        std::string destination;
        bool broadcast = false, automatic = false, vanished = false, ended = false, left = false,
             left_answered = false;
        ordinal confirmed = 0; // 0: not yet
        std::set<message_key> got;
        std::map<unsigned, unsigned> highest; // by publisher
        time_point asked{};
        struct equals {
            std::uint64_t owed = 0, got = 0;
        };
        std::map<unsigned, equals> equal; // by publisher
    };
    std::map<std::pair<std::string, unsigned>, std::vector<time_point>> equal_sent_;
    void check_equals();
    bool excused_pairing() const;
    struct cut_record {
        time_point at;
        time_point again = net::never;
    };
    struct move_record {
        time_point at;
        time_point bound = net::never;
    };
    struct decision {
        color to;
        std::uint64_t id;
        time_point at;
    };
    // A breach that the report of its switch may own up to: judged at the end, when that is known.
    struct suspicion {
        std::string what;
        std::size_t at = 0; // of decided_
        bool excuses::* excuse = nullptr;
        std::optional<std::size_t> sent_in; // of order: the decision that its SEND came behind
    };
    void suspect(
        std::string what, std::size_t of, bool excuses::* excuse,
        std::optional<std::size_t> sent_in = {});
    bool unfenced(const suspicion& one) const;
    bool excused(std::size_t of, bool excuses::* excuse) const;
    bool arrived_in_order(
        const std::string& destination, unsigned publisher, unsigned lower, unsigned higher);
    bool in_break(const send_record& m, const subscription_record& s) const;
    bool was_cut(const send_record& m, const subscription_record& s) const;
    bool in_move(const send_record& m, unsigned client) const;
    bool overtaken(message_key by, const send_record& m) const;
    bool lost_by_fault(const send_record& m, const subscription_record& s) const;
    std::string name(message_key key) const;

    const scheduler& when_;
    sim::tracing trace_;
    bool bytes_;
    std::deque<std::string> lines_;
    net::duration bind_again_max_ = std::chrono::milliseconds{500},
                  unseen_ = std::chrono::milliseconds{100}, move_max_ = net::duration::max();
    ordinal last_ = 0;
    std::map<message_key, send_record> sends_;
    std::vector<subscription_record> subscriptions_;
    std::map<std::tuple<color, unsigned, std::string>, std::vector<cut_record>> cuts_;
    std::map<unsigned, std::vector<move_record>> moves_; // by client
    broker::per_color<std::vector<time_point>> kills_;
    std::set<message_key> left_in_queues_;
    std::set<unsigned> slow_;
    std::vector<decision> decided_;
    std::map<std::uint64_t, excuses> excuses_; // by switch
    std::vector<suspicion> suspicions_;
    std::map<unsigned, std::set<message_key>> answers_; // by who asked
    bool stalls_ = false, stored_order_ = false, cut_seen_ = false, paths_ = false,
         no_markers_ = false;
    time_point last_cut_{};
    bool marks_ = false, one_world_ = false, breaks_ = false, twice_excused_ = false;
    std::map<std::tuple<color, unsigned, std::string>, std::vector<time_point>> subscribed_;
    std::size_t fence_at_ = 0;
    std::uint64_t stream_size_ = 0, streams_missed_ = 0;
    std::map<std::pair<std::string, unsigned>, std::vector<unsigned>> arrival_order_;
    std::uint64_t deliveries_ = 0;
    std::vector<std::string> violations_;
};

} // namespace sim
