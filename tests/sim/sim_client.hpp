#pragma once

// One simulated client: draws what it says from its own part of the seed, reads what it is given,
// and tells the checker both. It may be slow, forgetful, rude or gone in the middle of anything.

#include "broker/stomp/heart_beat.hpp"
#include "broker/stomp/parser.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/shard_driver.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sim {

struct client_habits {
    unsigned steps = 25;
    std::uint64_t pause_max_us = 30'000; // between steps
    unsigned slow = 4;                   // percent of steps: reads nothing for a while
    unsigned untried = 0; // percent: subscribes to what every broker refuses
    unsigned mistakes = 0;               // percent: says something that it must be closed for
    unsigned refused = 0;                // percent: says something that a broker refuses
    bool ends_links = false;             // and that may end the link that it is said on
    unsigned vanishes = 3;               // percent: is gone without a word
    unsigned leaves = 2;                 // percent: DISCONNECT, then comes back
    std::uint64_t slow_max_ms = 300;
    unsigned asks = 0;            // percent of SENDs: with a temporary queue to answer to
    unsigned answers = 50;        // percent of those that bring one's address
    bool stored = true;           // queues, too
    bool may_be_given_up = false; // the switch may pin it, and end it by pin_timeout
    bool workers = false;         // some take one job at a time (T4)
    bool one_job_only = false;    // and nothing goes wrong that could bring a second
    bool streams = false;         // some read and write the stream (T1)
    bool guesses = false;         // a color answers no receipts: RECEIPTs are the gateway's guess
    bool id_header = false;       // each SEND has a header of its own, x-id
    // Links break: RECEIPTs of SENDs and of DISCONNECT may be missing (S3, S13).
    bool in_doubt = false;
    // The world is such that the gateway may close it (no broker for long).
    bool may_be_closed = false;
};

class sim_client {
public:
    sim_client(
        unsigned number, client_habits habits, scheduler& when, network& net, checker& check,
        std::vector<shard_driver*> shards, const heart_beats& beats, std::uint64_t seed);
    ~sim_client();

    void begin();
    // The script is at its end, or the client will not come back.
    bool finished() const noexcept { return steps_left_ == 0 || state_ == state::over; }
    void read_again();     // no slowness any more
    void check_answered(); // every receipt that was asked for has come
    void finish();         // DISCONNECT, where it is still there
    bool over() const noexcept { return state_ == state::over || state_ == state::idle; }
    std::string describe() const;

private:
    enum class state : std::uint8_t { idle, connecting, up, leaving, over };
    struct own_subscription {
        std::string id, destination;
        bool named = true, broadcast = true, leaving = false;
        enum class mode : std::uint8_t { automatic, client, individual } ack = mode::automatic;
        checker::subscription_number record = 0;
        bool one_job = false, stream = false, from_first = false;
        unsigned jobs = 0;                   // one_job: given and not acknowledged
        std::optional<std::uint64_t> offset; // stream: the newest
        std::optional<std::uint64_t>
            begins_by; // and at the latest its first, where nothing moves it
    };
    struct pending {
        enum class kind : std::uint8_t {
            send,
            subscribe,
            unsubscribe,
            other,
            disconnect
        } what = kind::other;
        std::vector<message_key> keys;
        std::optional<checker::subscription_number> record;
        bool refused = false;  // its answer is an ERROR, or none
        bool doubtful = false; // of a COMMIT: none may come where an ERROR named nobody (E3)
    };

    void connect();
    void step();
    void next_step();
    void act();
    void subscribe();
    void unsubscribe();
    void subscribe_to_refused();
    void send(bool many);
    void transaction();
    void err();
    void be_refused();
    std::string forgery(); // what a hostile client says (K3, K4)
    void vanish();
    void disconnect();
    void be_slow();
    void on_bytes();
    void on_frame(const stomp::frame_view& frame);
    void on_message(const stomp::frame_view& frame);
    // ---- sim_client_work.cpp
    std::string draw_work(own_subscription& made); // header lines
    void judge_work(own_subscription& of, const stomp::frame_view& message);
    void note_settled(const std::string& subscription);
    void check_streams();
    void on_error(const stomp::frame_view& frame);
    void answer(std::string_view address, std::string_view question);
    void write_answer(std::string_view address, message_key question);
    void on_receipt(std::string_view id);
    void on_end(bool reset);
    // ---- sim_client_beats.cpp
    std::string offer_beats(); // the header of CONNECT
    void begin_beats(std::string_view theirs);
    void beat(unsigned life);
    void listen(unsigned life);
    void fall_silent();
    void acknowledge(std::string subscription, std::string id, bool individual, bool stored);
    void say(std::string frame);
    void gone();
    std::string ask(pending what); // "receipt:N\n"
    message_key next_key() noexcept;
    std::string send_frame(message_key key, const std::string& destination, std::string_view more);
    std::string destination();
    bool is(const char* version) const noexcept { return version_ == version; }

    unsigned number_;
    client_habits habits_;
    scheduler& when_;
    network& network_;
    checker& checker_;
    std::vector<shard_driver*> shards_;
    const heart_beats& beats_;
    random_source random_, beat_random_, work_random_, forge_random_;
    state state_ = state::idle;
    unsigned steps_left_;
    unsigned life_ = 0; // connections so far
    std::string version_, login_;
    shard_driver* shard_ = nullptr;
    connection_ref wire_;
    stomp::parser parser_{stomp::peer::broker}; // it takes what brokers say
    stomp::frame_view frame_;
    std::string buffer_;
    std::vector<own_subscription> subscriptions_;
    std::map<std::string, pending> pending_;
    std::vector<message_key> unanswered_; // DISCONNECT's RECEIPT answers for them
    unsigned refusals_ = 0; // frames that an ERROR is due for
    unsigned last_subscription_ = 0, last_receipt_ = 0, last_number_ = 0;
    bool connected_ = false, at_fault_ = false, being_slow_ = false, silent_ = false;
    stomp::heart_beat_offer offered_;
    stomp::heart_beat_terms terms_;
    time_point heard_{}, left_{}; // heard from the gateway; said DISCONNECT
};

} // namespace sim
