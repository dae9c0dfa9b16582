#pragma once

// What a broker's ERROR says, for people: in a log, a report, or a sentence to a client.

#include <string>
#include <string_view>

namespace broker {

// Without the escapes of STOMP (`expired at 19\c30` is `expired at 19:30`), on one line.
std::string plain_words(std::string_view raw);

} // namespace broker
