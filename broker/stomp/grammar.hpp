#pragma once

// The rules of STOMP that need no state: which lines are commands, which frames have a body, what
// an EOL, an escape and a length are in each version. Source: STOMP 1.2, "Augmented BNF"; the 1.0
// and 1.1 specifications where they differ.

#include "broker/stomp/frame.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace stomp::grammar {

std::optional<command> find_command(std::string_view line) noexcept;

// Whether a command line that goes on behind `partial` can still become a command.
bool may_become_command(std::string_view partial) noexcept;

// The line without LF, as the caller has it. 1.2: EOL is LF or CR LF. 1.0 and 1.1 say LF alone, and
// brokers take CR LF there all the same. Several CRs are a client's fault; of a broker's line none
// is left that the next reader would take for one.
inline std::string_view without_eol_cr(std::string_view line) noexcept
{
    if (!line.ends_with('\r')) {
        return line;
    }
    return line.substr(0, line.find_last_not_of('\r') + 1);
}

// 1.2, "Body": only these may have one.
inline bool carries_body(command c) noexcept
{
    return c == command::send || c == command::message || c == command::error;
}

// 1.2, "Value Encoding": for the sake of 1.0, CONNECT and CONNECTED are not escaped.
inline bool is_escaped(command c, version v) noexcept
{
    return v != version::v10 && c != command::connect && c != command::stomp &&
           c != command::connected;
}

// REQUIRES: `head` ends with LF.
bool escapes_are_defined(std::string_view head, version v) noexcept;

// The digits of a length without what some readers take and some do not: blanks around them, zeros
// in front. What is forwarded is this.
std::string_view strict_length(std::string_view value) noexcept;

inline constexpr std::string_view content_length = "content-length";

// Decimal digits only. Saturates, so that an absurd length is too large and not malformed.
std::optional<std::size_t> parse_length(std::string_view digits) noexcept;

} // namespace stomp::grammar
