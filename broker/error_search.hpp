#pragma once

// Whose frame a broker refused, where its ERROR names none: RabbitMQ answers most faults so, and
// keeps the connection. SWITCH.md E1 to E6; which line an ERROR quotes is quoted_lines.
//
// Candidates are the frames written before the ERROR came that are not answered, or asked for no
// answer, back to the newest barrier that was answered when it came: a broker says its ERRORs in
// the order of the frames. A barrier written behind the ERROR ends the search: its answer says that
// the link lives on. The end of the link says that the last ERROR ended it.
//
// Threading:  belongs to one link.
// Invariants:
// (1) At most notes_max frames and head_bytes_max bytes of them are remembered, at most errors_max
//     ERRORs are kept. What is forgotten, or not kept whole, may have been the one: then nobody
//     is named by what is left.
// (2) A frame is named at most once; one of the gateway's own is never a client's.
// (3) Nobody is named because an ERROR came behind his frame, but by the answers of BEGIN + ABORT
//     on both sides of it, and only where the link lives: what ends a link is said later.

#include "broker/id_map.hpp"
#include "broker/net/time.hpp"
#include "broker/quoted_lines.hpp"
#include "broker/stomp/frame.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace broker {

// An ERROR as the broker said it.
struct broker_error {
    std::string head; // raw header lines but receipt-id and subscription, each with its LF
    std::string body;
    std::string text; // one line for a log or a report
};
broker_error read_error(const stomp::frame_view& frame);

enum class frame_kind : std::uint8_t {
    send,           // a client's SEND
    in_transaction, // a client's SEND in a transaction: refused when its COMMIT comes
    subscribe,      // a wire subscription's SUBSCRIBE
    other,          // UNSUBSCRIBE, ACK, NACK
    ours,           // barrier, marker, an acknowledgement of the gateway's
};

struct written_frame {
    frame_kind what = frame_kind::send;
    session_id session = session_id::none;
    wire_id wire = wire_id::none;
    std::uint64_t receipt = 0; // its number among the owed answers; 0: it asked for none
    std::uint64_t send = 0;    // which of the link's SENDs; 0: none that a barrier proves
    std::uint64_t silent = 0;  // which of those that asked for no receipt; 0: it asked
};

// What an ERROR came to.
struct finding {
    enum class kind : std::uint8_t {
        named,   // `frame` was refused: its session gets `error`
        session, // the session of `frame` was, which frame is not known
        ours,    // a frame of the gateway's own
        nobody,  // nobody can be named
        ended,   // that link, by the broker: what `frame` said, or whoever says `lines`
    };
    kind what = kind::nobody;
    written_frame frame;
    broker_error error;
    std::vector<header_line> lines; // that were refused
    bool told = false;              // ended: the session was named before
};

class error_search {
public:
    explicit error_search(bool of_many) noexcept;

    // ---- what is written
    void wrote(const written_frame& frame, std::string_view head, const owed_answers& owed);
    // The newest SENDs in a transaction of that session belong to this COMMIT.
    void committed(session_id session, std::uint64_t receipt);
    // A barrier would let go of many: due in front of the next SEND.
    bool wants_barrier() const noexcept;

    // ---- by order: for a while each session's run of SENDs ends with BEGIN + ABORT
    bool run_ends(session_id next, net::time_point now) const noexcept;
    std::uint64_t end_run() noexcept; // what on_run_end() is told by its answer
    void on_run_end(std::uint64_t number) noexcept;

    // ---- answers
    void on_answer(const owed_answers& owed) { settle(owed); }
    // A barrier's: what was written before it is not refused any more.
    void on_barrier(std::uint64_t receipt);

    // ---- ERRORs
    // `named`: the frame whose receipt the ERROR names.
    std::optional<finding> on_error(
        broker_error error, const std::optional<written_frame>& named, const owed_answers& owed,
        net::time_point now);
    bool open() const noexcept { return !errors_.empty(); }
    std::size_t kept() const noexcept { return errors_.size(); }
    // A COMMIT whose RECEIPT may come although it was refused: answered by whom the search names.
    bool suspects(std::uint64_t commit) const noexcept;
    bool doubts(std::uint64_t commit) const noexcept; // and nobody was named
    // The link lives on behind the first `count` ERRORs.
    std::vector<finding>
    on_alive(std::size_t count, const owed_answers& owed, net::time_point now);
    // The broker ended the link behind its last ERROR. `shadow`: the SUBSCRIBE whose RECEIPT came
    // in between, 0: none did.
    std::vector<finding> on_end(std::uint64_t shadow, const owed_answers& owed);

    std::size_t bytes() const noexcept; // of memory

    static constexpr std::size_t errors_max = 16;
    static constexpr std::size_t error_bytes_max = 16 * 1024;
    static constexpr auto order_time = std::chrono::minutes{1};

private:
    struct note {
        written_frame frame;
        std::uint64_t run = 0;
        std::size_t head_at = 0;
        std::uint16_t head_size = 0;
        bool whole = true;    // its head was kept
        bool refused = false; // named
    };
    struct said_line {
        std::uint64_t number; // of a note that may be meant
        header_line line;     // what of it is quoted
    };
    struct kept_error {
        broker_error error;
        std::vector<said_line> said;
        bool said_more = false;   // than were kept
        bool said_of_one = false; // all of them one session's
        std::uint64_t floor = 0, upto = 0; // candidates are in between
        std::uint64_t run = 0;             // 0: order says nothing
        bool named = false;
        written_frame whose;
        std::vector<header_line> lines;
    };
    struct match {
        note* which;
        header_line line;
    };
    using notes = std::vector<note*>;
    using matches = std::vector<match>;

    // `ended`: what was committed may be refused behind its COMMIT's RECEIPT, where that ends the
    // link.
    notes candidates(const kept_error& e, const owed_answers& owed, bool ended);
    void look_for_quotes(kept_error& e, const owed_answers& owed);
    matches quoted(const kept_error& e, const owed_answers& owed, bool ended);
    bool is_candidate(const note& n, const owed_answers& owed, bool ended) const;
    bool forgot(const kept_error& e) const noexcept { return e.floor < forgotten_; }
    // Of one session it was in any case.
    bool blind(const kept_error& e) const noexcept { return of_many_ && forgot(e); }
    std::string_view head_of(const note& n) const noexcept;
    void drop_front(std::size_t count);
    void settle(const owed_answers& owed);
    finding name(kept_error& e, note& n, std::optional<header_line> line);
    finding name_session(kept_error& e, const written_frame& of, const notes& among);
    void doubt(const kept_error& e, const notes& among);
    void forget_front();
    finding nobody(kept_error& e, const owed_answers& owed, net::time_point now);
    std::optional<finding> at_once(kept_error& e, const owed_answers& owed);
    std::optional<finding> at_last(
        kept_error& e, std::size_t alike, std::size_t unnamed, const owed_answers& owed);
    std::optional<finding> by_order(kept_error& e, const notes& among, const matches& said);
    static const written_frame* one_session(const notes& among) noexcept; // null: none, or several
    static bool one_frame(const notes& among) noexcept;

    std::vector<note> notes_; // the first dead_ are forgotten; behind them is number first_
    std::string heads_;       // begins with byte heads_first_ of all that were kept
    std::vector<kept_error> errors_;
    std::vector<std::uint64_t> doubtful_; // COMMITs that an ERROR may have answered in part
    std::vector<std::uint64_t> forgotten_commits_; // whose SENDs are remembered no more
    std::uint64_t first_ = 0, floor_ = 0, forgotten_ = 0;
    std::size_t dead_ = 0, heads_first_ = 0;
    // ---- by order
    std::uint64_t run_ = 1, ordered_from_ = 0, answered_run_ = 0;
    net::time_point ordered_until_{};
    session_id last_session_ = session_id::none;
    bool begins_ = false;     // the first BEGIN + ABORT is due
    bool run_used_ = false;   // something was written in this run
    bool last_asked_ = false; // and its last frame asked for a receipt
    bool of_many_;            // sessions share the link
};

} // namespace broker
