#pragma once

// What a client may not say: names of the gateway's own queues, and its headers. switch.md K3.
//
// The names are secret and the queues are exclusive, so this check is a second lock. The client
// that tries such a name is told. Without the check, its neighbour would suffer by answering to
// such an address.

#include "broker/stomp/frame.hpp"

#include <optional>
#include <string_view>

namespace gateway {

// Whether the last part of a destination or of a queue's name begins as names of ours do, however
// it is written: escaped, percent-encoded, in capitals, with slashes or dots behind it.
bool names_reserved_queue(std::string_view raw);
// A sentence for the ERROR; nullopt: it may be said.
std::optional<std::string_view> reserved_word(const stomp::frame_view& frame);

} // namespace gateway
