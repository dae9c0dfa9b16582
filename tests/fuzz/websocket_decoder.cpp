// Feeds the WebSocket decoder anything, in both roles, and checks what must hold for every input:
// payloads lie within the limits, nothing comes behind the end, and cutting the bytes into other
// reads changes nothing.

#include "broker/net/utf8.hpp"
#include "broker/websocket/codec.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr std::size_t message_bytes_max = 2000;

void require(bool holds)
{
    if (!holds)
        std::abort();
}

// All events of one decoder as text; the parts of a message joined, and a part that was cut off
// left out.
class transcript {
public:
    explicit transcript(websocket::role local_role) : decoder_(local_role) {}

    // A copy of exactly that size, so that the address sanitizer sees a step beyond it.
    void read(const std::uint8_t* bytes, std::size_t size)
    {
        std::vector<char> copy(bytes, bytes + size);
        std::span<char> left{copy};
        for (std::size_t events = 0;; ++events) {
            require(events <= size + 1);
            const websocket::event heard = decoder_.next(left, message_bytes_max);
            if (heard.kind == websocket::event_kind::need_more)
                break;
            require(!over_);
            note(heard);
        }
        require(left.empty());
    }

    std::string text;

private:
    void note(const websocket::event& heard)
    {
        const std::string_view payload{heard.payload.data(), heard.payload.size()};
        switch (heard.kind) {
        case websocket::event_kind::need_more: return;
        case websocket::event_kind::data:
            message_ += payload;
            require(message_.size() <= message_bytes_max);
            if (!heard.message_end)
                return;
            require(heard.binary || net::is_utf8(message_));
            text += heard.binary ? "\nbinary:" : "\ntext:";
            text += message_;
            message_.clear();
            return;
        case websocket::event_kind::ping:
        case websocket::event_kind::pong:
            require(payload.size() <= 125);
            text += heard.kind == websocket::event_kind::ping ? "\nping:" : "\npong:";
            text += payload;
            return;
        case websocket::event_kind::close:
            require(payload.size() <= 123 && net::is_utf8(payload));
            end("\nclose:", heard);
            text += payload;
            return;
        case websocket::event_kind::failed: end("\nfailed:", heard); return;
        }
    }

    void end(const char* what, const websocket::event& heard)
    {
        over_ = true;
        text += what + std::to_string(static_cast<unsigned>(heard.code));
    }

    websocket::decoder decoder_;
    std::string message_;
    bool over_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    // The first byte chooses the role and the reads of the second transcript.
    const websocket::role role =
        (data[0] & 1) != 0 ? websocket::role::server : websocket::role::client;
    const std::size_t chop = 1 + (data[0] >> 1) % 64;
    ++data;
    --size;
    transcript whole{role}, cut{role};
    whole.read(data, size);
    for (std::size_t at = 0; at < size; at += chop)
        cut.read(data + at, std::min(chop, size - at));
    require(whole.text == cut.text);
    return 0;
}
