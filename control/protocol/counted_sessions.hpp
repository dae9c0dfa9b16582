#pragma once

// The sessions that make a switch end with exit status 6: for each cause the first sessions by
// name. So an operator sees at once whether one client or all clients were concerned.
//
// Threading:  a plain value.
// Invariants:
// (1) A session stands at most once in one cause, and in one sentence.
// (2) Each names at most `most` sessions.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace control {

enum class counted_cause : std::uint8_t { // as the report's numbers
    failed,
    pinned,
    forced,      // a seam that seam_timeout joined
    late,        // a MESSAGE that arrived after its seam was forced
    best_effort, // a seam without a marker
    fence,       // SENDs unproven on a link that was lost or given up
    in_doubt,
    gap,
    handed_back,
    left_behind, // a stored message on the old color
    stream_anew, // a stream that does not continue after the last message that was given
    reply_refused,
    copies,       // dropped as a copy, and maybe another message (P7)
    one_color,    // messages that only one color brought
    twins,        // delivered by both colors in an overlap
    still_coming, // in the last part of an overlap
    count_
};

class session_names {
public:
    static constexpr std::size_t most = 100;     // remembered
    static constexpr std::size_t said_most = 10; // in a sentence

    void add(const std::string& session);
    void add(const session_names& more);
    // "": nobody is known. Else ": session 0-3" or ": sessions 0-3, 0-7 and 12 more".
    std::string sentence() const;
    const std::vector<std::string>& all() const noexcept { return all_; }
    bool operator==(const session_names&) const = default;

private:
    std::vector<std::string> all_;
};

class counted_sessions {
public:
    void add(counted_cause why, const std::string& session) { of(why).add(session); }
    void add(const counted_sessions& more);
    std::string sentence(counted_cause why) const
    {
        return all_[static_cast<std::size_t>(why)].sentence();
    }
    bool operator==(const counted_sessions&) const = default;

private:
    session_names& of(counted_cause why) noexcept { return all_[static_cast<std::size_t>(why)]; }
    std::array<session_names, static_cast<std::size_t>(counted_cause::count_)> all_;
};

// What makes the exit status 6 and is no number: a sentence of the member's own.
struct counted_sentence {
    std::string text;
    session_names whose;
    bool operator==(const counted_sentence&) const = default;
};
// Each sentence stands once, with the sessions of all that said it. There are few.
void add_counted(std::vector<counted_sentence>& all, const counted_sentence& one);

} // namespace control
