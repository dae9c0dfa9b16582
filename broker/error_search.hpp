#pragma once

// Finds the frame that a broker refused when its ERROR names no receipt. RabbitMQ answers most
// faults in this way and keeps the connection. switch.md E1 to E6. quoted_lines finds the header
// line that an ERROR quotes.
//
// The candidates are the frames that were written before the ERROR arrived and that are unanswered
// or asked for no answer, back to the newest barrier that was answered when the ERROR arrived: a
// broker sends its ERRORs in the order of the frames. A barrier that is written after the ERROR
// ends the search, because its answer proves that the link lives on. If the link ends instead, its
// last ERROR is what ended it.
//
// Threading:  belongs to one link.
// Invariants:
// (1) At most notes_max frames, head_bytes_max bytes of them and errors_max ERRORs are kept. A
//     frame that was forgotten, or not kept whole, may have been the refused one. Then no other
//     frame is named by elimination.
// (2) A frame is named at most once. A frame of the gateway's own is never taken for a client's.
// (3) A frame is never named only because an ERROR followed it. It is named by order only between
//     the answers of a BEGIN + ABORT on each side of it, and only while the link lives: a broker
//     reports late what ended the link.

#include "broker/broker_error.hpp"
#include "broker/net/time.hpp"
#include "broker/owed_answers.hpp"
#include "broker/quoted_lines.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace broker {

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

// The result of the search for one ERROR.
struct finding {
    enum class kind : std::uint8_t {
        named,   // `frame` was refused: its session gets `error`
        session, // the session of `frame` was, which frame is not known; none: the link's owner
        ours,    // a frame of the gateway's own
        nobody,  // nobody can be named
        ended,   // the broker ended that link: for `frame`, or for any frame with one of `lines`
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
    std::uint64_t end_run() noexcept; // the number that its answer passes to on_run_end()
    void on_run_end(std::uint64_t number) noexcept;

    // ---- answers
    void on_answer(const owed_answers& owed) { settle(owed); }
    // The answer of a barrier: nothing that was written before it can be refused any more.
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
    // The link lives on after the first `count` ERRORs.
    std::vector<finding>
    on_alive(std::size_t count, const owed_answers& owed, net::time_point now);
    // The broker ended the link behind its last ERROR. `shadow`: the SUBSCRIBE whose RECEIPT came
    // in between, 0: none did.
    std::vector<finding> on_end(std::uint64_t shadow, const owed_answers& owed);

    std::size_t bytes() const noexcept; // of memory

    static constexpr std::size_t errors_max = 16;
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

    // ---- error_search_notes.cpp
    std::string_view head_of(const note& n) const noexcept;
    void drop_front(std::size_t count);
    void forget_front();
    void settle(const owed_answers& owed);
    // Once each; the oldest go where there are too many.
    static void add_bounded(std::vector<std::uint64_t>& commits, std::uint64_t commit);

    // ---- error_search_candidates.cpp
    // `ended`: what was committed may be refused behind its COMMIT's RECEIPT, where that ends the
    // link.
    notes candidates(const kept_error& e, const owed_answers& owed, bool ended);
    void look_for_quotes(kept_error& e, const owed_answers& owed);
    matches quoted(const kept_error& e, const owed_answers& owed, bool ended);
    bool is_candidate(const note& n, const owed_answers& owed, bool ended) const;
    static const written_frame* one_session(const notes& among) noexcept; // null: none, or several
    const written_frame* only_session(const notes& among) const noexcept;
    static bool one_frame(const notes& among) noexcept;

    // ---- error_search.cpp
    bool forgot(const kept_error& e) const noexcept { return e.floor < forgotten_; }
    // Of one session it was in any case.
    bool blind(const kept_error& e) const noexcept { return of_many_ && forgot(e); }
    finding name(kept_error& e, note& n, std::optional<header_line> line);
    finding name_session(kept_error& e, const written_frame& of, const notes& among);
    void doubt(const kept_error& e, const notes& among);
    finding nobody(kept_error& e, const owed_answers& owed, net::time_point now);
    std::optional<finding> at_once(kept_error& e, const owed_answers& owed);
    std::optional<finding> at_last(
        kept_error& e, std::size_t alike, std::size_t unnamed, const owed_answers& owed);
    std::optional<finding> by_order(kept_error& e, const notes& among, const matches& said);

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
