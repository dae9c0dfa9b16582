#pragma once

// One color's brokers: teal-broker's core behind the simulated network. Its nodes are one message
// world, as in a cluster: each can be cut off or refuse dials on its own, all die together. On a
// shared backplane both colors are doors to one broker: killed is then only the door. Its nodes are
// those of both then, and others publish there beside the gateway.
// `broker_ways` makes them behave as RabbitMQ does, where that is worse than the core.

#include "broker/embedded/broker_core.hpp"
#include "broker/stomp/parser.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/network.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace sim {

// What a publisher beside the gateway has for a seal.
inline const std::string forged_seal = ";00000000000000000000000000000000";

struct broker_ways {
    // What a SEND routes takes its time to the node of who subscribed: order is kept between two
    // nodes, not between three (switch.md M1).
    bool cluster = false;
    // Frames take effect after they were read, BEGIN and ABORT at once: their RECEIPT comes ahead
    // of the confirms of SENDs before them, and proves nothing (M4, H6). Some SENDs are confirmed
    // behind later frames' RECEIPTs, a barrier's too (E3); one whose confirm is open at a DISCONNECT
    // never is (H8). An operator closes some links: frames that are under way then are answered with an
    // ERROR that says nothing (E5). A failed SUBSCRIBE is answered with ERROR, then RECEIPT; UNSUBSCRIBE loses what
    // is in flight (M5).
    bool rabbitmq = false;
    // Says what no client may: lines that end with CR LF, header bytes and escapes that STOMP does
    // not have, commands of its own, NULs between frames, MESSAGEs that are too large.
    bool odd = false;
    // ERRORs without receipt-id, the link lives on: SEND to /topic/bad/..., which the text quotes,
    // or with priority:high, which it does not; SUBSCRIBE to /nosuch/...; a COMMIT with such a SEND
    // in it, whose RECEIPT comes all the same. The link ends behind that of a SEND to
    // /exchange/nosuch/... or with expiration:soon.
    bool refuses = false;
    // Some MESSAGEs of topics bring no id for an ACK on links of STOMP 1.2, as a Spring application's
    // do: they are settled as they are said, and an ACK of one is a violation (K6).
    bool without_ids = false;
    // Some SENDs take effect and are never answered (H7): their RECEIPTs stay in doubt.
    bool unanswered = false;
};

class mini_stream;

// What happens in a broker, whichever door it comes by.
struct broker_flow {
    std::optional<std::size_t> running; // the node whose frame takes effect
    bool routing = false;               // and it is a SEND or COMMIT
    std::size_t nodes = 0;
    std::vector<time_point> paths; // the last arrival between two nodes: from * nodes + to
};

class mini_broker {
public:
    mini_broker(
        color which, std::size_t nodes, embedded::broker_options options, broker_ways ways,
        scheduler& when, checker& check, const heart_beats& beats, std::uint64_t seed);
    // The gateway has given that link up, as nothing came on it any more.
    void given_up(const connection_ref& wire);
    // A door to the same broker as `other`. REQUIRES: it has no links yet, and plain ways.
    void share(mini_broker& other);
    ~mini_broker();

    bool up(std::size_t node) const noexcept { return alive_ && nodes_[node]; }
    std::size_t nodes() const noexcept { return nodes_.size(); }
    // `shard`: whose link it is, for the checker's book of gaps.
    void accept(connection_ref made, std::size_t node, unsigned shard);

    // SIGKILL: queues, messages and what had not left the process are lost.
    void kill(random_source& random);
    void revive();
    void cut_node(std::size_t node, random_source& random); // and refuses until join_node
    void join_node(std::size_t node) { nodes_[node] = true; }
    // One link, or none when there is none.
    void cut_link(random_source& random);
    void stall_link(random_source& random, time_point until);

    // A SEND of somebody who is no client of the gateway.
    void publish(std::size_t node, const stomp::frame_view& frame);

    std::size_t links() const noexcept { return channels_.size(); }
    void tell_what_is_left() const; // queued and unacknowledged messages, to the checker
    // What its stream gives; a link that has gone gets nothing.
    void write_to(std::uint64_t channel, const std::string& bytes);

private:
    struct channel;
    struct deaf_sink;
    void on_bytes(channel& c);
    void take(channel& c, const stomp::frame_view& frame);
    void take_deferred(channel& c);
    bool refuses(channel& c, const stomp::frame_view& frame);
    bool ends(channel& c, const stomp::frame_view& frame);
    void answer_deferred(channel& c);
    void end(channel& c);
    void close_by_operator(channel& c, random_source& random);
    bool
    leaves_unanswered(const stomp::frame_view& frame, const std::optional<message_key>& key) const;
    void write_error(channel& c, std::string_view message, std::string_view body);
    net::duration deferral();
    void bring(channel& to, std::string bytes);
    void confirm(channel& to, std::string bytes, net::duration after);
    std::string as_said(std::string bytes);
    std::string without_id(channel& to, std::string bytes);
    void arrive(std::uint64_t channel, const std::string& subscription, const std::string& bytes);
    bool late() const noexcept { return ways_.cluster || ways_.rabbitmq; }
    void on_frame(channel& c, const stomp::frame_view& frame);
    void on_end(channel& c);
    void lose(channel& c, random_source& random);
    void forget(std::uint64_t number);
    void await_deadline(const channel& c);
    void run_deadline(std::uint64_t number);

    color which_;
    std::vector<bool> nodes_;
    embedded::broker_options options_;
    broker_ways ways_;
    scheduler& when_;
    checker& checker_;
    const heart_beats& beats_;
    std::shared_ptr<embedded::broker_core> core_;
    std::shared_ptr<mini_stream> stream_; // null: of a door alone, which has none
    bool common_ = false, alive_ = false;
    std::map<std::uint64_t, std::unique_ptr<channel>> channels_;
    std::uint64_t last_channel_ = 0, life_ = 0, said_ = 0, unnamed_ = 0;
    random_source random_;
    std::shared_ptr<broker_flow> flow_ = std::make_shared<broker_flow>();
    std::size_t first_ = 0; // the number of its first node there
    std::unique_ptr<deaf_sink> beside_;
    embedded::session_id beside_session_{};
};

} // namespace sim
