#pragma once

// Makes text that others chose (a login, a broker's error, a destination) safe to print. In JSON
// the result is valid UTF-8 whatever the bytes were. On a terminal the result cannot move the
// cursor or change colors. Pure functions.
//
// Source:     RFC 8259 sections 7 and 8.1; Unicode 15 table 3-7 (UTF-8); "Trojan Source",
//             CVE-2021-42574.

#include <cstddef>
#include <string>
#include <string_view>

namespace control {

// With its quotes. A byte that belongs to no character becomes \xNN in the value ("\\xNN" in JSON);
// what a terminal would obey or hide (below) is written as \uNNNN, which reads back the same.
std::string json_string(std::string_view text);

// For a terminal: controls (C0, DEL, C1), line separators, and what turns or hides text (bidirectional
// overrides, zero width, tags) as \uNNNN or \UNNNNNNNN; a byte of no character as \xNN.
std::string printable(std::string_view text);

// How many characters that is: the width of a column, as far as it can be told without tables.
std::size_t characters_in(std::string_view text) noexcept;

} // namespace control
