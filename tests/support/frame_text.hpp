#pragma once

// Frames as one readable line, both ways: "SEND destination:/topic/a receipt:r1 | body". A blank in
// a header's value stays a blank: a word without ':' belongs to the value before it.

#include "broker/stomp/frame.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace testing_support {

inline stomp::command command_of(std::string_view name)
{
    using enum stomp::command;
    for (const auto one :
         {connect, stomp::command::stomp, send, subscribe, unsubscribe, ack, nack, begin, commit,
          abort, disconnect, connected, message, receipt, error}) {
        if (to_string(one) == name) {
            return one;
        }
    }
    throw std::invalid_argument{"no command of STOMP: " + std::string{name}};
}

inline stomp::frame frame_of(std::string_view text)
{
    stomp::frame frame;
    if (const auto bar = text.find(" | "); bar != text.npos) {
        frame.body = text.substr(bar + 3);
        text = text.substr(0, bar);
    }
    const auto next_word = [&] {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        return word;
    };
    frame.command = command_of(next_word());
    while (!text.empty()) {
        const auto word = next_word();
        const auto colon = word.find(':');
        if (colon == word.npos && !frame.headers.empty()) {
            frame.headers.back().second.append(" ").append(word);
        } else if (colon == word.npos) {
            throw std::invalid_argument{"a header without ':': " + std::string{word}};
        } else {
            frame.headers.emplace_back(word.substr(0, colon), word.substr(colon + 1));
        }
    }
    return frame;
}

// `head`: command and header lines, up to the blank line or without it.
inline std::string line_of(std::string_view head, std::string_view body)
{
    std::string line;
    for (const char c : head) {
        line += c == '\n' ? ' ' : c;
    }
    while (line.ends_with(' ')) {
        line.pop_back();
    }
    return body.empty() ? line : line + " | " + std::string{body};
}

// `bytes`: a whole frame, NUL included.
inline std::string line_of(std::string_view bytes)
{
    const auto blank = bytes.find("\n\n");
    auto body = bytes.substr(blank + 2);
    if (!body.ends_with('\0')) {
        return "(no NUL) " + line_of(bytes.substr(0, blank), body);
    }
    body.remove_suffix(1);
    return line_of(bytes.substr(0, blank), body);
}

} // namespace testing_support
