#pragma once

// Passes over a frame that is larger than its limits: first the rest of its head, line by line,
// then its body. It keeps neither. It notes only the headers that are needed to answer the frame.
//
// Lifetime:   of one frame. The parser of a broker's stream makes it.
// Invariants:
// (1) It holds at most the noted values and one line, each of bounded size.
// (2) The work is linear in the bytes, however they are split.

#include "broker/stomp/frame.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace stomp {

class frame_skipper {
public:
    // `read`: command and the headers of the lines that were read already.
    explicit frame_skipper(const frame_view& read);

    // The head is read: a body of `known` bytes and NUL follow, or one up to NUL.
    void begin_body(std::optional<std::size_t> known) noexcept;

    struct step {
        std::size_t consumed = 0;
        bool head_ended = false; // noted() is complete; call again
        bool over = false;       // its NUL was consumed
        bool failed = false;     // no NUL where the length says that the frame ends
    };
    // REQUIRES: `bytes` are not empty and follow what was consumed.
    step pass(std::string_view bytes);

    // Subscription, ids, destination and receipt, as far as the head had them.
    frame_view noted() const { return noted_.view(); }

private:
    enum class place : unsigned char { head, known_body, body_to_nul };

    step pass_head(std::string_view bytes);
    void take_line();
    void note(std::string_view name, std::string_view value);

    frame noted_;
    std::string line_;                  // of the head, as far as it came and as far as it is kept
    std::optional<std::size_t> length_; // what content-length says
    std::size_t left_ = 0;              // known_body: bytes in front of its NUL
    place at_ = place::head;
    bool line_cut_ = false; // line_ is not all of it
};

} // namespace stomp
