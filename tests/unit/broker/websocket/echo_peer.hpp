#pragma once

// An echo server and the client that talks to it, both made of the codec alone: what the
// conformance cases run against. The client's frames are written by hand here, so that they can be
// wrong, and so that an error of the encoder is not hidden by the same error in the test.

#include "broker/net/outbox.hpp"
#include "broker/websocket/codec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace websocket::test {

inline constexpr std::size_t no_limit = std::size_t{64} << 20;

// How a client's frame differs from a plain one.
struct frame_options {
    bool fin = true;
    unsigned reserved = 0; // the three RSV bits, 0..7
    bool masked = true;
    unsigned length_bytes = 0; // 0: the shortest form; 2 or 8: that form, fitting or not
};

inline std::string
raw_frame(unsigned opcode_value, std::string_view payload, frame_options options = {})
{
    constexpr unsigned char key[4] = {0x37, 0xFA, 0x21, 0x3D};
    const unsigned mask_bit = options.masked ? 0x80 : 0;
    unsigned length_bytes = options.length_bytes;
    if (length_bytes == 0)
        length_bytes = payload.size() < 126 ? 1 : payload.size() <= 0xFFFF ? 2 : 8;
    std::string frame;
    frame += static_cast<char>((options.fin ? 0x80u : 0u) | options.reserved << 4 | opcode_value);
    if (length_bytes == 1) {
        frame += static_cast<char>(mask_bit | payload.size());
    } else {
        frame += static_cast<char>(mask_bit | (length_bytes == 2 ? 126u : 127u));
        for (unsigned i = length_bytes; i-- > 0;)
            frame += static_cast<char>(std::uint64_t{payload.size()} >> (8 * i) & 0xFF);
    }
    if (options.masked)
        frame.append(reinterpret_cast<const char*>(key), 4);
    for (std::size_t i = 0; i < payload.size(); ++i) {
        const auto byte = static_cast<unsigned char>(payload[i]);
        frame += static_cast<char>(options.masked ? byte ^ key[i % 4] : byte);
    }
    return frame;
}

inline std::string text(std::string_view payload, bool fin = true)
{
    return raw_frame(1, payload, {.fin = fin});
}
inline std::string binary(std::string_view payload, bool fin = true)
{
    return raw_frame(2, payload, {.fin = fin});
}
inline std::string more(std::string_view payload, bool fin = true)
{
    return raw_frame(0, payload, {.fin = fin});
}
inline std::string ping(std::string_view payload = {})
{
    return raw_frame(9, payload);
}
inline std::string pong(std::string_view payload = {})
{
    return raw_frame(10, payload);
}
inline std::string close(std::uint16_t code, std::string_view reason = {})
{
    std::string body{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
    return raw_frame(8, body.append(reason));
}

// What one side said, message by message: "text:..", "binary:..", "ping:..", "pong:..",
// "close:CODE:..", "failed:CODE". Pieces of a message are joined.
class listener {
public:
    listener(role local_role, std::size_t message_bytes_max)
        : decoder_(local_role), message_bytes_max_(message_bytes_max)
    {
    }

    // Gives `bytes` as one read. The copy has exactly that size: the sanitizers see a step beyond
    // it.
    void hear(std::string_view bytes)
    {
        std::vector<char> read(bytes.begin(), bytes.end());
        std::span<char> left{read};
        while (true) {
            const event heard = decoder_.next(left, message_bytes_max_);
            if (heard.kind == event_kind::need_more)
                break;
            note(heard);
        }
        EXPECT_TRUE(left.empty());
    }

    std::vector<std::string> said;

private:
    void note(const event& heard)
    {
        const std::string payload{heard.payload.begin(), heard.payload.end()};
        const std::string code = std::to_string(static_cast<unsigned>(heard.code));
        switch (heard.kind) {
        case event_kind::need_more: return;
        case event_kind::data:
            message_ += payload;
            if (heard.message_end)
                said.push_back((heard.binary ? "binary:" : "text:") + std::exchange(message_, {}));
            return;
        case event_kind::ping: said.push_back("ping:" + payload); return;
        case event_kind::pong: said.push_back("pong:" + payload); return;
        case event_kind::close: said.push_back("close:" + code + ":" + payload); return;
        case event_kind::failed: said.push_back("failed:" + code); return;
        }
    }

    decoder decoder_;
    std::size_t message_bytes_max_;
    std::string message_;
};

// The echo server: says messages again, answers pings, ignores pongs, answers a close with its
// code, and closes with the failure's code. `answers` is what a client decodes from its bytes.
class echo_server {
public:
    explicit echo_server(std::size_t message_bytes_max = no_limit)
        : heard_(role::server, message_bytes_max)
    {
    }

    // Sends `bytes` in reads of `chop` bytes; 0: in one read.
    echo_server& send(std::string_view bytes, std::size_t chop = 0)
    {
        while (!bytes.empty()) {
            const std::size_t count = chop == 0 ? bytes.size() : std::min(chop, bytes.size());
            heard_.hear(bytes.substr(0, count));
            bytes.remove_prefix(count);
            answer();
        }
        return *this;
    }

    const std::vector<std::string>& answers() const { return answers_.said; }
    bool closed() const { return closed_; }

private:
    void answer()
    {
        for (const std::string& said : heard_.said) {
            ASSERT_FALSE(closed_) << "an event behind the end: " << said;
            const std::size_t colon = said.find(':');
            const std::string kind = said.substr(0, colon), payload = said.substr(colon + 1);
            if (kind == "text")
                append_message(out_, role::server, opcode::text, payload);
            else if (kind == "binary")
                append_message(out_, role::server, opcode::binary, payload);
            else if (kind == "ping")
                append_pong(out_, role::server, payload);
            else if (kind == "close" || kind == "failed")
                end(static_cast<close_code>(std::stoul(payload)));
        }
        heard_.said.clear();
        answers_.hear(out_.text());
        out_.clear();
    }

    void end(close_code code)
    {
        append_close(out_, role::server, code, {});
        closed_ = true;
    }

    listener heard_;
    listener answers_{role::client, no_limit};
    net::outbox out_;
    bool closed_ = false;
};

using answers = std::vector<std::string>;

// How a case is sent: all at once, byte by byte, and in odd pieces. What is answered must not
// depend on it.
inline constexpr std::size_t chops[] = {0, 1, 2, 3, 7, 997};

inline void expect_answers(std::string_view bytes, const answers& expected)
{
    for (const std::size_t chop : chops) {
        echo_server server;
        server.send(bytes, chop);
        EXPECT_EQ(server.answers(), expected) << "in reads of " << chop;
    }
}

} // namespace websocket::test
