#include "broker/plain_words.hpp"

#include "broker/stomp/frame.hpp"

#include <algorithm>

namespace broker {

// C13
std::string plain_words(std::string_view raw)
{
    // A text that is no header's value may hold what is no escape: then it is as it is.
    std::string plain = stomp::unescape(raw, stomp::version::v12).value_or(std::string{raw});
    std::ranges::replace_if(
        plain, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return plain;
}

} // namespace broker
