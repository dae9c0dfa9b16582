#pragma once

// One STOMP connection to a broker, without I/O. It carries one session (role own) or many.
//
// Threading:  belongs to one shard.
// Lifetime:   owned by the shard's router. It ends with on_lost, or after leave() was answered.
// Invariants:
// (1) Every frame that it writes and that asks for a receipt has one entry in `owed`. The entry
//     leaves exactly once: it is answered, or an ERROR that names it fails it, or the code that
//     handles the link's loss takes it.
// (2) No client's frame is written before `ready`. If the identity has not used the endpoint yet,
//     the link first tries what the endpoint can do (B1).
// (3) RECEIPTs that arrive after an ERROR count (E1), with two exceptions that wait for the answer
//     of a later barrier: the RECEIPT of a SUBSCRIBE, because RabbitMQ answers a failed one with
//     ERROR, then RECEIPT, then EOF; and the RECEIPT of a COMMIT of which a SEND may have been
//     refused. If the link ends instead, the SUBSCRIBE was refused. "Subscription not found ...
//     T_<wire id>" after an UNSUBSCRIBE is not treated as an ERROR. It is swallowed.
// (4) After DISCONNECT nothing more is written. The link is read to its end (S10).

#include "broker/error_search.hpp"
#include "broker/link_effects.hpp"
#include "broker/net/time.hpp"
#include "broker/owed_answers.hpp"
#include "broker/private_names.hpp"
#include "broker/stomp/frame.hpp"
#include "broker/trial.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace broker {

enum class link_role : std::uint8_t {
    own,       // one session's
    publish,   // SENDs of many sessions
    subscribe, // shared wire subscriptions
    scratch,   // tries SUBSCRIBEs; nobody reads it
    trial,     // finds out what a ws:// endpoint can do, then leaves (B2)
    recheck,   // proves an identity's credentials again, then leaves
};

enum class link_state : std::uint8_t {
    dialling,   // no transport yet
    connecting, // CONNECT written
    trying,     // CONNECTED; the trial's answers are awaited
    ready,      // carries frames
    leaving,    // DISCONNECT written, read to EOF
    lost,       // over
};

// The meaning of a frame from the broker. Each frame makes at most one event.
struct link_event {
    enum class kind : std::uint8_t {
        nothing,
        up,        // ready: version, capability and connected_head are known
        refused,   // ERROR instead of CONNECTED: `text`; final for these credentials
        answered,  // `owed` was answered
        message,   // MESSAGE for `wire`
        own,       // MESSAGE of the link's own queue
        reply,     // MESSAGE whose subscription is none of ours (a temporary queue's): `name`
        cancelled, // an ERROR named the subscription `wire`: `text`
        error,     // an ERROR of another frame, or of none: `text`; take_news() says whose
        news,      // take_news() has some
        mute,      // no barrier after an ERROR is answered: the link is of no use any more (E4)
        swallowed, // an ERROR or RECEIPT that means nothing any more
        left,      // DISCONNECT was answered
    };
    kind what = kind::nothing;
    owed_answer owed;
    wire_id wire = wire_id::none;
    std::string_view name; // into the frame
    std::string text;
    broker_error error;              // refused: as it came
    std::uint64_t silent_proven = 0; // barrier: counted SENDs without a receipt that it proved
};

// What was found out about ERRORs since the last call.
struct link_news {
    struct refusal {
        finding what;
        std::optional<owed_answer> owed; // of its frame; nullopt: nothing, or not any more
        // A SEND without a receipt: how a switch's report counted it.
        bool silent = false;  // it is one
        bool open = false;    // not proven yet
        bool covered = false; // by the open barrier
        bool counted = false; // open at the prepare order
    };
    std::vector<refusal> refused;
    std::vector<owed_answer> answered; // RECEIPTs that were kept back
    std::vector<owed_answer> doubted;  // COMMITs that may have been refused in part
    bool empty() const noexcept
    {
        return refused.empty() && answered.empty() && doubted.empty();
    }
};

struct link_order { // what a new link is to be
    link_id id = link_id::none;
    link_role role = link_role::own;
    std::string accept_version; // "1.1,1.2"
    // The identity's raw CONNECT header lines, each with its LF; they outlive the link.
    std::string_view connect_head;
    std::string heart_beat;     // "10000,10000"
    capability known;           // barrier unknown: the link makes the trial
    trial_rung rung = trial_rung::absent_queue; // that the trial begins with
    dialect is = dialect::automatic;            // as configured
    // B5: nobody configured it, and no link was cut in its trial: CONNECTED's `server` says what it is.
    bool asks_name = false;
    // Tells an application whose sessions these are, and why they come and go (O7). Empty: nothing.
    std::string session_mark;
    std::string_view reason; // of the CONNECT; a literal
    net::duration trial_timeout{};
    std::uint64_t* owed_meter = nullptr; // where what it owes is counted; outlives the link
    const private_names* names = nullptr; // of the gateway's own queues; outlives the link
};

class link {
public:
    explicit link(link_order order);

    // ---- events
    void on_open(net::time_point now, link_effects& out); // transport is up: CONNECT
    link_event on_frame(const stomp::frame_view& frame, net::time_point now, link_effects& out);
    link_event
    on_deadline(net::time_point now, link_effects& out); // trial_timeout; barrier without receipts
    net::time_point next_deadline() const noexcept { return std::min(deadline_, error_end_by_); }
    // `by_broker`: at a moment of its choice; what its last ERROR was about ended the link (E5).
    void on_lost(bool by_broker = false);
    link_news take_news() { return std::exchange(news_, {}); }

    // ---- orders. REQUIRES: state() == ready
    struct send_options {
        session_id session = session_id::none;
        std::string_view client_receipt; // raw; empty: none asked
        bool counted = false;
        framing as = framing::text;
        std::string_view own_id;      // P5: said in a header of the gateway's own; empty: none
        std::string_view transaction; // id given by begin(); its SENDs are answered with COMMIT
    };
    // A client's SEND; its headers go raw but receipt and transaction.
    void send(const stomp::frame_view& frame, const send_options& options, link_effects& out);
    // BEGIN or COMMIT of a client's buffered transaction; COMMIT owes an answer of kind commit when
    // asked.
    std::string begin(session_id session, link_effects& out); // the transaction's id on this link
    void commit(std::string_view transaction, const send_options& options, link_effects& out);
    // `head`: raw header lines of the client's SUBSCRIBE but id, ack and receipt, each with its LF.
    // `name`: said to the broker for an id, where it matters there (H11); empty: the wire's own.
    void subscribe(
        wire_id wire, std::string_view head, std::string_view ack_mode, link_effects& out,
        std::string_view name = {});
    void unsubscribe(
        wire_id wire, bool durable, session_id session, std::string_view client_receipt,
        link_effects& out);
    // `ack`: raw id as that broker gave it, `message_id` for versions below 1.2.
    struct acknowledgement {
        bool negative = false;
        wire_id wire = wire_id::none;
        std::string_view broker_ack, extra_head; // extra: raw lines (requeue), each with its LF
        std::string_view transaction;
        session_id session = session_id::none;
        std::string_view client_receipt;
    };
    void acknowledge(const acknowledgement& what, link_effects& out);
    // Asks for an answer (`taken`, with `wire`) that follows everything written so far, and what the
    // broker sent for it. False: it answers nothing, or this link is not ready.
    bool ask_taken(wire_id wire, link_effects& out);
    // A private message to the subscription's own address. It follows everything routed there
    // before.
    void marker(std::string_view queue_name, std::string_view mark, link_effects& out);
    // P9. A queue of this link's own: what comes there is an event `own`. And a marker to another
    // link's; answered as `taken`, with `number` in `covers`, once it is in that queue or there is none.
    void open_own_queue(link_effects& out);
    void close_own_queue(link_effects& out);
    void mark_queue(
        std::string_view queue_name, std::string_view mark, std::uint64_t number,
        link_effects& out);

    // Asks for proof that all SENDs so far were routed; nothing to prove or already asked: does
    // nothing.
    void barrier(net::time_point now, link_effects& out);
    // E4: the latest time until which the link waits for a barrier after an ERROR.
    void hurry(net::time_point until) noexcept;
    bool proven() const noexcept { return proven_ == sent_; }
    bool barrier_open() const noexcept { return barrier_covers_ > proven_; }

    // DISCONNECT as soon as what was SENT is proven and everything that a client asked a RECEIPT
    // for is answered: it does not wait for confirms itself (brokers.md H8).
    // `reason`: what an application is told with DISCONNECT (O7), a literal.
    void leave(net::time_point now, link_effects& out, std::string_view reason = {});

    // ---- state
    link_id id() const noexcept { return order_.id; }
    link_role role() const noexcept { return order_.role; }
    link_state state() const noexcept { return state_; }
    bool ready() const noexcept { return state_ == link_state::ready && !leave_wanted_; }
    bool leaving() const noexcept { return leave_wanted_ || state_ == link_state::leaving; }
    const capability& can() const noexcept { return trial_.known(); }
    void learn_marker(tried t) noexcept { trial_.learn_marker(t); }
    trial_rung rung() const noexcept { return trial_.rung(); }
    stomp::version version() const noexcept { return version_; }
    // Raw CONNECTED header lines but version, heart-beat and session, each with its LF.
    const std::string& connected_head() const noexcept { return connected_head_; }
    const std::string& broker_heart_beat() const noexcept { return broker_heart_beat_; }
    owed_answers& owed() noexcept { return owed_; }
    const owed_answers& owed() const noexcept { return owed_; }
    std::uint64_t sent() const noexcept { return sent_; } // clients' SENDs written
    std::uint64_t proven_up_to() const noexcept { return proven_; }
    // The broker may know queues of its own making by this link: something was SENT or subscribed.
    bool fresh() const noexcept { return sent_ == 0 && !subscribed_; }
    bool says(wire_id wire) const; // as the name of another one
    // The SENDs that the newest barrier covers, whether it is answered or not.
    std::uint64_t asked_up_to() const noexcept { return barrier_covers_; }
    // SENDs that asked for no receipt and are not proven yet.
    std::uint64_t unproven_silent() const noexcept { return silent_open_; }
    // From here on open SENDs count in a switch's report. Returns their number.
    std::uint64_t count_open() noexcept;
    std::uint64_t counted_silent() const noexcept { return silent_counted_; }
    // Whether an ERROR is being searched for, and the memory of that search.
    bool searching() const noexcept { return search_.open(); }
    std::size_t search_bytes() const noexcept { return search_.bytes(); }
    // Text of the last ERROR that the link may end by: why it was lost.
    const std::string& last_error() const noexcept { return last_error_; }

private:
    link_event on_connected(const stomp::frame_view& frame, net::time_point now, link_effects& out);
    link_event on_receipt(const stomp::frame_view& frame, net::time_point now, link_effects& out);
    link_event on_error(const stomp::frame_view& frame, net::time_point now, link_effects& out);
    link_event on_error_overdue(link_effects& out);
    link_event on_error_end(std::uint64_t number, net::time_point now, link_effects& out);
    bool keep_back(std::uint64_t number, const owed_answer& owed);
    void let_go(std::uint64_t below, owed_kind what);
    void refuse(std::vector<finding> found);
    void ask_error_end(net::time_point now, link_effects& out);
    void ask_received(std::string_view transaction, owed_answer answer, link_effects& out);
    void end_run(session_id next, link_effects& out);
    void note(const written_frame& frame, std::string_view head)
    {
        search_.wrote(frame, head, owed_);
    }
    bool may_disconnect() const noexcept;
    void disconnect_if_due(link_effects& out);
    link_event start_trial(net::time_point now, link_effects& out);
    link_event go_on(trial::step next, net::time_point now, link_effects& out);
    void declare_own_queue(link_effects& out);
    void leave_own_queue(link_effects& out);
    void ask_routed(owed_answer answer, link_effects& out);
    void write_mark(
        std::string_view queue_name, std::string_view mark, std::uint64_t receipt,
        link_effects& out);
    void write_disconnect(link_effects& out);
    void prove(std::uint64_t up_to) noexcept;
    std::uint64_t owe(owed_answer answer) { return owed_.add(std::move(answer)); }
    std::string id_of(wire_id wire) const;
    std::optional<wire_id> wire_of(std::string_view id) const;
    bool names_delivery(std::string_view text) const;

    link_order order_;
    trial trial_;
    owed_answers owed_;
    error_search search_;
    link_news news_;
    std::vector<std::uint64_t> kept_back_; // receipts that arrived after an ERROR (invariant (3))
    std::string connected_head_, broker_heart_beat_, last_error_;
    std::vector<std::pair<std::string, wire_id>> named_; // few: durable ones
    net::time_point deadline_ = net::never;
    net::time_point error_end_by_ = net::never;
    net::time_point clock_{}; // the newest time that an event brought
    std::uint64_t sent_ = 0, proven_ = 0, barrier_covers_ = 0;
    std::uint64_t silent_open_ = 0, silent_at_barrier_ = 0, silent_counted_ = 0;
    std::uint64_t silent_written_ = 0, silent_counted_to_ = 0;
    std::uint64_t transactions_ = 0;
    std::uint64_t shadow_ = 0;      // the first SUBSCRIBE's RECEIPT after the last ERROR
    std::size_t errors_before_ = 0; // the ERRORs that the open barrier follows
    unsigned rounds_ = 0;           // of such barriers while ERRORs came
    link_state state_ = link_state::dialling;
    stomp::version version_ = stomp::version::v12;
    bool leave_wanted_ = false;
    bool barrier_again_ = false; // SENDs were written after the open barrier
    bool subscribed_ = false;    // a SUBSCRIBE was answered
};

} // namespace broker
